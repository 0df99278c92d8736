"""The tables of a feed: their columns, types and units; putting feeds together."""

from collections import Counter

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

__all__ = ["concat_feeds", "empty_tables", "make_table", "split_feeds"]

# Column: (dtype, unit); a column without a unit is a name, a time or a flag.
_TIME: dict[str, tuple[str, str | None]] = {"time": ("datetime64[ms]", None)}
_DISH = {**_TIME, "complex": ("str", None), "dish": ("str", None)}
_SPACECRAFT = {
    "spacecraft": ("str", None),
    "spacecraft_id": ("Int64", None),
    "is_spacecraft": ("bool", None),
}
SCHEMA: dict[str, dict[str, tuple[str, str | None]]] = {
    "stations": {
        **_TIME,
        "complex": ("str", None),
        "location": ("str", None),
        "time_utc": ("datetime64[ms]", None),
        "time_zone_offset_s": ("float64", "s"),
    },
    "dishes": {
        **_DISH,
        "azimuth_deg": ("float64", "deg"),
        "elevation_deg": ("float64", "deg"),
        "wind_speed_kmh": ("float64", "km/h"),
        "is_mspa": ("boolean", None),
        "is_array": ("boolean", None),
        "is_ddor": ("boolean", None),
        "created": ("datetime64[ms]", None),
        "updated": ("datetime64[ms]", None),
        "activity": ("str", None),
        "stowed": ("bool", None),
        "n_targets": ("int64", None),
    },
    "signals": {
        **_DISH,
        "direction": ("str", None),
        "seq": ("int64", None),
        **_SPACECRAFT,
        "signal_type": ("str", None),
        "active": ("bool", None),
        "band": ("str", None),
        "data_rate_bps": ("float64", "bit/s"),
        "frequency_hz": ("float64", "Hz"),
        "power_dbm": ("float64", "dBm"),
        "power_kw": ("float64", "kW"),
        "power_floor": ("bool", None),
        "debug": ("str", None),
        "placeholder": ("bool", None),
    },
    "targets": {
        **_DISH,
        **_SPACECRAFT,
        "upleg_range_km": ("float64", "km"),
        "downleg_range_km": ("float64", "km"),
        "rtlt_s": ("float64", "s"),
    },
    "extra": {
        **_DISH,
        "element": ("str", None),
        "attribute": ("str", None),
        "value": ("str", None),
    },
}
_NAT = np.iinfo(np.int64).min  # as NumPy stores a missing time
TABLES = tuple(SCHEMA)
_UNITS = {
    name: {column: unit for column, (_, unit) in columns.items() if unit}
    for name, columns in SCHEMA.items()
}


def make_table(name, columns):
    """Make one table of a feed with its columns, types and units.

    Parameters
    ----------
    name : {"stations", "dishes", "signals", "targets", "extra"}
    columns : mapping of str to sequence
        Values of every column of the table, all of one length. Times may be integers,
        which count milliseconds since 1970; None stands for a missing value.

    Returns
    -------
    pandas.DataFrame
        Its units are in ``attrs["units"]``.

    Raises
    ------
    ValueError
        If a column is missing or the table has no such column.

    Examples
    --------
    >>> offset = {"time_utc": [0], "time_zone_offset_s": [3600]}
    >>> madrid = {"time": [0], "complex": ["mdscc"], "location": ["Madrid"], **offset}
    >>> make_table("stations", madrid).dtypes["time"]
    dtype('<M8[ms]')
    """
    schema = SCHEMA[name]
    if columns.keys() != schema.keys():
        odd = sorted(columns.keys() ^ schema.keys())
        raise ValueError(
            f"The table {name!r} has the columns {list(schema)}; {odd} are missing or "
            "not among them."
        )
    typed = {column: _typed(columns[column], schema[column][0]) for column in schema}
    table = pd.DataFrame(typed)
    table.attrs["units"] = dict(_UNITS[name])
    return table


def _typed(values, dtype):
    """Give values a dtype, None being a missing value."""
    if dtype in ("str", "Int64", "boolean"):
        return pd.array(values, dtype=dtype)
    if dtype.startswith("datetime64"):
        values = np.asarray(values)
        if values.dtype == object:
            missing = pd.isna(values)
            if not missing.all() and isinstance(values[~missing][0], int):
                values = np.where(missing, _NAT, values).astype(np.int64)
            else:
                values = np.where(missing, None, values)
        return values.astype(dtype)
    return np.asarray(values, dtype=dtype)


def empty_tables():
    """Make the tables of a feed without rows, with all columns and types.

    Returns
    -------
    dict of str to pandas.DataFrame
        Tables "stations", "dishes", "signals", "targets" and "extra".

    Examples
    --------
    >>> empty_tables()["targets"].columns[-1]
    'rtlt_s'
    """
    return {
        name: make_table(name, {column: [] for column in columns})
        for name, columns in SCHEMA.items()
    }


def as_forms(times, forms):
    """Say which form each snapshot had, as a Series indexed by time."""
    index = pd.DatetimeIndex(np.asarray(times).astype("datetime64[ms]"), name="time")
    return pd.Series(np.asarray(forms, dtype=np.int64), index=index, name="form")


def forms_of(feed):
    """Give the times and forms of a feed of one snapshot or of several."""
    if "forms" in feed:
        return feed.forms
    return as_forms([feed.time], [feed.form])


def need_feed(feed):
    """Refuse what is no feed with all its tables and columns."""
    if not isinstance(feed, dict) or not {"signals", "dishes"} <= feed.keys():
        raise TypeError(
            "A feed is what parse_feed or concat_feeds returns; got "
            f"{type(feed).__name__}."
        )
    for name in TABLES:
        table = feed.get(name)
        missing = (
            list(SCHEMA[name]) if table is None else SCHEMA[name].keys() - {*table}
        )
        if missing:
            raise ValueError(
                f"The table {name!r} of the feed lacks the column "
                f"{sorted(missing)[0]!r}; leave the tables as parse_feed makes them."
            )


def concat_feeds(feeds):
    """Put many answers of the feed into one set of tables.

    Parameters
    ----------
    feeds : iterable of Bunch
        As :func:`parse_feed` returns them, or this function; read one at a time.

    Returns
    -------
    Bunch
        ``forms`` : Series of the form of each snapshot, indexed by its time;
        ``stations``, ``dishes``, ``signals``, ``targets``, ``extra`` : the tables, rows
        sorted by time; ``counts`` : the counts of all snapshots kept, and under
        ``"duplicates"`` how many snapshots were left out because their time had been
        seen.

    See Also
    --------
    split_feeds : Take the snapshots apart again.

    Examples
    --------
    >>> from skdsn.dsn_now import parse_feed
    >>> early, late = (
    ...     parse_feed(b"<dsn><timestamp>%d</timestamp></dsn>" % ms) for ms in (0, 5000)
    ... )
    >>> feeds = concat_feeds([late, early, late])
    >>> feeds.forms.index.is_monotonic_increasing, feeds.counts["duplicates"]
    (True, 1)
    """
    parts, forms, counts = [], {}, Counter(duplicates=0)
    if isinstance(feeds, dict):
        raise TypeError(
            "concat_feeds takes several feeds; put a single one into a list."
        )
    for feed in feeds:
        need_feed(feed)
        its_forms = feed.forms.to_dict() if "forms" in feed else {feed.time: feed.form}
        new = its_forms.keys() - forms.keys()
        counts["duplicates"] += len(its_forms) - len(new)
        if not new:
            continue
        # Counts are not kept by snapshot, so a part counts as a whole.
        counts.update(feed.counts)
        forms |= {time: its_forms[time] for time in new}
        parts.append(feed if len(new) == len(its_forms) else _at_times(feed, new))
    empty = empty_tables()
    tables = {name: _stack(name, parts, empty[name]) for name in TABLES}
    every = as_forms(list(forms), list(forms.values())).sort_index()
    return Bunch(forms=every, **tables, counts=dict(counts))


def split_feeds(feeds):
    """Take tables of many snapshots apart.

    Parameters
    ----------
    feeds : Bunch
        As :func:`concat_feeds` or :func:`make_dsn_now` returns it.

    Yields
    ------
    Bunch
        One per snapshot in order of time, as :func:`parse_feed` returns it; what was
        counted over all snapshots is not known of one, so ``counts`` is empty.

    Examples
    --------
    >>> from skdsn.dsn_now import concat_feeds, parse_feed
    >>> feed = parse_feed(b"<dsn><timestamp>5000</timestamp></dsn>")
    >>> [piece.time for piece in split_feeds(concat_feeds([feed]))]
    [Timestamp('1970-01-01 00:00:05')]
    """
    forms = forms_of(feeds).sort_index()
    tables, bounds = {}, {}
    for name in TABLES:
        table = feeds[name].sort_values("time", kind="stable", ignore_index=True)
        tables[name] = table
        bounds[name] = np.append(table["time"].searchsorted(forms.index), len(table))
    for number, (time, form) in enumerate(forms.items()):
        pieces = {
            name: table.iloc[slice(*bounds[name][number : number + 2])].reset_index(
                drop=True
            )
            for name, table in tables.items()
        }
        yield Bunch(time=time, form=int(form), **pieces, counts={})


def _at_times(feed, times):
    """Take the rows of some snapshots."""
    return {name: feed[name][feed[name]["time"].isin(list(times))] for name in TABLES}


def _stack(name, parts, empty):
    """Put one table of all parts under each other, sorted by time."""
    filled = [part[name] for part in parts if len(part[name])]
    if not filled:
        return empty
    table = pd.concat(filled, ignore_index=True)
    if not table["time"].is_monotonic_increasing:
        table = table.sort_values("time", kind="stable", ignore_index=True)
    table.attrs["units"] = dict(_UNITS[name])
    return table
