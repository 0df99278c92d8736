"""
A mission in the files of the ESA benchmark
===========================================

What does the ESA detector find in the second half of a mission, is it quiet about rare
events that it knows, and how much does one mission tell?
"""

# %%
# Two missions of 30 days, six channels and the telecommands of the real Mission1, as
# files. They are simulated: no figure here can be compared with published ones.

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from skdsn.datasets import load_esa_adb, make_esa_adb
from skdsn.detectors import make_esa_detector
from skdsn.metrics import esa_adb_scores
from skdsn.report import (
    affected_channels,
    channel_errors,
    event_table,
    plot_timeline,
    plot_track,
    score_table,
    window_report,
)


def fly(seed):
    """Simulate a mission, and load its files as those of the real one."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder, "ESA-Mission1")
        make_esa_adb(home, days=30, channels="lightweight", random_state=seed)
        return load_esa_adb(home, allow_pickle=True)


missions = {seed: fly(seed) for seed in (0, 1)}
mission = missions[0]
print(f"{len(mission.X)} rows, {len(mission.targets)} targets, "
      f"{len(mission.commands)} telecommands")  # fmt: skip
print("Rows by label:", mission.y.value_counts().to_dict())

# %%
# The label of a row is 1 in an anomaly, 2 in a rare event that is nominal, -1 in a gap.
# The detector learns from the first half, ten epochs on every third window, so that it
# is quick; everything else is as the recipe has it.


def watch(mission):
    """Fit on the first half; score the second, and flag its channels."""
    half = len(mission.X) // 2
    X, y, later = mission.X[:half], mission.y[:half], mission.X[half:]
    detector = make_esa_detector(
        commands=mission.commands, max_epochs=10, fit_stride=3, random_state=0
    )
    scores = score_table(detector.fit(X, y), later)
    errors = channel_errors(detector, later)
    usual = channel_errors(detector, X)[y == 0]
    return scores, errors, affected_channels(scores, errors, reference=usual)


found = {seed: watch(missions[seed]) for seed in missions}
scores, errors, _ = found[0]
later = mission.X.loc[scores.index]

# %%
# The alarms, and whether an anomaly is below them.

truth = mission.y.loc[scores.index]
alarms = event_table(scores, (truth == 1).astype(int))
print(f"{len(alarms)} alarms; the longest:")
print(alarms.nlargest(5, "n_rows").drop(columns="track").to_string())

# %%
# And the events, whether they raised an alarm, and whether one of their kind was there
# to learn from.


def list_events(mission, scores):
    """Tell of each event of the tested time whether a row of it is flagged."""
    kind = ["Category", "Class", "Subclass"]
    events = mission.labels.groupby("ID", sort=False).agg(
        {"StartTime": "min", "EndTime": "max", **dict.fromkeys(kind, "first")}
    )
    past = events["EndTime"] < scores.index[0]
    learnt = pd.MultiIndex.from_frame(events.loc[past, kind])
    events["known"] = pd.MultiIndex.from_frame(events[kind]).isin(learnt)
    events = events[~past].sort_values("StartTime")
    flagged = scores["anomaly"]
    events["alarm"] = [
        bool(flagged[event.StartTime : event.EndTime].any())
        for event in events.itertuples()
    ]
    return events


print(list_events(mission, scores).to_string())

# %%
# The scores of the benchmark. Chance is the same alarms, all of them moved by the same
# random time: as many, as long, and on the same channels.


def figures(mission, flags, categories):
    """Score flags, of which nobody knows when they were raised."""
    return esa_adb_scores(
        mission.labels,
        flags,
        categories=categories,
        start=flags.index[0],
        end=flags.index[-1],
    )


def move(flags, rng):
    """Move all flags by a random time, from the end to the beginning."""
    rolled = np.roll(flags.to_numpy(), rng.integers(len(flags)), axis=0)
    return pd.DataFrame(rolled, flags.index, flags.columns)


rows = []
for seed, (_, _, flags) in found.items():
    anomalies = figures(missions[seed], flags, ["Anomaly"])
    rare = figures(missions[seed], flags, ["Rare Event"])
    rng = np.random.default_rng(0)
    moved = [figures(missions[seed], move(flags, rng), ["Anomaly"]) for _ in range(10)]
    rows.append(
        {
            "mission": seed,
            "anomalies found": anomalies.event_wise_recall,
            "false alarms": anomalies.false_positives,
            "F0.5": anomalies.event_wise_f,
            "F0.5 by chance": np.mean([each.event_wise_f for each in moved]),
            "rare events with an alarm": rare.event_wise_recall,
        }
    )
print(pd.DataFrame(rows).set_index("mission").round(2).to_string())

# %%
# The report for whoever has to look: blocks of a day, with the channels farthest out.

report = window_report(scores, 2880, extended=True, errors=errors)
columns = ["range", "status", "n_flagged", "peak_time", "channels"]
print(report.loc[report["status"] == "ANOMALY", columns].to_string())

# %%
# The score over the tested time, with the anomalies shaded.

fig, ax = plt.subplots(figsize=(9, 2.5), layout="constrained")
plot_timeline(scores, y=truth, ax=ax)

# %%
# Three of the channels around the highest score.

peak = scores["score"].idxmax()
near = slice(peak - pd.Timedelta("6h"), peak + pd.Timedelta("6h"))
figure = plt.figure(figsize=(7, 5), layout="constrained")
plot_track(
    later[near],
    scores[near],
    0,
    y=truth[near],
    channels=mission.targets[:3],
    figure=figure,
)
plt.show()

# %%
# The two missions are far apart: of thirty days with four anomalies to learn from, some
# teach the detector what comes, and others do not. A rare event of a kind that was seen
# once or twice is not always recognised when it comes again, and then raises an alarm.
# To compare detectors take more and longer missions, as benchmarks/esa_adb.py does.
