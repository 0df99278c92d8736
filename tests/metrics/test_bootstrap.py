import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import matthews_corrcoef

from skdsn.metrics import bootstrap_interval, metric_names
from skdsn.metrics._bootstrap import draw_tracks, percentiles
from skdsn.metrics._catalog import METRICS
from skdsn.tracks import read_tracks

TRACKS = np.repeat(np.arange(8), 12)
Y = np.tile([0] * 7 + [1] * 3 + [0] * 2, 8)


def case(name, same):
    rng = np.random.default_rng(0)
    if same:
        scores = np.tile(rng.uniform(size=12), 8)
    else:
        scores = rng.uniform(size=96) + 0.4 * Y
    response = scores if METRICS[name].response == "scores" else scores > 0.8
    index = pd.MultiIndex.from_arrays([TRACKS, np.tile(np.arange(12) * 60, 8)])
    options = {"beta": 0.5} if name.endswith("fbeta") else {}
    options |= {"buffer": 4} if name.startswith("vus") else {}
    return pd.Series(Y, index=index), response, options


@pytest.mark.parametrize("name", METRICS)
def test_tracks_that_are_all_alike_leave_no_doubt(name):
    y_true, response, options = case(name, same=True)
    found = bootstrap_interval(name, y_true, response, n_bootstrap=5, **options)
    assert found.low == pytest.approx(found.value)
    assert found.high == pytest.approx(found.value)
    assert found.n_defined == found.n_bootstrap == 5


@pytest.mark.parametrize("name", ["event_f1", "average_precision", "mean_delay"])
def test_tracks_that_differ_leave_doubt_less_so_at_a_lower_level(name):
    y_true, response, options = case(name, same=False)
    wide = bootstrap_interval(name, y_true, response, **options)
    narrow = bootstrap_interval(name, y_true, response, level=0.5, **options)
    assert wide.low < narrow.low <= narrow.high < wide.high
    assert wide.low < wide.value < wide.high
    again = bootstrap_interval(name, y_true, response, **options)
    assert again == wide
    other = bootstrap_interval(name, y_true, response, random_state=1, **options)
    assert (other.low, other.high) != (wide.low, wide.high)


def test_draws_hold_whole_tracks_and_no_events_merge():
    index = pd.MultiIndex.from_arrays([TRACKS[:30], np.arange(30) * 10])
    found = read_tracks(index)
    for rows, drawn in draw_tracks(found, 20, 0):
        assert len(drawn) == len(found) == 3
        assert drawn.n_rows == len(rows)
        for name, start, stop in zip(
            drawn.names, drawn.bounds[:-1], drawn.bounds[1:], strict=True
        ):
            expected = np.flatnonzero(TRACKS[:30] == name)
            assert rows[start:stop].tolist() == expected.tolist()
            assert drawn.times[start:stop].tolist() == (10 * expected).tolist()


def test_half_of_the_events_are_found_as_often_as_a_coin_tells():
    y_true = np.tile([0, 0, 1, 1, 0], 100)
    y_pred = np.where(np.arange(500) < 250, y_true, 0)
    tracks = np.repeat(np.arange(100), 5)
    found = bootstrap_interval(
        "event_recall", y_true, y_pred, tracks=tracks, n_bootstrap=1000
    )
    assert found.value == 0.5
    assert (found.low, found.high) == pytest.approx((0.4, 0.6), abs=0.02)


def test_draws_without_an_event_are_counted_out():
    y_true = [0, 1, 0, 0]
    found = bootstrap_interval("event_recall", y_true, y_true, tracks=[1, 1, 2, 2])
    assert (found.value, found.low, found.high) == (1, 1, 1)
    assert 0.65 < found.n_defined / found.n_bootstrap < 0.85  # 3 of 4 draw track 1
    none = bootstrap_interval("event_recall", [0] * 4, [0] * 4, tracks=[1, 1, 2, 2])
    assert np.isnan([none.value, none.low, none.high]).all()
    assert none.n_defined == 0


def test_a_metric_of_your_own_will_do():
    found = bootstrap_interval(matthews_corrcoef, Y, Y, tracks=TRACKS, n_bootstrap=5)
    assert (found.value, found.low, found.high) == (1, 1, 1)


def test_one_track_tells_nothing_of_others():
    with pytest.raises(ValueError, match=r"at least two of them.*Tell tracks"):
        bootstrap_interval("event_f1", Y, Y)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"n_bootstrap": 1}, ValueError),
        ({"level": 0}, ValueError),
        ({"corrected": "yes"}, ValueError),
        ({"k": 3}, TypeError),
    ],
)
def test_options_are_checked(options, error):
    with pytest.raises(error, match=next(iter(options))):
        bootstrap_interval("event_f1", Y, Y, tracks=TRACKS, **options)


def test_percentiles_of_nothing_are_nan():
    assert np.isnan(percentiles(np.array([np.nan]), 0.9)).all()
    assert percentiles(np.array([0.0, np.nan, 1.0]), 0.5).tolist() == [0.25, 0.75]
    columns = np.array([[0.0, np.nan], [1.0, np.nan]])
    np.testing.assert_array_equal(
        percentiles(columns, 0.5), [[0.25, np.nan], [0.75, np.nan]]
    )


def test_names_are_those_of_the_catalogue():
    assert metric_names() == list(METRICS)
