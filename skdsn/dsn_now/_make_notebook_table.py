"""A simulated feed as the joined table of a well-known notebook, losses included."""

from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state

from skdsn._sklearn import Interval, validate_params
from skdsn.dsn_now._make_dsn_now import simulate
from skdsn.dsn_now._make_rows import SITE, unroll
from skdsn.dsn_now._make_signal_table import TYPES
from skdsn.dsn_now._make_states import DOWN_DEBUG, UP_DEBUG
from skdsn.dsn_now._make_texts import texts
from skdsn.dsn_now._vocabulary import COMPLEXES, DISHES, NAMES, NUMBERS

__all__ = ["make_notebook_table"]

_ROWS_PER_SNAPSHOT = 8  # at least
_COMMAND_RATE_GIVEN = 0.3  # share of the uplinks
_SIGNAL = ("dataRate", "frequency", "power", "signalType", "spacecraft", "spacecraftId")


@validate_params(
    {
        "n_rows": [Interval(Integral, 1, None, closed="left")],
        "interval": [Interval(Real, 1, None, closed="left")],
        "faults": ["boolean"],
        "start": [str, object],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_notebook_table(
    n_rows=250_000,
    *,
    interval=60.0,
    faults=True,
    start="2019-01-14",
    random_state=None,
):
    """Simulate the feed as the joined table of a well-known notebook, losses included.

    The notebook's table was joined on the spacecraft of the uplink, so that contacts
    without an uplink lost their downlink and target, and it kept what the feed writes
    instead of a value. This gives such a table, with missing values where it had them;
    :func:`read_notebook_csv` mends one.

    Parameters
    ----------
    n_rows : int, default=250_000
        Rows: uplinks of all snapshots, each with every downlink of its spacecraft.
    interval : float, default=60.0
        Seconds between snapshots, 1 at least. A snapshot gives about 13 rows.
    faults : bool, default=True
        Plant events, as :func:`make_dsn_now` does.
    start : str or datetime-like, default="2019-01-14"
        Time of the first snapshot (UTC).
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    DataFrame of shape (n_rows, 30)
        Named as in the notebook, ``name_upsignal`` included, which is the name of the
        target. Times and time zones are in ms, downlink frequencies in Hz and powers in
        dBm, uplink frequencies in MHz and powers in kW, ranges in km, rates in bit/s.

    See Also
    --------
    make_dsn_now : The same feed in full, with its events.
    read_notebook_csv : Read such a table from a file, mended.

    Notes
    -----
    As in the notebook's table: rows whose ``signalTypeDebug_upsignal`` is ``"none"``
    are placeholders of receive-only contacts, whose frequency, power and rate repeat
    those of a downlink; ranges of -1 are none; powers of some -480 dBm mean that no
    carrier is heard.

    Examples
    --------
    >>> from skdsn.dsn_now import make_notebook_table
    >>> table = make_notebook_table(1000, random_state=0)
    >>> table.shape
    (1000, 30)
    >>> lost = table["spacecraft_upsignal"].isna()
    >>> bool(table.loc[lost, "signalTypeDebug_downsignal"].isna().all())
    True
    """
    random_state = check_random_state(random_state)
    n_snapshots = -(-n_rows // _ROWS_PER_SNAPSHOT)
    network, _ = simulate(start, n_snapshots, interval, 12, faults, random_state)
    rng = np.random.default_rng(random_state.randint(2**31))
    rows = {name: values[:n_rows] for name, values in _join(network).items()}
    return _columns(network, rows, rng)


def _join(network):
    """Join downlinks and targets to the uplinks, row numbers only.

    An uplink without a spacecraft, the placeholder of a receive-only contact, finds
    neither: this is how such contacts lose their downlink.
    """
    plan, down, up = network.plan, network.down, network.up
    uplinks = pd.DataFrame({"up": np.arange(len(up.beam)), "beam": up.beam})
    downlinks = pd.DataFrame({"down": np.arange(len(down.beam)), "beam": down.beam})
    pairs = uplinks.merge(downlinks, on="beam", how="left")
    contact = up.contact[pairs["up"]]
    pair, snapshot, _ = unroll(plan.first[contact], plan.last[contact])
    contact = contact[pair]
    offset = snapshot - plan.first[contact]
    # What a placeholder repeats: the last downlink of its contact.
    last = np.searchsorted(down.contact, contact, side="right") - 1
    its_down = pairs["down"].fillna(-1).to_numpy(dtype=int)[pair]
    rows = {
        "snapshot": snapshot,
        "contact": contact,
        "up": _row(up, network, pairs["up"].to_numpy()[pair], offset),
        "down": _row(down, network, its_down, offset),
        "copied": _row(down, network, last, offset),
        "beam": up.beam[pairs["up"]][pair],
    }
    rank = network.rank[contact]
    order = np.lexsort((pair, rank, snapshot))
    return {name: values[order] for name, values in rows.items()}


def _row(links, network, link, offset):
    """Row of a link at an offset from the begin of its contact; -1 without a link."""
    plan = network.plan
    lengths = (plan.last - plan.first)[links.contact]
    begin = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    return np.where(link >= 0, begin[link] + offset, -1)


def _columns(network, rows, rng):
    """Fill the 30 columns."""
    plan, snapshot, contact = network.plan, rows["snapshot"], rows["contact"]
    dish, beam = plan.dish[contact], rows["beam"]
    dishes = network.rows["dishes"]
    lengths = plan.last - plan.first
    at = np.concatenate([[0], np.cumsum(lengths)[:-1]])[contact]
    at = at + snapshot - plan.first[contact]
    targets, n_targets = network.rows["targets"], np.bincount(plan.beam_contact)
    target = np.where(
        beam >= 0, targets.begin[beam] + snapshot - plan.first[contact], -1
    )
    craft = np.where(beam >= 0, plan.beam_craft[beam], -1)
    offsets = network.stations(1, 0, len(network.times))["time_zone_offset_s"]
    offsets = offsets.to_numpy().reshape(-1, len(COMPLEXES))
    down = _downlinks(network, rows, craft)
    up = _uplinks(network, rows, craft, rng)
    frame = {
        "timeUTC": network.times[snapshot].astype(np.int64),
        "DSS": texts(dish, [name for name, *_ in DISHES]),
        "location": texts(SITE[dish], [site.location for site in COMPLEXES]),
        "created": network.created()[contact],
        "timeZoneOffset": (1000 * offsets[snapshot, SITE[dish]]).astype(np.int64),
        "azimuthAngle": np.round(dishes["azimuth_deg"][at], 2),
        "elevationAngle": np.round(dishes["elevation_deg"][at], 2),
        "isArray": plan.is_array[contact],
        "isDDOR": plan.is_ddor[contact],
        "isMSPA": n_targets[contact] > 1,
        "windSpeed": np.round(dishes["wind_speed_kmh"][at], 2),
        **{f"{name}_downsignal": down[name] for name in _SIGNAL},
        **{f"{name}_upsignal": up[name] for name in _SIGNAL},
        "downlegRange": _range(network, targets.downleg, target, 3),
        "id": _number(craft),
        "name_upsignal": texts(craft, NAMES),
        "rtlt": _range(network, targets.rtlt, target, 6),
        "uplegRange": _range(network, targets.upleg, target, 3),
        "signalTypeDebug_downsignal": down["signalTypeDebug"],
        "signalTypeDebug_upsignal": up["signalTypeDebug"],
    }
    return pd.DataFrame(frame)


def _downlinks(network, rows, craft):
    """Columns of the downlink, missing where the join found none."""
    row, down = rows["down"], network.rows["down"]
    link = np.where(row >= 0, down["link"][row], -1)
    code = network.down.code[link] * DOWN_DEBUG.shape[1] + network.down.state[row]
    return {
        "dataRate": _take(down["rate"], row),
        "frequency": _take(down["frequency"], row),
        "power": _take(down["power"], row),
        "signalType": texts(np.where(row >= 0, down["signal_type"][row], -1), TYPES),
        "spacecraft": texts(np.where(row >= 0, craft, -1), NAMES),
        "spacecraftId": _number(np.where(row >= 0, craft, -1)),
        "signalTypeDebug": texts(np.where(row >= 0, code, -1), DOWN_DEBUG.ravel()),
    }


def _uplinks(network, rows, craft, rng):
    """Columns of the uplink; a placeholder repeats the numbers of a downlink."""
    up, down, row = network.rows["up"], network.rows["down"], rows["up"]
    placeholder = craft < 0
    given = rng.random(len(network.up.contact)) < _COMMAND_RATE_GIVEN
    rate = np.where(given[up["link"]], up["rate"], np.nan)
    copied = rows["copied"]
    return {
        "dataRate": np.where(placeholder, _take(down["rate"], copied), rate[row]),
        "frequency": np.where(
            placeholder, _take(down["frequency"], copied), up["frequency"][row] / 1e6
        ),
        "power": np.where(
            placeholder, _take(down["power"], copied), np.round(up["power"][row], 6)
        ),
        "signalType": texts(up["signal_type"][row], TYPES),
        "spacecraft": texts(craft, NAMES),
        "spacecraftId": _number(craft),
        "signalTypeDebug": texts(network.up.state[row], UP_DEBUG),
    }


def _take(values, row):
    """Take rows, NaN where there is none."""
    return np.where(row >= 0, np.round(values[row], 6), np.nan)


def _number(craft):
    """Numbers of spacecraft."""
    return pd.array(NUMBERS, dtype="Int64").take(craft, allow_fill=True)


def _range(network, values, target, digits):
    """Take a range or light time: -1 where the feed gives none."""
    known = network.range_given[network.rows["targets"].beam[target]]
    values = np.where(known, np.round(values[target], digits), -1.0)
    return np.where(target >= 0, values, np.nan)
