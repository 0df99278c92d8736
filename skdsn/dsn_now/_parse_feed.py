"""Read one answer of the feed into tables."""

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from skdsn.dsn_now._elements import check_root, parse_elements, read_bytes
from skdsn.dsn_now._feed_rows import BLANK, FeedRows, read_milliseconds
from skdsn.dsn_now._forms import detect_form
from skdsn.dsn_now._parse_json import elements_of_json
from skdsn.dsn_now._tables import TABLES

__all__ = ["FeedUnavailable", "parse_feed"]

_WHAT = "The answer of the feed"


class FeedUnavailable(ValueError):
    """The feed answered that it has nothing to say now; ask again later."""


def parse_feed(document, *, keep_placeholders=False):
    """Read one answer of NASA's public "DSN Now" feed into tables.

    All four forms that the feed has had since 2019 come out alike, in the same units;
    what a form does not tell is missing.

    Parameters
    ----------
    document : bytes, path or binary file
        The answer as it was sent, at most 1 MiB: XML, or a JSON rendering of it with
        the attributes of an element under ``"@name"``.
    keep_placeholders : bool, default=False
        Keep the uplink entries by which form 1 says that no uplink is assigned.

    Returns
    -------
    Bunch
        ``time`` : Timestamp of the snapshot, naive UTC; ``form`` : int, 1 to 4, or 0
        where nothing tells; ``stations``, ``dishes``, ``signals``, ``targets`` :
        DataFrames with units in ``attrs["units"]``, typed also when empty; ``extra`` :
        DataFrame of attributes and elements that are unknown, and of values that could
        not be read, as sent; ``counts`` : dict of what was left out or set to missing:
        ``placeholders``, ``power_floor``, ``unreadable``, ``unknown``.

    Raises
    ------
    FeedUnavailable
        If it is empty or an outage answer, whose timestamp is not a number.
    ValueError
        If it is no such document, has no time, declares a document type, or is larger
        or deeper than any genuine answer.

    See Also
    --------
    concat_feeds : Put many answers into one set of tables.
    to_telemetry : Turn them into telemetry.
    check_feed : Look for values that contradict each other.

    Notes
    -----
    The feed is not documented. Uplink frequencies, sent in MHz, are given in Hz;
    spacecraft numbers, negative since form 2, are positive. Missing are: a range or
    light time of -1, a frequency of zero, an uplink rate of zero since form 3, and a
    downlink power at the floor of the receiver's estimator (-200 dBm or less), which
    ``power_floor`` marks. A dish belongs to the station before it; one before any
    belongs to the complex of its number. The band of forms 1 and 2 is that of the
    frequency.

    References
    ----------
    .. [1] NASA/JPL, "Deep Space Network Now", https://eyes.nasa.gov/dsn/

    Examples
    --------
    >>> feed = parse_feed(
    ...     b'<dsn><station name="gdscc"/><dish name="DSS14"><downSignal '
    ...     b'signalType="data" signalTypeDebug="IN LOCK OFF 1 MCD2" dataRate="160" '
    ...     b'frequency="8420581000" power="-155.5" spacecraft="VGR1" '
    ...     b'spacecraftId="31"/></dish><timestamp>1550000000411</timestamp></dsn>'
    ... )
    >>> feed.form, feed.time
    (1, Timestamp('2019-02-12 19:33:20.411000'))
    >>> feed.signals[["complex", "band", "power_dbm"]].to_numpy().tolist()
    [['gdscc', 'X', -155.5]]
    """
    content = read_bytes(document, _WHAT)
    if not content.strip():
        raise FeedUnavailable("The answer of the feed is empty; ask again later.")
    if content.lstrip().startswith(b"{"):
        elements = elements_of_json(content, _WHAT)
    else:
        elements = parse_elements(content, _WHAT)
    check_root(elements, ["dsn"], _WHAT)
    time = _snapshot_time(elements)
    rows = FeedRows(time, detect_form(elements), keep_placeholders)
    rows.read(elements)
    return Bunch(
        time=pd.Timestamp(np.datetime64(time, "ms")),
        form=rows.form,
        **{name: rows.table(name) for name in TABLES},
        counts=dict(rows.counts),
    )


def _snapshot_time(elements):
    """Find the time of the snapshot in ms since 1970."""
    texts = [element.text for element in elements if element.tag == "timestamp"]
    if not texts:
        stations = (element for element in elements if element.tag == "station")
        texts = [station.attributes.get("timeUTC", "") for station in stations]
    if not texts:
        raise ValueError(
            f"{_WHAT} has neither a <timestamp> nor a station with a time."
        )
    time = read_milliseconds(texts[0])
    if time is None and texts[0].strip().lower() in BLANK:
        raise FeedUnavailable(
            f"The feed is out of service: its timestamp is {texts[0].strip()!r}; ask "
            "again later."
        )
    if time is None:
        raise ValueError(
            f"The timestamp of the feed must count milliseconds since 1970; got "
            f"{texts[0].strip()[:40]!r}."
        )
    return time
