import subprocess
import sys

FIGURES = """
import sys
import numpy as np
import pandas as pd
import skdsn.report as report
assert not {"matplotlib", "torch", "sktime"} & set(sys.modules)
from sklearn.tree import DecisionTreeClassifier

y = np.array([0, 0, 1, 0])
X = pd.DataFrame({"a": [0.1, 0.2, 0.9, 0.3]})
scores = pd.DataFrame({"score": [0.1, 0.2, 0.9, 0.3], "anomaly": [0, 0, 1, 0]})
comparison = pd.DataFrame(
    [["f1", "a", 0.5, 0.4, 0.6, 0.1, 0.01]],
    columns="metric detector score low high chance p_adjusted".split(),
)
arguments = {
    "plot_comparison": [comparison],
    "plot_confusion": [y, scores],
    "plot_curves": [y, scores],
    "plot_heatmap": [scores],
    "plot_importances": [DecisionTreeClassifier().fit(X, y)],
    "plot_point_adjusted": [y, scores],
    "plot_roc": [y, scores],
    "plot_timeline": [scores],
    "plot_track": [X, scores, 0],
}
assert set(arguments) == {n for n in report.__all__ if n.startswith("plot_")}
"""
QUIET = """
import matplotlib
from io import BytesIO

same = dict.__eq__  # that of RcParams asks for a backend, which loads pyplot

before = matplotlib.rcParams.copy()
for name, given in arguments.items():
    drawn = getattr(report, name)(*given)
    getattr(drawn, "figure", drawn).savefig(BytesIO())
    assert same(matplotlib.rcParams, before), name
    assert "matplotlib.pyplot" not in sys.modules, name
"""
LACKING = """
sys.modules["matplotlib"] = None
for name, given in arguments.items():
    try:
        getattr(report, name)(*given)
    except ImportError as error:
        print(error)
"""


def run(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )


def test_figures_leave_pyplot_and_the_global_style_alone():
    done = run(FIGURES + QUIET)
    assert done.returncode == 0, done.stderr


def test_without_matplotlib_each_figure_names_the_extra():
    done = run(FIGURES + LACKING)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "figures need matplotlib: pip install skdsn[report]\n" * 9
