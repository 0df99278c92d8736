import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from metrics import naive
from metrics.naive import flagged_tracks, quietly
from sklearn.exceptions import UndefinedMetricWarning

from skdsn.metrics import adtqc_scores, alarm_rates, detection_delays
from skdsn.metrics._timing import timing_quality

few = settings(deadline=None, max_examples=60)


def timed(ids, step=4, gap=None):
    """An index of tracks whose rows are so many seconds apart, but for a gap."""
    seconds = step * np.arange(len(ids))
    if gap is not None:
        seconds[gap:] += 5000
    times = pd.Timestamp("2026-03-02") + pd.to_timedelta(seconds, unit="s")
    return pd.MultiIndex.from_arrays([ids, times])


@given(flagged_tracks())
@few
def test_delays_are_those_of_the_first_flagged_row(case):
    truth, flags, ids = case
    expected = []
    for event in naive.runs(truth, ids):
        late = [row - event[0] for row in event if flags[row]]
        expected.append(min(late) if late else np.nan)
    found = detection_delays(truth, flags, tracks=ids)
    np.testing.assert_array_equal(found, expected)
    if (np.diff(ids) == 0).any():
        truth = pd.Series(truth, index=timed(ids))
        np.testing.assert_allclose(detection_delays(truth, flags), 4 * found)


@given(flagged_tracks())
@few
def test_rates_are_counted_by_row(case):
    truth, flags, ids = case
    rates = alarm_rates(truth, flags, tracks=ids)
    false = sum(not truth[alarm].any() for alarm in naive.runs(flags, ids))
    assert rates.false_alarms == false
    assert rates.false_alarms_per_track == false / len(np.unique(ids))
    assert rates.fraction_flagged == flags.mean()
    assert np.isnan(rates.false_alarms_per_day)
    delays = detection_delays(truth, flags, tracks=ids)
    delays = delays[~np.isnan(delays)]
    if len(delays):
        middle = rates.mean_delay, rates.median_delay
        assert middle == pytest.approx((np.mean(delays), np.median(delays)))
    else:
        assert np.isnan(rates.mean_delay)
        assert np.isnan(rates.median_delay)
    if (np.diff(ids) == 0).any():
        rates = alarm_rates(pd.Series(truth, index=timed(ids)), flags)
        days = len(ids) * 4 / 86_400
        assert rates.false_alarms_per_day == pytest.approx(false / days)


def test_gaps_are_no_telemetry_and_no_delay():
    index = timed(np.zeros(10), gap=4)
    truth = pd.Series([0, 0, 1, 1, 1, 1, 1, 0, 0, 0], index=index)
    flags = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0]
    assert detection_delays(truth, flags).tolist() == [12.0]
    rates = alarm_rates(truth, flags)
    assert rates.false_alarms_per_day == pytest.approx(86_400 / 40)


def test_an_alarm_that_goes_on_into_an_event_has_no_delay():
    assert detection_delays([0, 1, 1], [1, 1, 0]).tolist() == [0]
    # It ends with its track, so it does not reach an event in the next one.
    delays = detection_delays([0, 1, 1], [1, 0, 1], tracks=[1, 2, 2])
    assert delays.tolist() == [1]
    assert detection_delays([0, 0], [0, 1]).tolist() == []


@given(flagged_tracks())
@few
def test_timing_quality_is_that_of_the_definition(case):
    truth, flags, ids = case
    found = naive.adtqc(truth, flags, ids)
    scores = quietly(adtqc_scores, truth, flags, tracks=ids)
    assert scores.n_before == sum(x < 0 for x, _ in found)
    assert scores.n_after == sum(x >= 0 for x, _ in found)
    if found:
        assert scores.after_rate == scores.n_after / len(found)
        assert scores.adtqc == pytest.approx(np.mean([quality for _, quality in found]))
    else:
        assert (scores.adtqc, scores.after_rate) == (0, 0)
    if (np.diff(ids) == 0).any():
        timed_scores = quietly(adtqc_scores, pd.Series(truth, timed(ids)), flags)
        assert timed_scores == pytest.approx(scores)


@pytest.mark.parametrize(
    ("delay", "quality"),
    [
        (-10, 0.0),
        (-5, 0.151955),
        (-1, 0.750962),
        (0, 1.0),
        (1, 0.997459),
        (2, 0.977431),
        (5, 0.5),
        (7, 0.090859),
        (9, 0.002541),
        (9.9, 0.000004),
        (10, 0.0),
        (-1e9, 0.0),
        (1e9, 0.0),
    ],
)
def test_the_quality_has_the_published_values(delay, quality):
    found = timing_quality(np.array([delay]), np.array([10]), np.array([10]))
    assert found == pytest.approx([quality], abs=1e-6)


def test_without_room_only_an_alarm_on_time_is_worth_something():
    delay = np.array([-1, 0, 1])
    assert timing_quality(delay, 0 * delay, 0 * delay).tolist() == [0, 1, 0]


def test_the_event_before_limits_how_early_an_alarm_may_be():
    y_pred = [0, 0, 0, 1, 1, 0, 0, 0, 0]
    alone = adtqc_scores([0, 0, 0, 0, 1, 1, 1, 1, 0], y_pred)
    assert alone.adtqc == pytest.approx(0.75**np.e)
    behind = adtqc_scores([0, 0, 1, 0, 1, 1, 1, 1, 0], y_pred)
    assert behind.adtqc == pytest.approx(0.5**np.e)
    tracks = [1, 1, 1, 2, 2, 2, 2, 2, 2]  # the other event is in another track
    apart = adtqc_scores([0, 0, 1, 0, 1, 1, 1, 1, 0], y_pred, tracks=tracks)
    assert apart.adtqc == alone.adtqc


def test_an_alarm_over_two_events_is_early_on_the_second():
    scores = adtqc_scores([1, 1, 0, 1, 1], [1, 1, 1, 1, 0])
    assert (scores.n_before, scores.n_after) == (1, 1)
    assert scores.adtqc == 0.5  # three rows early of two


def test_without_a_detected_event_it_is_zero_with_a_warning():
    for case in (([0, 0], [0, 1]), ([0, 1], [0, 0]), ([0, 1], [1, 0])):
        with pytest.warns(UndefinedMetricWarning, match="adtqc and after_rate"):
            scores = adtqc_scores(*case)
        assert scores == {"adtqc": 0, "after_rate": 0, "n_before": 0, "n_after": 0}
