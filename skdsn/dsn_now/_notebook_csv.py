"""Read the table of joined rows that a well-known notebook on the feed was made of."""

import numpy as np
import pandas as pd

from skdsn.dsn_now._feed_rows import BLANK
from skdsn.dsn_now._forms import (
    LARGEST_MHZ,
    NO_SPACECRAFT_ID,
    NOT_SPACECRAFT,
    POWER_FLOOR_DBM,
)
from skdsn.dsn_now._telemetry import COLUMNS, FLAGS, IDS, UNITS, as_contacts
from skdsn.tracks import parse_times

__all__ = ["read_notebook_csv"]

_SIDES = {"_x": "_downsignal", "_y": "_upsignal"}
_SIGNAL = (
    *("dataRate", "frequency", "power", "signalType", "signalTypeDebug"),
    *("spacecraft", "spacecraftId"),
)
_NAMES = {
    "name_x": "DSS",
    "friendlyName": "location",
    "name_y": "name_target",
    "name_upsignal": "name_target",  # it is the name of the target
    "id": "id_target",
    **{name + side: name + end for name in _SIGNAL for side, end in _SIDES.items()},
}
_RANGES = ("downlegRange", "uplegRange", "rtlt")
_CODES = ("spacecraft_downsignal", "spacecraft_upsignal", "name_target")
_FLAGS = {"true": 1.0, "false": 0.0}
_UPLINK = tuple(f"{name}_upsignal" for name in _SIGNAL)


def read_notebook_csv(path, *, max_gap="10min", numeric_only=False):
    r"""Read a CSV of joined rows of the feed in the layout of a well-known notebook.

    Parameters
    ----------
    path : str, path-like or file
        36 columns with the suffixes ``_x`` and ``_y``, or the 30 columns that they
        become; fewer may be there, and others are ignored.
    max_gap : float, str or pandas.Timedelta, default="10min"
        A contact ends where its dish and spacecraft were not seen together for longer.
    numeric_only : bool, default=False
        Leave out text, times and spacecraft numbers.

    Returns
    -------
    DataFrame indexed by (track, time)
        As :func:`to_telemetry` returns it.

    Raises
    ------
    ValueError
        If the columns of time or dish are missing, or a time or number is not one.

    See Also
    --------
    to_telemetry : Turn parsed answers into telemetry.

    Notes
    -----
    Mended are: uplink frequencies in MHz, given in Hz; uplinks that are placeholders
    and repeat the numbers of a downlink, which are missing; -1 in ranges and light
    times, and downlink powers at the floor of the estimator (-200 dBm or less), which
    are missing; the name of the target, which was called that of the uplink; time zones
    in ms, given in s.

    The rows were joined on the uplink, so receive-only contacts have lost their
    downlink: they come as tracks of the spacecraft "none".

    Examples
    --------
    >>> import io
    >>> text = "timeUTC,name_x,power_x,frequency_y,spacecraft_y,signalTypeDebug_y\n"
    >>> text += "1547424005485,DSS14,-120.5,7186,STA,ON 1 TRK\n"
    >>> X = read_notebook_csv(io.StringIO(text))
    >>> X[["power_downsignal", "frequency_upsignal"]].iloc[0].to_list()
    [-120.5, 7186000000.0]
    """
    # "none" is a value of some columns and stands for a missing number in others.
    raw = pd.read_csv(path, dtype="str", keep_default_na=False)
    raw = raw.rename(columns=_NAMES)
    missing = [name for name in ("timeUTC", "DSS") if name not in raw]
    if missing:
        raise ValueError(
            "The table must have the columns timeUTC and DSS (or name_x); got "
            f"{list(raw.columns)[:40]}."
        )
    has_names = bool({"spacecraft_upsignal", "spacecraftId_upsignal"} & {*raw.columns})
    raw = raw.reindex(columns=["timeUTC", *COLUMNS], fill_value="")
    blank = raw.apply(lambda column: column.str.strip().str.lower().isin(BLANK))
    rows = raw.mask(blank)
    # Blanks inside debug strings tell fields apart, so they stay as they are.
    for name in ("signalTypeDebug_downsignal", "signalTypeDebug_upsignal"):
        rows[name] = raw[name].where(raw[name] != "")
    for name in ("signalType_downsignal", "signalType_upsignal"):
        rows[name] = raw[name].where(raw[name].str.strip() != "")
    for name in (*UNITS, *IDS):
        rows[name] = _numbers(rows[name], name)
    for name in FLAGS:
        rows[name] = rows[name].str.strip().str.lower().map(_FLAGS)
    rows["created"] = parse_times(rows["created"]).astype("datetime64[ms]")
    rows = _mend(rows.assign(time=_milliseconds(rows["timeUTC"])), has_names)
    return as_contacts(rows, max_gap=max_gap, numeric_only=numeric_only)


def _numbers(column, name):
    """Read a column of numbers; NaN where there is none."""
    numbers = pd.to_numeric(column, errors="coerce").astype("float64")
    odd = np.flatnonzero(column.notna() & ~np.isfinite(numbers))
    if len(odd):
        raise ValueError(
            f"Column {name!r} must hold numbers; got {column.iloc[odd[0]]!r} in row "
            f"{odd[0]} (counted from 0)."
        )
    return numbers


def _milliseconds(column):
    """Read a column of ms since 1970."""
    numbers = _numbers(column, "timeUTC")
    odd = np.flatnonzero(~(numbers >= 0))
    if len(odd):
        raise ValueError(
            f"Column 'timeUTC' must count milliseconds since 1970; row {odd[0]} "
            "(counted from 0) has none."
        )
    return numbers.astype("int64").astype("datetime64[ms]")


def _mend(rows, has_names):
    """Give values their units, and take out what stands for a missing one."""
    codes = ["spacecraft_downsignal", "name_target", "spacecraft_upsignal"]
    rows = rows.assign(**{name: rows[name].str.strip().str.upper() for name in codes})
    placeholder = rows["signalTypeDebug_upsignal"] == "none"
    if has_names:
        named = rows[["spacecraft_upsignal", "spacecraftId_upsignal"]].notna()
        placeholder |= ~named.any(axis=1)
    rows = rows.assign(**{name: rows[name].mask(placeholder) for name in _UPLINK})
    up = rows["frequency_upsignal"]
    mended = {
        "frequency_upsignal": up.where(up >= LARGEST_MHZ, up * 1e6).where(up > 0),
        "frequency_downsignal": rows["frequency_downsignal"].where(lambda f: f > 0),
        "power_downsignal": rows["power_downsignal"].where(
            lambda power: power > POWER_FLOOR_DBM
        ),
        "timeZoneOffset": rows["timeZoneOffset"] / 1000,
        "DSS": rows["DSS"].str.strip().str.upper(),
        **{name: rows[name].where(rows[name] >= 0) for name in _RANGES},
    }
    for name, code in zip(IDS, _CODES, strict=True):
        number = rows[name].abs()
        real = rows[code].notna() & ~rows[code].isin(NOT_SPACECRAFT)
        number = number.where((number > 0) & ~(real & (number == NO_SPACECRAFT_ID)))
        mended[name] = number.astype("Int64")
    rows = rows.assign(**mended)
    number = mended["spacecraftId_downsignal"].fillna(mended["id_target"])
    spacecraft = rows[codes].bfill(axis=1).iloc[:, 0]
    spacecraft = spacecraft.fillna(number.astype("str")).fillna("")
    rows = rows.assign(dish=rows["DSS"], spacecraft=spacecraft.astype("str"))
    return rows.assign(seq=rows.groupby(["time", "dish", "spacecraft"]).cumcount())
