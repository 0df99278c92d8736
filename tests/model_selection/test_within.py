import datetime
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_validate

from skdsn.model_selection import WithinTrackChronologicalSplit
from skdsn.tracks import read_tracks


def make_frame(sizes, step="1s"):
    index = pd.MultiIndex.from_arrays(
        [
            np.repeat([f"T{i}" for i in range(len(sizes))], sizes),
            np.concatenate(
                [pd.date_range("2024-01-01", periods=size, freq=step) for size in sizes]
            ),
        ],
        names=["track", "time"],
    )
    return pd.DataFrame({"a": np.arange(len(index), dtype=float)}, index=index)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: WithinTrackChronologicalSplit(0), ValueError, "n_splits"),
        (lambda: WithinTrackChronologicalSplit(test_size=3), ValueError, "test_size"),
        (lambda: WithinTrackChronologicalSplit(test_size=""), ValueError, "test_size"),
        (lambda: WithinTrackChronologicalSplit(gap=-1), ValueError, "negative"),
        (lambda: WithinTrackChronologicalSplit(gap="-1s"), ValueError, "negative"),
        (lambda: WithinTrackChronologicalSplit(gap="soon"), ValueError, "'soon'"),
        (lambda: WithinTrackChronologicalSplit(gap=1.5), TypeError, "1.5"),
        (lambda: WithinTrackChronologicalSplit(gap="5"), ValueError, "10min.*no unit"),
        (lambda: WithinTrackChronologicalSplit(gap=""), ValueError, "10min.*no unit"),
        (lambda: WithinTrackChronologicalSplit(gap="1.5"), ValueError, "no unit"),
        (lambda: WithinTrackChronologicalSplit(gap="NaT"), ValueError, "got 'NaT'"),
        (lambda: WithinTrackChronologicalSplit(gap=True), TypeError, "True"),
    ],
)
def test_options_are_checked_at_once(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_the_splitter_tells_how_it_was_made():
    assert repr(WithinTrackChronologicalSplit(gap="5min")) == (
        "WithinTrackChronologicalSplit(gap='5min', n_splits=1, test_size=0.3)"
    )


@given(
    st.lists(st.integers(10, 30), min_size=1, max_size=4),
    st.integers(1, 3),
    st.integers(0, 3),
)
@settings(deadline=None, max_examples=60)
def test_every_track_is_trained_on_before_and_tested_after(sizes, n_splits, gap):
    X = make_frame(sizes)
    splitter = WithinTrackChronologicalSplit(n_splits, test_size=0.4, gap=gap)
    splits = list(splitter.split(X))
    assert len(splits) == splitter.get_n_splits(X) == n_splits
    tested = np.concatenate([test for _, test in splits])
    assert len(np.unique(tested)) == len(tested)
    bounds = read_tracks(X).bounds
    for begin, stop in pairwise(bounds):
        n_test = np.rint(0.4 * (stop - begin))
        own = np.sort(tested[(tested >= begin) & (tested < stop)])
        np.testing.assert_array_equal(own, np.arange(stop - n_test, stop))
        for train, test in splits:
            train = train[(train >= begin) & (train < stop)]
            test = test[(test >= begin) & (test < stop)]
            np.testing.assert_array_equal(train, np.arange(begin, test[0] - gap))
            np.testing.assert_array_equal(test, np.arange(test[0], test[-1] + 1))


@pytest.mark.parametrize(
    "gap",
    ["3s", datetime.timedelta(seconds=3), np.timedelta64(3, "s"), pd.Timedelta(3e9)],
)
def test_a_gap_in_time_leaves_at_least_as_much(gap):
    X = make_frame([20, 10])
    X = X.drop(X.index[10:13])  # a pause, so that three rows are not three seconds
    splitter = WithinTrackChronologicalSplit(test_size=0.4, gap=gap)
    ((train, test),) = splitter.split(X)
    seconds, bounds = read_tracks(X).seconds, read_tracks(X).bounds
    for begin, stop in pairwise(bounds):
        first = test[(test >= begin) & (test < stop)][0]
        own = train[(train >= begin) & (train < stop)]
        assert seconds[first] - seconds[own[-1]] >= 3
        assert seconds[first] - seconds[own[-1] + 1] < 3


def test_a_gap_in_time_needs_times():
    splitter = WithinTrackChronologicalSplit(gap="3s")
    with pytest.raises(ValueError, match="no time index"):
        next(splitter.split(np.zeros((20, 1))))
    ((train, test),) = splitter.split(pd.DataFrame(np.zeros((20, 1))))
    assert (train[-1], test[0]) == (11, 14)  # integers count seconds


@pytest.mark.parametrize(
    "options",
    [
        {"gap": 4},
        {"gap": "4s"},
        {"n_splits": 3},
        {"test_size": 0.05},
        {"test_size": 0.95},
    ],
)
def test_a_track_too_short_to_be_tested_is_an_error(options):
    X = make_frame([100, 5, 100])
    splitter = WithinTrackChronologicalSplit(**options)
    with pytest.raises(ValueError, match="'T1' has 5 rows, too few"):
        next(splitter.split(X))
    assert next(splitter.split(X.drop("T1")))


def test_groups_are_ignored_with_a_warning():
    X = make_frame([10])
    with pytest.warns(UserWarning, match="groups"):
        next(WithinTrackChronologicalSplit().split(X, None, np.zeros(10)))


def test_it_serves_as_cv():
    X = make_frame([10, 12, 14, 16])
    y = pd.Series((X["a"] % 3 == 0).astype(int), index=X.index)
    cv = WithinTrackChronologicalSplit(2, gap=1)
    result = cross_validate(LogisticRegression(), X, y, cv=cv, error_score="raise")
    assert len(result["test_score"]) == 2
    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1]}, cv=cv).fit(X, y)
    assert search.n_splits_ == 2
