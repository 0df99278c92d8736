"""Tables of scores and figures, as files."""

import json
import math

import pandas as pd

from skdsn._files import replacing
from skdsn.report._tables import check_scores
from skdsn.report._windows import COLUMNS

_SUFFIXES = (".csv", ".csv.gz")


def write_report(path, table):
    """Write a table of scores, or a report of windows, to a CSV file.

    Parameters
    ----------
    path : str or path-like
        Usually ``report.csv``; ``.csv.gz`` compresses. A file of that name is
        replaced at once when the new one is complete.
    table : DataFrame
        Columns ``score`` and ``anomaly``, as :func:`score_table` returns them: the
        index comes first in the file. Or what :func:`window_report` returns, without
        an index: several indices in one cell are quoted, and the header is there also
        without a row. Floats keep all their digits.

    Raises
    ------
    OSError
        If the file cannot be written.
    ValueError
        If its name ends in neither .csv nor .csv.gz.

    Examples
    --------
    >>> import pandas as pd
    >>> import tempfile
    >>> from pathlib import Path
    >>> scores = pd.DataFrame({"score": [0.25], "anomaly": [0]}).rename_axis("time")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_report(Path(folder, "report.csv"), scores)
    ...     print(Path(folder, "report.csv").read_text())
    time,score,anomaly
    0,0.25,0
    """
    windows = isinstance(table, pd.DataFrame) and set(COLUMNS) <= set(table.columns)
    if not windows:
        check_scores(table)
    with replacing(path) as draft:
        check_suffix(path)
        table.to_csv(draft, index=not windows, lineterminator="\n")


def check_suffix(path):
    """Refuse a name that says that a report is anything but CSV."""
    if not str(path).lower().endswith(_SUFFIXES):
        raise ValueError(f"{path} must end in .csv or .csv.gz, which a report is.")


def write_metrics(path, report):
    """Write a report and its protocol to a JSON file.

    Parameters
    ----------
    path : str or path-like
        Usually ``metrics.json``. A file of that name is replaced at once when the
        new one is complete.
    report : DataFrame
        As :func:`skdsn.metrics.event_report` returns it: figures by row, compared
        detectors by column, protocol in ``attrs``.

    Raises
    ------
    OSError
        If the file cannot be written.

    Notes
    -----
    The file holds one object: ``figures``, by column and then by row, and every
    item of ``attrs``. What is not a finite number is ``null``.

    Examples
    --------
    >>> import pandas as pd
    >>> import tempfile
    >>> from pathlib import Path
    >>> report = pd.DataFrame({"detector": [0.5]}, index=["event_f1"])
    >>> report.attrs["seed"] = 0
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_metrics(Path(folder, "metrics.json"), report)
    ...     print(Path(folder, "metrics.json").read_text())
    {
      "figures": {
        "detector": {
          "event_f1": 0.5
        }
      },
      "seed": 0
    }
    """
    content = {"figures": report.to_dict(), **report.attrs}
    text = json.dumps(_plain(content), indent=2, allow_nan=False)
    with replacing(path) as draft:
        draft.write_text(text + "\n", encoding="utf-8")


def _plain(value):
    """Make a value of Python's own types that JSON knows."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "item"):  # a NumPy scalar
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
