"""Small passes with categories, gaps and missing values, and tiny detectors."""

import numpy as np
import pandas as pd

from skdsn.detectors import make_dsn_detector, make_jwst_detector, make_mro_detector

TINY = {
    "mro": (
        make_mro_detector,
        {
            "window": 5,
            "encode__d_model": 4,
            "encode__n_heads": 2,
            "encode__n_layers": 1,
            "encode__dim_feedforward": 8,
        },
    ),
    "jwst": (
        make_jwst_detector,
        {
            "window": 5,
            "encode__n_filters": 4,
            "encode__kernel_size": 3,
            "encode__hidden_size": 2,
            "encode__n_layers": 1,
        },
    ),
    "dsn": (
        make_dsn_detector,
        {"encode__hidden_size": 4, "encode__chunk_length": 16},
    ),
}


def tiny_detector(name, **overrides):
    """Make a recipe small enough to be fitted in a test."""
    make, options = TINY[name]
    common = {"max_epochs": 1, "random_state": 0, "classify__n_estimators": 10}
    return make(**{**common, **options, **overrides})


def small_passes(n_tracks=6, n_rows=36, *, seed=0):
    """Passes at 1 s steps, every second one with a gap of 1 h, and their labels."""
    rng = np.random.default_rng(seed)
    frames, labels = [], []
    for number in range(n_tracks):
        length = n_rows + 3 * number
        seconds = np.arange(length) + 20_000.0 * number
        if number % 2:
            seconds[length // 2 :] += 3600
        times = pd.Timestamp("2026-03-02") + pd.to_timedelta(seconds, unit="s")
        index = pd.MultiIndex.from_product(
            [[f"pass-{number}"], times], names=["track", "time"]
        )
        walk = rng.normal(size=(length, 5)).cumsum(axis=0)
        frame = pd.DataFrame(walk, index=index, columns=[f"c{i}" for i in range(5)])
        frame["lock"] = rng.choice(
            ["IN", "OUT", "UNKNOWN"], length, p=[0.7, 0.25, 0.05]
        )
        frame["band"] = "X"
        frame["flag"] = (walk[:, 0] > 0).astype(float)
        frame["often"] = np.where(rng.random(length) < 0.3, np.nan, walk[:, 1] ** 2)
        y = np.zeros(length, dtype=int)
        y[number + 9 : number + 14] = 1
        frame.loc[y == 1, ["c0", "c1"]] += 6.0
        frames.append(frame)
        labels.append(pd.Series(y, index=index, name="anomaly"))
    X = pd.concat(frames)
    X.iloc[[4, 50], 2] = np.nan  # seldom: less than one per cent
    X.iloc[20, 5] = None
    return X, pd.concat(labels)
