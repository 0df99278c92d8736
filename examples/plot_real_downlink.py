"""
Real downlink: attitude of a weather satellite and of a lunar lander
====================================================================

What is in the bytes that a station hands over, and would a detector that nobody taught
anything have called someone?
"""

# %%
# The recordings are no part of the package: set ``SKDSN_DATA`` to a folder that has
# ``ccsds/jpss1`` (space packets of NOAA-20, from the tests of space_packet_parser) and
# ``ccsds/destevez`` (frames received and published by D. Estevez, CC BY 4.0).

import os
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from skdsn.ccsds import (
    decode_packets,
    extract_packets,
    load_mission,
    read_frames,
    read_packets,
    to_telemetry,
)
from skdsn.detectors import ChannelwiseDetector, make_channel_detector

if "SKDSN_DATA" not in os.environ:
    print("Set SKDSN_DATA to the folder of the real data sets to run this example.")
    sys.exit()
folder = Path(os.environ["SKDSN_DATA"], "ccsds")

# %%
# NOAA-20 (JPSS-1) records its position and attitude once a second, in packets without
# frames around them. Two hours, in the time on board that the packets hold.

jpss = load_mission("jpss1")
packets = read_packets(next((folder / "jpss1").glob("*.DAT1")))
kinds = decode_packets(packets, jpss.definitions)
attitude = to_telemetry(kinds).droplevel("track")
attitude.columns = attitude.columns.str.removeprefix("attitude_")
print(
    f"{len(attitude):,} packets, {attitude.index[0]:%F %T} to {attitude.index[-1]:%T}"
)

# %%
# An orbit takes 101 minutes, so the first hour does not teach what positions are usual;
# height and speed on a round orbit are nearly constant, and so is the step from one
# quaternion to the next.

position = attitude.filter(like="GPSPOS").to_numpy() / 1e3
velocity = attitude.filter(like="GPSVEL").to_numpy() / 1e3
quaternion = attitude.filter(like="CFAQ").to_numpy()
watched = pd.DataFrame(
    {
        "radius": np.linalg.norm(position, axis=1),
        "speed": np.linalg.norm(velocity, axis=1),
        "step": np.append(0, np.linalg.norm(np.diff(quaternion, axis=0), axis=1)),
    },
    index=attitude.index,
)[1:]
hour = watched.index[0] + pd.Timedelta("1h")
learnt, new = watched[watched.index < hour], watched[watched.index >= hour]
detector = ChannelwiseDetector(make_channel_detector()).fit(learnt)
events = detector.events(new)
print(events[["start", "end", "severity", "channels"]].to_string())

# %%
# First, radius and step do what the first hour did not hold: that is too little to
# learn an orbit from, and an operator would confirm these as nominal. The last event is
# another matter: at 01:21:15 all components of the quaternion change their sign at
# once.

jump = watched["step"].idxmax()
row = attitude.index.get_loc(jump)
print(f"{jump:%T}", quaternion[row - 1].round(3), "->", quaternion[row].round(3))

# %%
# q and -q are the same attitude, so the spacecraft did not turn: the sign is a choice
# of the software, and whoever computes differences has to know. Measured as an angle,
# nothing happens.

cosine = np.abs((quaternion[1:] * quaternion[:-1]).sum(axis=1)).clip(max=1)
turn = np.degrees(2 * np.arccos(cosine))
print(f"turn in that second: {turn[row - 1]:.3f} deg, median {np.median(turn):.3f} deg")

# %%
# Hakuto-R, a lunar lander on the day of its launch: AOS frames of 1113 bytes. Two
# minutes hold 119 packets of attitude control; the fields in the definition are those
# that the values themselves prove, such as unit norm.

hakuto = load_mission("hakuto_r")
path = next((folder / "destevez" / "Lunar_Flashlight").glob("hakuto_*224843Z.u8"))
packets = extract_packets(read_frames(path, hakuto.spec), hakuto.spec)
for stage, counts in packets.attrs["statistics"].items():
    print(stage, {name: count for name, count in counts.items() if count})
kinds = decode_packets(packets, hakuto.definitions)
lander = to_telemetry(kinds).droplevel("track")
lander.columns = lander.columns.str.removeprefix("attitude_")
lander = lander.filter(regex="^(rate|error|q)_")
detector = ChannelwiseDetector(make_channel_detector()).fit(lander[:60])
events_lander = detector.events(lander[60:])
print(f"second minute of Hakuto-R: {len(events_lander)} events")

# %%
# Variables against time, as one looks at a new spacecraft; events in red. A minute is
# little to learn from: that nothing is found in the next says little, too.

fig, axes = plt.subplots(5, figsize=(8, 9), layout="constrained")
for ax, name in zip(axes, watched, strict=False):
    ax.plot(watched.index, watched[name], ".", ms=1)
    ax.set_ylabel(name)
    for event in events.itertuples():
        if name in event.channels:
            ax.axvspan(event.start, event.end, color="tab:red", alpha=0.4, lw=0)
for ax, name in zip(axes[3:], ["rate", "error"], strict=True):
    ax.plot(lander.index, lander.filter(regex=f"^{name}_"), ".", ms=2)
    ax.set_ylabel(f"Hakuto-R {name}")
plt.show()
