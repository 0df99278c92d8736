import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from metrics import naive
from metrics.naive import flagged_tracks, quietly
from sklearn.exceptions import UndefinedMetricWarning

from skdsn.metrics import affiliation_scores

few = settings(deadline=None, max_examples=50)


@given(flagged_tracks())
@few
def test_scores_are_integrals_over_zones(case):
    truth, flags, ids = case
    precisions, recalls = naive.affiliation_zones(truth, flags, ids)
    known = precisions[~np.isnan(precisions)]
    scores = quietly(affiliation_scores, truth, flags, tracks=ids)
    assert (scores.n_zones, scores.n_flagged_zones) == (len(recalls), len(known))
    assert scores.precision == pytest.approx(known.mean() if len(known) else 0)
    assert scores.recall == pytest.approx(recalls.mean() if len(recalls) else 0)
    esa = quietly(affiliation_scores, truth, flags, tracks=ids, variant="esa_adb")
    filled = np.where(np.isnan(precisions), 0.5, precisions)
    assert esa.precision == pytest.approx(filled.mean() if len(filled) else 0)
    assert esa.recall == scores.recall


@given(flagged_tracks())
@few
def test_distances_are_times_with_gaps_left_out(case):
    truth, flags, ids = case
    gap = len(ids) // 2
    assume((ids == ids[gap]).sum() >= 4)  # enough to tell a gap from a usual step
    seconds = 7 * np.arange(len(ids)) + 10_000 * (np.arange(len(ids)) >= gap)
    times = pd.Timestamp("2026-03-02") + pd.to_timedelta(seconds, unit="s")
    index = pd.MultiIndex.from_arrays([ids, times])
    in_rows = quietly(affiliation_scores, truth, flags, tracks=ids)
    in_time = quietly(affiliation_scores, pd.Series(truth, index=index), flags)
    assert in_time == pytest.approx(in_rows)


def test_a_row_that_lasts_longer_counts_for_more():
    seconds = [0, 1, 2, 6, 7, 8]  # row 2 lasts four seconds
    y_true, y_pred = [0, 0, 1, 0, 0, 0], [0, 1, 0, 0, 0, 0]
    scores = affiliation_scores(y_true, y_pred, timestamps=seconds)
    # Flagged is [1, 2], the event [2, 6], the zone [0, 9]: 1 - (4 + 2 * d) / 9 at d.
    assert scores.precision == pytest.approx(1 - 5 / 9)
    assert scores.n_zones == 1


def test_exact_flags_are_perfect_and_far_ones_are_not():
    y_true = np.repeat([0, 1, 0, 1, 0], 10)
    exact = affiliation_scores(y_true, y_true)
    assert (exact.precision, exact.recall, exact.f) == (1, 1, 1)
    assert (exact.n_zones, exact.n_flagged_zones) == (2, 2)
    y_pred = np.zeros(50)
    for shift in (1, 5):
        y_pred = np.roll(y_true, shift)
        scores = affiliation_scores(y_true, y_pred)
        assert scores.f < exact.f
        exact = scores


def test_flags_at_random_are_as_precise_as_a_coin():
    rng = np.random.default_rng(0)
    y_true = np.repeat([0, 1, 0], [4000, 10, 4000])
    scores = affiliation_scores(y_true, rng.uniform(size=8010) < 0.1)
    assert scores.precision == pytest.approx(0.5, abs=0.02)


def test_flags_in_tracks_without_an_event_count_nowhere():
    y_true, y_pred = [0, 1, 0, 0, 0, 0], [0, 1, 0, 1, 1, 1]
    tracks = [1, 1, 1, 2, 2, 2]
    assert affiliation_scores(y_true, y_pred, tracks=tracks).f == 1
    assert affiliation_scores(y_true, y_pred).f < 1


def test_events_at_the_ends_of_their_tracks_own_all_of_it():
    tracks = [1, 1, 1, 2, 2, 2]
    y_true, y_pred = [0, 0, 1, 1, 0, 0], [1, 0, 0, 0, 0, 1]
    scores = affiliation_scores(y_true, y_pred, tracks=tracks)
    # Flags at a distance of 1 to 2 rows in a zone of 3 with an event of 1.
    assert scores.precision == pytest.approx(1 - (1 + 1.5) / 3)
    assert scores.n_zones == 2


def test_an_event_over_all_of_its_track_has_room_for_nothing_else():
    scores = affiliation_scores([1, 1, 1], [0, 1, 0])
    assert scores.precision == 1
    # At a distance d of at most 1, d + min(d, 1 - d) of the zone is nearer: 3/4 each.
    assert scores.recall == pytest.approx(1 - 2 * 0.75 / 3 / 3)


def test_what_is_undefined_is_zero_with_a_warning():
    with pytest.warns(UndefinedMetricWarning, match="precision and recall and f"):
        scores = affiliation_scores([0, 0], [0, 1])
    assert scores.n_zones == 0
    with pytest.warns(UndefinedMetricWarning, match="precision ill-defined"):
        scores = affiliation_scores([0, 1], [0, 0])
    assert (scores.recall, scores.f, scores.n_flagged_zones) == (0, 0, 0)
    scores = affiliation_scores([0, 1], [0, 0], variant="esa_adb")
    assert (scores.precision, scores.recall, scores.f) == (0.5, 0, 0)


@pytest.mark.parametrize("options", [{"variant": "esa"}, {"beta": -0.5}])
def test_options_are_checked(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        affiliation_scores([0, 1], [0, 1], **options)
