"""Save and load fitted detectors without pickle."""

import io
import json
import math
import stat
import struct
import tokenize
import warnings
import zipfile
import zlib
from importlib import metadata
from pathlib import Path

from sklearn.utils.validation import check_is_fitted

import skdsn
from skdsn._files import replacing
from skdsn.persistence._archive import HEADER, SCHEMA, Archive, pack_archive
from skdsn.persistence._schema import UnknownTypeError, check_schema, tidy
from skdsn.persistence._trusted import admitted_types, known_types

_FORMAT = "skdsn-detector"
_VERSION = 1
_PACKAGES = (
    "imbalanced-learn",
    "numpy",
    "pandas",
    "scikit-learn",
    "scipy",
    "skops",
    "skorch",
    "torch",
)
# Those whose objects are stored attribute by attribute.
_COMPARED = ("skdsn", "scikit-learn", "imbalanced-learn")
_FIELDS = ("version", "packages", "feature_names", "columns")
_MAX_SIZE = 2**30
# What a file that is not as save writes it may raise on the way.
_BROKEN = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RuntimeError,
    SyntaxError,
    SystemError,
    TypeError,
    ValueError,
    struct.error,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)


def save(detector, path, *, columns=None):
    """Save a fitted detector as data, without code.

    Parameters
    ----------
    detector : fitted estimator
        A recipe, or anything made of the estimators of skdsn and common ones of
        scikit-learn and imbalanced-learn. Own classes can be saved too; ``load`` has
        to be told to trust them.
    path : str or path-like
        By custom ``*.skops``. A file there is replaced once the new one is complete.
    columns : dict, default=None
        Anything that JSON can hold, kept beside the detector: what the columns of its
        telemetry are, say.

    Raises
    ------
    TypeError
        If the detector holds an object that cannot be stored without pickle; the
        message names it and its place.
    sklearn.exceptions.NotFittedError
        If the detector is not fitted.
    ImportError
        If skops is not installed.

    See Also
    --------
    load : Reads the file.

    Notes
    -----
    Of a network the parameters of its module and its weights are kept, neither the
    optimizer nor the losses (those are in ``history_``). The training rows that a
    sampler keeps are left out, and so is the cache (`memory`) of a Pipeline. The file
    is read back before it is put in its place, so that what ``save`` has written
    ``load`` reads. Equal detectors make equal files.

    References
    ----------
    skops, https://skops.readthedocs.io

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from sklearn.ensemble import IsolationForest
    >>> from skdsn.persistence import load, save
    >>> X = np.random.default_rng(0).normal(size=(50, 2))
    >>> detector = IsolationForest(n_estimators=5, random_state=0).fit(X)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "detector.skops"
    ...     save(detector, path)
    ...     loaded = load(path)
    >>> bool((loaded.score_samples(X) == detector.score_samples(X)).all())
    True
    """
    skops = _skops()
    check_is_fitted(detector)
    from skdsn.persistence._stored import pack

    _check_columns(columns)
    header = {
        "format": _FORMAT,
        "version": _VERSION,
        "packages": _versions(),
        "feature_names": _feature_names(detector),
        "columns": columns or {},
    }
    with zipfile.ZipFile(io.BytesIO(skops.dumps(pack(detector)))) as file:
        schema = json.loads(file.read(SCHEMA))
        names = tidy(schema, known_types())
        arrays = {new: file.read(old) for old, new in names.items()}
    data = pack_archive(schema, header, arrays)
    try:
        _restore(data, None, math.inf)
    except _BROKEN as error:
        raise TypeError(
            f"The detector cannot be stored without pickle: read back, {error}; "
            "replace that part of it, or pickle the detector."
        ) from error
    with replacing(path) as draft:
        draft.write_bytes(data)


def load(path, *, trusted=(), max_size=_MAX_SIZE):
    """Load a detector that ``save`` has written.

    Reading the file runs no code that is in it, and whatever it holds, neither reading
    it nor scoring with what came out of it makes the process crash.

    Parameters
    ----------
    path : str or path-like
    trusted : list of str or type, default=()
        Classes and functions to admit beside those known to be harmless, such as
        ``["my_package.MyScaler"]``. The module of each is imported, and what the file
        says of its objects is believed: name only what you know, for a file that you
        trust.
    max_size : int, default=2**30
        Bytes that the file may unpack to.

    Returns
    -------
    estimator
        Fitted; it scores bit by bit as the one that was saved, on the same machine and
        versions. Networks that were trained on CUDA come back to it where there is one.

    Raises
    ------
    ValueError
        If the file is broken, holds a type that is not admitted, or comes from a later
        version of the format; the message names the type.
    ImportError
        If skops is not installed.

    Warns
    -----
    UserWarning
        If another version of skdsn, scikit-learn or imbalanced-learn saved it.

    See Also
    --------
    read_header : Tells what a file is without loading it.

    Notes
    -----
    Beside the names of types, which skops checks too, what they hold is checked: the
    links of trees, the features that they ask for, the shapes of weights, the
    parameters of estimators. A forged file can still make a detector that is useless,
    raises an error when it scores, or asks for more memory or time than there is.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from skdsn.detectors import make_channel_detector
    >>> from skdsn.persistence import load, save
    >>> X = np.sin(np.arange(300) / 9)[:, None]
    >>> detector = make_channel_detector(window_size=200).fit(X)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(detector, Path(folder) / "detector.skops")
    ...     loaded = load(Path(folder) / "detector.skops")
    >>> list(loaded.named_steps)
    ['distances', 'smooth', 'threshold']
    """
    _skops()
    path, admitted = Path(path), admitted_types(trusted)
    data = _read(path, max_size)
    try:
        detector, header = _restore(data, admitted, max_size)
    except UnknownTypeError as error:
        raise ValueError(
            f"{path} holds {error}, which is not known to be harmless; if you know it "
            f"and trust the file, which could run code through it, give load "
            f"trusted=['{error}']."
        ) from error
    except _BROKEN as error:
        raise ValueError(_complain(path, error)) from error
    _compare_versions(path, header["packages"])
    return detector


def read_header(path, *, max_size=_MAX_SIZE):
    """Tell what a file is that ``save`` has written, without loading the detector.

    Parameters
    ----------
    path : str or path-like
    max_size : int, default=2**30
        Bytes that the file may unpack to.

    Returns
    -------
    dict
        ``version`` of the format; ``packages``, their versions; ``feature_names``, a
        list of str in the order of the columns, or None; ``columns``, as it was saved.

    Raises
    ------
    ValueError
        If the file is broken, or comes from a later version of the format.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn.ensemble import IsolationForest
    >>> from skdsn.persistence import read_header, save
    >>> detector = IsolationForest(n_estimators=2).fit([[1.0], [2.0]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "detector.skops"
    ...     save(detector, path, columns={"time": "utc"})
    ...     read_header(path)["columns"]
    {'time': 'utc'}
    """
    path = Path(path)
    data = _read(path, max_size)
    try:
        return _header(Archive(data, max_size))
    except _BROKEN as error:
        raise ValueError(_complain(path, error)) from error


def _check_columns(columns):
    try:
        whole = columns is None or json.loads(json.dumps(columns)) == columns
    except TypeError:
        whole = False
    if not whole or not isinstance(columns, dict | None):
        raise TypeError(
            f"columns must be a dict of what JSON can hold; got {columns!r}."
        )


def _skops():
    try:
        import skops.io
    except ImportError as error:
        raise ImportError(
            "Saving without pickle needs skops; install it with pip install "
            "'skdsn[skops]'."
        ) from error
    return skops.io


def _read(path, max_size):
    if path.is_dir():
        raise ValueError(f"{path} is a folder; name a detector file.")
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise ValueError(f"{path} is no regular file; name a detector file.")
    size = status.st_size
    if size > max_size:
        raise ValueError(
            f"{path} has {size} bytes, more than max_size={max_size}; raise that if "
            "the file is yours."
        )
    data = path.read_bytes()
    if data[:4] != b"PK\x03\x04":
        raise ValueError(
            f"{path} is not a detector file of skdsn.persistence; make one with save, "
            "and open a pickle with pickle, if you trust it."
        )
    return data


def _header(archive):
    header = archive.read_json(HEADER)
    if header["format"] != _FORMAT or type(header["version"]) is not int:
        raise ValueError("it has the header of something else")
    if header["version"] > _VERSION:
        raise ValueError(
            f"it has version {header['version']} of the format, and this skdsn "
            f"{skdsn.__version__} reads versions up to {_VERSION}; update skdsn"
        )
    if header["version"] < 1:
        raise ValueError(f"it has version {header['version']} of the format")
    names, packages = header["feature_names"], header["packages"]
    if names is not None and type(names) is not list:
        raise ValueError("its header has feature_names that are no list")
    for field in ("packages", "columns"):
        if type(header[field]) is not dict:
            raise ValueError(f"its header has {field} that are no JSON object")
    versions = [*packages.values(), *packages]
    if not all(type(text) is str for text in [*versions, *(names or [])]):
        raise ValueError("its header has a name or a version that is no text")
    if not all(len(text) < 100 and text.isprintable() for text in versions):
        raise ValueError("its header has versions that are none")
    return {name: header[name] for name in _FIELDS}


def _restore(data, admitted, max_size):
    """Make a detector of a file, and give its header."""
    from skdsn.persistence._stored import unpack

    with warnings.catch_warnings():
        # Of versions, which are compared once; and of NumPy, on broken arrays.
        warnings.simplefilter("ignore")
        archive = Archive(data, max_size)
        header = _header(archive)
        found = check_schema(archive.read_json(SCHEMA), archive, admitted)
        detector = unpack(_skops().loads(data, trusted=sorted(found)))
        check_is_fitted(detector)
    if _feature_names(detector) != header["feature_names"]:
        raise ValueError("its header and its detector have different feature names")
    return detector, header


def _feature_names(detector):
    names = getattr(detector, "feature_names_in_", None)
    return None if names is None else list(names)


def _versions():
    versions = {name: metadata.version(name) for name in _PACKAGES}
    return {"skdsn": skdsn.__version__, **versions}


def _compare_versions(path, saved):
    here = _versions()
    other = [name for name in _COMPARED if saved.get(name) != here[name]]
    if other:
        then = ", ".join(f"{name} {saved.get(name)}" for name in other)
        now = ", ".join(f"{name} {here[name]}" for name in other)
        warnings.warn(
            f"{path} was saved by {then}, this is {now}; fit it again if its scores "
            "look wrong.",
            UserWarning,
            stacklevel=3,
        )


def _complain(path, error):
    reason = " ".join(str(error).split()) or type(error).__name__
    return f"{path} is no whole detector file: {reason[:300].rstrip('.')}."
