"""Simulated missions in the files of the ESA Anomaly Dataset."""

from numbers import Integral, Real
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.utils import Bunch, check_random_state

from skdsn._sklearn import NAMES, Interval, StrOptions, validate_params
from skdsn.datasets._esa_vocabulary import MISSIONS
from skdsn.datasets._make_esa_adb_files import (
    EPOCH,
    as_index,
    as_text,
    making_folder,
    write_column,
    write_table,
)
from skdsn.datasets._make_esa_adb_kinds import GAP, INVALID, RARE
from skdsn.datasets._make_esa_adb_plan import DAY, plan_commands, plan_events
from skdsn.datasets._make_esa_adb_signal import Telemetry
from skdsn.datasets._make_esa_adb_signatures import disturb

_CONTEXT = 600.0  # s that an entry of events.csv begins before, and ends after
_COUNT = [None, Interval(Integral, 0, None, closed="left")]

_DESCR = """\
Simulated {mission} in the files of the ESA Anomaly Dataset: {n_channels} channels,
{n_samples} samples in {days:g} days, {n_commands} telecommands, {n_events} events.
See make_esa_adb.
"""


@validate_params(
    {
        "folder": "no_validation",
        "mission": [StrOptions(set(MISSIONS))],
        "days": [Interval(Real, 1, None, closed="left")],
        "channels": [None, StrOptions({"lightweight"}), *NAMES],
        "priority": [Interval(Integral, 0, 3, closed="both")],
        "n_anomalies": _COUNT,
        "n_rare": _COUNT,
        "n_gaps": _COUNT,
        "n_invalid": _COUNT,
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_esa_adb(
    folder,
    mission="Mission1",
    *,
    days=30,
    channels=None,
    priority=2,
    n_anomalies=None,
    n_rare=None,
    n_gaps=None,
    n_invalid=None,
    random_state=None,
):
    """Write a simulated mission in the files of the ESA Anomaly Dataset.

    Same layout, names, types and vocabulary as the original 4 GB per mission, so
    that whatever reads and scores the benchmark runs without them. **No result on it
    is a result on the benchmark.**

    Parameters
    ----------
    folder : str or path-like
        The folder of the mission; not there yet, or empty. It appears once complete.
    mission : {"Mission1", "Mission2", "Mission3"}, default="Mission1"
    days : float, default=30
        Length in days from 2000-01-01, at least 1.
    channels : None, "lightweight" or list of str, default=None
        All; the subset of the benchmark (Mission1 ``channel_41`` to ``channel_46``,
        Mission2 ``channel_18`` to ``channel_28``); or those named.
    priority : int, default=2
        Lowest priority of the telecommands to write: 3 are those chosen for machine
        learning, 0 are all.
    n_anomalies, n_rare, n_gaps, n_invalid : int, default=None
        Anomalies, rare nominal events, communication gaps and invalid segments.
        None is, in 30 days, 8, 10, 1 and 0 for Mission1; 4, 14, 0 and 0 for
        Mission2; 4, 6, 4 and 3 for Mission3; in proportion for other lengths, but two
        anomalies and two rare events at least where the channels have any.
    random_state : int, RandomState instance or None, default=None
        One seed gives the same files, byte by byte, with the same versions of the
        libraries. It also gives the same nominal telemetry whatever events and
        channels are asked for; events depend on the channels.

    Returns
    -------
    Bunch
        folder : pathlib.Path
        channels, telecommands : DataFrame
            As in the files of that name.
        labels : DataFrame
            ``ID``, ``Channel``, ``StartTime``, ``EndTime`` (both included, naive).
        types : DataFrame, one row per event, in order of time
            As in ``anomaly_types.csv``; blank where the data set has blanks.
        events : DataFrame or None
            As in ``events.csv``, which only Mission2 has.
        n_samples : int
            Of all channels.
        DESCR : str

    Raises
    ------
    FileExistsError
        If the folder is not empty.
    ValueError
        If a parameter is out of range, a channel is unknown, no event of a category
        disturbs the channels, or there is no room for so many events.

    Notes
    -----
    Published [1]_ [2]_: the layout; of Mission1 all channels with group and
    subsystem, medians, means, spreads and quartile ranges of the first three months,
    converter steps (read off the quartile ranges), which telecommands are of priority
    3 and which of those nominal data never holds; the targets, counters and
    lightweight subset of Mission2; numbers of channels, groups, subsystems and
    telecommands by priority; sampling every 30 s or 18 s; how often each class and
    subclass of event occurs, with its category, dimensionality, locality and length.

    Invented: all courses of values, the orbit, what is correlated, all signatures of
    events and, but for two classes of Mission1, the channels they disturb; the levels
    of Mission2 and Mission3, their text channels, groups and command numbers; all
    Mission3 structure; what commands do. Mission1 has about 10 times as many
    anomalies, 20 times as many rare events and 40 times as many gaps as the original
    in the same time, Mission2 5 times as many anomalies; and the telecommands that
    act are more frequent.

    * Samples are irregular: each group has a clock with a phase and a slip, some
      samples are late, some are missing. Groups 3 to 5 of Mission1 have one in 90 s.
    * Channels of a group share periods and drift. Counters wrap; 8 to 11 of Mission1
      count in events only. Two groups of Mission2 hold text.
    * An anomaly of a class looks similar each time, a rare event of a subclass the
      same each time: few subclasses recur, in both halves of the mission, each
      announced by a telecommand 1 to 5 minutes ahead. Other telecommands of
      priority 3 shift a group of channels for 20 minutes, which is nominal.
    * A label row reaches from the first to the last sample of a channel that differs
      from what it would be without the event; of a counter, each extra count is a row.
      Of a gap, it begins at the last sample before the silence and ends just before
      the next.
    * Dimensionality, locality (does any value leave the range of unlabelled ones) and
      length (within three steps) are measured on the channels written.

    References
    ----------
    .. [1] European Space Agency; G. De Canio et al., "ESA Anomaly Dataset", Zenodo,
       DOI 10.5281/zenodo.12528696, CC BY 3.0 IGO.
    .. [2] K. Kotowski et al., "European Space Agency Benchmark for Anomaly Detection
       in Satellite Telemetry", arXiv:2406.17826.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skdsn.datasets import make_esa_adb
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     made = make_esa_adb(
    ...         Path(folder) / "ESA-Mission1",
    ...         days=2,
    ...         channels="lightweight",
    ...         random_state=0,
    ...     )
    ...     sorted(path.name for path in made.folder.iterdir())
    ['anomaly_types.csv', 'channels', 'channels.csv', 'labels.csv', 'telecommands',
     'telecommands.csv']
    >>> made.types["Category"].value_counts().to_dict()
    {'Rare Event': 2, 'Anomaly': 2}
    """
    mission, folder = MISSIONS[mission], Path(folder)
    written = _choose_channels(mission, channels)
    span = days * DAY
    seed = check_random_state(random_state).randint(2**31 - 1)
    counts = (n_anomalies, n_rare, n_gaps, n_invalid)
    numbers = [channel.number for channel in written]
    events = plan_events(mission, numbers, counts, span, seed)
    commands = plan_commands(mission, events, span, seed)
    with making_folder(folder) as draft:
        rows, n_samples = _write_channels(
            draft, mission, written, events, commands, span, seed
        )
        labels, types = _label_tables(rows, events, mission.step)
        channels = _channel_table(written)
        telecommands = _write_commands(draft, mission, commands, priority, seed)
        context = None
        tables = {
            "channels": channels,
            "telecommands": telecommands,
            "labels": labels,
            "anomaly_types": types,
        }
        if mission.name == "Mission2":
            tables["events"] = context = _context(events)
        for name, table in tables.items():
            write_table(draft / f"{name}.csv", table)
    return Bunch(
        folder=folder,
        channels=channels,
        telecommands=telecommands,
        labels=labels,
        types=types,
        events=context,
        n_samples=n_samples,
        DESCR=_DESCR.format(
            mission=mission.name,
            n_channels=len(written),
            n_samples=n_samples,
            days=days,
            n_commands=len(telecommands),
            n_events=len(types),
        ),
    )


def _choose_channels(mission, channels):
    """Channels to write, in order of number."""
    known = {channel.name: channel for channel in mission.channels}
    if channels is None:
        return list(mission.channels)
    if isinstance(channels, str):
        if not mission.lightweight:
            raise ValueError(
                f"{mission.name} has no lightweight subset; name its channels, or "
                "leave out channels."
            )
        return [each for each in mission.channels if each.number in mission.lightweight]
    for name in channels:
        if name not in known:
            raise ValueError(
                f"{mission.name} has no channel {name!r}; it has channel_1 to "
                f"channel_{len(known)}."
            )
    if not len(channels):
        raise ValueError("channels is empty; name some, or leave it out for all.")
    wanted = set(channels)
    return [channel for channel in mission.channels if channel.name in wanted]


def _write_channels(draft, mission, written, events, commands, span, seed):
    """Write the telemetry, one channel at a time; give the label rows."""
    home = draft / "channels"
    home.mkdir()
    telemetry = Telemetry(mission, span, commands, seed)
    gaps = [
        (number, event)
        for number, event in enumerate(events)
        if event.kind.category == GAP
    ]
    rows, n_samples = [], 0
    for channel in written:
        times = telemetry.sample(channel)
        raw = telemetry.measure(channel, times / 1000)
        # Only now, so that a gap changes nothing else.
        heard = np.ones(len(times), dtype=bool)
        for _, gap in gaps:
            heard[
                slice(*np.searchsorted(times, (gap.start * 1000, gap.end * 1000)))
            ] = 0
        times, raw = times[heard], raw[heard]
        seconds = times / 1000
        values, segments = disturb(channel, seconds, raw, events, seed)
        write_column(home, channel.name, as_index(times), values)
        n_samples += len(times)
        rows += [
            (each.event, channel.name, times[each.first], times[each.last], each.leaves)
            for each in segments
        ]
        for number, gap in gaps:
            after = int(np.searchsorted(seconds, gap.start))
            begin = times[after - 1] if after else round(gap.start * 1000)
            end = times[after] if after < len(times) else round(span * 1000)
            rows.append((number, channel.name, begin, end - 1, False))
    return rows, n_samples


def _label_tables(rows, events, step):
    """Label rows, and one row per event with what was measured on it."""
    columns = ["event", "Channel", "start", "end", "leaves"]
    rows = pd.DataFrame(rows, columns=columns)
    rows = rows.sort_values(["event", "start"], kind="stable", ignore_index=True)
    found = rows["event"].unique().tolist()
    names = {number: f"id_{k}" for k, number in enumerate(found, 1)}
    labels = pd.DataFrame(
        {
            "ID": rows["event"].map(names).astype("str"),
            "Channel": rows["Channel"].astype("str"),
            "StartTime": _as_times(rows["start"]),
            "EndTime": _as_times(rows["end"]),
        }
    )
    types = []
    for number, own in rows.groupby("event"):
        kind = events[number].kind
        measured = ("", "", "")
        if kind.category not in (GAP, INVALID):
            lasted = own["end"].max() - own["start"].min()
            measured = (
                "Multivariate" if len(set(own["Channel"])) > 1 else "Univariate",
                "Global" if own["leaves"].any() else "Local",
                "Point" if lasted < 3000 * step else "Subsequence",
            )
        place = (names[number], kind.label, kind.sublabel, kind.category)
        types.append((*place, *measured))
    columns = ["ID", "Class", "Subclass", "Category"]
    columns += ["Dimensionality", "Locality", "Length"]
    return labels, pd.DataFrame(types, columns=columns)


def _as_times(milliseconds):
    """Turn milliseconds since the mission began into times."""
    return EPOCH + milliseconds.to_numpy(np.int64).astype("timedelta64[ms]")


def _channel_table(written):
    """Make the content of channels.csv."""
    return pd.DataFrame(
        {
            "Channel": [each.name for each in written],
            "Subsystem": [f"subsystem_{each.subsystem}" for each in written],
            "Physical Unit": [f"physical_unit_{each.unit}" for each in written],
            "Group": [each.group for each in written],
            "Target": ["YES" if each.target else "NO" for each in written],
            "Categorical": ["YES" if each.kind == "text" else "NO" for each in written],
        }
    )


def _write_commands(draft, mission, commands, priority, seed):
    """Write when telecommands were executed; give the content of telecommands.csv."""
    home = draft / "telecommands"
    home.mkdir()
    written = [number for number, own in mission.priorities.items() if own >= priority]
    for number in written:
        times = np.round(commands[number] * 1000).astype(np.int64)
        # The original has both: times listed twice, and times as text.
        if number % 7 == 0:
            times = np.sort(np.concatenate((times, times[::5])))
        index = as_index(times)
        if number % 10 == 0:
            index = pd.Index(as_text(index), dtype=object)
        values = np.ones(len(times), dtype=np.float32)
        write_column(home, f"telecommand_{number}", index, values)
    return pd.DataFrame(
        {
            "Telecommand": [f"telecommand_{number}" for number in written],
            "Priority": [mission.priorities[number] for number in written],
        }
    )


def _context(events):
    """Make the content of events.csv: what the mission planned around rare events."""
    rare = [event for event in events if event.kind.category == RARE]
    start = np.array([event.start for event in rare]) - _CONTEXT
    end = np.array([event.end for event in rare]) + _CONTEXT
    return pd.DataFrame(
        {
            "Event": [f"event_{event.key[1]}" for event in rare],
            "StartTime": EPOCH + _milliseconds(np.maximum(start, 0)),
            "EndTime": EPOCH + _milliseconds(end),
        }
    )


def _milliseconds(seconds):
    """Spans of time from seconds."""
    return np.round(seconds * 1000).astype("timedelta64[ms]")
