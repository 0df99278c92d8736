"""Cost of the threshold sweeps, as ratios measured in one run.

Run ``python benchmarks/metrics.py``. Scores are random, with 1,000 events in 100
tracks of 10,000 rows; the ratio of a sweep to one ``numpy.argsort`` of the same
scores says what exactness costs, that to a loop over 500 thresholds what it saves.
"""

import argparse
import platform
import time

import numpy as np
import pandas as pd
import sklearn
from sklearn.metrics import f1_score

import skdsn
from skdsn.metrics import (
    best_event_f1,
    best_point_adjusted_f1,
    event_curve,
    point_adjust,
    point_adjusted_curve,
    point_adjusted_f1,
)

N_THRESHOLDS = 500


def make_case(seed, n_tracks=100, n_rows=10_000, n_events=1_000):
    """Make labels and scores: events a little higher than the rest, of any length."""
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product(
        [range(n_tracks), pd.date_range("2024-01-01", periods=n_rows, freq="s")],
        names=["track", "time"],
    )
    y = np.zeros(len(index), dtype=np.int8)
    cells = len(y) // 100  # at most one event in every hundred rows, so none touch
    begin = 100 * rng.choice(cells, n_events, replace=False)
    for start, length in zip(begin, rng.integers(1, 90, n_events), strict=True):
        y[start + 5 : start + 5 + length] = 1
    scores = rng.normal(size=len(y)) + 0.5 * y
    return pd.Series(y, index=index), scores


def median_seconds(functions, n_repeats):
    """Time functions in turn, so that a busy moment hits all of them."""
    seconds = {name: [] for name in functions}
    for _ in range(n_repeats):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            seconds[name].append(time.perf_counter() - start)
    return {name: float(np.median(taken)) for name, taken in seconds.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=9, help="the median is taken")
    parser.add_argument("--looped", type=int, default=10, help="thresholds timed")
    options = parser.parse_args()

    y, scores = make_case(options.seed)
    sweeps = {
        "numpy.argsort": lambda: np.argsort(scores),
        "best_point_adjusted_f1": lambda: best_point_adjusted_f1(y, scores),
        "point_adjusted_curve": lambda: point_adjusted_curve(y, scores),
        "best_event_f1": lambda: best_event_f1(y, scores),
        "event_curve": lambda: event_curve(y, scores),
    }
    taken = median_seconds(sweeps, options.repeats)

    # The loop of common use: percentiles of the scores, one full evaluation each.
    grid = np.percentile(scores, np.linspace(0, 100, options.looped))

    def loop_ours():
        return max(point_adjusted_f1(y, scores >= t) for t in grid)

    def loop_sklearn():
        return max(f1_score(y, point_adjust(y, scores >= t)) for t in grid)

    loops = {"point_adjusted_f1": loop_ours, "sklearn f1_score": loop_sklearn}
    looped = median_seconds(loops, 3)

    print(
        f"skdsn {skdsn.__version__}, numpy {np.__version__}, pandas {pd.__version__}, "
        f"scikit-learn {sklearn.__version__}, Python {platform.python_version()}, "
        f"{platform.machine()}"
    )
    print(
        f"{len(y):,} rows in {y.index.levshape[0]} tracks, {y.mean():.1%} of them in "
        f"1,000 events; normal scores, seed {options.seed}; labels indexed by (track, "
        f"time), checks included; median of {options.repeats} runs in turn"
    )
    sort = taken["numpy.argsort"]
    for name, seconds in taken.items():
        print(f"{name:<24} {1e3 * seconds:8.1f} ms  {seconds / sort:6.2f} x argsort")
    best = taken["best_point_adjusted_f1"]
    print(
        f"loop over {N_THRESHOLDS} thresholds, from {options.looped} of them "
        "(percentiles), median of 3:"
    )
    for name, seconds in looped.items():
        total = seconds * N_THRESHOLDS / options.looped
        ratio = total / best
        print(
            f"  with {name:<18} {total:8.1f} s   {ratio:6.0f} x best_point_adjusted_f1"
        )


if __name__ == "__main__":
    main()
