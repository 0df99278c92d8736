import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score

from skdsn.detectors import TunedThresholdDetector
from skdsn.model_selection import (
    GroupedTrackSplit,
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
    with pytest.raises(TypeError, match="as a dict or Series; got list"):
        GroupedTrackSplit(inside, groups=["a"])
    with pytest.raises(TypeError, match="list of track ids; got 'T1'"):
        GroupedTrackSplit(inside, train_only="T1")
    with pytest.raises(ValueError, match="Track 'T2' has no group"):
        next(GroupedTrackSplit(inside, groups={"T0": 0, "T1": 1}).split(frame(3)))
    with pytest.raises(ValueError, match="nothing to test"):
        next(GroupedTrackSplit(inside, train_only=["T0"]).split(frame(1)))
    with pytest.raises(ValueError, match="constructor only"):
        next(GroupedTrackSplit(inside).split(frame(3), groups=np.zeros(9)))
