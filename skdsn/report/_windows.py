"""The report of windows: blocks of rows, and which rows in them are anomalous."""

import csv
from numbers import Integral
from pathlib import Path

import numpy as np
import pandas as pd

from skdsn._sklearn import Interval, validate_params
from skdsn.report._errors import how_far_out, name_channels, read_errors
from skdsn.report._inputs import has_times, read_flags, read_values
from skdsn.tracks import read_tracks

COLUMNS = ["range", "status", "indices"]


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
        ``probability`` if there is one; or only flags, 0 or 1 for each row.
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
        scores, flags = read_values(predictions)
        if "probability" in predictions.columns:
            probability = read_values(predictions["probability"], "probabilities")[0]
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
        flags = read_flags(flags, "predictions")
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
        place = predictions.index.get_indexer(errors.index)
    else:
        place = np.asarray(errors.index)
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
        As :func:`write_report` writes :func:`window_report`; also one whose indices
        are not quoted, as the published system describes it.

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
    with Path(path).open(encoding="utf-8", newline="") as file:
        lines = list(csv.reader(file))
    header = lines[0] if lines else []
    if header[:3] != COLUMNS:
        raise ValueError(
            f"{path} is no window report: its first line must begin with "
            f"range,status,indices; got {','.join(header)[:60]!r}."
        )
    extra = len(header) - len(COLUMNS)
    rows = []
    for number, line in enumerate(lines[1:], start=2):
        if extra == 0:  # the indices may stand there without quotes
            line = [*line[:2], ",".join(line[2:])]
        whole = len(line) == len(header) and line[1] in ("OK", "ANOMALY")
        if not whole or not _is_range(line[0]):
            raise ValueError(
                f"Line {number} of {path} must be a range such as 0-999, OK or "
                f"ANOMALY, and indices; got {','.join(line)[:60]!r}."
            )
        rows.append(line)
    report = pd.DataFrame(rows, columns=header, dtype="str")
    for name in {"n_flagged", "peak_score", "probability"} & set(header):
        report[name] = pd.to_numeric(report[name])
    return report


def _is_range(text):
    first, dash, last = text.partition("-")
    return bool(dash) and first.isdecimal() and last.isdecimal()
