import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metrics import naive
from metrics.naive import flagged_tracks, quietly
from sklearn.exceptions import UndefinedMetricWarning

from skdsn.metrics import event_f1, event_wise_scores

betas = st.sampled_from([0.0, 0.5, 1.0, 2.0])


def test_events_and_alarms_are_counted():
    #         hit      missed      hit by one alarm over both
    y_true = [1, 1, 0, 0, 1, 0, 0, 1, 0, 1, 0]
    y_pred = [0, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0]
    scores = event_wise_scores(y_true, y_pred, beta=0.5, corrected=False)
    assert scores.true_positives == 3
    assert scores.false_negatives == 1
    assert scores.false_positives == 2
    assert (scores.precision, scores.recall) == (3 / 5, 3 / 4)
    assert scores.f == pytest.approx(1.25 * 3 / (1.25 * 3 + 0.25 * 1 + 2))
    plain = event_f1(y_true, y_pred, corrected=False)
    assert plain == pytest.approx(6 / (6 + 1 + 2))


@given(flagged_tracks(), st.booleans(), st.sampled_from(["many", "first"]), betas)
@settings(deadline=None, max_examples=120)
def test_figures_are_those_of_the_definition(case, corrected, matching, beta):
    truth, flags, ids = case
    options = {"corrected": corrected, "matching": matching, "beta": beta}
    scores = quietly(event_wise_scores, truth, flags, tracks=ids, **options)
    expected = naive.event_wise(truth, flags, ids, **options)
    assert scores == pytest.approx({k: float(v or 0) for k, v in expected.items()})


@given(flagged_tracks())
@settings(deadline=None, max_examples=40)
def test_tracks_one_after_the_other_add_up(case):
    truth, flags, ids = case
    whole = quietly(event_wise_scores, truth, flags, tracks=ids)
    parts = [
        quietly(event_wise_scores, truth[ids == track], flags[ids == track])
        for track in np.unique(ids)
    ]
    for name in (
        "true_positives",
        "false_positives",
        "false_negatives",
        "redundant_alarms",
    ):
        assert whole[name] == sum(part[name] for part in parts)


def test_the_correction_multiplies_the_precision_by_the_specificity():
    y_true = [0, 0, 1, 1, 0, 0, 0]
    y_pred = [0, 1, 1, 0, 0, 1, 0]
    scores = event_wise_scores(y_true, y_pred)
    assert scores.specificity == pytest.approx(3 / 5)
    assert scores.precision == pytest.approx(1 / 2 * 3 / 5)
    assert scores.f == event_f1(y_true, y_pred) == pytest.approx(2 * 0.3 / 1.3)


def test_flagging_everything_is_worth_nothing():
    y_true = np.repeat([0, 1, 0, 1, 0], 10)
    assert event_f1(y_true, np.ones(50), corrected=False) == 1.0
    assert event_f1(y_true, np.ones(50)) == 0.0


def test_alarms_on_an_event_after_its_first_are_redundant():
    y_true = [1, 1, 1, 1, 1, 0, 1]
    y_pred = [1, 0, 1, 0, 1, 0, 1]
    scores = event_wise_scores(y_true, y_pred)
    assert (scores.true_positives, scores.redundant_alarms) == (2, 2)
    assert scores.alarming_precision == 2 / 4


def test_an_alarm_detects_only_its_first_event_if_so_asked():
    y_true, y_pred = [1, 0, 1, 0, 1], [1, 1, 1, 0, 1]
    many = event_wise_scores(y_true, y_pred, corrected=False)
    first = event_wise_scores(y_true, y_pred, corrected=False, matching="first")
    assert (many.true_positives, first.true_positives) == (3, 2)
    assert (first.false_positives, first.false_negatives) == (0, 1)
    assert (first.precision, first.recall) == (1, 2 / 3)


def test_an_alarm_next_to_an_event_does_not_touch_it():
    scores = event_wise_scores([0, 1, 0], [1, 0, 1])
    assert (scores.true_positives, scores.false_positives) == (0, 2)
    assert scores.alarming_precision == 0  # as its authors have it: not undefined


@pytest.mark.parametrize("matching", ["many", "first"])
def test_an_alarm_and_an_event_end_with_their_track(matching):
    tracks, how = ["A", "A", "B", "B"], {"matching": matching}
    scores = event_wise_scores([0, 0, 1, 0], [0, 1, 1, 0], tracks=tracks, **how)
    assert (scores.true_positives, scores.false_positives) == (1, 1)
    assert event_wise_scores([0, 0, 1, 0], [0, 1, 1, 0], **how).false_positives == 0
    # An event at either side of the border is two events, an alarm over it two alarms.
    scores = event_wise_scores([0, 1, 1, 0], [0, 1, 1, 0], tracks=tracks, **how)
    assert (scores.true_positives, scores.redundant_alarms) == (2, 0)
    scores = event_wise_scores([0, 1, 1, 0], [0, 1, 0, 0], tracks=tracks, **how)
    assert (scores.true_positives, scores.false_negatives) == (1, 1)


def test_flagging_every_row_raises_an_alarm_per_track_without_an_event():
    scores = event_wise_scores([0, 1, 0, 0, 0, 0], np.ones(6), tracks=list("AABBCC"))
    assert (scores.true_positives, scores.false_positives) == (1, 2)


def test_without_normal_rows_nothing_is_taken_off():
    scores = event_wise_scores([1, 1], [0, 1])
    assert (scores.specificity, scores.precision, scores.f) == (1, 1, 1)


def test_what_is_undefined_is_zero_with_a_warning():
    expected = "precision and recall and f and alarming_precision ill-defined"
    with pytest.warns(UndefinedMetricWarning, match=expected):
        scores = event_wise_scores([0, 0], [0, 0])
    assert (scores.precision, scores.recall, scores.f) == (0, 0, 0)
    assert scores.specificity == 1
    with pytest.warns(UndefinedMetricWarning, match="f ill-defined"):
        assert event_f1([0, 0], [0, 0]) == 0
    with pytest.warns(UndefinedMetricWarning, match="precision ill-defined"):
        assert event_wise_scores([0, 1], [0, 0]).f == 0
    # F is defined, and 0, as soon as there is an event or an alarm.
    assert event_f1([0, 1], [0, 0]) == event_f1([0, 0], [0, 1]) == 0


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"beta": -1}, "beta"),
        ({"corrected": "yes"}, "corrected"),
        ({"matching": "last"}, "'first'"),
    ],
)
def test_options_are_checked(options, error):
    with pytest.raises(ValueError, match=error):
        event_wise_scores([0, 1], [0, 1], **options)
