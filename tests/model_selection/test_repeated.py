import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold, cross_validate

from skdsn.model_selection import (
    ForwardTrackSplit,
    GroupedTrackSplit,
    RepeatedTrackSplit,
    StratifiedTrackKFold,
)
from skdsn.tracks import stack_tracks


@pytest.fixture
def telemetry():
    X = stack_tracks({f"T{i}": np.zeros((3, 1)) for i in range(8)})
    X[0] = y = pd.Series(np.arange(len(X)) % 6 == 1, X.index).astype(int)
    return X, y


def folds(cv, X, y):
    return [tuple(test) for _, test in cv.split(X, y)]


def test_each_repeat_tests_every_track_once_in_folds_of_its_own(telemetry):
    X, y = telemetry
    cv = RepeatedTrackSplit(StratifiedTrackKFold(4), n_repeats=3, random_state=0)
    tests = folds(cv, X, y)
    assert len(tests) == cv.get_n_splits() == cv.get_n_splits(X, y) == 12
    for repeat in np.reshape(tests, (3, -1)):
        assert sorted(repeat) == list(range(len(X)))
    assert len(set(tests)) > 4  # not the same four folds each time
    # Anomalous tracks are spread within each repeat.
    assert all(y.iloc[list(test)].sum() == 1 for test in tests)
    for train, test in cv.split(X, y):
        assert not set(train // 3) & set(test // 3)


def test_a_seed_repeats_itself(telemetry):
    X, y = telemetry
    tests = folds(RepeatedTrackSplit(2, n_repeats=3, random_state=0), X, y)
    inside = StratifiedTrackKFold(2, shuffle=True, random_state=5)
    again = RepeatedTrackSplit(inside, n_repeats=3, random_state=0)
    assert folds(again, X, y) == folds(again, X, y) == tests
    assert inside.random_state == 5
    assert folds(RepeatedTrackSplit(2, n_repeats=3, random_state=1), X, y) != tests


def test_splitters_of_scikit_learn_are_repeated_too(telemetry):
    X, y = telemetry
    cv = GroupedTrackSplit(
        RepeatedTrackSplit(StratifiedGroupKFold(2), n_repeats=2, random_state=0),
        groups=str,  # each track is its own group
    )
    tests = folds(cv, X, y)
    assert len(tests) == 4
    assert all(len(test) == 3 * len({row // 3 for row in test}) for test in tests)


def test_it_serves_as_cv(telemetry):
    X, y = telemetry
    cv = RepeatedTrackSplit(2, n_repeats=2, random_state=0)
    assert repr(cv) == "RepeatedTrackSplit(cv=2, n_repeats=2, random_state=0)"
    result = cross_validate(LogisticRegression(), X, y, cv=cv, error_score="raise")
    assert len(result["test_score"]) == 4
    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1]}, cv=cv).fit(X, y)
    assert search.n_splits_ == 4


def test_what_cannot_be_repeated_is_refused():
    with pytest.raises(TypeError, match=r"must have a random_state.*Forward"):
        RepeatedTrackSplit(ForwardTrackSplit(2))
    with pytest.raises(TypeError, match="GroupedTrackSplit goes around"):
        RepeatedTrackSplit(GroupedTrackSplit(StratifiedTrackKFold(2)))
    with pytest.raises(ValueError, match="n_repeats must be an integer of at least 1"):
        RepeatedTrackSplit(2, n_repeats=0)
    with pytest.raises(ValueError, match="n_splits must be an integer of at least 2"):
        RepeatedTrackSplit(1)
