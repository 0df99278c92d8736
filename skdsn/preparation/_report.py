"""What a step left out or mended, and why."""

import pandas as pd

COLUMNS = {
    "track": "object",
    "step": "str",
    "reason": "str",
    "n_rows": "int64",
    "kept": "bool",
}


def drop_report(step, found=(), *, kept=False):
    """Make the report of a step.

    Parameters
    ----------
    step : str
    found : iterable of (track id, reason, number of rows), default=()
        The track id is None for what concerns no track.
    kept : bool, default=False
        Whether these rows are still there: mended, or only told of.

    Returns
    -------
    DataFrame
        Columns ``track``, ``step``, ``reason``, ``n_rows`` and ``kept``.
    """
    return as_report(
        dict(zip(COLUMNS, (track, step, reason, int(n_rows), kept), strict=True))
        for track, reason, n_rows in found
    )


def as_report(entries):
    """Make a report of its entries, which are dicts."""
    return pd.DataFrame(list(entries), columns=list(COLUMNS)).astype(COLUMNS)


def join_reports(reports):
    """Put reports one below the other.

    Parameters
    ----------
    reports : iterable of DataFrame

    Returns
    -------
    DataFrame
    """
    reports = [report for report in reports if len(report)]
    return pd.concat(reports, ignore_index=True) if reports else drop_report("")
