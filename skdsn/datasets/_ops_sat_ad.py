"""The labelled telemetry segments of ESA's OPS-SAT, as the table of their features."""

import gzip
import lzma
import tarfile
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

_NAME = "dataset.csv"
_FEATURES = [
    *("duration", "len", "mean", "var", "std", "kurtosis", "skew", "n_peaks"),
    *("smooth10_n_peaks", "smooth20_n_peaks", "diff_peaks", "diff2_peaks"),
    *("diff_var", "diff2_var", "gaps_squared", "len_weighted"),
    *("var_div_duration", "var_div_len"),
]
_COLUMNS = ["segment", "anomaly", "train", "channel", "sampling", *_FEATURES]
# As in the published table, so that a part of it gives the same columns.
_CHANNELS = [
    f"CADC0{number}" for number in (872, 873, 874, 884, 886, 888, 890, 892, 894)
]
_EXTRA = ("channel", "sampling")


def load_ops_sat_ad(path, *, as_features=(), as_tracks=False):
    r"""Load the OPS-SAT-AD benchmark: 18 features of each telemetry segment.

    Parameters
    ----------
    path : str or path-like
        The file ``dataset.csv`` of the authors, plain or compressed (``.xz``,
        ``.gz``, ...), or the folder that holds it.
    as_features : {"channel", "sampling"} or list of them, default=()
        Add to the columns of X what else is known of a segment before anyone has
        looked at it: ``"channel"`` adds a column of 0 and 1 for each of the nine
        channels, ``"sampling"`` the sampling period.
    as_tracks : bool, default=False
        Index the rows by (segment, time), with 0 for the time: each segment is a
        track of one row. Otherwise by segment alone.

    Returns
    -------
    Bunch
        X : DataFrame of float64, shape (n_segments, n_features)
            One row per segment, in the order of the file; the columns are
            `feature_names`.
        y : Series of int64
            1 = anomalous, 0 = normal, as the operators of the spacecraft have it;
            named ``anomaly``.
        train : Series of bool
            The authors' split: true for the 1594 training segments, false for the
            529 test segments.
        channel : Series of str
            Which of nine channels the segment is from.
        sampling : Series of int64
            Sampling period, in seconds: 1 or 5.
        feature_names : list of str
            Columns of X.

    Raises
    ------
    FileNotFoundError
        If there is nothing at `path`, or no ``dataset.csv`` in it.
    ValueError
        If the file is no such table, or `as_features` is unknown.
    TypeError
        If `as_features` is neither text nor a list.
    ImportError
        If the file ends in ``.zst`` and zstandard is not installed.

    Notes
    -----
    A segment stands by itself: rows are no time steps. The samples behind them, and
    the times of the segments, are not part of the table. So

    * use stages that look at one row at a time, scikit-learn's above all, and none
      with a memory;
    * count rows, not events: with ``objective="row"``, ``row_f1`` and the like. With
      a plain index, segments below each other are rows of one track, and two
      anomalous ones in a row would be one event. `as_tracks` keeps them apart, also
      for splitters and :func:`skdsn.metrics.bootstrap_interval`, which draws
      tracks.

    The authors drew their test segments at random from all channels, so a random split
    of the training segments resembles theirs. It tells nothing of a channel, or a time,
    that is new to the detector.

    The unit of ``duration`` is the second, of ``len`` the sample; ``mean``, ``std`` and
    the variances have the unit of the channel, which differs by four orders of
    magnitude between channels.

    References
    ----------
    .. [1] B. Ruszczak, K. Kotowski, D. Evans, J. Nalepa, "The OPS-SAT benchmark for
       detecting anomalies in satellite telemetry", Scientific Data, 2025,
       doi:10.1038/s41597-025-05035-3, arXiv:2407.04730.
    .. [2] Data: doi:10.5281/zenodo.12588359.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skdsn.datasets import load_ops_sat_ad
    >>> names = "duration,len,mean,var,std,kurtosis,skew,n_peaks,smooth10_n_peaks,"
    >>> names += "smooth20_n_peaks,diff_peaks,diff2_peaks,diff_var,diff2_var,"
    >>> names += "gaps_squared,len_weighted,var_div_duration,var_div_len"
    >>> table = f"segment,anomaly,train,channel,sampling,{names}\n"
    >>> table += "1,1,1,CADC0872,1," + ",".join(["0.5"] * 18) + "\n"
    >>> table += "2,0,0,CADC0872,5," + ",".join(["0.1"] * 18) + "\n"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "dataset.csv").write_text(table)
    ...     ops_sat = load_ops_sat_ad(folder, as_features="sampling")
    >>> ops_sat.X[["mean", "sampling"]]
             mean  sampling
    segment
    1         0.5       1.0
    2         0.1       5.0
    >>> ops_sat.y[ops_sat.train].to_dict()
    {1: 1}
    """
    extra = _read_extra(as_features)
    path = _find_file(Path(path))
    table = _read_table(path)
    if as_tracks:
        table.index = pd.MultiIndex.from_arrays(
            [table.index, np.zeros(len(table), dtype=np.int64)],
            names=["segment", "time"],
        )
    X = table[_FEATURES].astype(np.float64)
    for name in extra:
        X = X.join(_columns(table[name]))
    return Bunch(
        X=X,
        y=table["anomaly"].astype(np.int64),
        train=table["train"].astype(bool),
        channel=table["channel"],
        sampling=table["sampling"].astype(np.int64),
        feature_names=list(X.columns),
    )


def _read_extra(as_features):
    """Check what is to be added, and give it as a list."""
    if not isinstance(as_features, str | list | tuple | set):
        raise TypeError(
            f"as_features takes {' or '.join(map(repr, _EXTRA))} or a list of them, () "
            f"for none; got {as_features!r}."
        )
    extra = [as_features] if isinstance(as_features, str) else list(as_features)
    for name in extra:
        if name not in _EXTRA:
            raise ValueError(
                f"as_features takes {' and '.join(map(repr, _EXTRA))}; got {name!r}."
            )
    return list(dict.fromkeys(extra))


def _columns(series):
    """Make numbers of the channel or the sampling period."""
    if series.name == "sampling":
        return series.astype(np.float64)
    return pd.DataFrame(
        {f"channel_{name}": (series == name).astype(np.float64) for name in _CHANNELS}
    )


def _find_file(path):
    if not path.exists():
        raise FileNotFoundError(f"There is no file or folder {path}.")
    if not path.is_dir():
        return path
    if (path / _NAME).is_file():
        return path / _NAME
    packed = sorted(path.glob(_NAME + ".*"))
    if not packed:
        raise FileNotFoundError(
            f"{path} holds no {_NAME}; give the file itself, or the folder it is in."
        )
    return packed[0]


def _read_table(path):
    """Read the file, indexed by segment, and check that it is such a table."""
    # What a file that is no such table makes pandas and the decompressors say.
    broken = (ValueError, EOFError, lzma.LZMAError, zlib.error, gzip.BadGzipFile)
    broken = (*broken, zipfile.BadZipFile, tarfile.TarError, *_zstd_errors(path))
    try:
        table = pd.read_csv(path)
    except (*broken, OSError) as error:
        # bz2 raises an OSError that is none of the system, which would have a number.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise ValueError(f"{path} is not a CSV table; give {_NAME}.") from error
    lacking = [name for name in _COLUMNS if name not in table]
    if lacking:
        raise ValueError(
            f"{path} lacks the column {lacking[0]!r}; the table of OPS-SAT-AD has "
            f"{', '.join(_COLUMNS)}."
        )
    if table.empty:
        raise ValueError(f"{path} has no segment below its header.")
    segments = table["segment"]
    if segments.isna().any():
        row = int(np.argmax(segments.isna()))
        raise ValueError(
            f"{path}, line {row + 2}, has no segment; give each row the number of its "
            "segment."
        )
    if segments.duplicated().any():
        twice = segments[segments.duplicated()].iloc[0]
        raise ValueError(
            f"Segment {twice} has more than one row in {path}; give each one row, as "
            f"in {_NAME} (segments.csv, with a row per sample, is no table of "
            "features)."
        )
    # Not set_index: it may make a RangeIndex, which elsewhere stands for no ids at all.
    table.index = pd.Index(segments.to_numpy(), name="segment")
    _refuse(
        path, table["channel"], table["channel"].isin(_CHANNELS), f"one of {_CHANNELS}"
    )
    for name in ("anomaly", "train"):
        # One text in a column makes texts of all its numbers.
        numbers = pd.to_numeric(table[name], errors="coerce")
        _refuse(path, table[name], numbers.isin([0, 1]), "one of [0, 1]")
        table[name] = numbers
    for name in ["sampling", *_FEATURES]:
        numbers = pd.to_numeric(table[name], errors="coerce")
        _refuse(path, table[name], np.isfinite(numbers), "a finite number")
        table[name] = numbers
    return table


def _refuse(path, column, good, expected):
    """Refuse a column that has a value of another kind."""
    if not good.all():
        row = int(np.argmin(good))
        value = column.iloc[row]
        value = value.item() if isinstance(value, np.generic) else value
        raise ValueError(
            f"{column.name} must be {expected}; segment {good.index[row]} in {path} "
            f"has {value!r}."
        )


def _zstd_errors(path):
    """Name what broken .zst files raise, of a package that only they need."""
    if path.suffix != ".zst":
        return ()
    try:
        from zstandard import ZstdError
    except ImportError as error:
        raise ImportError(
            f"reading {path} needs zstandard: pip install zstandard"
        ) from error
    return (ZstdError,)
