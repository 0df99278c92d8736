"""
Grid search over a whole detector
=================================

What helps the detector of MRO more: a longer window, or a forest that also sees the
channels themselves?
"""

# %%
# The detector is a Pipeline, so scikit-learn's own search tunes any step of it. The
# index carries the passes through every step, and the splitter keeps each on one side.

import matplotlib.pyplot as plt
from sklearn.model_selection import GridSearchCV

from skdsn.datasets import make_dsn_passes
from skdsn.detectors import make_mro_detector
from skdsn.metrics import average_precision_scorer
from skdsn.model_selection import StratifiedTrackKFold

passes = make_dsn_passes(n_tracks=20, n_rows=200, incident_fraction=0.8, random_state=0)
detector = make_mro_detector(
    max_epochs=3,
    fit_stride=5,
    encode__d_model=16,
    encode__learning_rate=3e-3,
    classify__n_estimators=50,
    n_jobs=-1,
    random_state=0,
)

# %%
# The window is a parameter of two steps: the network looks at it, and the labeller
# keeps the rows that fill it. A list of grids changes both together. A whole step,
# here the one that picks the forest's inputs, is a parameter too.

grid = [
    {
        "encode__window": [window],
        "label__window": [window],
        "encode__passthrough": [channels],
        "features": ["passthrough"] if channels else [detector["features"]],
    }
    for window in (10, 40)
    for channels in (False, True)
]

# %%
# Average precision, which needs no threshold, decides.

search = GridSearchCV(
    detector,
    grid,
    cv=StratifiedTrackKFold(2),
    scoring=average_precision_scorer,
    error_score="raise",
).fit(passes.X, passes.y)

# %%
# One point per fold, chance as a line: random scores reach the base rate on average.

labels = [
    f"window {params['encode__window']}\n"
    + ("with channels" if params["encode__passthrough"] else "latents, error")
    for params in search.cv_results_["params"]
]
scores = [search.cv_results_[f"split{fold}_test_score"] for fold in (0, 1)]
base_rate = passes.y.mean()

fig, ax = plt.subplots(figsize=(6, 3), layout="constrained")
ax.plot(labels, scores[0], "o", label="first fold")
ax.plot(labels, scores[1], "s", label="second fold")
ax.axhline(base_rate, color="gray", linestyle="--", label="chance")
ax.set(ylabel="average precision", ylim=(0, None))
ax.legend()
for label, *folds in zip(labels, *scores, strict=True):
    print(f"{label!r}: {folds[0]:.3f} {folds[1]:.3f} (chance {base_rate:.3f})")
plt.show()

# %%
# The window makes no difference that these few passes could show. Whoever adds the
# channels gains on both folds; :func:`~skdsn.detectors.make_dsn_detector` does.
