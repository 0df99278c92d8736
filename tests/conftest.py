"""Small telemetry for all tests."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest


def small_frame(lengths=(23, 9, 31), *, n_channels=4, gap=True, seed=0):
    """Three tracks of unequal length, at 1 s steps, the last with a gap of 1 h."""
    rng = np.random.default_rng(seed)
    frames = []
    for number, length in enumerate(lengths):
        seconds = np.arange(length, dtype=float) + 10_000 * number
        if gap and number == len(lengths) - 1:
            seconds[length // 2 :] += 3600
        times = pd.Timestamp("2026-03-02") + pd.to_timedelta(seconds, unit="s")
        values = rng.normal(size=(length, n_channels)).cumsum(axis=0)
        index = pd.MultiIndex.from_product(
            [[f"pass-{number}"], times], names=["track", "time"]
        )
        columns = [f"channel_{i}" for i in range(n_channels)]
        frames.append(pd.DataFrame(values, index=index, columns=columns))
    return pd.concat(frames)


def small_labels(X, rows=(5, 6, 7, 40, 41)):
    """Labels with a few anomalous rows."""
    y = pd.Series(0, index=X.index, name="anomaly")
    y.iloc[list(rows)] = 1
    return y


@pytest.fixture
def X():
    return small_frame()


@pytest.fixture
def y(X):
    return small_labels(X)


@pytest.fixture
def skdsn_data():
    """Folder of the real data sets, which are not part of the project."""
    folder = os.environ.get("SKDSN_DATA")
    if not folder:
        pytest.skip("SKDSN_DATA is not set: the folder of the real data sets")
    return Path(folder)
