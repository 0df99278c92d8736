"""Turn the tables of a feed into telemetry."""

import numpy as np
import pandas as pd

from skdsn._core.segments import as_bounds, row_starts
from skdsn.dsn_now._forms import COMPLEXES
from skdsn.dsn_now._tables import need_feed
from skdsn.tracks import as_seconds, gap_seconds

__all__ = ["as_contacts", "to_telemetry"]

_KEY = ["time", "dish", "spacecraft"]
_DOWN = {
    "data_rate_bps": "dataRate_downsignal",
    "frequency_hz": "frequency_downsignal",
    "power_dbm": "power_downsignal",
    "signal_type": "signalType_downsignal",
    "band": "band_downsignal",
    "debug": "signalTypeDebug_downsignal",
    "spacecraft": "spacecraft_downsignal",
    "spacecraft_id": "spacecraftId_downsignal",
}
_UP = {
    ("power_kw" if name == "power_dbm" else name): column.replace("down", "up")
    for name, column in _DOWN.items()
}
_TARGET = {
    "downleg_range_km": "downlegRange",
    "upleg_range_km": "uplegRange",
    "rtlt_s": "rtlt",
    "spacecraft_id": "id_target",
    "spacecraft": "name_target",
}
_DISH = {
    "azimuth_deg": "azimuthAngle",
    "elevation_deg": "elevationAngle",
    "wind_speed_kmh": "windSpeed",
    "is_array": "isArray",
    "is_ddor": "isDDOR",
    "is_mspa": "isMSPA",
    "created": "created",
}
UNITS = {
    "azimuthAngle": "deg",
    "elevationAngle": "deg",
    "windSpeed": "km/h",
    "timeZoneOffset": "s",
    "dataRate_downsignal": "bit/s",
    "frequency_downsignal": "Hz",
    "power_downsignal": "dBm",
    "dataRate_upsignal": "bit/s",
    "frequency_upsignal": "Hz",
    "power_upsignal": "kW",
    "downlegRange": "km",
    "uplegRange": "km",
    "rtlt": "s",
}
FLAGS = ("isArray", "isDDOR", "isMSPA")
IDS = ("spacecraftId_downsignal", "spacecraftId_upsignal", "id_target")
COLUMNS = (
    *("DSS", "location", "created", "timeZoneOffset"),
    *("azimuthAngle", "elevationAngle", *FLAGS, "windSpeed"),
    *_DOWN.values(),
    *_UP.values(),
    *_TARGET.values(),
)
FLOATS = (*UNITS, *FLAGS)


def to_telemetry(feed, *, max_gap="10min", numeric_only=False):
    """Turn the tables of a feed into telemetry, one track per dish and contact.

    Parameters
    ----------
    feed : Bunch
        One snapshot or many, as :func:`parse_feed` or :func:`concat_feeds` gives it.
    max_gap : float, str or pandas.Timedelta, default="10min"
        A contact ends where its dish and spacecraft were not seen together for longer,
        in seconds or as a timedelta.
    numeric_only : bool, default=False
        Leave out text, times and spacecraft numbers: only measurements and flags.

    Returns
    -------
    DataFrame indexed by (track, time)
        A row per snapshot, dish, spacecraft and receiver, tracks named such as
        "DSS14/VGR1/0001", for a second downlink of the spacecraft on the dish
        "DSS14/VGR1#1/0001". Columns are named as the attributes of the feed, with
        ``_downsignal``, ``_upsignal`` or ``_target``; units are in ``attrs["units"]``;
        flags are 0 or 1, NaN where unknown.

    See Also
    --------
    read_notebook_csv : Read a table of joined rows.

    Notes
    -----
    Downlinks, uplinks and targets are joined on time, dish and spacecraft, and a row
    stays where one of them is missing: a dish that only receives has no uplink. The
    second downlink has the second uplink if there is one, or else the first. A contact
    also ends where ``created``, the time when the dish was set up, changes. Dishes
    without signals and targets have no rows, nor have placeholders.

    Receivers are told apart by their order in the document, which nothing guarantees.

    Examples
    --------
    >>> from skdsn.dsn_now import parse_feed
    >>> feed = parse_feed(
    ...     b'<dsn><dish name="DSS14" elevationAngle="21"><downSignal power="-155.5" '
    ...     b'spacecraft="VGR1"/></dish><timestamp>1550000000411</timestamp></dsn>'
    ... )
    >>> X = to_telemetry(feed)
    >>> X[["elevationAngle", "power_downsignal"]]
                                              elevationAngle  power_downsignal
    track           time
    DSS14/VGR1/0001 2019-02-12 19:33:20.411             21.0            -155.5
    """
    need_feed(feed)
    rows = _join(feed)
    rows["DSS"] = rows["dish"]
    return as_contacts(rows, max_gap=max_gap, numeric_only=numeric_only)


def as_contacts(rows, *, max_gap, numeric_only):
    """Make telemetry of joined rows: find contacts, name tracks, type columns.

    Parameters
    ----------
    rows : pandas.DataFrame
        With time, dish, spacecraft ("" if unknown), seq, and the columns of telemetry.
    max_gap : float, str or pandas.Timedelta
    numeric_only : bool

    Returns
    -------
    pandas.DataFrame
    """
    rows = rows.sort_values(["dish", "spacecraft", "time", "seq"], kind="stable")
    link = rows.groupby(["dish", "spacecraft"], sort=False, dropna=False)
    fresh = (link.cumcount() == 0).to_numpy()
    # A snapshot that does not tell when the dish was set up changes nothing.
    created = link["created"].ffill().to_numpy()
    moved = (created[1:] != created[:-1]) & ~np.isnat(created[:-1])
    late = np.diff(as_seconds(rows["time"])) > (gap_seconds(max_gap) or np.inf)
    cut = fresh.copy()
    cut[1:] |= moved | late
    count = np.cumsum(cut)
    links = as_bounds(np.flatnonzero(fresh)[1:], len(rows))
    contact = pd.Series(count - count[row_starts(links)] + 1, index=rows.index)
    track = (
        rows["dish"].fillna("none")
        + "/"
        + rows["spacecraft"].where(rows["spacecraft"] != "", "none")
        + ("#" + rows["seq"].astype("str")).where(rows["seq"] > 0, "")
        + "/"
        + contact.astype("str").str.zfill(4)
    )
    rows = rows.assign(track=track, contact=contact).sort_values(
        ["dish", "spacecraft", "contact", "seq", "time"], kind="stable"
    )
    rows = rows.set_index(["track", "time"])[list(COLUMNS)]
    rows = rows.astype(dict.fromkeys(FLOATS, "float64"))
    if numeric_only:
        rows = rows[[name for name in COLUMNS if name in FLOATS]]
    units = {name: unit for name, unit in UNITS.items() if name in rows}
    rows.attrs.clear()
    rows.attrs["units"] = units
    return rows


def _join(feed):
    """Join downlinks, uplinks, targets, dishes and stations."""
    signals = feed.signals[~feed.signals["placeholder"]]
    signals = signals.assign(name=signals["spacecraft"])
    down = _side(signals[signals["direction"] == "down"], _DOWN)
    up = _side(signals[signals["direction"] == "up"], _UP)
    targets = _side(feed.targets.assign(seq=0), _TARGET).drop_duplicates(_KEY)
    places = [side[[*_KEY, "seq"]] for side in (down, up, targets)]
    rows = pd.concat(places, ignore_index=True).drop_duplicates(ignore_index=True)
    rows = rows.merge(down, on=[*_KEY, "seq"], how="left")

    n_up = up.groupby(_KEY, as_index=False, dropna=False).size()
    n_up = rows[_KEY].merge(n_up, on=_KEY, how="left")["size"].fillna(0)
    rows["up_seq"] = rows["seq"].where(rows["seq"] < n_up, 0)
    up = up.rename(columns={"seq": "up_seq"})
    rows = rows.merge(up, on=[*_KEY, "up_seq"], how="left")
    rows = rows.merge(targets.drop(columns="seq"), on=_KEY, how="left")

    dishes = feed.dishes.drop_duplicates(["time", "dish"])
    dishes = dishes[["time", "dish", "complex", *_DISH]].rename(columns=_DISH)
    rows = rows.merge(dishes, on=["time", "dish"], how="left")
    stations = feed.stations.drop_duplicates(["time", "complex"])
    stations = stations[["time", "complex", "location", "time_zone_offset_s"]]
    stations = stations.rename(columns={"time_zone_offset_s": "timeZoneOffset"})
    rows = rows.merge(stations, on=["time", "complex"], how="left")
    names = rows["complex"].map(COMPLEXES).astype("str")
    return rows.assign(location=rows["location"].fillna(names))


def _side(table, columns):
    """Take one side of the join under the names of telemetry."""
    key = table[["time", "dish", "seq"]].assign(
        spacecraft=table["spacecraft"].fillna("")
    )
    return pd.concat([key, table[list(columns)].rename(columns=columns)], axis=1)
