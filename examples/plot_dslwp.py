"""
From frames with losses to incidents
====================================

A lunar orbiter has three bad days: does a detector find them in what radio amateurs
received of its frames?
"""

# %%
# A week of DSLWP-B, made with the definitions that are shipped: housekeeping of 101
# columns once a minute, a few of which follow an orbit of two hours. The last days
# bring a battery that warms up, a rough wheel and a panel that fails for a while.

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from skdsn.ccsds import dslwp, encode_frames, encode_packets, to_telemetry
from skdsn.detectors import ChannelwiseDetector, make_channel_detector

rng = np.random.default_rng(0)
n = 7 * 1440
orbit = 2 * np.pi * np.arange(n) / 120
sunlit = np.sin(orbit) > -0.5
hkwod = next(each for each in dslwp.definitions() if each.name == "HKWOD")
values = pd.DataFrame(0.0, index=range(n), columns=hkwod.columns)
values[[name for name in values if name.startswith("t_")]] = 20.0
values[[name for name in values if "_rssi_" in name]] = -120.0
values["v_battery"] = 11.9 + 0.3 * np.sin(orbit) + 0.02 * rng.normal(size=n)
values["i_solar_panel"] = 1.2 * sunlit + 0.02 * rng.normal(size=n)
values["t_battery"] = 20 + 2 * np.sin(orbit - 1) + 0.1 * rng.normal(size=n)
values["fwx_rate"] = 1500 + 200 * np.sin(orbit / 2) + 5 * rng.normal(size=n)

minute = pd.Timedelta("1min")
begin = pd.Timestamp("2018-10-20")
faults = [  # channel, first minute, minutes
    ("t_battery", 5 * 1440 + 300, 180),
    ("fwx_rate", 6 * 1440 + 100, 90),
    ("i_solar_panel", 6 * 1440 + 800, 240),
]
channels = [channel for channel, _, _ in faults] + ["v_battery"]
place = {name: values.columns.get_loc(name) for name in channels}
for channel, first, length in faults:
    rows = slice(first, first + length)
    if channel == "t_battery":
        values.iloc[rows, place[channel]] += 9 * np.hanning(length)
    elif channel == "fwx_rate":
        values.iloc[rows, place[channel]] += 60 * rng.normal(size=length)
    else:
        values.iloc[rows, place[channel]] *= 0.4

# %%
# Packets, frames with their KISS delimiters, and what three stations made of them: each
# misses some frames, and the weaker ones have wrong bits in others. There is no
# checksum.

packets = encode_packets(values, hkwod)
sent = encode_frames(packets, dslwp.spec(), spacecraft_id=403)
times = begin + minute * np.linspace(0, n, len(sent))
rows = []
for station, heard, damaged in (
    ("strong", 0.97, 0.0),
    ("medium", 0.8, 0.02),
    ("weak", 0.6, 0.1),
):
    for time, data in zip(times, sent["data"], strict=True):
        if rng.random() > heard:
            continue
        frame = bytearray(data)
        if rng.random() < damaged:
            frame[rng.integers(5, len(frame))] ^= 1 << rng.integers(8)
        when = time + pd.Timedelta(f"{rng.random():.3f}s")
        rows.append((when, station, frame.hex().upper()))

received = ["server_receive_time", "proxy_nickname", "raw_data"]
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder, "raw_frame.csv")
    pd.DataFrame(rows, columns=received).to_csv(path, index=False)
    kinds = dslwp.read(path)
for name, count in kinds.statistics["channels"]["403/0"].items():
    print(f"{name:<18} {count:>7,}")

# %%
# The copy of the station that heard most is used, and what falls through is counted.
# The first four days teach what is usual, each channel on its own.

X = to_telemetry({"HKWOD": kinds["HKWOD"]})
X.columns = X.columns.str.removeprefix("HKWOD_")
X = X[channels].droplevel("track")
print(f"{len(X):,} of {n:,} packets")
learnt = X.index < begin + 4 * 1440 * minute
detector = ChannelwiseDetector(make_channel_detector()).fit(X[learnt])
events = detector.events(X[~learnt])
print(events[["start", "end", "channels"]].to_string())
for channel, first, length in faults:
    start, end = begin + first * minute, begin + (first + length) * minute
    hit = (events["start"] <= end) & (events["end"] >= start)
    named = any(channel in each for each in events.loc[hit, "channels"])
    found = "found and named" if named else "found" if hit.any() else "missed"
    print(f"{channel:<14} {found}")

# %%
# As engineers look at it: variables against time, faults in grey, events in red.

fig, axes = plt.subplots(
    len(channels), figsize=(8, 7), sharex=True, layout="constrained"
)
for ax, channel in zip(axes, channels, strict=True):
    ax.plot(X.index, X[channel], ".", ms=1)
    ax.set_ylabel(f"{channel}\n[{hkwod.units.get(channel, '')}]")
    for name, first, length in faults:
        if name == channel:
            start = begin + first * minute
            ax.axvspan(start, start + length * minute, color="0.85")
    for event in events.itertuples():
        if channel in event.channels:
            ax.axvspan(event.start, event.end, color="tab:red", alpha=0.4, lw=0)
plt.show()
