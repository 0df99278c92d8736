import numpy as np
import pandas as pd
import pytest
import sktime.split as skt
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold, cross_validate

from skdsn.detectors import TunedThresholdDetector
from skdsn.model_selection import GroupedTrackSplit, SktimeSplit, StratifiedTrackKFold
from skdsn.tracks import stack_tracks


def frame(sizes):
    """Tracks of ten rows a second, in an order that is not that of their ids."""
    return stack_tracks(
        {
            name: pd.DataFrame(
                {"a": 0.0}, index=pd.date_range("2026-03-01", periods=size, freq="10s")
            )
            for name, size in zip("DCBA", sizes, strict=False)
        }
    )


def splits(cv, X):
    return [(train.tolist(), test.tolist()) for train, test in cv.split(X)]


@pytest.mark.parametrize(
    "splitter",
    [
        skt.SlidingWindowSplitter([1, 2], window_length=4, step_length=3),
        skt.ExpandingWindowSplitter([1, 2], initial_window=4, step_length=3),
        skt.SingleWindowSplitter([1, 2], window_length=4),
        skt.ExpandingGreedySplitter(test_size=2, folds=2),
        skt.TemporalTrainTestSplitter(test_size=0.3),
        skt.CutoffSplitter(np.array([4, 6]), fh=[1, 2], window_length=3),
        skt.InstanceSplitter(KFold(2)),
    ],
    ids=lambda splitter: type(splitter).__name__,
)
def test_tracks_of_one_length_are_split_as_sktime_does_with_rows_in_order(splitter):
    X = frame([12, 12, 12])
    theirs = [(sorted(a.tolist()), sorted(b.tolist())) for a, b in splitter.split(X)]
    assert splits(SktimeSplit(splitter), X) == theirs
    assert SktimeSplit(splitter).get_n_splits(X) == len(theirs)


@settings(deadline=None, max_examples=20)
@given(
    st.lists(st.integers(8, 20), min_size=1, max_size=4),
    st.integers(1, 3),
    st.integers(0, 3),
    st.booleans(),
)
def test_windows_stay_within_tracks_forward_in_time_and_purged(
    sizes, step, gap, in_time
):
    X = frame(sizes)
    windows = skt.SlidingWindowSplitter([1, 2], window_length=5, step_length=step)
    cv = SktimeSplit(windows, gap=f"{10 * gap + 10}s" if in_time else gap)
    begins = np.cumsum([0, *sizes[:-1]])
    n_windows = dict.fromkeys(begins, 0)
    for number, (train, test) in enumerate(cv.split(X)):
        number_of_train = np.searchsorted(begins, train, side="right") - 1
        number_of_test = np.searchsorted(begins, test, side="right") - 1
        assert set(number_of_train) == set(number_of_test)
        for i in set(number_of_test):
            begin = begins[i] + number * step
            own = train[number_of_train == i]
            assert own.tolist() == list(range(begin, begin + 5 - gap))
            own = test[number_of_test == i]
            assert own.tolist() == [begin + 5, begin + 6]
            n_windows[begins[i]] += 1
    # No window of a longer track is lost.
    assert list(n_windows.values()) == [(size - 7) // step + 1 for size in sizes]


def test_arrays_and_single_tracks_are_split_too():
    windows = skt.ExpandingWindowSplitter([1], initial_window=3, step_length=2)
    expected = [([0, 1, 2], [3]), ([0, 1, 2, 3, 4], [5])]
    assert splits(SktimeSplit(windows), np.zeros((7, 2))) == expected
    assert splits(SktimeSplit(windows), frame([7]).droplevel(0)) == expected
    assert splits(SktimeSplit(windows, gap=2), np.zeros((7, 2))) == [
        ([0], [3]),
        ([0, 1, 2], [5]),
    ]


def test_folds_of_tracks_may_go_through_sktime():
    X = frame([2, 3, 4, 5])
    ours = [(a.tolist(), b.tolist()) for a, b in StratifiedTrackKFold(2).split(X)]
    assert splits(SktimeSplit(skt.InstanceSplitter(KFold(2))), X) == ours


@pytest.mark.parametrize(
    "splitter",
    [
        skt.SlidingWindowSplitter([1, 2], window_length=4, step_length=3),
        skt.InstanceSplitter(KFold(2)),
    ],
    ids=lambda splitter: type(splitter).__name__,
)
def test_it_serves_as_cv(splitter):
    X = frame([10, 10, 12])
    X["a"] = y = pd.Series(np.arange(len(X)) % 2, X.index)
    cv = SktimeSplit(splitter)
    result = cross_validate(LogisticRegression(), X, y, cv=cv, error_score="raise")
    assert len(result["test_score"]) == cv.get_n_splits(X) > 1
    search = GridSearchCV(LogisticRegression(), {"C": [1, 10]}, cv=cv).fit(X, y)
    assert search.n_splits_ == cv.get_n_splits(X)
    assert TunedThresholdDetector(LogisticRegression(), cv=cv).fit(X, y).score_ == 1.0


def test_some_tracks_may_only_be_learnt_from():
    cv = GroupedTrackSplit(
        SktimeSplit(skt.TemporalTrainTestSplitter(test_size=2)), train_only=["C"]
    )
    ((train, test),) = cv.split(frame([4, 3, 5]))
    assert train.tolist() == [0, 1, 4, 5, 6, 7, 8, 9]
    assert test.tolist() == [2, 3, 10, 11]
    assert cv.get_n_splits(frame([4, 3, 5])) == 1


def test_splits_that_make_no_sense_are_refused():
    X = frame([12, 5, 12])
    windows = skt.SlidingWindowSplitter([1, 2], window_length=4)
    with pytest.raises(ValueError, match="'C' with its 5 rows does not suit Sliding"):
        next(SktimeSplit(windows).split(X))
    X = X.drop("C")
    with pytest.raises(ValueError, match=r"0 rows to learn from \(gap=4\) and 4 to"):
        next(SktimeSplit(windows, gap=4).split(X))
    with pytest.raises(ValueError, match="tests rows that it learns from"):
        next(SktimeSplit(skt.TestPlusTrainSplitter(windows)).split(X))
    with pytest.raises(ValueError, match="tests rows that it learns from"):
        next(SktimeSplit(skt.ForecastingHorizonSplitter([-1, 0])).split(X))
    with pytest.raises(ValueError, match="'X' parameter should not be None"):
        SktimeSplit(windows).get_n_splits()
    with pytest.warns(UserWarning, match="groups parameter is ignored by SktimeSplit"):
        next(SktimeSplit(windows).split(X, None, np.zeros(len(X))))


def test_wrong_arguments_are_named():
    with pytest.raises(TypeError, match=r"one of sktime.split; got KFold.*no adapter"):
        SktimeSplit(KFold(2))
    with pytest.raises(TypeError, match=r"a number of rows or a timedelta.*1.5"):
        SktimeSplit(skt.InstanceSplitter(KFold(2)), gap=1.5)
    assert repr(SktimeSplit(skt.TemporalTrainTestSplitter(test_size=2), gap=3)) == (
        "SktimeSplit(gap=3, splitter=TemporalTrainTestSplitter(test_size=2))"
    )
