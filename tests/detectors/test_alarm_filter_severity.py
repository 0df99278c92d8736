"""Alarms that are minor, or too many, and what is learnt from the past."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.ensemble import IsolationForest

from skdsn.detectors import AlarmFilter


def spikes(*heights, every=50):
    """Severities as they are: a detector on one column whose threshold is 1."""
    X = np.zeros((every * len(heights), 1))
    for number, height in enumerate(heights):
        X[every * number + 10 : every * number + 14, 0] = [1, height, height, 1]
    return X


class Level(IsolationForest):
    """Flag values above 0.5."""

    def fit(self, X, y=None, sample_weight=None):
        self.n_features_in_ = np.shape(X)[1]
        self.offset_ = -0.5
        return self

    def score_samples(self, X):
        return -np.asarray(X, dtype=float)[:, 0]

    def decision_function(self, X):
        return self.score_samples(X) - self.offset_


def test_minor_runs_are_held_back_and_others_begin_where_they_are_severe():
    X = spikes(1, 2, 3)
    alarms = AlarmFilter(Level(), min_severity=1.5).fit(X)
    assert alarms.events(X)["status"].tolist() == ["minor", "alarm", "alarm"]
    assert alarms.events(X)["severity"].tolist() == [0.5, 1.5, 2.5]
    assert alarms.events(X)["peak_time"].tolist() == [10, 61, 111]
    raised = np.flatnonzero(alarms.predict(X) == -1)
    assert raised.tolist() == [61, 62, 63, 111, 112, 113]
    scores = -alarms.score_samples(X)
    np.testing.assert_array_equal(scores[raised], X[raised, 0])
    assert (np.delete(scores, raised) == 0).all()  # the median


def test_the_least_severity_is_learnt_from_the_alarms_of_the_past():
    X = spikes(9, 9, 9, 9, 9, 9, 9, 2, 4, 3)  # the last three are held out
    options = {"min_severity": "history", "per": 1000}
    least = {
        most: AlarmFilter(Level(), max_alarms=most, **options).fit(X).min_severity_
        for most in (None, 1, 2, 3)
    }
    assert least[None] == pytest.approx(3.5)
    assert least[1] == pytest.approx(2.5)
    assert least[2] == pytest.approx(1.5)
    assert least[3] == 0
    assert AlarmFilter(Level(), **options).fit(X).predict(X[-150:]).min() == 1
    y = np.zeros(len(X), dtype=int)
    y[400:450] = 1  # that was no false alarm
    learnt = AlarmFilter(Level(), **options).fit(X, y).min_severity_
    assert learnt == pytest.approx(2.5)
    apart = AlarmFilter(Level(), max_alarms=1, min_severity="history", per=50)
    assert apart.fit(X).min_severity_ == 0


def test_an_alarm_with_a_labelled_row_is_not_false_and_time_goes_on_in_it():
    X = spikes(9, 9, 9, 9, 9, 9, 9, 2, 9, 2)
    y = np.zeros(len(X), dtype=int)
    y[411:413] = 1  # the peak alone
    options = {"min_severity": "history", "max_alarms": 1, "per": 99}
    assert AlarmFilter(Level(), **options).fit(X, y).min_severity_ == 0
    y[380:440] = 1  # between two that are 100 rows apart
    assert AlarmFilter(Level(), **options).fit(X, y).min_severity_ == 0
    options["per"] = 101
    assert AlarmFilter(Level(), **options).fit(X, y).min_severity_ > 1.5


def test_a_track_too_short_for_the_holdout_is_told_by_name():
    X = pd.concat({"A": pd.DataFrame(spikes(1, 1)), "B": pd.DataFrame(spikes(1)[8:11])})
    alarms = AlarmFilter(Level(), min_severity="history", holdout=0.9)
    with pytest.raises(ValueError, match=r"'B' of n_rows=3 .* lower holdout, or bring"):
        alarms.fit(X)
    assert alarms.set_params(holdout=0.1).fit(X).min_severity_ > 0


def test_labelled_rows_do_not_tell_what_is_quiet():
    X = np.append(np.full(40, 9.0), np.arange(20) / 100)[:, None]
    y = np.repeat([1, 0], [40, 20])
    assert AlarmFilter(Level()).fit(X, y).quiet_score_ == pytest.approx(0.095)
    assert AlarmFilter(Level()).fit(X, np.ones(60)).quiet_score_ == 0.5


def test_a_step_in_time_ends_an_event_but_not_the_budget():
    times = pd.date_range("2026-01-01", periods=300, freq="min")
    times = times.where(times < times[112], times + pd.Timedelta("5D"))
    X = pd.DataFrame(spikes(1, 3, 2, 1, 1, 1), index=times)
    options = {"max_alarms": 1, "per": "6D", "length": 3}
    whole = AlarmFilter(Level(), **options).fit(X).events(X)
    assert whole["status"].tolist()[1:3] == ["alarm", "over budget"]
    alarms = AlarmFilter(Level(), max_gap="1h", **options).fit(X)
    assert len(whole) == 6
    events = alarms.events(X)
    assert len(events) == 7
    assert events["end"][2] == times[111]
    assert events["start"][3] == times[112]
    assert events["status"].tolist()[1:4] == ["alarm", "over budget", "over budget"]
    across = events[2:3].assign(end=events["end"][3])
    with pytest.raises(ValueError, match="longer than max_gap; confirm what is before"):
        alarms.confirm(across, X)
    with pytest.raises(ValueError, match="same clock"):
        alarms.set_params(max_alarms=None).predict(X.to_numpy())
    budget = alarms.set_params(max_alarms=3).events(X)["status"].tolist()
    assert budget == ["alarm"] * 3 + ["over budget"] * 4


def test_a_budget_leaves_out_what_is_less_severe_than_what_was_raised():
    X = spikes(3, 2, 4, 2, 2, 2, every=100)
    alarms = AlarmFilter(Level(), max_alarms=1, per=290).fit(X)
    statuses = ["alarm", "over budget", "alarm", "over budget", "over budget", "alarm"]
    assert alarms.events(X)["status"].tolist() == statuses
    times = pd.date_range("2026-01-01", periods=len(X), freq="min")
    frame = pd.DataFrame(X, index=times)
    dated = AlarmFilter(Level(), max_alarms=1, per="290min").fit(frame)
    assert dated.events(frame)["status"].tolist() == statuses
    assert dated.events(frame)["peak_time"].iloc[0] == times[11]
    with pytest.raises(ValueError, match="same clock"):
        dated.predict(X)


def test_training_subsequences_end_at_a_step_in_time():
    rows = np.arange(60)
    late = rows >= 30
    X = pd.DataFrame({"volt": rows % 2 + 5.0 * late}, index=rows + 900 * late)
    apart = AlarmFilter(Level(), length=5, max_gap=60).fit(X)
    joined = clone(apart).set_params(max_gap=None).fit(X)
    assert apart.usual_distance_ == 0 < joined.usual_distance_


def test_an_event_confirmed_as_anomalous_lowers_the_least_severity():
    X = spikes(1, 2, 3)
    alarms = AlarmFilter(Level(), min_severity=2.0, length=3).fit(X)
    events = alarms.events(X)
    alarms.confirm(events[1:2], nominal=False)
    assert alarms.min_severity_ == 1.5
    assert alarms.events(X)["status"].tolist() == ["minor", "alarm", "alarm"]
    assert alarms.confirm(events[2:], X, nominal=False).min_severity_ == 1.5
