"""Search the parameters of a whole detector, with whole tracks held out."""

import errno
import pickle
import time
from collections.abc import Mapping

import joblib
import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.utils import Bunch

from skdsn._core.names import closest
from skdsn._files import check_target
from skdsn.metrics import get_event_scorer
from skdsn.model_selection._checks import check_integer
from skdsn.model_selection._held_out import read_splits, read_telemetry
from skdsn.model_selection._split import StratifiedTrackKFold

# What the published systems search, for any network and any forest: by the parameters
# that tell one, the ranges of others.
_SPACES = {
    ("max_epochs",): {
        "learning_rate": ("log", 1e-4, 1e-2),
        "hidden_size": ("choice", 32, 64, 128),
        "n_layers": ("int", 1, 3, 1),
        "dropout": ("float", 0.1, 0.5),
        "weight_decay": ("log", 1e-6, 1e-4),
    },
    ("n_estimators", "min_samples_leaf"): {
        "n_estimators": ("int", 100, 400, 50),
        "max_depth": ("int", 10, 30, 1),
        "min_samples_split": ("int", 2, 20, 1),
        "min_samples_leaf": ("int", 1, 20, 1),
    },
}
_ATTEMPTS = 10
# Parameters that change no score, or hold estimators whose parameters are listed too.
_HARMLESS = {"device", "memory", "n_jobs", "steps", "transformers", "verbose"}
# What a trial may fail with; anything else ends the search.
_FAILURES = (ValueError, TypeError, ArithmeticError, RuntimeError)


def search_space(detector):
    """Give the ranges that the published systems search, where a detector has them.

    Parameters
    ----------
    detector : estimator
        A Pipeline, say; whatever is inside it counts.

    Returns
    -------
    dict of str to optuna.distributions.BaseDistribution
        By parameter, such as ``"encode__hidden_size"``. Networks: learning rate, size
        and number of layers, dropout, weight decay. Forests: number and depth of
        trees, rows to split and rows of a leaf.

    See Also
    --------
    tune : Searches it.

    Examples
    --------
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from skdsn.model_selection import search_space
    >>> search_space(RandomForestClassifier())["max_depth"]
    IntDistribution(high=30, log=False, low=10, step=1)
    """
    names = list(detector.get_params())
    owned = {}
    for name in names:
        owner, _, own = name.rpartition("__")
        owned.setdefault(owner, set()).add(own)
    space = {}
    for name in names:
        owner, _, own = name.rpartition("__")
        for marks, ranges in _SPACES.items():
            if own in ranges and owned[owner].issuperset(marks):
                space[name] = _distribution(*ranges[own])
    return space


def tune(
    detector,
    X,
    y,
    *,
    n_trials=50,
    space=None,
    cv=None,
    scoring="average_precision",
    storage=None,
    study_name="skdsn",
    timeout=None,
    random_state=None,
    refit=True,
    callback=None,
):
    """Search the parameters of a detector, and fit it with the best ones.

    A trial fits the whole detector, so that nothing is learnt from the tracks held
    out, and is given up where it is worse than half of the others after as many folds.
    The first one tries the detector as it is.

    Parameters
    ----------
    detector : estimator
        It is cloned, never changed.
    X : DataFrame of shape (n_rows, n_features)
        Telemetry indexed by (track, time).
    y : array-like of shape (n_rows,)
        1 = anomalous, 0 = normal; -1 = unlabelled, in tracks that no fold tests.
    n_trials : int, default=50
        Trials of the study in all, those of earlier calls and other processes included.
    space : dict of str to optuna distribution or list, default=None
        Parameter to its range, or to a list of values; :func:`search_space` when None.
    cv : int or splitter, default=None
        ``StratifiedTrackKFold(3)`` when None.
    scoring : str or callable, default="average_precision"
        Name of a metric (see :func:`~skdsn.metrics.get_event_scorer`), or a scorer.
    storage : str or path-like, default=None
        File of an SQLite database, or the URL of a database, in which the study is
        kept: the same call then goes on where it stopped, and several processes work
        on one study. None keeps it in memory.
    study_name : str, default="skdsn"
        Of the study in that database.
    timeout : float, default=None
        Seconds after which no new trial is begun.
    random_state : int, default=None
        Of the search; give each process its own.
    refit : bool, default=True
        Fit the best detector on all rows; otherwise it only has the best parameters.
    callback : callable, default=None
        Called with the study and the trial, as Optuna's callbacks are, when one ends.

    Returns
    -------
    Bunch
        detector : estimator
            With the best parameters; fitted on all rows, with `refit`.
        params : dict
        score : float
            Mean over folds of the best trial. The best of many is optimistic: measure
            the detector on tracks that no trial saw.
        study : optuna.Study
        trials : DataFrame
            A row per trial.

    Raises
    ------
    ValueError
        If there is nothing to search, a parameter is none of the detector, the stored
        study searched something else, or every trial failed: then with the last
        failure.
    OSError
        If the database is locked, or its folder is not there.

    Notes
    -----
    The sampler is Optuna's tree-structured Parzen estimator, the pruner its median
    rule.

    References
    ----------
    T. Akiba et al., "Optuna: a next-generation hyperparameter optimization framework",
    KDD 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skdsn.model_selection import tune
    >>> from skdsn.tracks import stack_tracks
    >>> rng = np.random.default_rng(0)
    >>> X = stack_tracks({name: rng.normal(size=(50, 2)) for name in "ABCDEF"})
    >>> y = np.tile(np.arange(50) // 10 == 3, 6).astype(int)
    >>> X[y == 1] += 2
    >>> tree = DecisionTreeClassifier(random_state=0)
    >>> found = tune(tree, X, y, space={"max_depth": [1, 3, 9]}, n_trials=4, cv=2)
    >>> len(found.trials), found.detector.get_params()["max_depth"] in (1, 3, 9)
    (4, True)
    """
    from optuna.trial import TrialState as states

    check_integer("n_trials", n_trials, lowest=1)
    _, labels, _ = read_telemetry(X, y, "tune")
    space = _read_space(space, detector)
    cv = StratifiedTrackKFold(3) if cv is None else cv
    splits, _ = read_splits(cv, X, labels)
    scorer = get_event_scorer(scoring) if isinstance(scoring, str) else scoring
    study = _open_study(storage, study_name, random_state)
    what = {
        "space": {name: repr(ranges) for name, ranges in space.items()},
        "scoring": scoring if isinstance(scoring, str) else repr(scoring),
        "number of rows": len(X),
        "number of folds": len(splits),
        "choice of rows or labels": _digest(pd.util.hash_pandas_object(labels)),
        "detector": _digest(_fixed_params(detector, space)),
    }
    _hold_to(study, what)
    study.enqueue_trial(_own_values(detector, space), skip_if_exists=True)
    ended = {states.COMPLETE, states.PRUNED, states.FAIL}
    begin, failure = time.monotonic(), None
    while _count(study, ended) < n_trials:
        if timeout is not None and time.monotonic() - begin > timeout:
            break
        trial = study.ask(space)
        try:
            score = _score_trial(trial, detector, X, labels, splits, scorer)
        except _FAILURES as error:
            failure = error
            study.tell(trial, state=states.FAIL)
        except BaseException:  # stopped from outside: the trial must not seem to run
            study.tell(trial, state=states.FAIL)
            raise
        else:
            pruned = score is None
            study.tell(trial, score, states.PRUNED if pruned else states.COMPLETE)
        if callback is not None:
            callback(study, study.trials[trial.number])
    if not _count(study, {states.COMPLETE}):
        reason = f"the last one failed: {failure}" if failure else "all failed earlier"
        raise ValueError(
            f"None of the {len(study.trials)} trials came to an end, so there is "
            f"nothing to choose; {reason}"
        ) from failure
    params = dict(study.best_params)
    best = clone(detector).set_params(**params)
    return Bunch(
        detector=best.fit(X, labels) if refit else best,
        params=params,
        score=study.best_value,
        study=study,
        trials=study.trials_dataframe(),
    )


def _score_trial(trial, detector, X, y, splits, scorer):
    """Mean score over the folds, or None if the trial is given up."""
    scores = []
    for number, (train, test) in enumerate(splits):
        candidate = clone(detector).set_params(**trial.params)
        candidate.fit(X.iloc[train], y.iloc[train])
        scores.append(scorer(candidate, X.iloc[test], y.iloc[test]))
        mean = float(np.mean(scores))
        trial.report(mean, number)
        if number < len(splits) - 1 and trial.should_prune():
            return None
    return mean


def _count(study, states):
    return len(study.get_trials(deepcopy=False, states=tuple(states)))


def _open_study(storage, name, random_state):
    import optuna
    from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError

    if storage is not None and "://" not in str(storage):
        storage = f"sqlite:///{check_target(storage)}"
    for attempt in range(_ATTEMPTS):
        try:
            study = optuna.create_study(
                storage=storage,
                study_name=name,
                direction="maximize",
                pruner=optuna.pruners.MedianPruner(),
                load_if_exists=True,
            )
            break
        except SQLAlchemyError as error:
            # Another process may be making the database right now.
            passing = isinstance(error, OperationalError | IntegrityError)
            if passing and attempt < _ATTEMPTS - 1:
                time.sleep(0.5)
                continue
            reason = str(error).splitlines()[0]
            if "locked" in reason or "full" in reason:
                raise OSError(errno.EAGAIN, f"{reason}: {storage}") from error
            raise ValueError(
                f"The storage {storage} cannot be opened: {reason}. Name another file, "
                "or remove this one."
            ) from error
    seed = None
    if random_state is not None:
        # A study that goes on must not draw again what it has drawn.
        seeds = np.random.SeedSequence([random_state, len(study.trials)])
        seed = int(seeds.generate_state(1)[0])
    study.sampler = optuna.samplers.TPESampler(seed=seed)
    return study


def _fixed_params(detector, space):
    """List the parameters that are not searched and may change a score."""
    return {
        name: value
        for name, value in detector.get_params().items()
        if name not in space
        and name.rpartition("__")[2] not in _HARMLESS
        and not hasattr(value, "get_params")
    }


def _digest(values):
    """Tell values from others, in any process; None if they cannot be written."""
    try:
        return joblib.hash(values)
    except (pickle.PicklingError, AttributeError, TypeError):
        return None


def _hold_to(study, what):
    """Refuse a stored study that searched something else."""
    known = study.user_attrs.get("searches")
    if known is None:
        study.set_user_attr("searches", what)
    elif known != what:
        different = next(key for key in what if known.get(key) != what[key])
        raise ValueError(
            f"The study {study.study_name!r} in this storage searched with another "
            f"{different}: {known.get(different)} instead of {what[different]}; give "
            "another study_name or storage."
        )


def _read_space(space, detector):
    from optuna.distributions import BaseDistribution, CategoricalDistribution

    if space is None:
        space = search_space(detector)
    if not isinstance(space, Mapping) or not space:
        raise ValueError(
            f"There is nothing to search in {type(detector).__name__}: space must be a "
            f"dict of parameter to range, with at least one entry; got {space!r}."
        )
    known = detector.get_params()
    read = {}
    for name, ranges in space.items():
        if name not in known:
            close = closest(name, known)
            hint = f"; did you mean {close!r}?" if close else "."
            raise ValueError(f"space names {name!r}, no parameter of detector{hint}")
        if isinstance(ranges, list | tuple) and ranges:
            ranges = CategoricalDistribution(list(ranges))
        if not isinstance(ranges, BaseDistribution):
            raise ValueError(
                f"space[{name!r}] must be an optuna distribution or a list of values; "
                f"got {ranges!r}."
            )
        read[name] = ranges
    return read


def _own_values(detector, space):
    """Take what the detector itself has of a space, to be tried first."""
    own = detector.get_params()
    values = {name: own[name] for name in space if own[name] is not None}
    inside = {}
    for name, value in values.items():
        distribution = space[name]
        try:
            fits = distribution._contains(distribution.to_internal_repr(value))
        except (TypeError, ValueError):
            fits = False
        if fits:
            inside[name] = value
    return inside


def _distribution(kind, *values):
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    if kind == "choice":
        return CategoricalDistribution(values)
    if kind == "int":
        low, high, step = values
        return IntDistribution(low, high, step=step)
    low, high = values
    return FloatDistribution(low, high, log=kind == "log")
