"""The rows that are held out, and what may be said of them."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold

from skdsn.model_selection import (
    RepeatedTrackSplit,
    StratifiedTrackKFold,
    compare,
    cross_val_report,
    label_shuffle_test,
)
from skdsn.model_selection._held_out import (
    check_splits,
    ranks_in_folds,
    score_held_out,
)
from skdsn.tracks import stack_tracks


class Answer(ClassifierMixin, BaseEstimator):
    """Scores by the first channel, but changed, or with an error, in one fold."""

    def __init__(self, change=None, fold=1, error=None):
        self.change = change
        self.fold = fold
        self.error = error

    def fit(self, X, y):
        self.classes_ = np.array([0, 1])
        # The tracks of the second of two folds come last.
        self.number_ = int(X.index.get_level_values(0)[0] == "T0")
        if self.error is not None and self.number_ == self.fold:
            raise self.error("no can do")
        return self

    def decision_function(self, X):
        scores = X.iloc[:, 0].to_numpy()
        return self.change(scores) if self.number_ == self.fold else scores

    def predict(self, X):
        return np.zeros(len(X), dtype=int)


def with_nan(scores):
    return np.where(np.arange(len(scores)) == 2, np.nan, scores)


def with_inf(scores):
    return np.where(np.arange(len(scores)) == 2, np.inf, scores)


def too_short(scores):
    return scores[1:]


@pytest.fixture
def telemetry():
    rng = np.random.default_rng(0)
    X = stack_tracks({f"T{i}": rng.normal(size=(20, 2)) for i in range(4)})
    y = pd.Series(np.tile(np.arange(20) // 5 == 2, 4).astype(int), X.index)
    return X, y


# Answers --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (with_nan, r"fold 1 gives a score that is nan in row 42 of X \('?\(?'T2', 2"),
        (with_inf, "fold 1 gives a score that is inf in row 42 of X"),
        (too_short, r"fold 1 gives an answer of shape \(39,\) for 40 rows"),
    ],
)
def test_answers_must_be_one_finite_number_per_row(telemetry, change, message):
    X, y = telemetry
    bad = Answer(change)
    with pytest.raises(ValueError, match="The detector in " + message):
        cross_val_report(bad, X, y, cv=2)
    with pytest.raises(ValueError, match="The detector in " + message):
        label_shuffle_test(bad, X, y, cv=StratifiedTrackKFold(2), n_shuffles=1)
    with pytest.raises(ValueError, match="Detector 'bad' in " + message):
        compare({"good": LogisticRegression(), "bad": bad}, X, y, cv=2)


@pytest.mark.parametrize("error", [ValueError, RuntimeError, KeyError])
def test_errors_of_fit_are_left_as_they_are_but_tell_the_fold(telemetry, error):
    X, y = telemetry
    bad = Answer(error=error)
    with pytest.raises(error, match="no can do") as caught:
        cross_val_report(bad, X, y, cv=2)
    assert caught.value.__notes__ == ["The detector raised this in fold 1 of cv."]
    with pytest.raises(error) as caught:
        compare({"good": LogisticRegression(), "bad": bad}, X, y, cv=2)
    assert caught.value.__notes__ == ["Detector 'bad' raised this in fold 1 of cv."]


def test_a_constant_score_ranks_alike_in_folds_of_unequal_size():
    table = pd.DataFrame({"score": [3.0] * 3 + [7.0] * 4, "fold": [0] * 3 + [1] * 4})
    assert ranks_in_folds(table).tolist() == [0.5] * 7


def test_ranks_are_those_of_the_fold_whatever_its_scale():
    table = pd.DataFrame(
        {"score": [5.0, 1.0, 300.0, 200.0, 200.0, 100.0], "fold": [0, 0, 1, 1, 1, 1]}
    )
    ranks = [0.75, 0.25, 0.875, 0.5, 0.5, 0.125]
    np.testing.assert_allclose(ranks_in_folds(table), ranks)


def test_rows_outside_all_folds_have_none(telemetry):
    X, y = telemetry
    splits = [(np.arange(40), np.arange(60, 80))]
    table = score_held_out(LogisticRegression(), X, y, splits)
    assert (table["fold"] == np.repeat([-1, 0], [60, 20])).all()


# Splits ---------------------------------------------------------------------------


first, second = np.arange(40), np.arange(40, 80)
mask = np.arange(80) < 40


@pytest.mark.parametrize(
    ("cv", "message"),
    [
        (
            [(second, first), (np.append(first, 50), second)],
            r"Fold 1 of cv tests row 50 \(.*'T2'.*\), which it learns from",
        ),
        ([(second, [*first, 7])], r"cv tests row 7 \(.*'T0'.*\) twice in fold 0"),
        ([(second, first), (second, [3])], r"row 3 \(.*\) in two folds.*one repeat at"),
        ([(second, [])], "Fold 0 of cv has no row to test"),
        ([([], second)], "Fold 0 of cv has no row to learn from"),
        ([(first, [79, 80])], "row 80 to test, but the rows of X are 0 to 79"),
        ([([-1], first)], "row -1 to learn from, but the rows of X are 0 to 79"),
        ([(~mask, mask)], r"a boolean mask of bool .*such as np.flatnonzero\(mask\)"),
        ([(first, [40.0, 41.0])], "an array of float64 of .*give row positions"),
        ([(first, [[40], [41]])], r"of shape \(2, 1\); give row positions"),
        ([], "cv has no folds"),
    ],
)
def test_splits_are_checked(telemetry, cv, message):
    X, y = telemetry
    with pytest.raises(ValueError, match=message):
        cross_val_report(LogisticRegression(), X, y, cv=cv)


def test_rows_may_be_learnt_from_twice_and_tested_in_any_order():
    index = pd.RangeIndex(6)
    splits = [([0, 0, 1], [5, 4]), ([4, 5, 5], np.array([1], dtype=np.uint8))]
    checked = check_splits(splits, index)
    assert [test.tolist() for _, test in checked] == [[5, 4], [1]]


def test_repeated_folds_are_refused_with_what_to_do(telemetry):
    X, y = telemetry
    cv = RepeatedTrackSplit(2, n_repeats=2, random_state=0)
    message = "in two folds; .*RepeatedTrackSplit, take one repeat at a time"
    with pytest.raises(ValueError, match=message):
        cross_val_report(LogisticRegression(), X, y, cv=cv)
    with pytest.raises(ValueError, match=message):
        compare({"line": LogisticRegression()}, X, y, cv=cv)


def test_a_tested_row_without_a_label_is_named(telemetry):
    X, y = telemetry
    y.iloc[63] = -1
    message = r"tests row 63 of X \(.*'T3'.*3.*\), which is unlabelled.*train_only"
    with pytest.raises(ValueError, match=message):
        cross_val_report(LogisticRegression(), X, y, cv=KFold(2))
    with pytest.raises(ValueError, match=message):
        compare({"line": LogisticRegression()}, X, y, cv=KFold(2))
    # It may be learnt from.
    report = cross_val_report(Answer(), X, y, cv=[(second, first)])
    assert report.attrs["n_rows"] == 40


# Telemetry and labels -------------------------------------------------------------


def test_arrays_and_missing_labels_are_refused(telemetry):
    X, y = telemetry
    line = LogisticRegression()
    for call, what in [
        (lambda X, y: compare({"line": line}, X, y, cv=2), "compare"),
        (lambda X, y: cross_val_report(line, X, y, cv=2), "cross_val_report"),
    ]:
        with pytest.raises(TypeError, match=rf"{what} needs tracks.*got ndarray"):
            call(X.to_numpy(), y.to_numpy())
        with pytest.raises(ValueError, match=f"{what} needs the labels y.*got None"):
            call(X, None)


@pytest.mark.parametrize("wrong", ["T0", ["T0", "T1"], {"T0"}])
def test_ranges_are_told_by_a_dict(telemetry, wrong):
    X, y = telemetry
    with pytest.raises(TypeError, match="range_from must be a dict of tested track id"):
        cross_val_report(LogisticRegression(), X, y, cv=2, range_from=wrong)
