"""Cut recorded tracks into the tracks of telemetry that are in them."""

import numpy as np
from sklearn.utils import Bunch

from skdsn.preparation._report import drop_report, join_reports
from skdsn.preparation._rows import index_by_time, split_bands, trim_elevation


def cut_track(
    track, frame, mission, *, bands=None, trim=False, min_rows=None, repair=True
):
    """Cut a recorded track into the tracks of telemetry that are in it.

    Columns that are no measurement are dropped, rows parted by band and put on the
    clock; then the parked antenna is trimmed, and what is too short left out.

    Parameters
    ----------
    track : str or int
    frame : DataFrame
        Rows as they were recorded.
    mission : MissionFormat
    bands : sequence of str, default=None
        Bands of the mission to keep; None keeps all, and any row of a mission without
        bands.
    trim : bool, default=False
        Take out the rows of a parked antenna; see :func:`trim_elevation`.
    min_rows : int, default=None
        Shorter tracks are left out; None is that of the mission.
    repair : bool, default=True
        See :func:`index_by_time`. Also leaves out a track without its time or
        frequency column, and keeps the first of columns of one name, instead of
        raising.

    Returns
    -------
    parts : list of Bunch
        ``track``, its own id: ``<track>_<band>``, with ``_p1``, ``_p2``, ... for the
        pieces that trimming leaves; ``X``, a DataFrame indexed by time; ``band``.
    report : DataFrame
        ``track``, ``step``, ``reason``, ``n_rows``, ``kept`` of what was left out or
        mended. The rows that are not kept and those of the parts are all rows of the
        frame.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdsn.datasets import get_mission_format
    >>> from skdsn.preparation import cut_track
    >>> frame = pd.DataFrame({"AOJE": ["2026-03-01T08:00:00"], "NPCG": [-150.0]})
    >>> parts, report = cut_track("P-7", frame, get_mission_format("mro"))
    >>> parts[0].track, parts[0].X.index[0], len(report)
    ('P-7', Timestamp('2026-03-01 08:00:00'), 0)
    """
    check_bands(bands, mission)
    min_rows = mission.min_rows if min_rows is None else min_rows
    needed = [mission.time] + ([mission.band] if mission.bands else [])
    lost = next((name for name in needed if name not in frame.columns), None)
    if lost is not None:
        if not repair:
            raise ValueError(
                f"Track {track!r} has no column {lost!r}; its columns are "
                f"{list(frame.columns[:10])}."
            )
        return [], drop_report("columns", [(track, f"no column {lost}", len(frame))])
    parts, reports = [], []
    frame, infinite = _without_infinity(frame)
    if infinite:
        if not repair:
            raise ValueError(
                f"Track {track!r} holds infinity in column {infinite[0][0]!r}; replace "
                "it by NaN."
            )
        found = [
            (track, f"infinite {name} made missing", n_rows)
            for name, n_rows in infinite
        ]
        reports.append(drop_report("values", found, kept=True))
    repeated = frame.columns.duplicated()
    if repeated.any():
        name = frame.columns[repeated][0]
        if not repair:
            raise ValueError(
                f"Track {track!r} has the column {name!r} twice; rename or drop one."
            )
        frame = frame.loc[:, ~repeated]
        found = [(track, f"column {name} occurs twice, first one kept", len(frame))]
        reports.append(drop_report("columns", found, kept=True))
    frame = frame.drop(columns=[name for name in mission.drop if name in frame])
    by_band = {None: frame}
    if mission.bands:
        by_band, report = split_bands(frame, mission.band, mission.bands, track=track)
        reports.append(report)
    for band, rows in by_band.items():
        name = track if band is None else f"{track}_{band}"
        if band is not None and bands is not None and band not in bands:
            asked = [(name, "band not asked for", len(rows))]
            reports.append(drop_report("bands", asked))
            continue
        X, report = index_by_time(rows, mission.time, track=name, repair=repair)
        reports.append(report)
        if len(X) == 0:
            continue
        pieces = [X]
        if trim and mission.elevation is not None:
            pieces, report = trim_elevation(
                X, mission.elevation, min_rows=min_rows, track=name
            )
            reports.append(report)
        cut = trim and (len(pieces) != 1 or len(pieces[0]) < len(X))
        for number, piece in enumerate(pieces, 1):
            own = f"{name}_p{number}" if cut else name
            if len(piece) < min_rows:
                short = [(own, f"less than {min_rows} rows", len(piece))]
                reports.append(drop_report("length", short))
            else:
                parts.append(Bunch(track=own, X=piece, band=band))
    return parts, join_reports(reports)


def check_bands(bands, mission):
    """Refuse bands that a mission does not have."""
    unknown = sorted(set(bands or ()) - set(mission.bands))
    if unknown:
        raise ValueError(
            f"The mission {mission.name!r} has no band {unknown[0]!r}; its bands are "
            f"{', '.join(mission.bands) or 'none'}."
        )


def _without_infinity(frame):
    """Make infinite numbers missing; give the columns and how many there were."""
    numbers = frame.select_dtypes("float")
    counts = np.isinf(numbers.to_numpy(np.float64, na_value=np.nan)).sum(axis=0)
    found = [
        (name, int(count))
        for name, count in zip(numbers.columns, counts, strict=True)
        if count
    ]
    if found:
        frame = frame.replace([np.inf, -np.inf], np.nan)
    return frame, found
