"""Classifiers of link states side by side, beside what needs no learning."""

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.utils import Bunch, check_random_state

from skdsn.dsn_now._classifier import ESTIMATORS, make_link_state_classifier
from skdsn.dsn_now._contacts import contact_groups
from skdsn.dsn_now._labels import DEBUG, is_labelled, link_state_labels
from skdsn.dsn_now._state_report import link_state_report
from skdsn.model_selection import ForwardTrackSplit, StratifiedTrackKFold
from skdsn.tracks import read_tracks

BASELINES = ("majority", "chance", "persistence")


def compare_link_state_models(
    X,
    y,
    *,
    models=ESTIMATORS,
    by=None,
    cv=None,
    embargo="1h",
    horizon=None,
    stride=1,
    random_state=0,
):
    """Compare classifiers of link states on contacts held out.

    Each is fitted in every fold and tells the rows held out; the figures are those of
    all held-out rows at once.

    Parameters
    ----------
    X : DataFrame of shape (n_rows, n_columns)
        As :func:`to_telemetry` gives it, with several contacts.
    y : Series of shape (n_rows,)
        As :func:`link_state_labels` gives it; unlabelled rows are neither learnt nor
        tested.
    models : sequence of str or dict of str to classifier, default=all four
        Names for :func:`make_link_state_classifier`, or Pipelines that take rows of
        `X` and leave unlabelled rows out.
    by : {"location", "DSS"}, str or None, default=None
        Compare within each value of a column of its own, such as each complex or each
        dish.
    cv : int, splitter or None, default=None
        None trains on contacts that are over and tests later ones, in three splits. An
        integer gives so many folds of whole contacts, blind to time. A splitter is
        asked for ``split(X)``; no row may be tested twice.
    embargo : float, str or timedelta, default="1h"
        Time between the end of training and the first row tested, where `cv` is None.
    horizon : float, str or pandas.Timedelta, default=None
        That of `y`.
    stride : int, default=1
        Models by name learn from every `stride`-th labelled row.
    random_state : int, RandomState instance or None, default=0
        Seeds the models by name and the row ``chance``.

    Returns
    -------
    Bunch
        ``table``: a row for each subset and model with ``balanced_accuracy``,
        ``macro_f1``, ``accuracy``, and the numbers ``n_rows`` and ``n_contacts`` tested
        and ``n_states`` among them; ``states``: as :func:`link_state_report`, for each
        subset and model; ``predictions``: ``truth`` and what each model told of each
        held-out row; ``skipped``: subset to the reason why it could not be split.

    Raises
    ------
    ValueError
        If there is no such column or model, a row is tested twice, or nothing can be
        split.

    See Also
    --------
    plot_link_state_confusion : Shows the predictions of one model.
    contact_groups : What is kept together.

    Notes
    -----
    Beside the models stand ``majority``, the most frequent state of the training rows;
    ``chance``, states drawn as often as in the training rows, which reach a balanced
    accuracy of one over the number of states; and ``persistence``, which is told the
    state of the row before (with a horizon: of the row itself) and takes it to stay,
    and of the rows in lock says that lock is kept. Most rows are where nothing changes,
    so persistence is hard to beat by rows, and tells no change ever.

    Balanced accuracy is the mean recall over the states that occur in the rows tested.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from skdsn.dsn_now import compare_link_state_models, link_state_labels
    >>> debug = ["IDLE OFF 0 MCD2"] * 5 + ["IN LOCK OFF 1 MCD2"] * 15
    >>> contacts = {}
    >>> for day in range(8):
    ...     times = pd.date_range("2019-02-09", periods=20, freq="1min")
    ...     contacts[f"DSS14/VGR1/{day:04}"] = pd.DataFrame(
    ...         {"signalTypeDebug_downsignal": debug, "DSS": "DSS14"},
    ...         index=times + pd.Timedelta(day, "D"),
    ...     )
    >>> X = pd.concat(contacts, names=["track", "time"])
    >>> found = compare_link_state_models(X, link_state_labels(X), models=["logistic"])
    >>> found.table["balanced_accuracy"].unstack().round(2).T["all"].to_dict()
    {'chance': 0.51, 'logistic': 0.97, 'majority': 0.5, 'persistence': 0.87}
    """
    models = _read_models(models, horizon, stride, random_state)
    if by is not None and by not in X.columns:
        raise ValueError(
            f"X has no column {by!r} to compare by; its columns are "
            f"{list(X.columns)[:10]}."
        )
    y = pd.Series(np.asarray(y), index=X.index)
    subsets = {"all": np.ones(len(X), dtype=bool)}
    if by is not None:
        names = sorted(X[by].dropna().unique())
        subsets = {name: (X[by] == name).to_numpy(bool) for name in names}
    random = check_random_state(random_state)
    told, skipped = {}, {}
    for name, rows in subsets.items():
        part, labels = X[rows], y[rows]
        splits = _splits(part, cv, embargo, skipped, name)
        if splits:
            told[name] = _predict(part, labels, splits, models, horizon, random)
    if not told:
        raise ValueError(
            "Nothing can be split: " + " ".join(map(str, skipped.values()))
        )
    predictions = pd.concat(told, names=["subset", *X.index.names])
    reports, figures = {}, {}
    for (subset, model), frame in _each(predictions):
        report = link_state_report(frame["truth"], frame["told"])
        reports[subset, model] = report
        figures[subset, model] = {
            **report.attrs,
            "n_contacts": frame.index.get_level_values(-2).nunique(),
        }
    keys = ["subset", "model"]
    table = pd.DataFrame(figures).T.rename_axis(keys)
    counts = ["n_rows", "n_contacts", "n_states"]
    return Bunch(
        table=table.astype(dict.fromkeys(counts, "int64")),
        # Sorted, since pandas warns of a look-up by subset and model otherwise.
        states=pd.concat(reports, names=keys).sort_index(
            level=keys, sort_remaining=False
        ),
        predictions=predictions,
        skipped=skipped,
    )


def _read_models(models, horizon, stride, random_state):
    if isinstance(models, str):
        models = [models]
    if not isinstance(models, dict):
        models = {
            name: make_link_state_classifier(
                name, horizon=horizon, stride=stride, random_state=random_state
            )
            for name in models
        }
    taken = [name for name in models if name in (*BASELINES, "truth")]
    if taken:
        raise ValueError(f"A model is named {taken[0]!r}, as a baseline is; rename it.")
    return models


def _splits(X, cv, embargo, skipped, name):
    """Split a subset; if it is too small, not, with the reason in `skipped`."""
    groups = None
    if cv is None:
        cv, groups = ForwardTrackSplit(3, gap=embargo), contact_groups(X)
    elif isinstance(cv, int | np.integer):
        cv, groups = StratifiedTrackKFold(int(cv)), contact_groups(X)
    try:
        splits = list(cv.split(X) if groups is None else cv.split(X, groups=groups))
    except ValueError as error:
        skipped[name] = str(error)
        return []
    tested = np.concatenate([test for _, test in splits])
    if len(np.unique(tested)) < len(tested):
        raise ValueError(
            "cv tests rows twice; take a splitter that tests every row once at most."
        )
    return splits


def _predict(X, y, splits, models, horizon, random):
    """Truth and predictions of the labelled rows held out, in the order of `X`."""
    labelled = is_labelled(y)
    held = _persistent(X, y, horizon)
    told = pd.DataFrame(index=X.index, columns=["truth", *models, *BASELINES])
    told = told.astype(object)
    told["truth"] = y.astype(object)
    tested = np.zeros(len(X), dtype=bool)
    for train, test in splits:
        learnt = np.asarray(y.iloc[train])[labelled[train]]
        if len(np.unique(learnt)) < 2:
            continue  # nothing to tell apart
        test = test[labelled[test]]
        tested[test] = True
        states, counts = np.unique(learnt, return_counts=True)
        usual = states[counts.argmax()]
        told.iloc[test, told.columns.get_loc("majority")] = usual
        told.iloc[test, told.columns.get_loc("chance")] = random.choice(
            states, size=len(test), p=counts / counts.sum()
        )
        kept = held.iloc[test].astype(object)
        told.iloc[test, told.columns.get_loc("persistence")] = kept.where(
            kept.notna(), usual
        ).to_numpy()
        for name, model in models.items():
            fitted = clone(model).fit(X.iloc[train], y.iloc[train])
            # All rows go in, since their past is needed; of the test contacts only.
            whole = X.iloc[_whole_tracks(X, test)]
            answers = pd.Series(fitted.predict(whole), index=whole.index, dtype=object)
            told.iloc[test, told.columns.get_loc(name)] = answers.loc[
                X.index[test]
            ].to_numpy()
    return told[tested]


def _whole_tracks(X, rows):
    """Rows of the tracks that some rows belong to, up to the last of these."""
    tracks = read_tracks(X)
    of_rows = tracks.of_rows()
    last = np.full(len(tracks), -1)
    np.maximum.at(last, of_rows[rows], rows)
    return np.flatnonzero(np.arange(len(X)) <= last[of_rows])


def _persistent(X, y, horizon):
    """Tell what whoever believes that nothing changes would."""
    if pd.api.types.is_numeric_dtype(y.dtype):  # is lock lost? It is not.
        return pd.Series(0, index=y.index, dtype=object)
    if DEBUG not in X.columns:
        raise ValueError(
            f"X has no column {DEBUG!r} to read the state before from; persistence "
            "needs it."
        )
    state = link_state_labels(X).astype(object)
    if horizon is not None:
        return state
    tracks = read_tracks(X)
    before = state.shift()
    before.iloc[tracks.bounds[:-1]] = np.nan
    return before


def _each(predictions):
    for subset, part in predictions.groupby(level=0, sort=False):
        for model in part.columns.drop("truth"):
            frame = part[["truth", model]].set_axis(["truth", "told"], axis=1)
            yield (subset, model), frame
