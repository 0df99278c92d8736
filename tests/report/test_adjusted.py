import numpy as np
import pandas as pd
import pytest

from skdsn.metrics import (
    best_threshold,
    chance_level,
    event_f1,
    point_adjusted_f1,
    row_wise_scores,
)
from skdsn.report import plot_point_adjusted

METRICS = ["point_adjusted_f1", "row_f1", "event_f1"]


@pytest.fixture
def scores(X, y):
    rng = np.random.default_rng(0)
    values = rng.normal(size=len(X)) + y.to_numpy()
    return pd.DataFrame({"score": values, "anomaly": (values > 1).astype(int)}, X.index)


def test_the_three_curves_are_exact_and_reach_the_best_threshold(y, scores):
    ax = plot_point_adjusted(y, scores["score"], n_random=0)
    for line, metric in zip(ax.lines, METRICS, strict=True):
        best = best_threshold(metric, y, scores["score"])
        top = line.get_ydata().argmax()
        assert line.get_ydata()[top] == pytest.approx(best.value)
        assert best.fraction_flagged in line.get_xdata()[line.get_ydata() == best.value]
    assert ax.get_xscale() == "log"
    assert "oracle" in ax.get_title(loc="left")


def test_points_are_what_the_flags_of_the_table_reach(y, scores):
    ax = plot_point_adjusted(y, scores, n_random=0)
    points = [line.get_xydata()[0] for line in ax.lines[3:6]]
    flags = scores["anomaly"]
    expected = [
        point_adjusted_f1(y, flags),
        row_wise_scores(y, flags).f,
        event_f1(y, flags),
    ]
    np.testing.assert_allclose([f1 for _, f1 in points], expected)
    assert {share for share, _ in points} == {flags.mean()}


@pytest.mark.parametrize("flag", [0, 1])
def test_flags_of_no_row_or_of_all_get_no_point(y, scores, flag):
    ax = plot_point_adjusted(y, scores.assign(anomaly=flag), n_random=0)
    assert len(ax.lines) == 3


def test_random_scores_stand_where_chance_is(y, scores):
    ax = plot_point_adjusted(y, scores["score"], n_random=200)
    for line, band, metric in zip(ax.lines[3:6], ax.collections, METRICS, strict=True):
        row = np.argmin(abs(line.get_xdata() - 0.2))
        share = line.get_xdata()[row]
        chance = chance_level(metric, y, flagged=share, n_random=400)
        assert line.get_ydata()[row] == pytest.approx(chance.value, abs=0.03)
        edges = band.get_paths()[0].vertices
        heights = edges[np.isclose(edges[:, 0], share), 1]
        assert heights.min() <= chance.low and heights.max() >= chance.high


def test_one_seed_gives_one_chance(y, scores):
    drawn = [plot_point_adjusted(y, scores, n_random=2).lines[6] for _ in range(2)]
    np.testing.assert_array_equal(*(line.get_ydata() for line in drawn))


def test_tracks_are_told_by_either_index_or_by_hand(X, scores):
    # One event across a border is two.
    y = pd.Series(0, X.index)
    y.iloc[21:25] = 1
    values = scores["score"].to_numpy()
    known = plot_point_adjusted(y, values, n_random=0).lines[0].get_ydata()
    others = [
        plot_point_adjusted(y.to_numpy(), scores, n_random=0),
        plot_point_adjusted(y.to_numpy(), values, tracks=X, n_random=0),
    ]
    for ax in others:
        np.testing.assert_array_equal(ax.lines[0].get_ydata(), known)
    joined = plot_point_adjusted(y.to_numpy(), values, n_random=0)
    assert not np.array_equal(joined.lines[0].get_ydata(), known)


def test_without_an_anomalous_row_or_an_order_there_is_no_curve(y, scores):
    with pytest.raises(ValueError, match="no anomalous row"):
        plot_point_adjusted(0 * y, scores)
    with pytest.raises(ValueError, match="constant score ranks nothing"):
        plot_point_adjusted(y, np.ones(len(y)))
    with pytest.raises(ValueError, match="different indexes"):
        plot_point_adjusted(y.iloc[::-1], scores)
