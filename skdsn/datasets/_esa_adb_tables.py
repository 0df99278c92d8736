"""The tables beside the telemetry of an ESA-ADB mission."""

from pathlib import Path

import numpy as np
import pandas as pd

CATEGORIES = {
    "Anomaly": 1,
    "Rare Event": 2,
    "Communication Gap": 3,
    "Invalid Segment": 4,
}
LABELS = ("ID", "Channel", "StartTime", "EndTime")
TYPES = ("ID", "Class", "Subclass", "Category", "Dimensionality", "Locality", "Length")
_CHANNELS = ("Channel", "Subsystem", "Group", "Target")
_TELECOMMANDS = ("Telecommand", "Priority")
_EVENTS = ("Event", "StartTime", "EndTime")
# What nanoseconds hold, in which telemetry is recorded.
_EARLIEST, _LATEST = pd.Timestamp("1678-01-01"), pd.Timestamp("2262-04-11")


def read_table(folder, name, columns, *, required):
    """Read a table and check its columns; without one, None unless it is required."""
    path = Path(folder) / name
    if not path.is_file():
        if required:
            raise FileNotFoundError(
                f"There is no {name} in {folder}; give the folder of a mission, which "
                "holds it next to channels/."
            )
        return None
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except ValueError as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise ValueError(f"{path} cannot be read as a table: {reason}.") from error
    missing = [column for column in columns if column not in table]
    if missing:
        raise ValueError(
            f"{path} lacks the column {missing[0]!r}; it has "
            f"{', '.join(map(str, table.columns))}."
        )
    for column in columns[: 2 if columns is LABELS else 1]:
        _refuse(path, table, table[column] == "", f"has no {column}")
    return table.mask(table == "", other=None)


def read_channels(folder, *, required):
    """Read channels.csv, indexed by channel in order of their numbers."""
    table = read_table(folder, "channels.csv", _CHANNELS, required=required)
    if table is None:
        return None
    path = Path(folder) / "channels.csv"
    _refuse(path, table, table["Channel"].duplicated(), "repeats a channel")
    _refuse(path, table, ~_numbered(table["Channel"], "channel"), "names no channel_N")
    _refuse(
        path, table, ~table["Target"].isin(["YES", "NO"]), "has no Target YES or NO"
    )
    return _in_order(table, "Channel")


def read_telecommands(folder, *, required):
    """Read telecommands.csv, indexed by telecommand in order of their numbers."""
    table = read_table(folder, "telecommands.csv", _TELECOMMANDS, required=required)
    if table is None:
        return None
    path, name = Path(folder) / "telecommands.csv", table["Telecommand"]
    _refuse(path, table, name.duplicated(), "repeats a telecommand")
    _refuse(path, table, ~_numbered(name, "telecommand"), "names no telecommand_N")
    priority = pd.to_numeric(table["Priority"], errors="coerce")
    _refuse(path, table, ~priority.isin([0, 1, 2, 3]), "has no Priority of 0 to 3")
    return _in_order(table.assign(Priority=priority.astype("int64")), "Telecommand")


def read_events(folder):
    """Read events.csv, which few missions have."""
    table = read_table(folder, "events.csv", _EVENTS, required=False)
    return None if table is None else _with_times(Path(folder) / "events.csv", table)


def read_labels(folder, channels, *, required):
    """Read labels.csv, each row with what anomaly_types.csv tells of its event."""
    labels = read_table(folder, "labels.csv", LABELS, required=required)
    types = read_table(
        folder, "anomaly_types.csv", TYPES, required=required or labels is not None
    )
    if labels is None:
        return no_labels()
    path = Path(folder) / "labels.csv"
    labels = _with_times(path, labels)
    if channels is not None:
        unknown = ~labels["Channel"].isin(channels.index)
        _refuse(path, labels, unknown, "is on a channel that channels.csv lacks")
    file = Path(folder) / "anomaly_types.csv"
    _refuse(file, types, types["ID"].duplicated(), "repeats an ID")
    known = types["Category"].isin(list(CATEGORIES))
    _refuse(file, types, ~known, f"has a Category other than {', '.join(CATEGORIES)}")
    untold = ~labels["ID"].isin(types["ID"])
    _refuse(path, labels, untold, "has an ID that anomaly_types.csv lacks")
    extra = [c for c in types if c not in labels or c == "ID"]
    joined = labels.merge(types[extra], on="ID", how="left")
    first = [*LABELS, "Category"]
    return joined[first + [c for c in joined if c not in first]]


def no_labels():
    """Make the table of labels where nothing is told of events."""
    columns = [*LABELS, "Category", *(c for c in TYPES if c not in ("ID", "Category"))]
    times = dict.fromkeys(("StartTime", "EndTime"), "datetime64[us]")
    return pd.DataFrame(columns=columns, dtype="str").astype(times)


def clip_labels(labels, names, times):
    """Take the labels on some channels that meet the rows, as they are."""
    inside = labels["Channel"].isin(names)
    inside &= (labels["EndTime"] >= times[0]) & (labels["StartTime"] <= times[-1])
    return labels[inside].reset_index(drop=True)


def _with_times(path, table):
    """Read the columns of times, both ends of which belong to the interval."""
    for column in ("StartTime", "EndTime"):
        times = pd.to_datetime(
            table[column], format="ISO8601", utc=True, errors="coerce"
        )
        # Which leaves out 'now' and 'today', which pandas takes for times.
        dated = table[column].str.match(r"\s*\d{4}", na=False)
        _refuse(path, table, times.isna() | ~dated, f"has a {column} that is no time")
        times = times.dt.tz_localize(None).astype("datetime64[us]")
        if column == "EndTime":  # 9999-12-31 of what is still open
            times = times.clip(upper=_LATEST)
        beyond = (times < _EARLIEST) | (times > _LATEST)
        _refuse(path, table, beyond, f"has a {column} outside 1678 to 2262")
        table[column] = times
    _refuse(path, table, table["StartTime"] > table["EndTime"], "ends before it starts")
    return table


def _numbered(names, kind):
    return names.str.fullmatch(rf"{kind}_\d+").astype(bool)


def _in_order(table, column):
    number = table[column].str.rsplit("_", n=1).str[1].astype("int64")
    return table.iloc[np.argsort(number, kind="stable")].set_index(column)


def _refuse(path, table, wrong, problem):
    """Raise for the first row that is wrong; the first line of a file is its header."""
    wrong = wrong.to_numpy(dtype=bool)
    if not wrong.any():
        return
    row = int(np.argmax(wrong))
    content = ", ".join(str(value) for value in table.iloc[row].tolist()[:4])
    raise ValueError(f"{path}, line {row + 2}, {problem} ({content}); correct it.")
