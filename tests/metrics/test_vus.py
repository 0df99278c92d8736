import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from metrics import naive
from metrics.naive import scored_tracks
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import roc_auc_score

from skdsn.metrics import vus_scores

few = settings(deadline=None, max_examples=50)
variants = st.sampled_from(["definition", "v2022", "tsb_ad"])


@given(scored_tracks(event=True), st.integers(0, 9))
@few
def test_areas_are_those_of_the_definition(case, buffer):
    truth, scores, ids = case
    assume(not truth.all())
    found = vus_scores(truth, scores, buffer=buffer, tracks=ids)
    areas = [naive.vus_areas(truth, scores, ids, width) for width in range(buffer + 1)]
    roc, pr = np.transpose(areas)
    np.testing.assert_allclose(found.range_auc_roc, roc, atol=1e-9)
    np.testing.assert_allclose(found.range_auc_pr, pr, atol=1e-9)
    assert found.vus_roc == pytest.approx(roc.mean())
    assert found.vus_pr == pytest.approx(pr.mean())


@given(scored_tracks(event=True), st.integers(0, 9), variants)
@few
def test_figures_are_shares_and_only_the_order_of_scores_counts(case, buffer, variant):
    truth, scores, ids = case
    assume(not truth.all())
    options = {"buffer": buffer, "tracks": ids, "variant": variant}
    found = vus_scores(truth, scores, **options)
    areas = np.concatenate([found.range_auc_roc, found.range_auc_pr])
    assert ((areas >= -1e-12) & (areas <= 1 + 1e-12)).all()
    again = vus_scores(truth, np.exp(scores) - 3, **options)
    np.testing.assert_allclose(areas[: buffer + 1], again.range_auc_roc)
    np.testing.assert_allclose(areas[buffer + 1 :], again.range_auc_pr)


@pytest.mark.parametrize("variant", ["definition", "v2022", "tsb_ad"])
def test_without_a_buffer_rows_count_once_their_event_is_hit(variant):
    rng = np.random.default_rng(0)
    y_true = np.arange(200) % 20 == 0  # events of one row: each hit is a row
    y_score = rng.permutation(200) + 50.0 * y_true
    found = vus_scores(y_true, y_score, buffer=0, variant=variant)
    assert found.range_auc_roc.shape == (1,)
    # Existence times recall is the square of the recall here.
    recall = [0, *(y_true[y_score >= t].sum() / 10 for t in np.sort(y_score)[::-1])]
    false = [0, *((~y_true)[y_score >= t].sum() / 190 for t in np.sort(y_score)[::-1])]
    assert found.vus_roc == pytest.approx(np.trapezoid(np.square(recall), false))
    assert found.vus_roc < roc_auc_score(y_true, y_score)


def test_only_the_figures_of_the_benchmark_reach_1_for_a_perfect_score():
    y_true = np.repeat([0, 1, 0, 1, 0], 20)
    y_score = y_true + np.linspace(0, 0.5, 100)
    best = {
        variant: vus_scores(y_true, y_score, buffer=10, variant=variant)
        for variant in ("definition", "v2022", "tsb_ad")
    }
    assert best["tsb_ad"].vus_roc == best["tsb_ad"].vus_pr == pytest.approx(1)
    for variant in ("definition", "v2022"):
        assert 0.9 < best[variant].vus_pr < 1


def test_an_alarm_just_before_an_event_counts_in_part():
    y_true = np.repeat([0, 1, 0], [50, 10, 40])
    near, far = np.full(100, 0.0), np.full(100, 0.0)
    near[46:50], far[20:24] = 1, 1
    near[50:60] = far[50:60] = 0.5
    figures = [
        [vus_scores(y_true, scores, buffer=b).vus_pr for scores in (near, far)]
        for b in (0, 10)
    ]
    assert figures[0][0] == pytest.approx(figures[0][1])
    assert figures[1][0] > figures[1][1]


def test_buffers_end_with_their_track():
    tracks = np.repeat([1, 2], 10)
    y_true, y_score = np.zeros(20), np.arange(20) / 100
    y_true[8:10] = 1
    y_score[8:12] = 1  # the rows after the border are false alarms in another track
    apart = vus_scores(y_true, y_score, buffer=6, tracks=tracks)
    whole = vus_scores(y_true, y_score, buffer=6)
    assert apart.vus_pr < whole.vus_pr


@pytest.mark.parametrize("truth", [[0, 0, 0], [1, 1, 1]])
def test_one_class_alone_is_undefined(truth):
    with pytest.warns(UndefinedMetricWarning, match="vus_roc and vus_pr"):
        found = vus_scores(truth, [0.1, 0.2, 0.3], buffer=2)
    assert np.isnan([found.vus_roc, found.vus_pr]).all()
    assert found.range_auc_pr.shape == (3,)


def test_a_buffer_longer_than_the_tracks_will_do():
    found = vus_scores([0, 1, 0, 0], [0.1, 0.9, 0.2, 0.3], buffer=50)
    assert np.isfinite(found.range_auc_roc).all()


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"buffer": -1}, ValueError),
        ({"buffer": 2.5}, ValueError),
        ({"buffer": 2, "variant": "2022"}, ValueError),
        ({}, TypeError),
    ],
)
def test_options_are_checked(options, error):
    with pytest.raises(error, match=r"buffer|variant"):
        vus_scores([0, 1], [0.1, 0.2], **options)
