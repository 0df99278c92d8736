"""Reports of flags and scores, without a detector."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import matthews_corrcoef

from skdsn.metrics import (
    event_f1,
    event_scoring,
    get_event_scorer,
    make_event_scorer,
    no_learning_baselines,
    point_adjusted_f1,
    score_report,
    vus_scores,
)

Y = np.repeat([0, 1, 0, 1, 0], [30, 5, 30, 10, 25])
SCORES = np.random.default_rng(0).uniform(size=100) + 0.6 * Y
FLAGS = (SCORES > 0.9).astype(int)


def test_without_scores_nothing_is_ranked():
    report = score_report(Y, FLAGS, n_random=2)
    assert len(report) == 18
    assert {"average_precision", "roc_auc"}.isdisjoint(report.index)
    whole = score_report(Y, FLAGS, SCORES, n_random=2)
    assert len(whole) == 20
    pd.testing.assert_frame_equal(whole.loc[report.index], report)


def test_metrics_can_be_chosen_and_have_options():
    volume = get_event_scorer("vus_pr", buffer=8)
    own = make_event_scorer(matthews_corrcoef)
    chosen = ["event_f1", volume, own, event_scoring("point_adjusted_area")]
    report = score_report(Y, FLAGS, SCORES, metrics=chosen, n_random=3)
    assert report.index.tolist() == [
        "event_f1",
        "vus_pr",
        "matthews_corrcoef",
        "point_adjusted_area",
        "base_rate",
    ]
    ours = report["detector"]
    assert ours["event_f1"] == event_f1(Y, FLAGS)
    assert ours["vus_pr"] == vus_scores(Y, SCORES, buffer=8).vus_pr
    assert ours["matthews_corrcoef"] == matthews_corrcoef(Y, FLAGS)
    assert report["chance"].notna().all()
    assert report["skill"].iloc[:-1].gt(0).all()
    with pytest.raises(TypeError, match="vus_pr needs the option 'buffer'"):
        score_report(Y, FLAGS, SCORES, metrics=["vus_pr"])
    share = get_event_scorer("point_adjusted_f1", k=20)
    with pytest.raises(ValueError, match="point_adjusted_f1 is asked for twice"):
        score_report(Y, FLAGS, metrics=["point_adjusted_f1", share])
    report = score_report(Y, FLAGS, metrics=[share], n_random=2)
    expected = point_adjusted_f1(Y, FLAGS, k=20)
    assert report.loc["point_adjusted_f1", "detector"] == expected


def test_baselines_are_columns_and_may_have_no_scores():
    baselines = {"flags": (FLAGS, None), "both": (FLAGS, SCORES), "never": (0 * Y, Y)}
    report = score_report(Y, FLAGS, SCORES, baselines=baselines, n_random=2)
    assert report.columns.tolist() == ["detector", "chance", "skill", *baselines]
    pd.testing.assert_series_equal(
        report["both"], report["detector"], check_names=False
    )
    ranking = ["average_precision", "roc_auc"]
    assert report.loc[ranking, "flags"].isna().all()
    assert report.loc[ranking, "never"].eq(1).all()
    rest = report.drop(ranking)
    pd.testing.assert_series_equal(rest["flags"], rest["detector"], check_names=False)
    assert np.isnan(report.loc["event_precision", "never"])


@pytest.mark.parametrize("constant", [0.0, 0.1, 7])
def test_constant_scores_rank_nothing(constant):
    report = score_report(Y, FLAGS, np.full(100, constant), n_random=2)
    assert {"average_precision", "roc_auc"}.isdisjoint(report.dropna().index)
    assert report.loc["event_f1", "detector"] == event_f1(Y, FLAGS)


def test_perfect_flags_have_all_the_skill():
    report = score_report(Y, Y, Y + SCORES / 10, tracks=pd.RangeIndex(100), n_random=5)
    rest = report.drop(["fraction_flagged", "base_rate"])
    known = rest["skill"].dropna()
    assert known.eq(1).all()
    assert len(known) >= 14


@pytest.mark.parametrize(
    ("y_score", "match"),
    [
        (SCORES[:-1], "y_true has 100 rows but y_score has 99"),
        (np.where(Y == 1, np.nan, 0.5), "y_score is nan in row 30"),
        (["high"] * 100, "y_score must hold one number per row"),
        (np.column_stack([SCORES] * 2), "column of class 1"),
    ],
)
def test_scores_are_checked(y_score, match):
    with pytest.raises(ValueError, match=match):
        score_report(Y, FLAGS, y_score)
    both = rf"(?s){match}.*This is the answer of detector 'other'"
    with pytest.raises(ValueError, match=both):
        score_report(Y, FLAGS, SCORES, baselines={"other": (FLAGS, y_score)})


def test_flags_of_baselines_are_checked():
    with pytest.raises(ValueError, match=r"(?s)100 rows but y_pred has 3.*'other'"):
        score_report(Y, FLAGS, baselines={"other": ([0, 1, 0], None)})
    with pytest.raises(ValueError, match=r"(?s)y_pred must hold 0.*'other'"):
        score_report(Y, FLAGS, baselines={"other": (SCORES, None)})
    with pytest.raises(ValueError, match=r"must answer with \(y_pred, y_score\)"):
        score_report(Y, FLAGS, baselines={"other": FLAGS})
    with pytest.raises(ValueError, match="named 'chance', as a column"):
        score_report(Y, FLAGS, baselines={"chance": (FLAGS, None)})


def test_scores_of_other_rows_are_refused():
    y_true = pd.Series(Y, index=np.arange(100) + 5)
    with pytest.raises(ValueError, match="y_true and y_score have different indexes"):
        score_report(y_true, FLAGS, pd.Series(SCORES, index=y_true.index[::-1]))


def test_baselines_that_learn_nothing_flag_at_most_so_many_rows():
    X = np.array([[0.0], [1.0], [0.0], [5.0], [0.0]])
    for n_flagged, n_found in ((0, 0), (1, 0), (2, 2), (3, 2), (4, 4), (9, 5)):
        flags, jumps = no_learning_baselines(X, n_flagged)["persistence"]
        assert flags.sum() == n_found  # equal jumps are flagged together
        assert (jumps[flags] > 0).all() or n_flagged == 9
    excess = np.array([0, 0.05, 0.06, 0, 1])
    flags, scores = no_learning_baselines(X, 1, excess)["training range"]
    assert flags.tolist() == [False, False, True, False, True]
    assert scores is excess
