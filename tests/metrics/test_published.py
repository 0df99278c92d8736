"""Chance levels on real labels, as published."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from skdsn.metrics import best_event_f1, best_point_adjusted_f1, find_events
from skdsn.tracks import stack_tracks

data = os.environ.get("SKDSN_DATA")


@pytest.mark.skipif(not data, reason="SKDSN_DATA names no folder with real data")
@pytest.mark.parametrize(
    ("spacecraft", "n_events", "published"), [("SMAP", 38, 0.96), ("MSL", 21, 0.92)]
)
def test_random_scores_reach_the_published_chance_level(
    spacecraft, n_events, published
):
    # Kim et al., AAAI 2022, table 2: 0.961 on all of SMAP, 0.931 on all of MSL; these
    # are the labels of 48 of the 82 channels.
    table = pd.read_csv(Path(data) / "smap_msl" / "labeled_anomalies.csv")
    labels = {}
    for row in table[table["spacecraft"] == spacecraft].itertuples():
        y = labels.setdefault(row.chan_id, np.zeros(row.num_values, dtype=int))
        for start, end in json.loads(row.anomaly_sequences):
            y[start : end + 1] = 1
    y = stack_tracks(labels)
    assert len(find_events(y)) == n_events
    draws = np.random.default_rng(0).uniform(size=(5, len(y)))
    adjusted = np.mean([best_point_adjusted_f1(y, draw).f1 for draw in draws])
    assert adjusted == pytest.approx(published, abs=0.03)
    # Every channel holds an event, so one alarm over all of it is never false.
    best = best_event_f1(y, draws[0], corrected=False)
    assert (best.f1, best.fraction_flagged) == (1.0, 1.0)
    assert best_event_f1(y, draws[0]).f1 < 0.2
