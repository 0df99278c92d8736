"""Errors of several kinds, side by side, for one threshold."""

from numbers import Real

import numpy as np
import pandas as pd
from sklearn.base import TransformerMixin, clone
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from skdsn._sklearn import (
    NAMES,
    Interval,
    StrOptions,
    check_feature_names_in,
    fit_context,
    output_container,
    safe_set_output,
)
from skdsn.base import RowTransformer, check_keys, read_labels, read_rows
from skdsn.detectors._parts import NamedMembers, pairs
from skdsn.streaming import stream_steps


class ErrorUnion(TransformerMixin, NamedMembers):
    """Measure errors in several ways on the same rows.

    What a :class:`~sklearn.pipeline.FeatureUnion` is to features, for stages that emit
    errors, with memory too: each sees the telemetry as it is, and gives one column.

    Parameters
    ----------
    stages : list of (str, transformer)
        Encoders, forecasters, :class:`SubsequenceDistances`, or Pipelines that end in
        one.

    Attributes
    ----------
    stages_ : list of (str, transformer)
        Fitted.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)

    Raises
    ------
    ValueError
        If two stages have the same name, or one emits no error.

    See Also
    --------
    ErrorCombiner : Makes one error of them.

    Notes
    -----
    ``transform`` returns ``error_<name>`` for each stage: the mean of its
    ``error_<channel>`` columns, or its ``error`` if it has no others.

    Examples
    --------
    A threshold for distances and a forecast together:

    >>> import numpy as np
    >>> import pandas as pd
    >>> from skdsn.detectors import ErrorCombiner, ErrorUnion
    >>> from skdsn.detectors import SubsequenceDistances, make_channel_detector
    >>> from skdsn.forecasters import RidgeForecaster
    >>> union = ErrorUnion(
    ...     [("shape", SubsequenceDistances(length=10)), ("step", RidgeForecaster())]
    ... )
    >>> X = pd.DataFrame({"volt": np.sin(np.arange(100) / 5)})
    >>> list(union.fit_transform(X).columns)
    ['error_shape', 'error_step']
    >>> detector = make_channel_detector(distances=union)
    >>> detector.steps.insert(2, ("combine", ErrorCombiner()))
    >>> list(detector.fit(X).named_steps)
    ['distances', 'smooth', 'combine', 'threshold']
    """

    _parameter_constraints: dict = {"stages": [list]}
    _members = "stages"

    def __init__(self, stages):
        self.stages = stages

    def set_output(self, *, transform=None):
        """Set what ``transform`` returns, here and in the stages.

        Parameters
        ----------
        transform : {"default", "pandas"} or None, default=None

        Returns
        -------
        self : object
        """
        super().set_output(transform=transform)
        for _, stage in [*self.stages, *getattr(self, "stages_", [])]:
            safe_set_output(stage, transform=transform)
        return self

    def fit(self, X, y=None):
        """Fit the stages.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
            Telemetry indexed by (track, time) or time; an array is one track.
        y : array-like of shape (n_rows,), default=None
            1 = anomalous, 0 = normal, -1 = unlabelled.

        Returns
        -------
        self : object
        """
        self.fit_transform(X, y)
        return self

    @fit_context(prefer_skip_nested_validation=False)
    def fit_transform(self, X, y=None):
        """Fit the stages, and measure the training rows as each stage does in fitting.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
        y : array-like of shape (n_rows,), default=None

        Returns
        -------
        DataFrame or ndarray of shape (n_rows, n_stages)
        """
        rows = self._read(X, reset=True)
        labels = read_labels(y, rows.tracks, unlabelled=True)
        if not self.stages:
            raise ValueError("ErrorUnion has no stage; name at least one.")
        self._check_members()
        for name, stage in self.stages:
            if not hasattr(stage, "fit_transform"):
                raise TypeError(
                    f"Stage {name!r} is a {type(stage).__name__}, which transforms "
                    "nothing; take a forecaster, an encoder or SubsequenceDistances."
                )
        if labels is not None and isinstance(X, pd.DataFrame):
            labels = pd.Series(labels, index=X.index)
        self.stages_, columns = [], []
        for name, stage in self.stages:
            fitted = clone(stage)
            out = fitted.fit_transform(X, labels)
            self.stages_.append((name, fitted))
            columns.append(_own_error(name, fitted, out))
        return self._table(columns, X)

    def transform(self, X):
        """Measure rows.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)

        Returns
        -------
        DataFrame or ndarray of shape (n_rows, n_stages)
            With the index of `X`.
        """
        check_is_fitted(self)
        self._read(X, reset=False)
        columns = [
            _own_error(name, stage, stage.transform(X)) for name, stage in self.stages_
        ]
        return self._table(columns, X)

    def stream(self, X, state=None):
        """Measure a chunk of rows that continues earlier ones.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
        state : dict, default=None
            What the call for the previous chunk returned; None to start afresh.

        Returns
        -------
        Xt : DataFrame or ndarray of shape (n_rows, n_stages)
        state : dict
            Stage to its own state.
        """
        check_is_fitted(self)
        self._read(X, reset=False)
        if state is not None:
            check_keys(state, [name for name, _ in self.stages_])
        new, columns = {}, []
        for name, stage in self.stages_:
            out, after = stream_steps(
                Pipeline([(name, stage)]), X, None if state is None else state[name]
            )
            new[name] = after
            columns.append(_own_error(name, stage, out))
        table = self._table(columns, X)
        if isinstance(table, np.ndarray) and output_container(self) == "pandas":
            table = pd.DataFrame(table, columns=self.get_feature_names_out())
        return table, new

    def get_feature_names_out(self, input_features=None):
        """Name the columns that ``transform`` returns.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Only checked against the columns seen in ``fit``.

        Returns
        -------
        ndarray of str objects of shape (n_stages,)
        """
        check_is_fitted(self)
        check_feature_names_in(self, input_features)
        return np.array([f"error_{name}" for name, _ in self.stages_], dtype=object)

    def _read(self, X, *, reset):
        return read_rows(self, X, reset=reset, text=True, missing=True)

    def _table(self, columns, X):
        table = np.column_stack(columns)
        if not isinstance(X, pd.DataFrame):
            return table
        return pd.DataFrame(table, X.index, self.get_feature_names_out())

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        parts = [get_tags(stage).input_tags for _, stage in pairs(self.stages)]
        tags.input_tags.allow_nan = all(part.allow_nan for part in parts)
        tags.transformer_tags.preserves_dtype = []
        return tags


def _own_error(name, stage, out):
    """Make one column of the errors that a stage emits."""
    names = list(stage.get_feature_names_out())
    own = [i for i, column in enumerate(names) if str(column).startswith("error_")]
    own = own or [i for i, column in enumerate(names) if column == "error"]
    if not own:
        raise ValueError(
            f"Stage {name!r} emits no column 'error' or 'error_<channel>', but "
            f"{names[:5]}; take a forecaster, an encoder or SubsequenceDistances."
        )
    return np.asarray(out, dtype=np.float64)[:, own].mean(axis=1)


class ErrorCombiner(RowTransformer):
    """Make one error of several, each in units of its largest training error.

    Errors of different kinds have no common unit: a distance, a forecast error, a
    violation of limits. The largest smoothed error of normal training rows is one.

    Parameters
    ----------
    columns : sequence of str or None, default=None
        Columns of errors; None takes all.
    how : {"max", "mean"}, default="max"
        The largest of the errors, so that each can raise an alarm alone; or their mean,
        so that they have to agree.
    least : float, default=1e-9
        Largest training errors below it are taken for it, such as those of a channel
        that does not move.

    Attributes
    ----------
    scale_ : float64 ndarray of shape (n_columns,)
        Largest training errors.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)

    Notes
    -----
    ``transform`` returns ``error``, followed by the errors that it is made of, in the
    new unit. A missing error counts for nothing; where all are missing so is the
    result.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdsn.detectors import ErrorCombiner
    >>> X = pd.DataFrame({"error_a": [1.0, 2.0], "error_b": [10.0, 5.0]})
    >>> ErrorCombiner().fit(X).transform(X * 3)
       error  error_a  error_b
    0    3.0      1.5      3.0
    1    3.0      3.0      1.5
    """

    _parameter_constraints: dict = {
        "columns": [None, *NAMES],
        "how": [StrOptions({"max", "mean"})],
        "least": [Interval(Real, 0, None, closed="neither")],
    }
    _missing = True

    def __init__(self, *, columns=None, how="max", least=1e-9):
        self.columns = columns
        self.how = how
        self.least = least

    def _fit(self, rows, y):
        names = list(check_feature_names_in(self))
        wanted = names if self.columns is None else list(self.columns)
        absent = [name for name in wanted if name not in names]
        if absent:
            raise ValueError(
                f"columns names {absent[0]!r}, which is not a column of X; it has "
                f"{names[:5]}{' and more' if len(names) > 5 else ''}."
            )
        if not wanted or "error" in wanted:
            raise ValueError(
                "columns has to name at least one column, and none called 'error', as "
                f"the result is; got {wanted}."
            )
        self._combined = [names.index(name) for name in wanted]
        labels = read_labels(y, rows.tracks, unlabelled=True)
        errors = rows.data[:, self._combined]
        if labels is not None:
            if (labels == 1).all():
                raise ValueError(
                    f"y labels all n_samples={len(labels)} rows as anomalous, but "
                    "ErrorCombiner learns from normal or unlabelled rows."
                )
            errors = errors[labels != 1]
        largest = np.fmax.reduce(errors, axis=0)
        if np.isnan(largest).any():
            name = wanted[int(np.isnan(largest).argmax())]
            raise ValueError(
                f"Column {name!r} has no error in the normal training rows, so there "
                "is no unit for it; leave it out of columns."
            )
        self.scale_ = np.maximum(largest, self.least)

    def _transform(self, data):
        errors = data[:, self._combined] / self.scale_
        known = ~np.isnan(errors)
        if self.how == "max":
            combined = np.fmax.reduce(errors, axis=1)
        else:
            total = np.where(known, errors, 0).sum(axis=1)
            count = known.sum(axis=1)
            combined = np.where(count > 0, total / np.maximum(count, 1), np.nan)
        return np.column_stack([combined, errors])

    def _names_out(self, names):
        return ["error", *(names[i] for i in self._combined)]
