"""Chance levels on real labels, as published."""

import json

import numpy as np
import pandas as pd
import pytest

from skdsn.metrics import (
    best_threshold,
    chance_level,
    find_events,
    point_adjusted_area,
)
from skdsn.tracks import stack_tracks


def read_labels(folder, spacecraft):
    table = pd.read_csv(folder / "smap_msl" / "labeled_anomalies.csv")
    labels = {}
    for row in table[table["spacecraft"] == spacecraft].itertuples():
        y = labels.setdefault(row.chan_id, np.zeros(row.num_values, dtype=int))
        for start, end in json.loads(row.anomaly_sequences):
            y[start : end + 1] = 1
    return stack_tracks(labels)


@pytest.mark.parametrize(
    ("spacecraft", "n_events", "published"), [("SMAP", 38, 0.96), ("MSL", 21, 0.92)]
)
def test_random_scores_reach_the_published_chance_level(
    skdsn_data, spacecraft, n_events, published
):
    # Kim et al., AAAI 2022, table 2: 0.961 on all of SMAP, 0.931 on all of MSL; these
    # are the labels of 48 of the 82 channels.
    y = read_labels(skdsn_data, spacecraft)
    assert len(find_events(y)) == n_events
    how = {"flagged": "best", "n_random": 50}
    adjusted = chance_level("point_adjusted_f1", y, **how)
    assert adjusted.value == pytest.approx(published, abs=0.03)
    assert adjusted.high - adjusted.low < 0.1
    # Every channel holds an event, so one alarm over all of it is never false.
    draw = np.random.default_rng(0).uniform(size=len(y))
    best = best_threshold("overlap_f1", y, draw)
    assert (best.value, best.fraction_flagged) == (1.0, 1.0)
    assert chance_level("event_f1", y, **how).value < 0.2
    # What has to exceed a share of the event is less of a gift.
    share = y.mean()
    flags = draw >= np.quantile(draw, 1 - share)
    assert chance_level("row_f1", y, flagged=share, n_random=2).value < 2 * share
    assert point_adjusted_area(y, flags) < adjusted.value / 2
