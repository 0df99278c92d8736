"""A simulated feed with known events."""

from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.utils import Bunch, check_random_state

from skdsn._sklearn import Interval, validate_params
from skdsn.dsn_now._encode_feed import encode_feed
from skdsn.dsn_now._make_links import make_links
from skdsn.dsn_now._make_rows import (
    dish_rows,
    downlink_rows,
    range_given,
    target_rows,
    uplink_rows,
)
from skdsn.dsn_now._make_tables import Network
from skdsn.dsn_now._make_texts import texts
from skdsn.dsn_now._passes import plan_passes
from skdsn.dsn_now._sky import seconds_since_epoch
from skdsn.dsn_now._tables import as_forms, split_feeds
from skdsn.dsn_now._vocabulary import COMPLEXES, DISHES, NAMES, SPACECRAFT, TESTS

__all__ = ["make_dsn_now"]

_DESCR = """\
Simulated DSN Now feed: {n_snapshots} snapshots every {interval:g} s in form {form}, \
{n_dishes} dishes, {n_contacts} contacts, {n_signals} signal rows, {n_events} planted \
events. See make_dsn_now.
"""


@validate_params(
    {
        "days": [Interval(Real, 0, None, closed="neither")],
        "interval": [Interval(Real, 1, None, closed="left")],
        "n_dishes": [Interval(Integral, 1, len(DISHES), closed="both")],
        "form": [Interval(Integral, 1, 4, closed="both")],
        "faults": ["boolean"],
        "keep_placeholders": ["boolean"],
        "start": [str, object],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_dsn_now(
    days=1.0,
    *,
    interval=5.0,
    n_dishes=12,
    form=1,
    faults=True,
    keep_placeholders=False,
    start="2019-01-14",
    random_state=None,
):
    """Simulate the public "DSN Now" feed, with known events.

    Dishes of three complexes track real spacecraft from rise to set: receivers hunt for
    the carrier and the code, lock, and lose them behind a planet; ranges, light times,
    Doppler shifts and levels follow the geometry.

    Parameters
    ----------
    days : float, default=1.0
        Length of the feed.
    interval : float, default=5.0
        Seconds between snapshots, 1 at least.
    n_dishes : int, default=12
        Number of dishes, 14 at most, spread over the complexes.
    form : {1, 2, 3, 4}, default=1
        What the tables tell and how it is rounded: only form 1 has debug strings, form
        2 has numbers of four digits, form 3 no frequencies, form 4 activities.
    faults : bool, default=True
        Plant events.
    keep_placeholders : bool, default=False
        Keep the uplinks by which form 1 says that none is assigned.
    start : str or datetime-like, default="2019-01-14"
        Time of the first snapshot (UTC). Places of the spacecraft are mean ones of that
        year.
    random_state : int, RandomState instance or None, default=None
        With one seed, contacts, signals and noise are the same with and without
        `faults` wherever there is no event, and in all forms up to rounding.

    Returns
    -------
    Bunch
        forms, stations, dishes, signals, targets, extra, counts
            As :func:`concat_feeds` returns them; ``extra`` has no rows.
        events : DataFrame, one row per planted event
            ``kind``, ``dish``, ``spacecraft``, ``direction``, ``seq`` (of the signal),
            ``heard`` (spacecraft that the receiver is on instead, missing where it is
            the right one), ``start`` and ``end`` (first and last snapshot).
        config : Bunch
            As :func:`parse_config` returns it.
        documents : callable
            ``documents(form=None, start=None, stop=None)`` gives an iterator over
            documents (bytes) of the snapshots from `start` to before `stop`; read again
            by :func:`parse_feed`, they give these tables.
        DESCR : str

    Raises
    ------
    ValueError
        If a parameter is out of range.

    See Also
    --------
    make_notebook_table : The same feed as one joined table.
    concat_feeds : Recorded answers as such tables.
    to_telemetry : Telemetry of such tables.

    Notes
    -----
    ==================  =========================================================
    kind                signature
    ==================  =========================================================
    drop_lock           decoder and carrier are lost and found again within minutes,
                        while the spacecraft is up
    wrong_spacecraft    the receiver is on a neighbour in the beam: its carrier and
                        its level, mostly without lock of the decoder
    weak_signal         the level falls by 4 to 10 dB and comes back; lock comes
                        and goes
    decoder_trouble     carrier and level are steady, the decoder is out of lock
    stale_lock          the decoder reports lock without a carrier
    transmitter_trip    the uplink goes off and is swept in again
    ==================  =========================================================

    One contact is a record of a dish with one ``created``: before the antenna reports,
    angles are missing; before receivers are assigned, the debug string is ``"  -1 "``
    and numbers are missing; some contacts never report. A dish without a spacecraft has
    a code of tests or maintenance as its target. Several spacecraft at Mars share a
    beam, faint ones are arrayed, delta-DOR uses two complexes. Half of the planted
    wrong spacecraft are found while the signal is acquired.

    Each state of a signal lasts one snapshot at least, so at long intervals short
    states take longer than they would.

    References
    ----------
    .. [1] NASA/JPL, "Deep Space Network Now", https://eyes.nasa.gov/dsn/

    Examples
    --------
    >>> from skdsn.dsn_now import make_dsn_now, parse_feed
    >>> feed = make_dsn_now(0.5, interval=60, random_state=0)
    >>> feed.forms.shape, sorted(feed.signals["direction"].unique())
    ((720,), ['down', 'up'])
    >>> document = next(feed.documents(form=4))
    >>> parse_feed(document).form
    4
    """
    if interval > 86_400:
        raise ValueError(f"interval must be at most 86400 s, a day; got {interval!r}.")
    n_snapshots = max(1, int(days * 86_400 / interval))
    random_state = check_random_state(random_state)
    network, events = simulate(
        start, n_snapshots, interval, n_dishes, faults, random_state
    )
    tables = network.tables(form, keep_placeholders)
    signals = tables["signals"]
    return Bunch(
        forms=as_forms(network.stamps(form), np.full(n_snapshots, form)),
        **tables,
        counts={"power_floor": int(signals["power_floor"].sum())},
        events=_events(network, events),
        config=_config(n_dishes),
        documents=Documents(network, form),
        DESCR=_DESCR.format(
            n_snapshots=n_snapshots,
            interval=interval,
            form=form,
            n_dishes=n_dishes,
            n_contacts=len(network.plan),
            n_signals=len(signals),
            n_events=len(events),
        ),
    )


def simulate(start, n_snapshots, interval, n_dishes, faults, random_state):
    """Draw the plan, the states and the numbers of a network, and its events."""
    first = _moment(start)
    begin = float(seconds_since_epoch(first))
    times = first + np.round(1000 * interval * np.arange(n_snapshots)).astype("m8[ms]")
    # One stream each: faults leave plan and noise as they are.
    rngs = [np.random.default_rng(seed) for seed in random_state.randint(2**31, size=6)]
    plan = plan_passes(begin, n_snapshots, interval, n_dishes, rngs[0])
    down, up, events = make_links(plan, begin, interval, faults, rngs[1:3])
    targets = target_rows(plan, begin, interval)
    rows = {
        "targets": targets,
        "dishes": dish_rows(plan, begin, interval, n_snapshots, rngs[3]),
        "down": downlink_rows(plan, down, targets, events, interval, rngs[4]),
        "up": uplink_rows(plan, up, rngs[5]),
    }
    return Network(times, plan, down, up, rows, range_given(plan)), events


class Documents:
    """The documents of a simulated feed, written when they are asked for."""

    def __init__(self, network, form):
        self._network = network
        self._form = form

    def __call__(self, form=None, start=None, stop=None):
        """Write documents one by one.

        Parameters
        ----------
        form : {1, 2, 3, 4}, default=None
            Form of the documents; that of the tables when None.
        start, stop : str or datetime-like, default=None
            First time and the time before which to end (UTC); all when None.

        Yields
        ------
        bytes
        """
        form = self._form if form is None else form
        times = self._network.times
        first = 0 if start is None else np.searchsorted(times, _moment(start))
        last = len(times) if stop is None else np.searchsorted(times, _moment(stop))
        tables = self._network.tables(form, keep_placeholders=True, span=(first, last))
        times = self._network.stamps(form)[first:last]
        feeds = Bunch(forms=as_forms(times, np.full(len(times), form)), **tables)
        return (encode_feed(feed, form) for feed in split_feeds(feeds))


def _moment(time):
    """Read a time as naive UTC."""
    try:
        moment = pd.Timestamp(time)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"A time must be such as '2019-01-14T06:00' or a datetime; got {time!r}."
        ) from error
    return moment.to_datetime64().astype("datetime64[ms]")


def _events(network, events):
    """Make the table of planted events."""
    plan, times = network.plan, network.times
    column = {
        name: np.array([event[name] for event in events], dtype=int)
        for name in ("contact", "beam", "heard", "first", "last", "link")
    }
    kind = np.array([event["kind"] for event in events], dtype=str)
    is_up = kind == "transmitter_trip"
    begin = plan.first[column["contact"]]
    seq = np.zeros(len(events), dtype=int)
    seq[~is_up] = network.down.seq[column["link"][~is_up]]
    heard = column["heard"]
    table = pd.DataFrame(
        {
            "kind": pd.array(kind, dtype="str"),
            "dish": texts(plan.dish[column["contact"]], [dish[0] for dish in DISHES]),
            "spacecraft": texts(plan.beam_craft[column["beam"]], NAMES),
            "direction": texts(is_up.astype(int), ["down", "up"]),
            "seq": seq,
            "heard": texts(np.where(heard >= 0, plan.beam_craft[heard], -1), NAMES),
            "start": times[begin + column["first"]],
            "end": times[begin + column["last"]],
        }
    )
    return table.sort_values("start", kind="stable", ignore_index=True)


def _config(n_dishes):
    """Make the configuration, as parse_config gives it."""
    kinds = [dish[2] for dish in DISHES[:n_dishes]]
    names = [dish[0] for dish in DISHES[:n_dishes]]
    codes = {craft.name: craft.friendly for craft in SPACECRAFT}
    codes |= {test[0]: test[2] for test in TESTS}
    missing = pd.array([None] * len(codes), dtype="str")
    return Bunch(
        sites=pd.DataFrame(
            {
                "complex": [site.name for site in COMPLEXES],
                "location": [site.location for site in COMPLEXES],
                "longitude_deg": [site.longitude for site in COMPLEXES],
                "latitude_deg": [site.latitude for site in COMPLEXES],
            }
        ),
        dishes=pd.DataFrame(
            {
                "complex": [COMPLEXES[dish[1]].name for dish in DISHES[:n_dishes]],
                "dish": names,
                "friendly_name": [f"DSS {name[3:]}" for name in names],
                "type": kinds,
                "diameter_m": [float(kind[:2]) for kind in kinds],
            }
        ),
        spacecraft=pd.DataFrame(
            {
                "spacecraft": list(codes),
                "friendly_name": list(codes.values()),
                "acronym": missing,
                "explorer_name": missing,
                "link": missing,
                "thumbnail": False,
            }
        ),
    )
