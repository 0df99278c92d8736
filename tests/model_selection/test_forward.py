import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_validate

from skdsn.detectors import TunedThresholdDetector
from skdsn.model_selection import ForwardTrackSplit, GroupedTrackSplit
from skdsn.tracks import stack_tracks

NIGHT = pd.Timestamp("2026-03-01")


def passes(starts, n_rows=3, step=10):
    """Tracks that start at so many seconds, in that order."""
    times = pd.to_timedelta(np.arange(n_rows) * step, unit="s")
    return stack_tracks(
        {
            f"T{i}": pd.DataFrame(
                {"a": 0.0}, index=NIGHT + times + pd.Timedelta(start, unit="s")
            )
            for i, start in enumerate(starts)
        }
    )


def tracks_of(X, rows):
    return set(X.index.get_level_values(0)[rows])


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.integers(0, 1000), min_size=4, max_size=12, unique=True),
    st.integers(2, 3),
    st.integers(0, 60),
    st.one_of(st.none(), st.integers(1, 3)),
)
def test_training_is_over_before_the_test_and_purged(starts, n_splits, gap, most):
    X = passes([0, *[100 + start for start in starts]])
    cv = ForwardTrackSplit(n_splits, gap=gap, max_train_size=most)
    end = {
        f"T{i}": start + 20 for i, start in enumerate([0, *(100 + s for s in starts)])
    }
    seconds = (X.index.get_level_values(1) - NIGHT).total_seconds().to_numpy()
    tested, last = [], -np.inf
    for train, test in cv.split(X):
        assert (np.diff(train) > 0).all() and (np.diff(test) > 0).all()
        first = seconds[test].min()
        assert seconds[train].max() < first
        assert seconds[train].max() <= first - gap
        over = {name for name in end if end[name] < first and end[name] <= first - gap}
        learnt = tracks_of(X, train)
        assert not learnt & tracks_of(X, test)
        # All that may be learnt from is, or the latest of it.
        assert len(train) == 3 * len(learnt)
        wanted = len(over) if most is None else min(most, len(over))
        assert (
            sorted(end[name] for name in learnt)
            == (sorted(end[name] for name in over)[-wanted:])
        )
        assert first > last
        last = first
        tested += list(test)
    assert len(tested) == len(set(tested))
    blocks = TimeSeriesSplit(n_splits).split(np.zeros(len(end)))
    order = sorted(end, key=end.get)
    expected = {order[i] for _, test in blocks for i in test}
    assert tracks_of(X, tested) == expected


def test_tracks_may_stand_in_any_order():
    X = passes([900, 0, 300, 600])
    splits = [(a.tolist(), b.tolist()) for a, b in ForwardTrackSplit(3).split(X)]
    assert splits == [
        ([3, 4, 5], [6, 7, 8]),
        ([3, 4, 5, 6, 7, 8], [9, 10, 11]),
        ([3, 4, 5, 6, 7, 8, 9, 10, 11], [0, 1, 2]),
    ]


def test_both_bands_of_a_pass_are_never_on_two_sides():
    # The second band starts with the first, or a little later.
    X = passes([0, 0, 300, 305, 600, 600])
    bands = {0: {"T0", "T1"}, 1: {"T2", "T3"}, 2: {"T4", "T5"}}
    for train, test in ForwardTrackSplit(3, test_size=1).split(X):
        learnt, tested = tracks_of(X, train), tracks_of(X, test)
        assert not any(learnt & both and tested & both for both in bands.values())


@pytest.mark.parametrize("gap", [270, "270s", pd.Timedelta("270s"), 270.0])
def test_a_gap_is_seconds_or_a_time(gap):
    X = passes([0, 280, 560])
    ((train, test),) = ForwardTrackSplit(1, test_size=1, gap=gap).split(X)
    assert (train.tolist(), test.tolist()) == ([0, 1, 2], [6, 7, 8])
    ((train, _),) = ForwardTrackSplit(1, test_size=1, gap=260).split(X)
    assert train.tolist() == [0, 1, 2, 3, 4, 5]


def test_a_track_that_ends_as_the_first_tested_one_starts_is_not_over():
    X = passes([0, 100, 120, 200])  # the second one ends with the third one's start
    (train, _), _ = ForwardTrackSplit(2, test_size=1).split(X)
    assert tracks_of(X, train) == {"T0"}


def test_groups_are_as_one_track():
    X = passes([0, 100, 200, 300])
    groups = {"T0": "p", "T1": "q", "T2": "p", "T3": "r"}
    cv = GroupedTrackSplit(ForwardTrackSplit(1, test_size=1), groups=groups)
    ((train, test),) = cv.split(X)
    assert tracks_of(X, train) == {"T0", "T1", "T2"}
    assert tracks_of(X, test) == {"T3"}
    # Group p is not over when q begins.
    cv = GroupedTrackSplit(ForwardTrackSplit(2), groups=groups)
    with pytest.raises(ValueError, match=r"None of the groups .* before track 'T1'"):
        next(cv.split(X))


@pytest.mark.parametrize("as_times", [int, lambda n: pd.to_timedelta(n, unit="s")])
def test_times_since_the_start_of_each_track_are_refused(as_times):
    parts = {
        name: pd.DataFrame({"a": 0.0}, index=pd.Index([as_times(i) for i in range(5)]))
        for name in "ABC"
    }
    with pytest.raises(ValueError, match=r"start at the same time.*by datetimes"):
        next(ForwardTrackSplit(2).split(stack_tracks(parts)))
    # The first row may come a little later.
    parts["C"] = parts["C"].iloc[1:]
    with pytest.raises(ValueError, match=r"ends long enough .* by datetimes"):
        next(ForwardTrackSplit(2).split(stack_tracks(parts)))


def test_seconds_on_a_common_clock_are_times():
    parts = {
        name: pd.DataFrame({"a": [0.0, 0.0]}, index=[start, start + 1])
        for name, start in {"A": 20, "B": 0, "C": 10}.items()
    }
    tests = [b.tolist() for _, b in ForwardTrackSplit(2).split(stack_tracks(parts))]
    assert tests == [[4, 5], [0, 1]]


def test_too_few_tracks_are_an_error():
    with pytest.raises(ValueError, match=r"single track.*WithinTrackChronological"):
        next(ForwardTrackSplit(1).split(np.zeros((9, 1))))
    X = passes([0, 100, 200])
    with pytest.raises(ValueError, match="need at least 4 tracks, but X holds only 3"):
        next(ForwardTrackSplit(3).split(X))
    with pytest.raises(ValueError, match=r"2 test sets of 2 .* at least 5 tracks"):
        next(ForwardTrackSplit(2, test_size=2).split(X))
    with pytest.raises(ValueError, match=r"gap='1h'\) before track 'T1'"):
        next(ForwardTrackSplit(2, gap="1h").split(X))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"n_splits": 0}, ValueError, "n_splits must be an integer of at least 1"),
        ({"gap": -1}, ValueError, "gap must not be negative"),
        ({"gap": float("nan")}, ValueError, "gap must not be negative"),
        ({"gap": "soon"}, ValueError, "a number of seconds or a timedelta.*'soon'"),
        ({"gap": True}, TypeError, "a number of seconds or a timedelta.*True"),
        ({"test_size": 0.5}, ValueError, "test_size must be an integer"),
        ({"max_train_size": 0}, ValueError, "max_train_size must be an integer"),
    ],
)
def test_options_are_checked_at_once(options, error, message):
    with pytest.raises(error, match=message):
        ForwardTrackSplit(**options)


def test_it_serves_as_cv():
    X = passes([0, 500, 100, 400, 200, 300])
    y = pd.Series(np.arange(len(X)) % 3 == 1, X.index).astype(int)
    X["a"] = 10 * y
    cv = ForwardTrackSplit(2, gap="1min")
    assert repr(cv) == (
        "ForwardTrackSplit(gap='1min', max_train_size=None, n_splits=2, test_size=None)"
    )
    result = cross_validate(LogisticRegression(), X, y, cv=cv, error_score="raise")
    assert result["test_score"].tolist() == [1.0, 1.0]
    search = GridSearchCV(LogisticRegression(), {"C": [1, 10]}, cv=cv).fit(X, y)
    assert search.n_splits_ == 2
    detector = TunedThresholdDetector(LogisticRegression(), cv=cv).fit(X, y)
    assert detector.score_ == 1.0
