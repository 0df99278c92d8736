import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from metrics.naive import flagged_tracks, quietly, scored_tracks
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import (
    average_precision_score,
    fbeta_score,
    precision_score,
    recall_score,
    roc_auc_score,
)

from skdsn.metrics import average_precision, roc_auc, row_wise_scores

few = settings(deadline=None, max_examples=60)


@given(flagged_tracks(), st.sampled_from([0.5, 1.0, 2.0]))
@few
def test_figures_are_scikit_learns(case, beta):
    truth, flags, ids = case
    scores = quietly(row_wise_scores, truth, flags, tracks=ids, beta=beta)
    for name, theirs in (("precision", precision_score), ("recall", recall_score)):
        assert scores[name] == pytest.approx(theirs(truth, flags, zero_division=0))
    expected = fbeta_score(truth, flags, beta=beta, zero_division=0)
    assert scores.f == pytest.approx(expected)
    assert scores.true_positives == (truth & flags).sum()
    assert scores.false_positives == (~truth & flags).sum()
    assert scores.false_negatives == (truth & ~flags).sum()
    assert scores.fraction_flagged == flags.mean()


@given(scored_tracks(event=True))
@few
def test_rankings_are_scikit_learns_with_ties_too(case):
    truth, scores, ids = case
    if truth.all():
        truth[0] = False
    if not truth.any():
        truth[-1] = True
    expected = average_precision_score(truth, scores), roc_auc_score(truth, scores)
    found = average_precision(truth, scores, tracks=ids), roc_auc(truth, scores)
    assert found == pytest.approx(expected)


@given(scored_tracks(event=True))
@few
def test_any_increasing_scale_ranks_the_same(case):
    truth, scores, ids = case
    assume(not truth.all())
    for metric in (average_precision, roc_auc):
        here = metric(truth, scores, tracks=ids)
        assert metric(truth, np.exp(scores) * 3 - 7, tracks=ids) == pytest.approx(here)


def test_rows_of_one_class_are_ranked_as_scikit_learn_does():
    y_score = [0.1, 0.2, 0.3]
    with pytest.warns(UndefinedMetricWarning, match="average_precision ill-defined"):
        assert average_precision([0, 0, 0], y_score) == 0.0
    assert average_precision([1, 1, 1], y_score) == 1.0
    for y_true in ([0, 0, 0], [1, 1, 1]):
        with pytest.warns(UndefinedMetricWarning, match=r"roc_auc.*one class only"):
            assert np.isnan(roc_auc(y_true, y_score))


def test_constant_scores_are_refused():
    for metric in (average_precision, roc_auc):
        with pytest.raises(ValueError, match=r"y_score is 0.5 in all 3 rows"):
            metric([0, 1, 0], [0.5, 0.5, 0.5])
