"""
Grid search over a whole detector
=================================

Does a longer window, or a deeper forest, help the two-stage detector of MRO?
"""

# %%
# The detector is a Pipeline, so scikit-learn's own search tunes any step of it. The index
# carries the passes through every step, and the splitter keeps each on one side.

import matplotlib.pyplot as plt
from sklearn.model_selection import GridSearchCV

from skdsn.datasets import make_dsn_passes
from skdsn.detectors import make_mro_detector
from skdsn.metrics import average_precision_scorer, point_adjusted_f1_scorer
from skdsn.model_selection import StratifiedTrackKFold

passes = make_dsn_passes(n_tracks=24, n_rows=200, incident_fraction=0.8, random_state=0)
detector = make_mro_detector(
    max_epochs=3,
    fit_stride=5,
    encode__d_model=16,
    encode__learning_rate=1e-3,
    classify__n_estimators=50,
    n_jobs=-1,
    random_state=0,
)

# %%
# The window is a parameter of two steps: the network looks at it, and the labeller keeps
# the rows that fill it. A list of grids changes both together.

grid = [
    {
        "encode__window": [window],
        "label__window": [window],
        "classify__max_depth": [3, 20],
    }
    for window in (10, 40)
]

# %%
# Two scores a candidate: average precision, which needs no threshold, decides.

search = GridSearchCV(
    detector,
    grid,
    cv=StratifiedTrackKFold(2),
    scoring={
        "average_precision": average_precision_scorer,
        "point_adjusted_f1": point_adjusted_f1_scorer,
    },
    refit="average_precision",
    error_score="raise",
).fit(passes.X, passes.y)

# %%
# Random scores reach the base rate, on average.

base_rate = passes.y.mean()
results = [
    (params["encode__window"], params["classify__max_depth"], score)
    for params, score in zip(
        search.cv_results_["params"],
        search.cv_results_["mean_test_average_precision"],
        strict=True,
    )
]
for window, depth, score in results:
    print(f"window {window:3d}, depth {depth:3d}: {score:.3f} (chance {base_rate:.3f})")

# %%
# One bar per candidate, chance as a line.

fig, ax = plt.subplots(figsize=(6, 3), layout="constrained")
ax.bar(
    [f"window {window}\ndepth {depth}" for window, depth, _ in results],
    [score for *_, score in results],
)
ax.axhline(base_rate, color="gray", linestyle="--", label="chance")
ax.set_ylabel("average precision")
ax.legend()
plt.show()
