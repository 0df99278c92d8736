"""Unlabelled rows get labels by their scores, and nothing else changes."""

import numpy as np
import pandas as pd
import pytest
from conftest import small_frame
from hypothesis import given, settings
from hypothesis import strategies as st
from imblearn.pipeline import make_pipeline
from passes import small_passes, tiny_detector
from sklearn.covariance import EllipticEnvelope
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from skdsn.base import anomaly_scores
from skdsn.detectors import PseudoLabeler
from skdsn.forecasters import RidgeForecaster
from skdsn.labeling import WindowLabeler

RULES = [
    "error_quantile",
    "isolation_forest",
    make_pipeline(StandardScaler(), EllipticEnvelope(random_state=0)),
]
every_rule = pytest.mark.parametrize(
    "rule", RULES, ids=["error_quantile", "isolation_forest", "detector"]
)


@pytest.fixture
def encoded():
    """Rows as an encoder hands them on, the middle pass with known labels."""
    X = small_frame((40, 30, 50), n_channels=3)
    X = X.set_axis(["latent_0", "latent_1", "error"], axis=1)
    y = pd.Series(-1, index=X.index, name="incident")
    y.iloc[40:70] = 0
    y.iloc[44:49] = 1
    return X, y


@every_rule
def test_only_labels_of_unlabelled_rows_change(encoded, rule):
    X, y = encoded
    before = X.copy(), y.copy()
    labeler = PseudoLabeler(rule, anomalous_share=0.1, normal_share=0.3, random_state=0)
    found, labels = labeler.fit_resample(X, y)
    pd.testing.assert_frame_equal(X, before[0])
    pd.testing.assert_series_equal(y, before[1])
    pd.testing.assert_frame_equal(found, X)
    assert labels.index.equals(y.index)
    assert labels.name == "incident"
    assert (labels[y >= 0] == y[y >= 0]).all()
    # Of 90 rows: 9 and 27.
    assert labeler.n_pseudo_ == {0: 27, 1: 9, -1: 54}
    assert labels[y == -1].value_counts().to_dict() == labeler.n_pseudo_
    assert labeler.labels_.tolist() == labels.to_list()


@settings(deadline=None, max_examples=60)
@given(
    scores=st.lists(st.integers(0, 4), min_size=1, max_size=30),
    known=st.lists(st.sampled_from([-1, -1, 0, 1]), min_size=30, max_size=30),
    anomalous=st.sampled_from([0.0, 0.1, 0.29, 0.5, 1.0]),
    normal=st.sampled_from([0.0, 0.2, 0.5, 1.0]),
)
def test_shares_are_kept_whatever_ties(scores, known, anomalous, normal):
    if anomalous + normal > 1:
        return
    y = np.array(known[: len(scores)])
    if set(y) == {-1, 1}:
        y[y == 1] = 0
    X = pd.DataFrame({"error": np.array(scores, dtype=float)})
    labeler = PseudoLabeler(anomalous_share=anomalous, normal_share=normal)
    labels = np.asarray(labeler.fit_resample(X, y)[1])
    scores, unknown = np.array(scores), y == -1
    assert (labels[~unknown] == y[~unknown]).all()
    of = {label: scores[unknown & (labels == label)] for label in (-1, 0, 1)}
    n = unknown.sum()
    assert len(of[1]) <= anomalous * n + 1e-9
    assert len(of[0]) <= normal * n + 1e-9
    # Rows of one score are treated alike, and in order.
    highest = -np.inf
    for label in (0, -1, 1):
        if len(of[label]):
            assert of[label].min() > highest
            highest = of[label].max()
    # No whole group of equal scores more would have fitted into a share.
    if len(of[-1]):
        ends = (of[-1] == of[-1].max()).sum(), (of[-1] == of[-1].min()).sum()
        assert len(of[1]) + ends[0] > anomalous * n - 1 + 1e-9
        assert len(of[0]) + ends[1] > normal * n - 1 + 1e-9


def test_without_ties_the_shares_are_reached(encoded):
    X, _ = encoded
    labeler = PseudoLabeler(anomalous_share=0.29, normal_share=0.07)
    _, labels = labeler.fit_resample(X.iloc[:100], None)
    assert labeler.n_pseudo_ == {0: 7, 1: 29, -1: 64}
    lower, upper = labeler.thresholds_
    error = X["error"].iloc[:100]
    assert (
        labels.to_list()
        == np.select([error < lower, error > upper], [0, 1], -1).tolist()
    )


def test_a_constant_score_labels_nothing():
    X = pd.DataFrame({"error": np.ones(50)})
    _, labels = PseudoLabeler().fit_resample(X, None)
    assert (labels == -1).all()
    assert labels.name == "anomaly"


def test_without_unlabelled_rows_the_labels_come_back(encoded):
    X, y = encoded
    for known in (y.clip(lower=0), y * 0 + 1):
        labeler = PseudoLabeler("isolation_forest")
        found, labels = labeler.fit_resample(X, known)
        assert found is X
        assert labels is known
        assert labeler.thresholds_ is None
        assert labeler.n_pseudo_ == {0: 0, 1: 0, -1: 0}


def test_the_forest_looks_at_latents_where_there_are_some(encoded):
    X, y = encoded
    odd = X.assign(error=X["error"] * -100)
    one, same = (
        PseudoLabeler("isolation_forest", random_state=3).fit_resample(rows, y)[1]
        for rows in (X, odd)
    )
    pd.testing.assert_series_equal(one, same)
    plain = X.set_axis(["a", "b", "c"], axis=1)
    labeler = PseudoLabeler("isolation_forest", random_state=3)
    labeler.fit_resample(plain, y)
    assert list(labeler.detector_.feature_names_in_) == ["a", "b", "c"]


def test_the_seed_alone_decides(encoded):
    X, y = encoded
    one, same, other = (
        PseudoLabeler(
            "isolation_forest", normal_share=0.5, random_state=seed
        ).fit_resample(X, y)[1]
        for seed in (1, 1, 2)
    )
    assert one.equals(same)
    assert not one.equals(other)


def test_a_detector_learns_from_rows_not_labelled_anomalous(encoded):
    X, y = encoded
    rule = IsolationForest(random_state=0)
    labeler = PseudoLabeler(rule, anomalous_share=0.1)
    _, labels = labeler.fit_resample(X, y)
    scores = anomaly_scores(IsolationForest(random_state=0).fit(X[y != 1]), X)
    unknown = (y == -1).to_numpy()
    best = np.flatnonzero(unknown)[np.argsort(scores[unknown])[-9:]]
    assert set(np.flatnonzero(unknown & (labels == 1))) == set(best)
    assert not hasattr(rule, "estimators_")


def test_arrays_stay_arrays():
    X = np.random.default_rng(0).normal(size=(60, 2))
    X[7] = 9
    y = [-1] * 50 + [0] * 10
    labeler = PseudoLabeler("isolation_forest", anomalous_share=0.02, random_state=0)
    found, labels = labeler.fit_resample(X.tolist(), y)
    np.testing.assert_array_equal(found, X)
    assert isinstance(labels, np.ndarray)
    assert np.flatnonzero(labels == 1).tolist() == [7]


@every_rule
def test_rows_that_an_encoder_keeps_to_itself_are_left_alone(encoded, rule):
    X, y = encoded
    held = X.copy()
    held.iloc[70:] = np.nan
    options = {"anomalous_share": 0.1, "normal_share": 0.3, "random_state": 0}
    labeler = PseudoLabeler(rule, **options)
    found, labels = labeler.fit_resample(held, y)
    pd.testing.assert_frame_equal(found, held)
    assert labeler.n_pseudo_ == {0: 12, 1: 4, -1: 74}
    assert (labels.iloc[70:] == -1).all()
    alone = PseudoLabeler(rule, **options).fit_resample(X.iloc[:70], y.iloc[:70])[1]
    assert labels.iloc[:70].equals(alone)
    held.iloc[:40] = np.nan
    with pytest.raises(ValueError, match=r"All 90 unlabelled rows .* fit_share=1"):
        PseudoLabeler(rule).fit_resample(held, y)


def test_in_a_pipeline_it_acts_in_fit_only():
    X = small_frame((60, 50))
    X.iloc[30:33] += 20
    detector = make_pipeline(
        RidgeForecaster(),
        PseudoLabeler(anomalous_share=0.05),
        WindowLabeler(1),
        LogisticRegression(max_iter=1000),
    ).set_output(transform="pandas")
    detector.fit(X, np.full(110, -1))
    # What stays unlabelled does not reach the classifier.
    assert detector["pseudolabeler"].n_pseudo_ == {0: 55, 1: 5, -1: 50}
    assert detector["windowlabeler"].n_undecided_ == 50
    assert detector[-1].classes_.tolist() == [0, 1]
    labels = detector["pseudolabeler"].labels_.copy()
    flags = detector.predict(X)
    assert flags.shape == (110,)
    assert flags[30] == 1
    assert (detector["pseudolabeler"].labels_ == labels).all()


def test_a_network_with_a_head_learns_from_pseudo_labels():
    X, y = small_passes()
    unlabelled = y * 0 - 1
    detector = tiny_detector("jwst", classify__max_depth=3)
    place = list(detector.named_steps).index("encode")
    rule = make_pipeline(StandardScaler(), IsolationForest(random_state=0))
    labeler = PseudoLabeler(rule, anomalous_share=0.05)
    detector.steps.insert(place, ("pseudo", labeler))
    detector.fit(X, unlabelled)
    counts = detector["pseudo"].n_pseudo_
    assert counts[1] == int(0.05 * len(X))
    assert set(detector.predict(X)) <= {0, 1}


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        (
            {"anomalous_share": 0.6},
            ValueError,
            "anomalous_share=0.6 and normal_share=0.5 .* lower one",
        ),
        ({"rule": PCA()}, TypeError, "must be an outlier detector, .* got PCA"),
        ({"rule": "quantile"}, ValueError, "'rule' parameter of PseudoLabeler"),
    ],
)
def test_bad_parameters_are_refused(encoded, options, kind, message):
    with pytest.raises(kind, match=message):
        PseudoLabeler(**options).fit_resample(*encoded)


def test_errors_need_their_column(encoded):
    X, y = encoded
    message = r"reads the column 'error' .* but X has columns \['latent_0', 'latent_1'"
    with pytest.raises(ValueError, match=message):
        PseudoLabeler().fit_resample(X.drop(columns="error"), y)
    with pytest.raises(ValueError, match="an array without names; put it behind"):
        PseudoLabeler().fit_resample(X.to_numpy(), y.to_numpy())


def test_a_missing_error_is_named(encoded):
    X, y = encoded
    X.iloc[3, 2] = np.nan
    with pytest.raises(ValueError, match=r"'error_quantile' gives .* nan in row 3"):
        PseudoLabeler().fit_resample(X, y)


def test_labels_of_outlier_detectors_are_refused(encoded):
    X, y = encoded
    with pytest.raises(ValueError, match=r"\(y == -1\).astype\(int\)"):
        PseudoLabeler().fit_resample(X, y.replace(0, 1))
