"""A gate on errors, and a classifier behind it."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.ensemble import IsolationForest, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

from skdsn.base import anomaly_flags, anomaly_scores
from skdsn.detectors import ErrorGate, ErrorGatedClassifier
from skdsn.model_selection import StratifiedTrackKFold


def rows(n_rows=600, seed=0):
    """Nominal rows, anomalies and rare events; the last two differ in `kind` only."""
    rng = np.random.default_rng(seed)
    y = np.zeros(n_rows, dtype=int)
    y[40::60], y[41::60] = 1, 1
    y[10::60], y[11::60] = 2, 2
    X = pd.DataFrame(
        {
            "kind": rng.normal(size=n_rows) + 6.0 * (y == 1) - 6.0 * (y == 2),
            "error": np.where(y > 0, 5.0, 1.0) + 0.3 * rng.normal(size=n_rows),
        }
    )
    return X, pd.Series(y)


def gated(**params):
    detector = ErrorGatedClassifier(ErrorGate(0.95), LogisticRegression())
    return detector.set_params(**params)


# The gate -----------------------------------------------------------------------


def test_the_gate_holds_back_the_share_of_nominal_rows_that_was_asked_for():
    X, y = rows()
    gate = ErrorGate(0.9).fit(X, y)
    assert (gate.predict(X[y == 0]) == 1).mean() == pytest.approx(0.9, abs=0.01)
    assert (gate.predict(X[y > 0]) == -1).all()


def test_labelled_errors_do_not_move_the_gate():
    X, y = rows()
    spoilt = X.assign(error=np.where(y > 0, 1e6, X["error"]))
    assert ErrorGate().fit(X, y).threshold_ == ErrorGate().fit(spoilt, y).threshold_


def test_a_constant_gate_is_that_constant():
    gate = ErrorGate(threshold=10.0).fit(np.array([[1.0], [2.0]]))
    assert gate.predict([[10.0], [10.1]]).tolist() == [1, -1]


def test_the_column_of_errors_is_named_numbered_or_found():
    X, _ = rows()
    assert ErrorGate().fit(X).column_ == 1
    assert ErrorGate(column="kind").fit(X).column_ == 0
    assert ErrorGate(column=0).fit(X.to_numpy()).column_ == 0
    assert ErrorGate().fit(X.to_numpy()).column_ == 1


@pytest.mark.parametrize("column", ["volt", 2, -3])
def test_a_column_that_is_not_there_is_refused(column):
    with pytest.raises(ValueError, match="column"):
        ErrorGate(column=column).fit(rows()[0])


def test_a_gate_needs_an_error_to_gate_by():
    with pytest.raises(ValueError, match="no column 'error' to gate by"):
        ErrorGate().fit(pd.DataFrame({"volt": [1.0, 2.0]}))


# The classifier -----------------------------------------------------------------


def test_what_the_gate_holds_back_is_nominal_whatever_the_classifier_would_say():
    X, y = rows()
    detector = gated().fit(X, y)
    quiet = X[y == 1].assign(error=0.0)
    assert (detector.predict(quiet) == 0).all()
    assert (detector.predict(X[y == 1]) == 1).mean() > 0.9


def test_rare_events_are_remembered():
    X, y = rows()
    detector = gated().fit(X, y)
    assert detector.classes_.tolist() == [0, 1, 2]
    later, truth = rows(seed=1)
    assert anomaly_flags(detector, later[truth == 2]).mean() < 0.1
    assert anomaly_flags(detector, later[truth == 1]).mean() > 0.9
    # Labelled nominal, they are no alarm either.
    two = gated().fit(X, y.replace(2, 0))
    assert two.classes_.tolist() == [0, 1]
    assert anomaly_flags(two, later[truth == 2]).mean() < 0.1


def test_rare_events_alone_are_recognised_too():
    X, y = rows()
    y = y.where(y != 1, -1)  # nobody has labelled an anomaly yet
    detector = gated().fit(X, y)
    later, truth = rows(seed=1)
    assert anomaly_flags(detector, later[truth == 2]).mean() < 0.1
    assert anomaly_flags(detector, later[truth == 1]).mean() > 0.9


@pytest.mark.parametrize("labels", [None, 0, -1], ids=["none", "nominal", "unlabelled"])
def test_without_anomalies_to_learn_from_the_gate_decides(labels):
    X, _ = rows()
    y = None if labels is None else np.full(len(X), labels)
    detector = gated().fit(X, y)
    gate = detector.gate_
    assert (anomaly_flags(detector, X) == (gate.predict(X) == -1)).all()
    order = np.argsort(X["error"].to_numpy())
    assert (np.diff(anomaly_scores(detector, X)[order]) >= 0).all()


def test_what_is_farther_out_than_anything_nominal_is_anomalous_unless_it_is_rare():
    X, y = rows()
    far = X.assign(error=50.0)
    detector = gated().fit(X, y)
    assert (detector.predict(far) == 1).all()  # farther out than any rare event
    tolerant = gated(rare_margin=20.0).fit(X, y)
    assert (tolerant.predict(far[y == 0]) == 1).mean() > 0.9
    assert (tolerant.predict(far[y == 2]) == 2).mean() > 0.9
    cautious = gated(novelty=None).fit(X, y)
    assert detector.limit_ < 50.0 < cautious.limit_
    near = X[X["error"] < detector.limit_]
    np.testing.assert_array_equal(detector.predict(near), cautious.predict(near))


def test_an_empty_gate_makes_every_row_nominal():
    X, y = rows()
    detector = gated(gate__threshold=1e9).fit(X, y)
    assert detector.n_suspicious_ == 0
    assert (detector.predict(X) == 0).all()
    assert (detector.predict(X.assign(error=1e10)) == 1).all()  # novel
    known = gated(gate__threshold=1e9, novelty=None).fit(X, y)
    assert (known.predict(X.assign(error=1e10)) == 0).all()
    np.testing.assert_allclose(detector.predict_proba(X).sum(axis=1), 1)


def test_a_gate_that_passes_one_class_only_leaves_nothing_to_tell_apart():
    X, y = rows()
    y = y.replace(2, 0)
    only = X.assign(error=np.where(y == 1, 9.0, 1.0))
    assert (gated(gate__threshold=5.0).fit(only, y).predict(only) == y).all()
    other = X.assign(error=np.where(y == 1, 1.0, 9.0))
    assert (gated(gate__threshold=5.0).fit(other, y).predict(other) == 0).all()


def test_a_single_suspicious_anomaly_is_enough():
    X, y = rows()
    y = pd.Series(np.where(np.arange(len(y)) == 40, 1, 0))
    detector = gated().fit(X, y)
    assert not detector.calibrated_
    assert detector.predict_proba(X)[40, 1] > detector.predict_proba(X)[:, 1].mean()


def test_only_anomalies_are_refused():
    X, _ = rows()
    with pytest.raises(ValueError, match="none of n_samples=600 rows as nominal"):
        gated().fit(X, np.ones(len(X), dtype=int))


def test_unlabelled_rows_teach_the_gate_and_not_the_classifier():
    X, y = rows()
    hidden = y.where(np.arange(len(y)) < 300, -1)
    detector = gated().fit(X, hidden)
    assert detector.classes_.tolist() == [0, 1, 2]
    known = anomaly_flags(detector.gate_, X)[:300].sum()
    spoilt = X.copy()
    spoilt.loc[300:, "kind"] = 99.0
    assert known < detector.n_suspicious_
    np.testing.assert_allclose(
        gated().fit(spoilt, hidden).predict_proba(X[:300]),
        detector.predict_proba(X[:300]),
    )


def test_probabilities_are_those_of_all_rows():
    rng = np.random.default_rng(0)
    n_rows = 20_000
    chance = np.clip(rng.beta(0.3, 3, n_rows), 0, 1)
    y = (rng.random(n_rows) < chance).astype(int)
    X = pd.DataFrame({"kind": chance, "error": chance + 0.05 * rng.normal(size=n_rows)})
    forest = RandomForestClassifier(
        40, min_samples_leaf=20, class_weight="balanced", random_state=0
    )
    half = slice(0, n_rows // 2), slice(n_rows // 2, None)
    detector = ErrorGatedClassifier(ErrorGate(0.8), forest)
    detector.fit(X.iloc[half[0]], y[half[0]])
    given = detector.predict_proba(X.iloc[half[1]])[:, 1]
    truth = y[half[1]]
    assert given.mean() == pytest.approx(truth.mean(), rel=0.1)
    high = given > 0.3
    assert given[high].mean() == pytest.approx(truth[high].mean(), abs=0.05)
    raw = clone(detector).set_params(calibration=None)
    raw.fit(X.iloc[half[0]], y[half[0]])
    assert raw.predict_proba(X.iloc[half[1]])[:, 1].mean() > 1.5 * truth.mean()


def test_any_outlier_detector_may_be_the_gate():
    X, y = rows()
    detector = gated(gate=IsolationForest(contamination=0.1, random_state=0)).fit(X, y)
    assert 0.05 < detector.n_suspicious_ / len(X) < 0.3
    assert anomaly_flags(detector, X[y == 1]).mean() > 0.8


def test_a_grid_search_reaches_the_gate():
    X, y = rows()
    y = y.replace(2, 0)
    X.index = y.index = pd.MultiIndex.from_product([range(6), range(100)])
    search = GridSearchCV(
        gated(),
        {"gate__quantile": [0.0, 0.95, 1.0]},
        cv=StratifiedTrackKFold(3),
        scoring="average_precision",
    ).fit(X, y)
    assert search.best_score_ > 0.9
    kept = pickle.loads(pickle.dumps(search.best_estimator_))
    np.testing.assert_array_equal(kept.predict_proba(X), search.predict_proba(X))
