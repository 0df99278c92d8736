"""Find values of a feed that contradict each other or nature."""

import numpy as np
import pandas as pd

from skdsn.dsn_now._forms import (
    LIGHT_SPEED_KM_S,
    LIGHT_TIME_TOLERANCE,
    in_any_band,
)
from skdsn.dsn_now._tables import forms_of, need_feed

__all__ = ["check_feed"]

_LARGEST_KW = 500.0  # the planetary radar has 450 kW
_LARGEST_CLOCK_S = 60.0
_DTYPES = {
    "time": "datetime64[ms]",
    "complex": "str",
    "dish": "str",
    "spacecraft": "str",
    "table": "str",
    "row": "int64",
    "check": "str",
    "value": "float64",
    "limit": "float64",
}


def check_feed(feed):
    """Find values of a feed that contradict each other or nature.

    Nothing is changed or dropped: the findings say where to look.

    Parameters
    ----------
    feed : Bunch
        One snapshot or many.

    Returns
    -------
    DataFrame of shape (n_findings, 9)
        Columns time, complex, dish, spacecraft; ``table`` and ``row``, the position in
        it; ``check``, one of those below; ``value`` found and its ``limit``, NaN where
        a check has none. Empty if there is nothing to say.

    See Also
    --------
    parse_feed : Read an answer of the feed.

    Notes
    -----
    The checks:

    * ``light_time`` : range up and down over the speed of light differs from the light
      time by more than the rounding of the form explains (relative; 1e-4 in form 1,
      1e-3 in form 2, 1e-2 in later forms).
    * ``frequency`` : the carrier of a spacecraft is outside the bands of the network
      (Hz).
    * ``copy`` : rate, frequency and power equal those of an earlier entry of the dish
      and direction (value: frequency in Hz).
    * ``uplink_power`` : below zero or above 500 kW.
    * ``azimuth``, ``elevation`` : outside 0 to 360, or 0 to 90 degrees.
    * ``mspa`` : the flag does not fit the number of targets (value).
    * ``active`` : the flag does not fit the type of the signal.
    * ``no_target`` : a signal of a spacecraft that its dish does not track.
    * ``clock`` : the clock of a station differs from the time of the snapshot (s; limit
      60 s).

    Examples
    --------
    >>> from skdsn.dsn_now import parse_feed
    >>> feed = parse_feed(
    ...     b'<dsn><dish name="DSS14"><target name="VGR1" uplegRange="3e5" '
    ...     b'downlegRange="3e5" rtlt="9"/></dish><timestamp>0</timestamp></dsn>'
    ... )
    >>> check_feed(feed)[["spacecraft", "check", "limit"]].to_numpy().tolist()
    [['VGR1', 'light_time', 0.01]]
    """
    need_feed(feed)
    findings = [
        *_check_targets(feed),
        *_check_signals(feed),
        *_check_dishes(feed),
        _finding(feed, "stations", "clock", *_beyond(_clocks(feed), _LARGEST_CLOCK_S)),
    ]
    findings = [finding for finding in findings if len(finding)]
    if not findings:
        return pd.DataFrame({name: [] for name in _DTYPES}).astype(_DTYPES)
    table = pd.concat(findings, ignore_index=True)
    return table.sort_values("time", kind="stable", ignore_index=True).astype(_DTYPES)


def _check_targets(feed):
    """Check ranges against light times."""
    targets = feed.targets
    forms = targets["time"].map(forms_of(feed))
    legs = targets["upleg_range_km"] + targets["downleg_range_km"]
    rtlt = targets["rtlt_s"].to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = np.abs(legs.to_numpy() / LIGHT_SPEED_KM_S - rtlt) / rtlt
    limit = forms.map(LIGHT_TIME_TOLERANCE).to_numpy(dtype=np.float64)
    yield _finding(feed, "targets", "light_time", *_beyond(apart, limit))


def _check_signals(feed):
    """Check signals by themselves, against each other and against targets."""
    signals = feed.signals
    frequency = signals["frequency_hz"].to_numpy()
    up = (signals["direction"] == "up").to_numpy()
    inside = np.where(up, in_any_band("up", frequency), in_any_band("down", frequency))
    real = signals["is_spacecraft"].to_numpy()
    odd = ~inside & ~np.isnan(frequency) & real
    yield _finding(feed, "signals", "frequency", odd, frequency)

    numbers = ["data_rate_bps", "frequency_hz", "power_dbm", "power_kw"]
    key = ["time", "dish", "direction", *numbers]
    measured = signals[["power_dbm", "power_kw"]].notna().any(axis=1).to_numpy()
    copied = signals.duplicated(key).to_numpy() & measured & ~np.isnan(frequency)
    # A transmitter that is off has the same zeros as another.
    copied &= ~(signals["power_kw"] == 0).to_numpy()
    yield _finding(feed, "signals", "copy", copied, frequency)

    power = signals["power_kw"].to_numpy()
    odd = (power < 0) | (power > _LARGEST_KW)
    limit = np.where(power < 0, 0.0, _LARGEST_KW)
    yield _finding(feed, "signals", "uplink_power", odd, power, limit)

    silent = signals["signal_type"].isin(["none"]) | signals["signal_type"].isna()
    odd = (signals["active"] == silent).to_numpy()
    yield _finding(feed, "signals", "active", odd)

    place = ["time", "dish", "spacecraft"]
    tracked = pd.MultiIndex.from_frame(feed.targets[place])
    odd = real & ~pd.MultiIndex.from_frame(signals[place]).isin(tracked)
    yield _finding(feed, "signals", "no_target", odd)


def _check_dishes(feed):
    """Check where dishes point and what they are said to do."""
    dishes = feed.dishes
    for angle, largest in (("azimuth", 360.0), ("elevation", 90.0)):
        value = dishes[f"{angle}_deg"].to_numpy()
        odd = (value < 0) | (value > largest)
        limit = np.where(value < 0, 0.0, largest)
        yield _finding(feed, "dishes", angle, odd, value, limit)
    several = dishes["n_targets"] > 1
    odd = (dishes["is_mspa"] != several).fillna(False).to_numpy(dtype=bool)
    yield _finding(feed, "dishes", "mspa", odd, dishes["n_targets"].to_numpy())


def _clocks(feed):
    """Seconds between the clock of each station and the snapshot."""
    stations = feed.stations
    apart = (stations["time_utc"] - stations["time"]).dt.total_seconds()
    return apart.abs().to_numpy()


def _beyond(values, limits):
    """Tell which values are beyond their limits, with both."""
    return values > limits, values, np.broadcast_to(limits, values.shape)


def _finding(feed, name, check, odd, value=None, limit=None):
    """Make a table of the odd rows of one table."""
    rows = np.flatnonzero(odd)
    table = feed[name].iloc[rows]
    missing = np.full(len(feed[name]), np.nan)
    return pd.DataFrame(
        {
            "time": table["time"].to_numpy(),
            "complex": table["complex"].to_numpy(),
            "dish": _column(table, "dish"),
            "spacecraft": _column(table, "spacecraft"),
            "table": name,
            "row": rows,
            "check": check,
            "value": (missing if value is None else value)[rows].astype(np.float64),
            "limit": (missing if limit is None else limit)[rows],
        }
    )


def _column(table, name):
    """Give a column, or missing values where the table has none."""
    if name in table:
        return table[name].to_numpy()
    return pd.array([None] * len(table), dtype="str")
