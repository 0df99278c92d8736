"""Simulated passes as tables: telemetry, labels, incidents, columns."""

import numpy as np
import pandas as pd

from skdsn.datasets._dsn_vocabulary import (
    ANTENNA_MODES,
    CODINGS,
    COLUMNS,
    DOPPLER_MODES,
    LOCK,
    SWITCH,
    column_names,
)
from skdsn.tracks import as_seconds

_LEVELS = {
    "antenna_mode": ANTENNA_MODES,
    "uplink_state": SWITCH,
    "ranging_state": SWITCH,
    "doppler_mode": DOPPLER_MODES,
    "carrier_lock": LOCK,
    "subcarrier_lock": LOCK,
    "symbol_lock": LOCK,
    "decoder_lock": LOCK,
    "coding": (*(coding.name for coding in CODINGS), "NONE"),
}


def telemetry_frame(telemetry, tracks, mission):
    """Stack the simulated tracks into X and y."""
    lengths = [track["n_rows"] for track in tracks]
    ids = np.repeat(np.array([track["track"] for track in tracks], object), lengths)
    times = as_time(np.concatenate([data["received_at"] for data in telemetry]))
    index = pd.MultiIndex.from_arrays([ids, times], names=["track", "time"])
    columns = telemetry_columns(telemetry, times, mission)
    y = np.concatenate([data["anomaly"] for data in telemetry])
    return pd.DataFrame(columns, index=index), pd.Series(y, index, name="anomaly")


def telemetry_columns(telemetry, times, mission):
    """Stack the columns of the simulated tracks: name to values."""
    lengths = [len(data["anomaly"]) for data in telemetry]
    missing = np.concatenate([data["missing"] for data in telemetry], axis=1)
    names, columns = column_names(mission), {}
    for column, lost in zip(COLUMNS, missing, strict=True):
        quantity = column.quantity
        if quantity not in names:
            continue
        values = [data[quantity] for data in telemetry]
        if column.kind == "time":
            values = _timestamps(times, mission)
        elif quantity in _LEVELS:
            levels = np.array(_LEVELS[quantity], dtype=object)
            values = np.where(lost, np.nan, levels[np.concatenate(values)])
        elif column.kind == "categorical":
            values = np.where(
                lost, np.nan, np.repeat(np.array(values, object), lengths)
            )
        else:
            values = np.where(lost, np.nan, np.concatenate(values))
        columns[names[quantity]] = values
    return columns


def _timestamps(times, mission):
    """Write the time as the mission has it in its own column."""
    if mission.name == "MRO":
        return np.datetime_as_string(times.to_numpy(), unit="ms").astype(object)
    return as_seconds(times)


def as_time(seconds):
    """Naive UTC datetimes, to the microsecond."""
    ticks = np.rint(np.asarray(seconds) * 1e6).astype(np.int64)
    if ticks.ndim == 0:
        return pd.Timestamp(ticks.astype("datetime64[us]"))
    return pd.DatetimeIndex(ticks.astype("datetime64[us]"))


def incident_frame(reports, names):
    """Incidents as a table; typed also where there is none."""
    columns = {
        "track": "str",
        "kind": "str",
        "INCIDENT_START_TIME_DT": "datetime64[us]",
        "INCIDENT_END_TIME_DT": "datetime64[us]",
        "station": "str",
        "pass_id": "str",
        "severity": "float64",
        "channels": "str",
    }
    for report in reports:
        report["channels"] = " ".join(names[q] for q in report["channels"])
    return pd.DataFrame(reports, columns=list(columns)).astype(columns)


def column_frame(mission):
    """Describe the columns that a mission records."""
    names = column_names(mission)
    rows = [
        {"quantity": c.quantity, "unit": c.unit, "kind": c.kind}
        for c in COLUMNS
        if c.quantity in names
    ]
    return pd.DataFrame(rows, index=pd.Index(names.values(), name="column"))
