"""The public telemetry of SMAP and Curiosity (MSL), in telemanom's layout."""

import ast
import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from skdsn.datasets._smap_msl_groups import group_channels
from skdsn.tracks import stack_tracks

_LABELS = "labeled_anomalies.csv"
_COLUMNS = ("chan_id", "spacecraft", "anomaly_sequences", "class", "num_values")
_PARTS = ("train", "test")
_SPACECRAFT = ("SMAP", "MSL")
_SPACECRAFT_OF_WIDTH = {25: "SMAP", 55: "MSL"}


def load_smap_msl(path, *, spacecraft=None, channels=None):
    r"""Load the SMAP and MSL telemetry that was published with telemanom.

    Parameters
    ----------
    path : str or path-like
        Folder, ``.zip`` or ``.tar`` (plain or compressed) that holds
        ``labeled_anomalies.csv``, ``train/<channel>.npy`` and
        ``test/<channel>.npy``, also in sub-folders. An archive is read in place.
    spacecraft : {"SMAP", "MSL"}, default=None
        Load the channels of one spacecraft only.
    channels : str or list of str, default=None
        Load these channels only, in this order.

    Returns
    -------
    dict of str to Bunch
        Channel id to

        X_train, X_test : DataFrame of float64, shape (n_rows, 25 or 55)
            Columns ``value`` (the telemetry), ``command_0``, ``command_1``, ...
            (0 or 1); the index is the row number, named ``time``.
        y_test : Series of int64, shape (n_test_rows,)
            1 = anomalous, 0 = normal; named ``anomaly``.
        events : DataFrame, one row per labelled event, in time order
            ``start`` and ``end`` (both included, rows of X_test) and ``class``.
        spacecraft : str
        classes : list of str
            Class of each event, point or contextual.
        labelled : bool
            Whether the channel has a row in the label file.

    Raises
    ------
    FileNotFoundError
        If there is nothing at `path`, or a file is missing in it.
    ValueError
        If `spacecraft` or a channel is unknown, the archive cannot be read, or
        arrays and labels do not fit each other.

    Notes
    -----
    Quirks of the data set, and what is done about them:

    * P-2 has two label rows, [5350, 6575] and [5300, 6420]. Sequences of a channel
      that overlap become one event, here [5300, 6575]; its class names each of theirs.
    * T-10 has arrays but no label row. It is returned with no event, all of
      ``y_test`` 0 and ``labelled`` false; its width tells the spacecraft. Published
      results do not count it.
    * Label intervals of some channels are not in time order: they are sorted.
    * Channels are not aligned with each other in time, so their columns must not be
      put side by side.

    References
    ----------
    .. [1] K. Hundman et al., "Detecting spacecraft anomalies using LSTMs and
       nonparametric dynamic thresholding", KDD 2018, arXiv:1802.04431.
    .. [2] https://github.com/khundman/telemanom

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> folder = tempfile.TemporaryDirectory()
    >>> for part, n_rows in (("train", 5), ("test", 8)):
    ...     (Path(folder.name) / part).mkdir()
    ...     np.save(Path(folder.name) / part / "A-1.npy", np.zeros((n_rows, 25)))
    >>> labels = "chan_id,spacecraft,anomaly_sequences,class,num_values"
    >>> labels += '\nA-1,SMAP,"[[2, 3]]",[point],8'
    >>> _ = (Path(folder.name) / "labeled_anomalies.csv").write_text(labels)
    >>> channel = load_smap_msl(folder.name)["A-1"]
    >>> channel.y_test.tolist()
    [0, 0, 1, 1, 0, 0, 0, 0]
    >>> folder.cleanup()
    """
    if spacecraft not in (None, *_SPACECRAFT):
        raise ValueError(
            f"spacecraft must be 'SMAP', 'MSL' or None; got {spacecraft!r}."
        )
    wanted = [channels] if isinstance(channels, str) else channels
    path = Path(path)
    labels, arrays, known = _read_files(path, None if wanted is None else set(wanted))
    if wanted is None:
        wanted = list(dict.fromkeys([*labels["chan_id"], *sorted(known)]))
    by_channel = dict(list(labels.groupby("chan_id", sort=False)))
    known = known | set(by_channel)
    loaded = {}
    for name in wanted:
        if name not in known:
            raise ValueError(
                f"{path} has no channel {name!r}; it has {', '.join(sorted(known))}."
            )
        channel = _channel(path, name, arrays, by_channel.get(name))
        if spacecraft in (None, channel.spacecraft):
            loaded[name] = channel
        elif channels is not None:
            raise ValueError(
                f"Channel {name!r} belongs to {channel.spacecraft}, not to "
                f"{spacecraft}; leave out spacecraft or the channel."
            )
    return loaded


def stack_smap_msl(channels):
    """Put channels of one spacecraft below each other, as tracks.

    Parameters
    ----------
    channels : dict of str to Bunch
        As :func:`load_smap_msl` returns.

    Returns
    -------
    Bunch
        X : DataFrame indexed by (track, time)
            Two tracks per channel, ``<channel>/train`` and ``<channel>/test``.
        y : Series of int64
            1 = anomalous; all 0 in ``<channel>/train``.
        groups : Series of str
            Group of linked channels of each row, named after its first channel, so
            that a split by group has no stretch of time on both sides.

    Raises
    ------
    ValueError
        If there is no channel, or channels of both spacecraft, whose columns mean
        different things.

    Notes
    -----
    Channels are linked when they have

    * the same test or train array, such as P-10 and P-14, or
    * a stretch of commands in common, to within two rows, that has more than twice as
      many commands as any stretch which either of them repeats itself. They were
      recorded at the same time then, at rows that may differ by days: the training
      part of E-1 is the beginning of the test part of D-2.

    Links go on from channel to channel: 17 of the 31 public channels of SMAP are one
    group. Labels have no say, for equal spans do not tell of the same time: those of
    D-1 and D-3 agree to 25 rows, while their commands agree when shifted by 4328.
    Channels of other groups still share plans that the spacecraft repeats.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sklearn.utils import Bunch
    >>> X = pd.DataFrame({"value": [0.0, 1.0]})
    >>> channel = Bunch(X_train=X, X_test=X, y_test=[0, 1], spacecraft="MSL")
    >>> stack_smap_msl({"T-4": channel}).y
    track      time
    T-4/train  0       0
               1       0
    T-4/test   0       0
               1       1
    Name: anomaly, dtype: int64
    """
    if not isinstance(channels, Mapping):
        raise TypeError(
            "stack_smap_msl takes the dict that load_smap_msl returns; got "
            f"{type(channels).__name__}."
        )
    if not channels:
        raise ValueError("There is no channel to stack; got an empty dict.")
    crafts = {name: channel.spacecraft for name, channel in channels.items()}
    if len(set(crafts.values())) > 1:
        first = next(iter(crafts))
        other = next(name for name, craft in crafts.items() if craft != crafts[first])
        raise ValueError(
            f"Channel {first!r} belongs to {crafts[first]} and {other!r} to "
            f"{crafts[other]}, which have different columns; load one spacecraft at a "
            "time with load_smap_msl(..., spacecraft=...)."
        )
    group_of = group_channels(channels)
    frames, labels, groups = {}, {}, {}
    for name, channel in channels.items():
        for part in _PARTS:
            track, X = f"{name}/{part}", channel[f"X_{part}"]
            y = np.zeros(len(X)) if part == "train" else channel.y_test
            frames[track] = X
            labels[track] = np.asarray(y, dtype=np.int64)
            groups[track] = np.full(len(X), group_of[name], dtype=object)
    return Bunch(
        X=stack_tracks(frames),
        y=stack_tracks(labels).rename("anomaly"),
        groups=stack_tracks(groups).rename("group"),
    )


def _read_files(path, wanted):
    """Read labels and the wanted arrays; tell all channels that have arrays."""
    labels, arrays, known = None, {}, set()
    for name, read in _files(path):
        file = PurePosixPath(name)
        if file.name == _LABELS:
            if labels is not None:
                raise ValueError(f"{path} holds {_LABELS} more than once.")
            labels = _read_labels(path, read())
        elif (
            file.suffix == ".npy"
            and file.parent.name in _PARTS
            and not file.name.startswith(".")
        ):
            known.add(file.stem)
            if wanted is not None and file.stem not in wanted:
                continue
            key = file.parent.name, file.stem
            if key in arrays:
                raise ValueError(f"{path} holds {'/'.join(key)}.npy more than once.")
            arrays[key] = _read_array(path, name, read())
    if labels is None:
        raise FileNotFoundError(
            f"{path} holds no {_LABELS}; give the folder or archive that has it next "
            "to train/ and test/."
        )
    return labels, arrays, known


def _files(path):
    """Yield the name of each file below a folder or in an archive, and its reader."""
    if not path.exists():
        raise FileNotFoundError(f"There is no file or folder {path}.")
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            if file.is_file():
                yield file.relative_to(path).as_posix(), file.read_bytes
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if not info.is_dir():
                    yield info.filename, lambda info=info: archive.read(info)
    elif tarfile.is_tarfile(path):
        with tarfile.open(path) as archive:
            for info in archive:
                if info.isfile():
                    yield (
                        info.name,
                        lambda info=info: archive.extractfile(info).read(),
                    )
    else:
        raise ValueError(f"{path} is neither a folder nor a zip or tar archive.")


def _read_array(path, name, content):
    try:
        array = np.load(io.BytesIO(content), allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ValueError(f"{name} in {path} is not a plain .npy array.") from error
    if array.ndim != 2 or array.shape[1] < 1 or array.dtype.kind not in "fiub":
        raise ValueError(
            f"{name} in {path} must be a table of numbers, rows by columns; got "
            f"shape {array.shape} of {array.dtype}."
        )
    columns = ["value", *(f"command_{i}" for i in range(array.shape[1] - 1))]
    index = pd.RangeIndex(len(array), name="time")
    return pd.DataFrame(array.astype(np.float64), index=index, columns=columns)


def _read_labels(path, content):
    labels = pd.read_csv(io.BytesIO(content))
    missing = [column for column in _COLUMNS if column not in labels]
    if missing:
        raise ValueError(
            f"{_LABELS} in {path} lacks the column {missing[0]!r}; it has "
            f"{', '.join(map(str, labels.columns))}."
        )
    return labels


def _channel(path, name, arrays, labels):
    """Put together what the archive holds on one channel."""
    X = {}
    for part in _PARTS:
        if (part, name) not in arrays:
            archives = sorted(path.glob("*.tar.*")) + sorted(path.glob("*.zip"))
            hint = f" Did you mean {archives[0]}?" if archives else ""
            raise FileNotFoundError(f"{path} holds no {part}/{name}.npy.{hint}")
        X[part] = arrays[part, name]
    widths = [X[part].shape[1] for part in _PARTS]
    if widths[0] != widths[1]:
        raise ValueError(
            f"Channel {name!r} has {widths[0]} columns in train but {widths[1]} in "
            "test; both must have the same."
        )
    if labels is None:
        spacecraft, events = _SPACECRAFT_OF_WIDTH.get(widths[0]), _events([], [])
        if spacecraft is None:
            raise ValueError(
                f"Channel {name!r} has no row in {_LABELS}, and its {widths[0]} "
                "columns do not tell its spacecraft (SMAP has 25, MSL 55)."
            )
    else:
        spacecraft, events = _read_events(name, labels)
    n_rows = len(X["test"])
    claimed = 0 if labels is None else int(labels["num_values"].max())
    needed = max(claimed, events["end"].max() + 1 if len(events) else 0)
    if n_rows < needed:
        raise ValueError(
            f"Channel {name!r} has {n_rows} test rows, but its labels need {needed}; "
            "labels and arrays are of different versions."
        )
    y = np.zeros(n_rows, dtype=np.int64)
    for start, end in zip(events["start"], events["end"], strict=True):
        y[start : end + 1] = 1
    return Bunch(
        X_train=X["train"],
        X_test=X["test"],
        y_test=pd.Series(y, index=X["test"].index, name="anomaly"),
        events=events,
        spacecraft=spacecraft,
        classes=events["class"].tolist(),
        labelled=labels is not None,
    )


def _read_events(name, labels):
    """Spacecraft and events of a channel, from one label row or more."""
    spacecraft = labels["spacecraft"].unique()
    if len(spacecraft) != 1 or spacecraft[0] not in _SPACECRAFT:
        raise ValueError(
            f"Channel {name!r} must belong to SMAP or MSL; {_LABELS} says "
            f"{', '.join(map(str, spacecraft))}."
        )
    spans, classes = [], []
    for text, kinds in zip(labels["anomaly_sequences"], labels["class"], strict=True):
        pairs = _read_spans(name, text)
        # The classes are bare words, [point, contextual], so no Python literal.
        words = [word.strip(" '\"") for word in str(kinds).strip(" []").split(",")]
        if len(words) != len(pairs):
            raise ValueError(
                f"Channel {name!r} has {len(pairs)} labelled sequences but "
                f"{len(words)} classes in {_LABELS}."
            )
        spans += pairs
        classes += words
    return spacecraft[0], _events(spans, classes)


def _read_spans(name, text):
    try:
        spans = ast.literal_eval(text)
        good = all(0 <= int(start) <= int(end) for start, end in spans)
    except (ValueError, TypeError, SyntaxError) as error:
        raise ValueError(
            f"Channel {name!r} has the sequences {text!r} in {_LABELS}; expected a "
            "list such as [[10, 20]]."
        ) from error
    if not good:
        raise ValueError(
            f"Channel {name!r} has a sequence in {text!r} that starts below 0 or ends "
            f"before it starts; correct {_LABELS}."
        )
    return spans


def _events(spans, classes):
    """Put sequences in time order and unite those that overlap."""
    merged = []
    for (start, end), kind in sorted(zip(map(tuple, spans), classes, strict=True)):
        if merged and start <= merged[-1][1]:
            first, last, kinds = merged[-1]
            merged[-1] = (first, max(last, end), kinds | {kind})
        else:
            merged.append((start, end, {kind}))
    events = pd.DataFrame(
        [(start, end, "+".join(sorted(kinds))) for start, end, kinds in merged],
        columns=["start", "end", "class"],
    )
    return events.astype({"start": "int64", "end": "int64", "class": "str"})
