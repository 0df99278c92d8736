"""
SMAP channels as tracks of one detector
=======================================

Does what a detector has learnt from incidents on some channels of SMAP help on
others?
"""

# %%
# The telemetry is no part of the package: set ``SKDSN_DATA`` to a folder that has
# ``smap_msl/smap_msl_dev.tar.xz``, in the layout published with telemanom.

import os
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

from skdsn.base import anomaly_flags
from skdsn.datasets import load_smap_msl, stack_smap_msl
from skdsn.detectors import (
    TunedThresholdDetector,
    make_channel_detector,
    make_dsn_detector,
)
from skdsn.metrics import event_wise_scores
from skdsn.model_selection import (
    GroupedTrackSplit,
    StratifiedTrackKFold,
    cross_val_report,
)
from skdsn.report import plot_curves, plot_track
from skdsn.tracks import stack_tracks

if "SKDSN_DATA" not in os.environ:
    print("Set SKDSN_DATA to the folder of the SMAP/MSL set to run this example.")
    sys.exit()
path = Path(os.environ["SKDSN_DATA"], "smap_msl", "smap_msl_dev.tar.xz")
# Channels recorded under the same commands would leak from one side of a split to the
# other; these six share none.
names = ["E-1", "T-1", "A-5", "G-1", "D-9", "A-8"]
channels = load_smap_msl(path, channels=names)

# %%
# Every channel gives two tracks, ``E-1/train`` without and ``E-1/test`` with incidents,
# of one telemetry value and 24 commands.

stack = stack_smap_msl(channels)
X, y = stack.X, stack.y
print(stack.groups.groupby(level=0).agg(["size", "first"]))

# %%
# A fold learns from the training tracks of all channels and the labels of some, and is
# tested on the others. The row number is no input: here it hints at the incidents.

learnt = [f"{name}/train" for name in names]
folds = GroupedTrackSplit(StratifiedTrackKFold(3), train_only=learnt)
recipe = make_dsn_detector(
    max_epochs=2,
    fit_stride=10,
    align__clocks=(),
    time="passthrough",
    classify__n_estimators=50,
    n_jobs=-1,
    random_state=0,
)
detector = TunedThresholdDetector(
    recipe, cv=GroupedTrackSplit(StratifiedTrackKFold(2), train_only=learnt)
)

# %%
# The report pools the rows that each fold held out; the training range is that of the
# channel's own training track.

report, scores = cross_val_report(
    detector,
    X,
    y,
    cv=folds,
    range_from={f"{name}/test": f"{name}/train" for name in names},
    return_scores=True,
)
figures = ["event_f1", "point_adjusted_f1", "row_f1", "average_precision"]
print(report.loc[figures].round(3))

# %%
# Precision against recall of all held-out rows, above the base rate.

fig, ax = plt.subplots(figsize=(5, 4), layout="constrained")
plot_curves(y[scores.index], scores, ax=ax)

# %%
# One channel, scored by a detector that never saw its incidents.

plot_track(
    X.loc[scores.index],
    scores,
    "E-1/test",
    y=y[scores.index],
    channels=["value"],
    figure=plt.figure(figsize=(7, 4), layout="constrained"),
)

# %%
# They do not: labels of one channel say nothing about the numbers of another. What is
# normal on the channel itself does, and for that no label is needed.

parts = {}
for name in names:
    channel = channels[name]
    own = make_channel_detector(channels=["value"]).fit(channel.X_train)
    parts[f"{name}/test"] = pd.Series(anomaly_flags(own, channel.X_test))
flags = stack_tracks(parts)
found = event_wise_scores(y[flags.index], flags, corrected=False)
for figure in ("true_positives", "false_positives", "false_negatives"):
    print(figure, found[figure])
print(f"{flags.mean():.3f} of the rows flagged")
plt.show()
