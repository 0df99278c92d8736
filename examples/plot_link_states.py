"""
Link states of the Deep Space Network
=====================================

Can one tell from where an antenna points, and at whom, whether it has lock? And when it
has, is it the right spacecraft?
"""

# %%
# Two days of the public feed, simulated: NASA serves the strings that tell the state
# of a receiver no longer, and no long recording of the time when it did is public. Each
# dish and spacecraft is a track for each contact.

import matplotlib.pyplot as plt
import pandas as pd
from sklearn.metrics import average_precision_score

from skdsn.base import anomaly_scores
from skdsn.dsn_now import (
    MislockDetector,
    compare_link_state_models,
    link_state_labels,
    link_transitions,
    make_dsn_now,
    plot_link_state_confusion,
    to_telemetry,
)

feed = make_dsn_now(2, interval=60, random_state=0)
X = to_telemetry(feed)
y = link_state_labels(X)
print(f"{len(X):,} rows, {X.index.get_level_values(0).nunique()} contacts")
print(y.value_counts(normalize=True).round(3).to_string())

# %%
# The task of the notebook that started this: the state from all else. What is a
# function of the state, such as the data rate of the same signal, is no input. The
# later days are held out, and the first rows after the border are not used.

compared = compare_link_state_models(X, y, stride=10, random_state=0)
print(compared.table.round(3).to_string())

# %%
# Better than always saying "locked" or guessing, and far from what repeats the row
# before: states last, so that a state is best told by the last one. What the classifier
# has to beat is persistence, at the changes.

predicted = compared.predictions
plot_link_state_confusion(predicted["truth"], predicted["forest"])
plt.show()

# %%
# What operators follow is changes: lock gained and lost, held for a minute before it
# counts.

changes = link_transitions(feed)
print(changes["event"].value_counts().to_string())

# %%
# Several spacecraft at Mars are in one beam, and a receiver may lock on the wrong one.
# A detector that has learnt the usual carriers, Doppler included, on the first half
# sees it.

time = X.index.get_level_values("time")
half = time < time.min() + pd.Timedelta("24h")
detector = MislockDetector().fit(X[half])
wrong = feed.events.query("kind == 'wrong_spacecraft'")
truth = pd.Series(0, index=X.index)
for event in wrong.itertuples():
    rows = (X["DSS"] == event.dish) & (X["spacecraft_downsignal"] == event.spacecraft)
    truth[rows & (time >= event.start) & (time <= event.end)] = 1
scores = anomaly_scores(detector, X[~half])
precision = average_precision_score(truth[~half], scores)
print(f"average precision {precision:.2f}, chance {truth[~half].mean():.4f}")
