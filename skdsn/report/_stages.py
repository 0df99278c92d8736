"""What a fitted detector is made of: its Pipeline, and what a step makes of rows."""

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skdsn.base import inner_estimator
from skdsn.streaming import stream_steps


def stage_output(detector, X, step):
    """Compute what a named step of a fitted Pipeline makes of rows.

    Parameters
    ----------
    detector : fitted Pipeline
        Or an estimator around one that holds it as ``detector_``, such as
        :class:`skdsn.detectors.TunedThresholdDetector`, or as ``best_estimator_``.
    X : DataFrame or array-like of shape (n_rows, n_features)
        Telemetry as the detector takes it.
    step : str
        Name of a transformer. Samplers act in ``fit`` only: the output of one is what
        reaches it.

    Returns
    -------
    DataFrame or ndarray of shape (n_rows, n_features_out)
        As the step returns it.

    Raises
    ------
    TypeError
        If there is no Pipeline within `detector`.
    ValueError
        If the Pipeline has no such step, or it transforms nothing.

    See Also
    --------
    incident_table : Takes the errors of an encoder.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import Pipeline
    >>> from sklearn.preprocessing import MinMaxScaler
    >>> steps = [("scale", MinMaxScaler()), ("classify", LogisticRegression())]
    >>> X = [[1.0], [2.0], [5.0]]
    >>> stage_output(Pipeline(steps).fit(X, [0, 0, 1]), X, "scale").ravel()
    array([0.  , 0.25, 1.  ])
    """
    check_is_fitted(detector)
    pipeline = inner_estimator(detector)
    if not isinstance(pipeline, Pipeline):
        raise TypeError(
            "detector must be a fitted Pipeline, or hold one; "
            f"{type(pipeline).__name__} has no steps."
        )
    names = list(pipeline.named_steps)
    if step not in names:
        raise ValueError(f"The detector has no step {step!r}; its steps are {names}.")
    found = pipeline.named_steps[step]
    skipped = found in (None, "passthrough") or hasattr(found, "fit_resample")
    if not skipped and not hasattr(found, "transform"):
        raise ValueError(
            f"Step {step!r} is a {type(found).__name__}, which transforms nothing; for "
            "what the last step says call score_table(detector, X)."
        )
    if not isinstance(X, pd.DataFrame):
        X = np.asarray(X)
    output, _ = stream_steps(pipeline, X, stop=names.index(step) + 1)
    return output


def channel_errors(detector, X):
    """Compute the error of each channel: what an encoder or forecaster emits.

    Parameters
    ----------
    detector : fitted Pipeline
        Or an estimator around one, see :func:`stage_output`.
    X : DataFrame or array-like of shape (n_rows, n_features)
        Telemetry as the detector takes it.

    Returns
    -------
    DataFrame of shape (n_rows, n_channels)
        Columns ``error_<channel>`` of the last step that has such, with the index of
        `X`.

    Raises
    ------
    TypeError
        If there is no Pipeline within `detector`.
    ValueError
        If none of its steps emits errors by channel.

    See Also
    --------
    affected_channels, incident_table, window_report : Take this table.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.ensemble import IsolationForest
    >>> from sklearn.pipeline import make_pipeline
    >>> from skdsn.forecasters import RidgeForecaster
    >>> X = np.random.default_rng(0).normal(size=(50, 2))
    >>> detector = make_pipeline(RidgeForecaster(), IsolationForest(random_state=0))
    >>> channel_errors(detector.fit(X), X).columns.to_list()
    ['error_x0', 'error_x1']
    """
    step, names = error_step(detector)
    output = stage_output(detector, X, step)
    if not isinstance(output, pd.DataFrame):
        output = pd.DataFrame(output, columns=names)
    chosen = [name for name in names if name.startswith("error_")]
    return output[chosen]


def error_step(detector):
    """Name of the last step that emits errors by channel, and its output columns."""
    check_is_fitted(detector)
    pipeline = inner_estimator(detector)
    for step, stage in reversed(getattr(pipeline, "steps", [])):
        if hasattr(stage, "get_feature_names_out"):
            names = [str(name) for name in stage.get_feature_names_out()]
            if any(name.startswith("error_") for name in names):
                return step, names
    raise ValueError(
        f"No step of {type(pipeline).__name__} emits errors by channel; put an encoder "
        "or a forecaster into the Pipeline."
    )
