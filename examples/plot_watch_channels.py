"""
Watch channels without labels
=============================

What does a detector that has seen three quiet days of housekeeping say about the next
ones, and how does it learn that a manoeuvre is none of its business?
"""

# %%
# A row a minute: a battery that is charged once an orbit, the current that does it, a
# temperature that follows, and the command of a heater, which is not watched.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from skdsn.detectors import AlarmFilter, ChannelwiseDetector, make_channel_detector
from skdsn.streaming import StreamingDetector


def housekeeping(n_days, first_day, seed):
    """Simulate telemetry in the index of time."""
    rng = np.random.default_rng(seed)
    start = pd.Timestamp("2026-03-01") + pd.Timedelta(days=first_day)
    time = pd.date_range(start, periods=1440 * n_days, freq="min", name="time")
    orbit = 2 * np.pi * np.arange(len(time)) / 96
    heater = (np.sin(orbit / 3) > 0.5).astype(float)
    columns = {
        "battery": 28 + 2 * np.sin(orbit) + 0.2 * rng.normal(size=len(time)),
        "current": 5 * (np.cos(orbit) > 0) + 0.2 * rng.normal(size=len(time)),
        "temperature": 20 + np.sin(orbit - 1) + 0.1 * rng.normal(size=len(time)),
        "heater": heater,
    }
    return pd.DataFrame(columns, index=time)


quiet = housekeeping(3, 0, seed=0)
new = housekeeping(4, 3, seed=1)
# The same manoeuvre on three days, at like phases of the orbit; then a sensor freezes.
for begin in (1440, 2880, 4320):
    new.iloc[begin : begin + 60, 2] += 8 * np.hanning(60)
new.iloc[5200:5300, 0] = 28.0

# %%
# A detector for each channel, all of them flagging by their own thresholds, and behind
# each a filter that lets no more than three alarms a day through.

one = AlarmFilter(make_channel_detector(), max_alarms=3, per="1D")
detector = ChannelwiseDetector(one, channels=["battery", "current", "temperature"])
detector.fit(quiet)
events = detector.events(new)
print(events[["start", "end", "severity", "channels"]].to_string())

# %%
# Three manoeuvres and the frozen sensor. Events are wider than what made them, by the
# smoothing, the buffer and the batch. The operators know the first one: a manoeuvre.
# Its like is quiet from now on; the frozen sensor is not.

detector.confirm(events[:1], new, nominal=True)
left = detector.events(new)
print(left[["start", "end", "channels"]].to_string())

# %%
# Downlinked in batches, it says the same, and the stream can be pickled in between.

stream = StreamingDetector(detector)
batches = [stream.update(new.iloc[i : i + 70]) for i in range(0, len(new), 70)]
alarms = pd.concat(batches)["anomaly"]
print(f"{alarms.sum()} rows flagged in the stream, events: {len(left)}")

# %%
# What was flagged before and after the operators had their say.

fig, axes = plt.subplots(3, figsize=(7, 5), sharex=True, layout="constrained")
for ax, channel in zip(axes, ["battery", "current", "temperature"], strict=True):
    ax.plot(new.index, new[channel], lw=0.5)
    ax.set_ylabel(channel)
    for table, colour in ((events, "0.85"), (left, "tab:red")):
        for event in table.itertuples():
            if channel in event.channels:
                ax.axvspan(event.start, event.end, color=colour, alpha=0.6, lw=0)
plt.show()
