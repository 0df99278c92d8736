"""The report of windows: blocks of rows, and which rows in them are anomalous."""

import gzip
import re
import zlib
from numbers import Integral
from pathlib import Path

import numpy as np
import pandas as pd

from skdsn._sklearn import Interval, validate_params
from skdsn.report._errors import (
    how_far_out,
    name_channels,
    read_errors,
    read_score_table,
)
from skdsn.report._inputs import has_times, read_flags
from skdsn.tracks import read_tracks

COLUMNS = ["range", "status", "indices"]
_NUMBERS = ("n_flagged", "peak_score", "probability")
# The csv module has no room for the cell of a block with many flagged rows.
_CELL = re.compile(r'(?:"([^"]*(?:""[^"]*)*)"|([^",\r\n][^,\r\n]*)?)(,|\r?\n|\Z)')
_RANGE = re.compile(r"(\d{1,18})-(\d{1,18})", re.ASCII)
_ROW = re.compile(r" *\d{1,18} *", re.ASCII)


@validate_params(
    {
        "predictions": "no_validation",
        "window": [Interval(Integral, 1, None, closed="left")],
        "extended": ["boolean"],
        "errors": "no_validation",
        "n_channels": [Interval(Integral, 1, None, closed="left")],
    },
    prefer_skip_nested_validation=True,
)
def window_report(
    predictions, window=1000, *, extended=False, errors=None, n_channels=3
):
    """Tell, block by block, whether rows are anomalous, and which.

    Parameters
    ----------
    predictions : DataFrame, Series or array-like of shape (n_rows,)
        Columns ``score`` and ``anomaly`` as :func:`score_table` returns them, and
        ``probability`` if there is one; or what a classifier predicts, 1 for an
        anomalous row, 0 or 2 (rare but normal) for others.
    window : int, default=1000
        Rows of a block. The last one may be shorter.
    extended : bool, default=False
        Add when, how much and in which channels.
    errors : DataFrame, default=None
        Columns ``error_<channel>``, see :func:`channel_errors`, of all flagged rows at
        least; those of other rows tell what is usual. For `extended`.
    n_channels : int, default=3
        Channels to name for each block, at most.

    Returns
    -------
    DataFrame
        One row per block, text in all three columns: ``range``, its first and last row
        as ``"0-999"``, counted from 0 through the whole input whatever its tracks are;
        ``status``, ``"OK"`` or ``"ANOMALY"``; and ``indices``, the anomalous rows,
        counted in the same way, joined by commas.

        If `extended` also ``first_track`` and ``last_track`` (where rows have tracks),
        ``start`` and ``end`` (times of the first and the last row, or their numbers),
        ``n_flagged``, ``peak_time`` and ``peak_score`` of the highest score and
        ``probability``, the highest one (each where it is known), and ``channels``,
        those farthest out over the flagged rows (with `errors`).

    Raises
    ------
    ValueError
        If flags are not 0 or 1, a score is not finite, or flagged rows have no errors.

    See Also
    --------
    write_report : Writes it as a CSV file.
    read_window_report : Reads it back.
    event_table : One row per alarm.

    Notes
    -----
    The table is that of the published ESA system, but rows are counted in the input,
    and not among those that passed its gate.

    Examples
    --------
    >>> from skdsn.report import window_report
    >>> window_report([0, 0, 0, 1, 0, 1, 0, 0], window=3)
      range   status indices
    0   0-2       OK
    1   3-5  ANOMALY     3,5
    2   6-7       OK
    """
    tracks, scores, flags, probability = _read(predictions)
    n_rows = len(flags)
    window = min(int(window), max(n_rows, 1))  # however large, NumPy can hold it
    starts = np.arange(0, n_rows, window)
    stops = np.minimum(starts + window, n_rows)
    found = np.flatnonzero(flags)
    counts = np.bincount(found // window, minlength=len(starts))
    lists = np.split(found.astype(str), np.cumsum(counts)[:-1])
    report = pd.DataFrame(
        {
            "range": [f"{a}-{b - 1}" for a, b in zip(starts, stops, strict=True)],
            "status": np.where(counts > 0, "ANOMALY", "OK"),
            "indices": [",".join(rows) for rows in lists[: len(starts)]],
        },
        dtype="str",
    )
    if extended:
        more = _extend(tracks, scores, probability, starts, stops)
        if errors is not None:
            names = _channels(predictions, errors, found, counts, n_channels)
            more["channels"] = names
        report = report.assign(n_flagged=counts, **more)
    return report


def _read(predictions):
    """Tracks, scores or None, flags, and probabilities or None."""
    table = isinstance(predictions, pd.DataFrame) and "score" in predictions.columns
    probability = None
    if table:
        scores, flags, probability = read_score_table(predictions)
    else:
        scores = None
        flags = np.asarray(predictions)
        if flags.ndim == 2 and flags.shape[1] == 1:
            flags = flags[:, 0]
        if flags.ndim != 1:
            raise ValueError(
                "predictions must be 0 or 1 for each row, or a table with the columns "
                f"'score' and 'anomaly'; got shape {flags.shape}."
            )
        if flags.dtype.kind not in "biuf":
            # Text beside a number would make it text, and NA equals nothing.
            flags = np.where(pd.isna(flags), None, flags.astype(object))
        flags = read_flags(np.where(flags == 2, 0, flags), "predictions")
    indexed = isinstance(predictions, pd.DataFrame | pd.Series)
    tracks = read_tracks(predictions if indexed else flags)
    return tracks, scores, flags, probability


def _extend(tracks, scores, probability, starts, stops):
    """When, and how high."""
    times = tracks.times if has_times(tracks) else pd.RangeIndex(tracks.n_rows)
    more = {}
    if tracks.index is not None and tracks.index.nlevels == 2:
        of_rows = tracks.of_rows()
        more["first_track"] = tracks.names.take(of_rows[starts])
        more["last_track"] = tracks.names.take(of_rows[stops - 1])
    more["start"], more["end"] = times.take(starts), times.take(stops - 1)
    if scores is not None:
        peaks = np.array(
            [a + scores[a:b].argmax() for a, b in zip(starts, stops, strict=True)],
            dtype=np.int64,
        )
        more["peak_time"], more["peak_score"] = times.take(peaks), scores[peaks]
    if probability is not None:
        more["probability"] = (
            np.maximum.reduceat(probability, starts) if len(starts) else probability
        )
    return more


def _channels(predictions, errors, found, counts, n_channels):
    """Name the channels of each block, by the mean error of its flagged rows."""
    names, table = read_errors(errors)
    if isinstance(predictions, pd.DataFrame | pd.Series):
        if not errors.index.is_unique:
            twice = errors.index[errors.index.duplicated()][0]
            raise ValueError(
                f"errors has more than one row {twice!r}; give one of each row."
            )
        place = predictions.index.get_indexer(errors.index)
    elif len(errors) == len(predictions):
        place = np.arange(len(errors))
    else:
        raise ValueError(
            f"errors has {len(errors)} rows for {len(predictions)} predictions without "
            "an index; give one row of errors for each."
        )
    row_of = np.full(len(predictions), -1)
    row_of[place[place >= 0]] = np.flatnonzero(place >= 0)
    flagged = row_of[found]
    if (flagged < 0).any():
        row = found[np.argmax(flagged < 0)]
        raise ValueError(
            f"errors has no row for the flagged row {row}; give channel_errors of the "
            "same telemetry."
        )
    usual = np.ones(len(table), dtype=bool)
    usual[flagged] = False
    blocks = np.flatnonzero(counts)
    mean = np.empty((0, len(names)))
    if len(blocks):
        first = np.concatenate(([0], np.cumsum(counts[blocks])[:-1]))
        mean = np.add.reduceat(table[flagged], first) / counts[blocks][:, None]
    named = np.full(len(counts), "", dtype=object)
    named[blocks] = name_channels(names, how_far_out(mean, table[usual]), n_channels)
    return pd.array(named, dtype="str")


def read_window_report(path):
    r"""Read a window report back from a CSV file.

    Parameters
    ----------
    path : str or path-like
        As :func:`write_report` writes :func:`window_report`, in UTF-8, ``.csv`` or
        ``.csv.gz``; also one whose indices are not quoted, as the published system
        describes it.

    Returns
    -------
    DataFrame
        As :func:`window_report` returns it; ``range``, ``status`` and ``indices`` are
        text, times in other columns as well.

    Raises
    ------
    ValueError
        If it is no such file; the message tells the line.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skdsn.report import read_window_report
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "report.csv")
    ...     text = "range,status,indices\n0-999,OK,\n1000-1999,ANOMALY,1099,1123\n"
    ...     _ = path.write_text(text)
    ...     read_window_report(path)["indices"].to_list()
    ['', '1099,1123']
    """
    lines = list(_lines(_text(path), path))
    header = lines[0][1] if lines else []
    if header[:3] != COLUMNS:
        raise ValueError(
            f"{path} is no window report: its first line must begin with "
            f"range,status,indices; got {','.join(header)[:60]!r}."
        )
    again = pd.Index(header).duplicated()
    if again.any():
        raise ValueError(
            f"{path} has two columns {header[again.argmax()]!r} in line 1; remove one."
        )
    rows = []
    for number, cells in lines[1:]:
        if len(header) == len(COLUMNS):  # the indices may stand there without quotes
            cells = [*cells[:2], ",".join(cells[2:])]
        reason = _wrong(cells, header)
        if reason:
            raise ValueError(
                f"Line {number} of {path} must be a range such as 0-999, OK or "
                f"ANOMALY, and indices; {reason}, got {','.join(cells)[:60]!r}."
            )
        rows.append(cells)
    report = pd.DataFrame(rows, columns=header, dtype="str")
    for name in set(_NUMBERS) & set(header):
        values = pd.to_numeric(report[name], errors="coerce")
        strange = values.isna().to_numpy()
        if strange.any():
            row = strange.argmax()
            raise ValueError(
                f"Line {lines[1 + row][0]} of {path} must have a number in the column "
                f"{name!r}; got {report[name].iloc[row][:60]!r}."
            )
        report[name] = values
    return report


def _text(path):
    """Read a file of text, compressed or not."""
    path = Path(path)
    opened = gzip.open if path.name.lower().endswith(".gz") else open
    try:
        with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
            return file.read()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no text in UTF-8; save it as such.") from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f"{path} is no whole gzip file: {error}.") from error


def _lines(text, path):
    """Give the cells of each line that is not blank, and its number."""
    text = text.rstrip()
    place, number, begin, cells = 0, 1, 1, []
    while place < len(text):
        cell = _CELL.match(text, place)
        if cell is None:
            raise ValueError(
                f"Line {number} of {path} is no CSV: a quote or a line break stands in "
                "a wrong place."
            )
        quoted, plain, end = cell.groups()
        cells.append((plain or "") if quoted is None else quoted.replace('""', '"'))
        number += cell[0].count("\n")
        place = cell.end()
        if end != ",":
            if cells != [""]:
                yield begin, cells
            begin, cells = number, []
    if cells:  # the last one is empty
        yield begin, [*cells, ""]


def _wrong(cells, header):
    """Tell what is wrong with a line, if anything."""
    if len(cells) != len(header):
        return f"it has {len(cells)} cells for {len(header)} columns"
    block = _RANGE.fullmatch(cells[0])
    if not block or int(block[1]) > int(block[2]):
        return "the range is none"
    if cells[1] not in ("OK", "ANOMALY"):
        return "the status is neither"
    rows = cells[2].split(",") if cells[2] else []
    if not all(map(_ROW.fullmatch, rows)):
        return "an index is no row number"
    if bool(rows) != (cells[1] == "ANOMALY"):
        return "the indices do not fit the status"
    if rows and not int(block[1]) <= min(map(int, rows)) <= max(map(int, rows)) <= int(
        block[2]
    ):
        return "an index is outside of the range"
    return None
