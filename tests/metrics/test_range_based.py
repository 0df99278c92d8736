import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metrics import naive
from metrics.naive import flagged_tracks, quietly
from sklearn.exceptions import UndefinedMetricWarning

from skdsn.metrics import range_based_scores

biases = st.sampled_from(["flat", "front", "middle", "back"])


@given(
    flagged_tracks(),
    st.sampled_from([0.0, 0.3, 1.0]),
    st.sampled_from(["one", "reciprocal"]),
    biases,
    biases,
    st.sampled_from([0.5, 1.0]),
)
@settings(deadline=None, max_examples=120)
def test_figures_are_those_of_the_definition(
    case, alpha, cardinality, bias, precision_bias, beta
):
    truth, flags, ids = case
    options = {
        "alpha": alpha,
        "cardinality": cardinality,
        "bias": bias,
        "precision_bias": precision_bias,
        "beta": beta,
    }
    scores = quietly(range_based_scores, truth, flags, tracks=ids, **options)
    expected = naive.range_based(truth, flags, ids, **options)
    found = scores.precision, scores.recall, scores.f
    assert found == pytest.approx([value or 0 for value in expected])
    assert scores.n_events == len(naive.runs(truth, ids))
    assert scores.n_alarms == len(naive.runs(flags, ids))


@pytest.mark.parametrize(
    ("bias", "recall"),
    [("flat", 2 / 5), ("front", 9 / 15), ("back", 3 / 15), ("middle", 3 / 9)],
)
def test_a_bias_tells_where_flags_weigh_most(bias, recall):
    # The first two of five rows; in the middle they weigh 1 and 2 of 1 2 3 2 1.
    scores = range_based_scores([1, 1, 1, 1, 1, 0], [1, 1, 0, 0, 0, 0], bias=bias)
    assert scores.recall == pytest.approx(recall)
    assert scores.precision == 1


def test_existence_is_rewarded_with_alpha_and_pieces_are_punished():
    y_true, y_pred = [1, 1, 1, 1, 0], [1, 0, 1, 0, 0]
    assert range_based_scores(y_true, y_pred).recall == 1 / 2 * 2 / 4
    assert range_based_scores(y_true, y_pred, cardinality="one").recall == 2 / 4
    assert range_based_scores(y_true, y_pred, alpha=1.0).recall == 1
    assert range_based_scores(y_true, y_pred, alpha=0.2).recall == 0.2 + 0.8 / 4


def test_ranges_end_with_their_track():
    y_true, y_pred = [0, 1, 1, 0], [0, 1, 1, 1]
    assert range_based_scores(y_true, y_pred).precision == pytest.approx(2 / 3)
    scores = range_based_scores(y_true, y_pred, tracks=[1, 1, 2, 2])
    assert (scores.n_events, scores.n_alarms) == (2, 2)
    assert (scores.precision, scores.recall) == (3 / 4, 1)


def test_what_is_undefined_is_zero_with_a_warning():
    with pytest.warns(UndefinedMetricWarning, match="precision and recall and f"):
        scores = range_based_scores([0, 0], [0, 0])
    assert scores == {"precision": 0, "recall": 0, "f": 0, "n_alarms": 0, "n_events": 0}
    with pytest.warns(UndefinedMetricWarning, match="precision ill-defined"):
        assert range_based_scores([0, 1], [0, 0]).f == 0
    with pytest.warns(UndefinedMetricWarning, match="recall ill-defined"):
        assert range_based_scores([0, 0], [0, 1]).precision == 0


@pytest.mark.parametrize(
    "options",
    [{"alpha": 1.5}, {"bias": "left"}, {"precision_bias": 1}, {"cardinality": "two"}],
)
def test_options_are_checked(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        range_based_scores([0, 1], [0, 1], **options)


def test_always_on_is_as_precise_as_events_are_frequent():
    y_true = np.repeat([0, 1, 0, 0], 5)
    scores = range_based_scores(y_true, np.ones(20))
    assert (scores.precision, scores.recall) == (0.25, 1.0)
