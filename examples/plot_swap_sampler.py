"""
Swap the sampler and the classifier
===================================

Is it the balancing or the classifier that makes the second stage work?
"""

# %%
# Any sampler of imbalanced-learn and any classifier of scikit-learn fits into the
# recipe. Samplers act in ``fit`` only, so that every row is still scored.

import tempfile

import matplotlib.pyplot as plt
import numpy as np
from imblearn.under_sampling import RandomUnderSampler
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdsn.datasets import make_dsn_passes
from skdsn.detectors import AdaptiveSMOTE, make_dsn_detector
from skdsn.metrics import average_precision_scorer
from skdsn.model_selection import StratifiedTrackKFold

passes = make_dsn_passes(n_tracks=20, n_rows=200, incident_fraction=0.8, random_state=0)

samplers = {
    "none": "passthrough",
    "SMOTE": AdaptiveSMOTE(random_state=0),
    "under": RandomUnderSampler(random_state=0),
}
classifiers = {
    "forest": RandomForestClassifier(50, min_samples_leaf=5, random_state=0),
    "boosting": HistGradientBoostingClassifier(max_iter=30, random_state=0),
    "linear": make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
}

# %%
# The network is the same for all of them. With ``memory`` it is trained once per fold
# and then read from a folder.


def score(sampler, classifier, folder):
    """Average precision, mean over the folds."""
    detector = make_dsn_detector(
        max_epochs=2,
        encode__hidden_size=16,
        random_state=0,
        memory=folder,
        smote=sampler,
        classify=classifier,
    )
    return cross_val_score(
        detector,
        passes.X,
        passes.y,
        cv=StratifiedTrackKFold(2),
        scoring=average_precision_scorer,
        error_score="raise",
    ).mean()


with tempfile.TemporaryDirectory() as folder:
    table = np.array(
        [
            [score(sampler, classifier, folder) for sampler in samplers.values()]
            for classifier in classifiers.values()
        ]
    )

# %%
# A group of bars per classifier, chance as a line.

fig, ax = plt.subplots(figsize=(7, 3), layout="constrained")
places = np.arange(len(classifiers))
for number, name in enumerate(samplers):
    ax.bar(places + 0.2 * number, table[:, number], 0.2, label=name)
ax.axhline(passes.y.mean(), color="gray", linestyle="--", label="chance")
ax.set_xticks(places + 0.2, list(classifiers))
ax.set_ylabel("average precision")
ax.legend(title="sampler", loc="upper left", bbox_to_anchor=(1, 1))
print(table.round(3))
plt.show()

# %%
# Balancing is no gain here: without it the forest and the linear model rank rows best,
# and dropping normal rows is worst. On two folds of ten passes no smaller difference
# means anything, so try both on your own.
