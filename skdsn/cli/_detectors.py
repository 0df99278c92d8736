"""Detectors: made from the arguments, saved, and loaded again."""

import ast
import inspect
import pickle
import sys
import warnings
from contextlib import contextmanager
from pathlib import Path

import skdsn
from skdsn._core.names import closest
from skdsn._files import check_target, replacing
from skdsn.base import inner_estimator
from skdsn.detectors import (
    TunedThresholdDetector,
    make_dsn_detector,
    make_esa_detector,
    make_housekeeping_detector,
    make_jwst_detector,
    make_mro_detector,
)
from skdsn.model_selection import GroupedTrackSplit, StratifiedTrackKFold
from skdsn.persistence import load, read_header, save

_FORMAT = "skdsn-detector-2"
_WITHOUT_PICKLE = ".skops"
_ZIP = b"PK\x03\x04"
_RECIPES = {
    "dsn": make_dsn_detector,
    "mro": make_mro_detector,
    "jwst": make_jwst_detector,
    "esa": make_esa_detector,
    "housekeeping": make_housekeeping_detector,
}
# Recipes that learn what is normal where there are no labels.
UNLABELLED = {"esa", "housekeeping"}
# Recipes that have no use for labels.
LABEL_FREE = {"housekeeping"}
# What reading a broken pickle may raise.
_BROKEN = (
    pickle.UnpicklingError,
    ArithmeticError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    MemoryError,
    RuntimeError,
    SystemError,
    TypeError,
    ValueError,
)


def make_recipe(args):
    """Make the detector that the arguments describe.

    Parameters
    ----------
    args : argparse.Namespace

    Returns
    -------
    imblearn.pipeline.Pipeline
    """
    recipe = _RECIPES[args.recipe]
    taken = inspect.signature(recipe).parameters
    options = {
        "n_jobs": args.jobs,
        "random_state": args.seed,
        "verbose": int(sys.stderr.isatty()),
    }
    options = {name: value for name, value in options.items() if name in taken}
    if args.epochs is not None:
        if "max_epochs" not in taken:
            raise ValueError(
                f"--epochs: the recipe {args.recipe} has no network to train."
            )
        options["max_epochs"] = args.epochs
    given = _overrides(args.overrides)
    # Which steps there are, and of what kind, may depend on the recipe's own options.
    own = {name: value for name, value in given.items() if name in taken}
    plain = recipe(**own)
    known = {*taken, *plain.get_params()}
    for name in given:
        if name not in known:
            close = closest(name, known)
            hint = f"; did you mean {close!r}?" if close else "."
            raise ValueError(
                f"--set: the recipe {args.recipe} has no parameter {name!r}{hint}"
            )
    if getattr(args, "spacecraft", None):
        # In the SMAP/MSL set the row number tells where anomalies are likely.
        options["align__clocks"] = ()
        if "time" in plain.named_steps:
            options["time"] = "passthrough"
    return recipe(**(options | given))


def _overrides(items):
    """Read what was given with --set."""
    given = {}
    for item in items:
        name, equals, text = item.partition("=")
        if not equals:
            raise ValueError(f"--set takes NAME=VALUE; got {item!r}.")
        given[name] = _value(text)
    return given


def tune(detector, args, cv):
    """Have the threshold of a detector chosen by the arguments.

    Parameters
    ----------
    detector : estimator
    args : argparse.Namespace
    cv : int or splitter

    Returns
    -------
    TunedThresholdDetector
    """
    return TunedThresholdDetector(
        detector,
        objective=args.objective,
        max_false_alarms=args.max_false_alarms,
        cv=cv,
    )


@contextmanager
def naming_options(*others):
    """Tell by options, rather than parameters, what to do without a held-out anomaly.

    Parameters
    ----------
    *others : str
        Options that help too.
    """
    try:
        yield
    except ValueError as error:
        parameter = "use objective='false_alarms'"
        if parameter not in str(error):
            raise
        options = " or ".join(("--objective false_alarms", *others))
        told = str(error).replace(parameter, f"give {options}")
        raise ValueError(told) from error


def add_up_in_order(detector):
    """Have the forest of a fitted recipe, if any, score in a single thread.

    Threads add up the trees in any order, so that scores would differ in their last
    digit from one run to the next.

    Parameters
    ----------
    detector : fitted Pipeline, or what is around one

    Returns
    -------
    The detector, changed.
    """
    last = inner_estimator(detector).named_steps.get("classify")
    forest = getattr(last, "classifier_", last)  # behind a gate
    calibrated = getattr(forest, "calibrated_classifiers_", [])
    for scoring in [part.estimator for part in calibrated] or [forest]:
        if hasattr(scoring, "n_jobs"):
            scoring.set_params(n_jobs=None)
    return detector


def folds(data, n_splits, *, random_state=None):
    """Make a splitter that keeps together what the data say belongs together.

    Parameters
    ----------
    data : Bunch
        As :func:`skdsn.cli._read.read_data` returns it.
    n_splits : int
    random_state : int, default=None
        Shuffles the tracks.

    Returns
    -------
    splitter
    """
    shuffle = random_state is not None
    cv = StratifiedTrackKFold(n_splits, shuffle=shuffle, random_state=random_state)
    if data.groups is None and not data.train_only:
        return cv
    return GroupedTrackSplit(cv, groups=data.groups, train_only=data.train_only)


def check_detector_target(path):
    """Refuse a path that no detector can be saved to.

    Parameters
    ----------
    path : str or path-like
    """
    if check_target(path).suffix.lower() == _WITHOUT_PICKLE:
        try:
            import skops.io  # noqa: F401
        except ImportError as error:
            raise ImportError(
                f"saving {path} without pickle needs skops: pip install skdsn[skops]"
            ) from error


def save_detector(path, detector, columns=None):
    """Save a fitted detector, with the version of skdsn.

    Parameters
    ----------
    path : str or path-like
        With the suffix ``.skops`` it is saved without pickle, see
        :func:`skdsn.persistence.save`; otherwise as a pickle.
    detector : fitted estimator
    columns : dict, default=None
        What the columns of its telemetry are, as
        :func:`skdsn.cli._read.telemetry_columns` returns it.
    """
    if Path(path).suffix.lower() == _WITHOUT_PICKLE:
        save(detector, path, columns=columns)
        return
    content = {
        "format": _FORMAT,
        "skdsn": skdsn.__version__,
        "detector": detector,
        "columns": columns or {},
    }
    with replacing(path) as draft, draft.open("wb") as file:
        pickle.dump(content, file, protocol=pickle.HIGHEST_PROTOCOL)


def load_detector(path):
    """Load a saved detector, a pickle or not, as its content says.

    It may also be the pickle of a fitted estimator. Reading a pickle can run any code
    that is in it.

    Parameters
    ----------
    path : str or path-like

    Returns
    -------
    detector : fitted estimator
    columns : dict
        As they were saved; empty for the pickle of an estimator.

    Raises
    ------
    ValueError
        If the file holds anything else.

    Warns
    -----
    UserWarning
        If another version of skdsn saved it.
    """
    path = Path(path)
    if path.is_dir():
        raise ValueError(f"{path} is a folder; name a detector file.")
    if path.exists() and not path.is_file():
        raise ValueError(f"{path} is no regular file; name a detector file.")
    with path.open("rb") as file:
        begin = file.read(4)
        if begin == _ZIP:
            columns = read_header(path)["columns"]
            _check_columns(path, columns)
            return load(path), columns
        is_pickle = begin[:1] == b"\x80"
        file.seek(0)
        try:
            content = pickle.load(file) if is_pickle else None
        except _BROKEN as error:
            raise ValueError(
                f"{path} is broken, or needs packages that are not installed: {error}"
            ) from error
    if hasattr(content, "predict") and hasattr(content, "get_params"):
        return content, {}  # pickled from Python
    known = isinstance(content, dict) and content.get("format") == _FORMAT
    if not known or not {"skdsn", "detector", "columns"} <= set(content):
        raise ValueError(
            f"{path} is not a detector file; make one with skdsn fit ... --out {path}"
        )
    _check_columns(path, content["columns"])
    if content["skdsn"] != skdsn.__version__:
        warnings.warn(
            f"{path} was saved by skdsn {content['skdsn']}, this is skdsn "
            f"{skdsn.__version__}; fit it again if its scores look wrong.",
            UserWarning,
            stacklevel=2,
        )
    return content["detector"], content["columns"]


def _check_columns(path, columns):
    """Refuse what is not said of columns as ``fit`` or ``train`` says it."""
    told = columns if isinstance(columns, dict) else {"columns": columns}
    expected = {"columns": dict, "drop": list, "kinds": dict, "mission": dict}
    expected |= dict.fromkeys(("track", "time"), str | None)
    for name, kind in expected.items():
        if name in told and not isinstance(told[name], kind):
            raise ValueError(
                f"{path} is broken: what it says of columns has {told[name]!r} for "
                f"{name!r}; fit the detector again."
            )
    if not isinstance(told.get("mission", {}).get("format", {}), dict) or not all(
        isinstance(name, str) for name in told.get("drop", ())
    ):
        raise ValueError(
            f"{path} is broken: what it says of columns has a drop that is no list of "
            "names, or a mission without a format; fit the detector again."
        )


def _value(text):
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
