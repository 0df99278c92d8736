import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    LeaveOneGroupOut,
    cross_val_score,
    cross_validate,
)

from skdsn.detectors import TunedThresholdDetector
from skdsn.model_selection import (
    GroupedTrackSplit,
    LeaveOneStationOut,
    RepeatedTrackSplit,
    StratifiedTrackKFold,
    WithinTrackChronologicalSplit,
)
from skdsn.tracks import stack_tracks


def frame(n_tracks, n_rows=3):
    return stack_tracks({f"T{i}": np.zeros((n_rows, 1)) for i in range(n_tracks)})


@settings(deadline=None, max_examples=25)
@given(st.data())
def test_groups_stay_together_and_fixed_tracks_are_always_learnt_never_tested(data):
    n_tracks = data.draw(st.integers(4, 12))
    fixed = data.draw(st.sets(st.integers(0, n_tracks - 1), max_size=n_tracks - 4))
    groups = {f"T{i}": i % 3 if i > 2 else i for i in range(n_tracks)}
    train_only = [f"T{i}" for i in fixed]
    X = frame(n_tracks)
    names = X.index.get_level_values(0)
    n_groups = len({groups[f"T{i}"] for i in range(n_tracks) if i not in fixed})
    if n_groups < 2:
        return
    cv = GroupedTrackSplit(
        StratifiedTrackKFold(2), groups=groups, train_only=train_only
    )
    tested = np.zeros(len(X), dtype=int)
    for train, test in cv.split(X):
        assert np.array_equal(np.union1d(train, test), np.arange(len(X)))
        assert len(np.intersect1d(train, test)) == 0
        assert set(train_only) <= set(names[train])
        learnt = {groups[name] for name in names[train] if name not in train_only}
        assert not learnt & {groups[name] for name in names[test]}
        tested[test] += 1
    assert np.array_equal(tested, ~names.isin(train_only))


def test_without_groups_it_splits_as_the_splitter_inside():
    X = frame(7)
    y = pd.Series(np.arange(len(X)) % 5 == 0, X.index).astype(int)
    inside = StratifiedTrackKFold(3, shuffle=True, random_state=0)
    for ours, theirs in zip(
        GroupedTrackSplit(inside).split(X, y), inside.split(X, y), strict=True
    ):
        np.testing.assert_array_equal(ours[0], theirs[0])
        np.testing.assert_array_equal(ours[1], theirs[1])


def test_a_gap_that_the_splitter_leaves_out_of_training_stays_out():
    inside = WithinTrackChronologicalSplit(test_size=0.2, gap=2)
    cv = GroupedTrackSplit(inside, train_only=["T0"])
    ((train, test),) = cv.split(frame(2, n_rows=10))
    assert train.tolist() == [*range(10), *range(10, 16)]
    assert test.tolist() == [18, 19]


def test_it_serves_as_cv_and_as_the_folds_inside_a_tuned_threshold():
    X = frame(8)
    X[0] = y = pd.Series(np.arange(len(X)) % 3 == 1, X.index).astype(int)
    groups = pd.Series({f"T{i}": i // 2 for i in range(8)})
    cv = GroupedTrackSplit(StratifiedTrackKFold(2), groups=groups, train_only=["T7"])
    assert cv.get_n_splits() == 2
    detector = TunedThresholdDetector(LogisticRegression(), cv=cv)
    assert cross_val_score(detector, X, y, cv=cv).tolist() == [1.0, 1.0]


def test_wrong_arguments_are_named():
    inside = StratifiedTrackKFold(2)
    with pytest.raises(TypeError, match="cv must be a splitter; got 3"):
        GroupedTrackSplit(3)
    with pytest.raises(TypeError, match=r"groups must map .* got list"):
        GroupedTrackSplit(inside, groups=["a"])
    with pytest.raises(TypeError, match="list of track ids; got 'T1'"):
        GroupedTrackSplit(inside, train_only="T1")
    with pytest.raises(ValueError, match="Track 'T2' has no group"):
        next(GroupedTrackSplit(inside, groups={"T0": 0, "T1": 1}).split(frame(3)))
    with pytest.raises(ValueError, match="nothing to test"):
        next(GroupedTrackSplit(inside, train_only=["T0"]).split(frame(1)))
    with pytest.raises(ValueError, match="constructor only"):
        next(GroupedTrackSplit(inside).split(frame(3), groups=np.zeros(9)))


@pytest.mark.parametrize(
    "groups",
    [
        {f"T{i}": "ab"[i % 2] for i in range(6)},
        pd.Series({f"T{i}": i % 2 for i in range(6)}),
        lambda name: ("pass", int(name[1:]) % 2),
        "PASS",
    ],
    ids=["dict", "Series", "function", "column"],
)
def test_groups_are_told_by_table_function_or_column(groups):
    X = frame(6).assign(PASS=np.repeat(["p", "q"] * 3, 3))
    X.iloc[[0, 4], -1] = None  # a column of telemetry may have holes
    tests = [
        test.tolist()
        for _, test in GroupedTrackSplit(StratifiedTrackKFold(2), groups=groups).split(
            X
        )
    ]
    first = [0, 1, 2, 6, 7, 8, 12, 13, 14]
    assert tests == [first, [row for row in range(18) if row not in first]]


def test_splitters_of_scikit_learn_are_given_the_groups_by_row():
    X = frame(6)
    cv = GroupedTrackSplit(
        LeaveOneGroupOut(), groups=lambda name: int(name[1:]) // 2, train_only=["T5"]
    )
    assert cv.get_n_splits(X) == 3
    tests = [np.unique(test // 3).tolist() for _, test in cv.split(X)]
    assert tests == [[0, 1], [2, 3], [4]]


def test_groups_hold_in_every_repeat():
    cv = GroupedTrackSplit(
        RepeatedTrackSplit(2, n_repeats=3, random_state=0),
        groups=lambda name: int(name[1:]) // 2,
    )
    assert cv.get_n_splits() == 6
    folds = [set(test // 6) for _, test in cv.split(frame(8))]
    assert all(len(fold) == 2 for fold in folds)
    assert len({frozenset(fold) for fold in folds}) > 2


@settings(deadline=None, max_examples=25)
@given(st.lists(st.sampled_from("abc"), min_size=2, max_size=8))
def test_every_station_is_left_out_once(stations):
    X = frame(len(stations))
    X["STATION"] = pd.Categorical(np.repeat(stations, 3))
    cv = LeaveOneStationOut({f"T{i}": name for i, name in enumerate(stations)})
    if len(set(stations)) == 1:
        with pytest.raises(ValueError, match="All tracks of X are of one station"):
            next(cv.split(X))
        return
    splits = list(cv.split(X))
    assert len(splits) == cv.get_n_splits(X) == len(set(stations))
    for train, test in splits:
        assert np.array_equal(np.union1d(train, test), np.arange(len(X)))
        assert len(set(X["STATION"].iloc[test])) == 1
        assert not set(X["STATION"].iloc[train]) & set(X["STATION"].iloc[test])
    left_out = [X["STATION"].iloc[test[0]] for _, test in splits]
    assert left_out == list(dict.fromkeys(stations))
    by_column = list(LeaveOneStationOut("STATION").split(X))
    for ours, theirs in zip(splits, by_column, strict=True):
        np.testing.assert_array_equal(ours[1], theirs[1])


def test_leaving_out_stations_serves_as_cv():
    X = frame(6)
    X[0] = y = pd.Series(np.arange(len(X)) % 3 == 1, X.index).astype(int)
    cv = LeaveOneStationOut(lambda name: int(name[1:]) % 3)
    result = cross_validate(LogisticRegression(), X, y, cv=cv, error_score="raise")
    assert result["test_score"].tolist() == [1.0] * 3
    search = GridSearchCV(LogisticRegression(), {"C": [1, 10]}, cv=cv).fit(X, y)
    assert search.n_splits_ == 3
    detector = TunedThresholdDetector(LogisticRegression(), cv=cv).fit(X, y)
    assert detector.score_ == 1.0
    assert repr(LeaveOneStationOut("STATION")) == (
        "LeaveOneStationOut(stations='STATION')"
    )


def test_tracks_without_a_station_or_with_two_are_named():
    X = frame(3).assign(STATION=np.repeat(["DSS-14", "DSS-25", "DSS-43"], 3))
    with pytest.raises(TypeError, match=r"stations must tell .* got None"):
        LeaveOneStationOut(None)
    with pytest.raises(TypeError, match=r"stations must map .* got list"):
        LeaveOneStationOut(["DSS-14"])
    with pytest.raises(ValueError, match="Track 'T1' has no station"):
        next(LeaveOneStationOut({"T0": 14, "T1": None, "T2": 43}).split(X))
    twice = pd.Series([14, 25, 26, 43], ["T0", "T1", "T1", "T2"])
    with pytest.raises(ValueError, match="Track 'T1' has two entries"):
        next(LeaveOneStationOut(twice).split(X))
    with pytest.raises(ValueError, match="X has no column 'station' to read the stat"):
        next(LeaveOneStationOut("station").split(X))
    X.iloc[4, -1] = "DSS-26"
    with pytest.raises(
        ValueError, match=r"'T1' has two values of 'STATION', DSS-2. and DSS-2."
    ):
        next(LeaveOneStationOut("STATION").split(X))
    X.iloc[3:6, -1] = None
    with pytest.raises(ValueError, match="Track 'T1' has no station"):
        next(LeaveOneStationOut("STATION").split(X))
