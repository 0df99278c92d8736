import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_validate

from skdsn.model_selection import ForwardTrackSplit, StratifiedTrackKFold
from skdsn.model_selection._split import check_track_cv
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


def tracks_of(X, rows):
    return set(X.index.get_level_values(0)[rows])


@st.composite
def tracks_and_labels(draw):
    sizes = draw(st.lists(st.integers(1, 4), min_size=3, max_size=12))
    anomalous = draw(st.lists(st.booleans(), min_size=len(sizes), max_size=len(sizes)))
    X = make_frame(sizes)
    y = np.zeros(len(X), dtype=int)
    starts = np.cumsum([0, *sizes[:-1]])
    y[starts[anomalous]] = 1
    return X, y, np.array(anomalous)


@pytest.mark.filterwarnings("ignore:Only")
@given(tracks_and_labels(), st.integers(2, 3), st.booleans())
@settings(deadline=None, max_examples=60)
def test_folds_are_whole_tracks_evenly_stratified(case, n_splits, shuffle):
    X, y, anomalous = case
    splitter = StratifiedTrackKFold(
        n_splits, shuffle=shuffle, random_state=0 if shuffle else None
    )
    names = read_tracks(X).names
    tested, held, sizes = [], [], []
    for train, test in splitter.split(X, y):
        assert (np.diff(train) > 0).all() and (np.diff(test) > 0).all()
        np.testing.assert_array_equal(
            np.sort(np.concatenate([train, test])), np.arange(len(X))
        )
        assert not tracks_of(X, train) & tracks_of(X, test)
        read_tracks(X.iloc[train])
        read_tracks(X.iloc[test])
        tested += tracks_of(X, test)
        held.append(np.isin(names[anomalous], list(tracks_of(X, test))).sum())
        sizes.append(len(tracks_of(X, test)))
    assert sorted(tested) == sorted(names)
    assert max(held) - min(held) <= 1
    assert max(sizes) - min(sizes) <= 1


def test_unshuffled_folds_keep_neighbouring_tracks_together():
    X = make_frame([1] * 9)
    y = np.array([1, 0, 0, 1, 0, 0, 1, 0, 0])
    tests = [test.tolist() for _, test in StratifiedTrackKFold(3).split(X, y)]
    assert tests == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]


@pytest.mark.parametrize("splitter", [StratifiedTrackKFold(2), ForwardTrackSplit(1)])
def test_groups_are_one_value_per_row_of_X(splitter):
    X = make_frame([2, 2, 2, 2])
    y = np.repeat([1, 0, 1, 0], 2)
    groups = pd.Series(np.repeat(list("abcd"), 2), X.index)

    def split(groups):
        return list(splitter.split(X, y, groups))

    if isinstance(splitter, StratifiedTrackKFold):
        assert len(split(groups)) == len(split(groups.tolist())) == 2
    turned = groups.iloc[::-1]
    with pytest.raises(
        ValueError, match=r"groups and X have different indexes, first at row 0: .*'T3'"
    ):
        split(turned)
    with pytest.raises(ValueError, match="groups and X have different indexes"):
        split(groups.reset_index(drop=True))
    with pytest.raises(ValueError, match="7 values for 8 rows"):
        split(groups.iloc[1:])
    for wrong, what in [
        ({"T0": "a"}, "a dict"),
        ("station", "a str"),
        (groups.to_frame(), r"shape \(8, 1\)"),
        (3, "a int"),
    ]:
        with pytest.raises(
            ValueError, match=f"one value per row of X; got {what}. GroupedTrackSplit"
        ):
            split(wrong)


def test_groups_stay_on_one_side():
    X = make_frame([2, 2, 2, 2, 2, 2])
    y = np.repeat([1, 0, 0, 1, 0, 0], 2)
    # Both bands of a pass, far apart in the table.
    groups = np.repeat(["p1", "p2", "p3", "p1", "p2", "p3"], 2)
    with pytest.warns(UserWarning, match="Only 1 of 3 groups"):
        splits = list(StratifiedTrackKFold(3).split(X, y, groups))
    for train, test in splits:
        assert not set(groups[train]) & set(groups[test])
        assert len(test) == 4
    with pytest.raises(ValueError, match="n_splits=4 but X holds only 3 groups"):
        next(StratifiedTrackKFold(4).split(X, y, groups))


def test_groups_are_checked():
    X = make_frame([2, 2])
    splitter = StratifiedTrackKFold(2)
    with pytest.raises(ValueError, match="'T1' has rows of two groups, p and q"):
        next(splitter.split(X, None, ["p", "p", "p", "q"]))
    with pytest.raises(ValueError, match="no value in row 3"):
        next(splitter.split(X, None, ["p", "p", "q", None]))
    with pytest.raises(ValueError, match="3 values for 4 rows"):
        next(splitter.split(X, None, ["p", "p", "q"]))


def test_shuffling_follows_its_seed():
    X, y = make_frame([1] * 20), np.arange(20) % 4 == 0

    def folds(seed):
        splitter = StratifiedTrackKFold(4, shuffle=True, random_state=seed)
        return [test.tolist() for _, test in splitter.split(X, y)]

    assert folds(0) == folds(0)
    assert folds(0) != folds(1)
    plain = [test.tolist() for _, test in StratifiedTrackKFold(4).split(X, y)]
    assert folds(0) != plain


def test_splits_do_not_depend_on_the_hash_seed():
    code = (
        "import numpy as np\n"
        "from skdsn.tracks import stack_tracks\n"
        "from skdsn.model_selection import StratifiedTrackKFold\n"
        "X = stack_tracks({f'T{i}': np.zeros((1, 1)) for i in range(12)})\n"
        "y = (np.arange(12) % 3 == 0).astype(int)\n"
        "groups = [f'g{i % 6}' for i in range(12)]\n"
        "cv = StratifiedTrackKFold(3, shuffle=True, random_state=0)\n"
        "print([test.tolist() for _, test in cv.split(X, y, groups)])\n"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


def test_unlabelled_rows_are_no_anomaly():
    X = make_frame([2, 2, 2, 2])
    y = np.array([-1, -1, 0, 1, -1, 1, 0, 0])
    tests = [tracks_of(X, test) for _, test in StratifiedTrackKFold(2).split(X, y)]
    assert tests == [{"T0", "T1"}, {"T2", "T3"}]
    assert len(list(StratifiedTrackKFold(2).split(X))) == 2


def test_too_few_tracks_are_an_error():
    X = make_frame([4])
    with pytest.raises(ValueError, match=r"single track.*WithinTrackChronological"):
        next(StratifiedTrackKFold(2).split(X))
    with pytest.raises(ValueError, match="single track"):
        next(StratifiedTrackKFold(2).split(np.zeros((4, 1))))
    with pytest.raises(ValueError, match="n_splits=3 but X holds only 2 tracks"):
        next(StratifiedTrackKFold(3).split(make_frame([4, 4])))


def test_too_few_anomalous_tracks_are_a_warning():
    X = make_frame([2, 2, 2])
    with pytest.warns(UserWarning, match="Only 1 of 3 tracks hold an anomaly"):
        next(StratifiedTrackKFold(2).split(X, [0, 1, 0, 0, 0, 0]))


def test_labels_of_other_rows_are_refused():
    X = make_frame([2, 2])
    y = pd.Series([0, 0, 1, 0], index=X.index[::-1])
    with pytest.raises(ValueError, match="different indexes"):
        next(StratifiedTrackKFold(2).split(X, y))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: StratifiedTrackKFold(1), ValueError, "n_splits"),
        (lambda: StratifiedTrackKFold(2.5), ValueError, "n_splits"),
        (lambda: StratifiedTrackKFold(shuffle=1), TypeError, "shuffle"),
        (lambda: StratifiedTrackKFold(random_state=0), ValueError, "shuffle=True"),
    ],
)
def test_options_are_checked_at_once(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_splitters_tell_how_they_were_made():
    assert repr(StratifiedTrackKFold(3)) == (
        "StratifiedTrackKFold(n_splits=3, random_state=None, shuffle=False)"
    )


@pytest.mark.parametrize(
    "cv",
    [
        StratifiedTrackKFold(2),
        StratifiedTrackKFold(2, shuffle=True, random_state=0),
    ],
    ids=repr,
)
def test_splitters_serve_as_cv(cv):
    X = make_frame([10, 12, 14, 16])
    y = pd.Series((X["a"] % 3 == 0).astype(int), index=X.index)
    result = cross_validate(LogisticRegression(), X, y, cv=cv, error_score="raise")
    assert len(result["test_score"]) == 2
    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1]}, cv=cv).fit(X, y)
    assert search.n_splits_ == 2


def test_whole_numbers_stand_for_folds_of_tracks():
    assert repr(check_track_cv(3)) == repr(StratifiedTrackKFold(3))
    assert repr(check_track_cv(None)) == repr(StratifiedTrackKFold())
    cv = StratifiedTrackKFold(2, shuffle=True)
    assert check_track_cv(cv) is cv
    splits = [(np.array([0]), np.array([1]))]
    assert list(check_track_cv(splits).split(make_frame([1, 1]))) == splits
    with pytest.raises(ValueError, match="n_splits must be an integer of at least 2"):
        check_track_cv(1)
    with pytest.raises(ValueError, match="cross-validation object"):
        check_track_cv(0.5)
