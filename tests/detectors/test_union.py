"""Errors of several kinds for one threshold: the union, and what makes one of them."""

import numpy as np
import pandas as pd
import pytest
from conftest import small_frame
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdsn.detectors import (
    DynamicThresholdDetector,
    ErrorCombiner,
    ErrorSmoother,
    ErrorUnion,
    SubsequenceDistances,
)
from skdsn.forecasters import LimitChecker, PersistenceForecaster, RidgeForecaster
from skdsn.streaming import StreamingDetector

UNION = ErrorUnion(
    [
        ("shape", SubsequenceDistances(length=5)),
        ("step", RidgeForecaster(n_lags=3)),
        ("limits", make_pipeline(StandardScaler(), LimitChecker())),
    ]
)
UNION.set_output(transform="pandas")


def test_each_stage_sees_the_telemetry_and_gives_a_column(X):
    out = clone(UNION).fit(X).transform(X)
    assert list(out.columns) == ["error_shape", "error_step", "error_limits"]
    alone = SubsequenceDistances(length=5).fit(X).transform(X)
    np.testing.assert_array_equal(out["error_shape"], alone["error"])
    errors = RidgeForecaster(n_lags=3).fit(X).transform(X).filter(like="error_")
    np.testing.assert_allclose(out["error_step"], errors.mean(axis=1), rtol=1e-5)


def test_training_rows_are_measured_as_each_stage_does_in_fitting(X):
    fitted = clone(UNION)
    out = fitted.fit_transform(X)
    own = SubsequenceDistances(length=5).fit_transform(X)
    np.testing.assert_array_equal(out["error_shape"], own["error"])
    assert out["error_shape"].sum() > 2 * fitted.transform(X)["error_shape"].sum()


def test_parameters_of_stages_are_parameters_of_the_union():
    union = clone(UNION).set_params(shape__length=9, step=PersistenceForecaster())
    assert union.get_params()["shape__length"] == 9
    assert isinstance(dict(union.stages)["step"], PersistenceForecaster)
    assert UNION.get_params()["shape__length"] == 5


def test_set_output_reaches_pipelines_among_the_stages(X):
    inner = make_pipeline(StandardScaler(), RidgeForecaster(n_lags=3))
    union = ErrorUnion([("p", inner)]).set_output(transform="pandas").fit(X)
    together = union.transform(X)
    for name in X.index.levels[0]:
        alone = union.transform(X.loc[[name]])
        pd.testing.assert_frame_equal(alone, together.loc[[name]])


def test_labels_reach_the_stages(X, y):
    spoilt = X.where(y == 0, X + 500)
    out = clone(UNION).fit(spoilt, y).transform(X)
    pd.testing.assert_frame_equal(out, clone(UNION).fit(X, y).transform(X), atol=1e-4)


def test_a_detector_with_a_union_streams():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"volt": np.sin(np.arange(1200) / 9), "on": 0.0})
    X["volt"] += 0.05 * rng.normal(size=len(X))
    X.loc[1000:1030, "volt"] = 3.0
    detector = make_pipeline(
        clone(UNION),
        ErrorSmoother(span=10),
        ErrorCombiner(),
        DynamicThresholdDetector(window_size=300, batch_size=30, error_guard=0.5),
    ).set_output(transform="pandas")
    detector.fit(X[:600])
    new = X[600:]
    flags = detector.predict(new) == -1
    assert new.index[flags].to_series().between(850, 1170).all()
    assert flags[400:430].any()
    stream = StreamingDetector(detector)
    parts = [stream.update(new.iloc[i : i + 30]) for i in range(0, 600, 30)]
    streamed = pd.concat(parts)
    np.testing.assert_array_equal(streamed["anomaly"] == 1, flags)
    np.testing.assert_allclose(streamed["score"], -detector.score_samples(new))


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ([], "no stage"),
        ([RidgeForecaster()], "takes a list of"),
        ([("a", RidgeForecaster()), ("a", LimitChecker())], "not unique"),
        ([("scale", StandardScaler())], "'scale' emits no column 'error'"),
        ([("a", None)], "list of"),
    ],
)
def test_stages_that_make_no_union_are_refused(stages, message, X):
    with pytest.raises(ValueError, match=message):
        ErrorUnion(stages).fit(X)


# One error of several -------------------------------------------------------------


def test_errors_meet_in_units_of_their_largest_training_error():
    errors = pd.DataFrame({"a": [1.0, 4.0, 2.0], "b": [0.1, 0.2, 0.5]})
    combiner = ErrorCombiner().fit(errors)
    assert combiner.scale_.tolist() == [4.0, 0.5]
    out = combiner.transform(errors * 2)
    assert out["error"].tolist() == [0.5, 2.0, 2.0]
    mean = clone(combiner).set_params(how="mean").fit(errors).transform(errors)
    assert mean["error"].tolist() == pytest.approx([0.225, 0.7, 0.75])


def test_a_unit_changes_nothing_and_a_missing_error_counts_for_nothing():
    rng = np.random.default_rng(0)
    errors = pd.DataFrame(rng.exponential(size=(50, 3)), columns=list("abc"))
    errors.iloc[::7, 1] = np.nan
    errors.iloc[3] = np.nan
    for how in ("max", "mean"):
        combiner = ErrorCombiner(how=how)
        plain = combiner.fit(errors).transform(errors)
        other = combiner.fit(errors * [1, 1e3, 1e-3]).transform(errors * [1, 1e3, 1e-3])
        pd.testing.assert_frame_equal(plain, other)
        assert np.flatnonzero(plain["error"].isna()).tolist() == [3]


def test_anomalous_rows_set_no_unit(X, y):
    errors = small_frame().abs()
    spoilt = errors.where(y == 0, 1e6)
    np.testing.assert_array_equal(
        ErrorCombiner().fit(spoilt, y).scale_, ErrorCombiner().fit(errors, y).scale_
    )


def test_a_channel_without_training_errors_still_raises_an_alarm():
    combiner = ErrorCombiner(least=0.5).fit(np.zeros((5, 1)))
    assert combiner.transform([[2.0]])[0, 0] == 4.0


def test_a_column_without_an_error_or_a_normal_row_has_no_unit():
    errors = pd.DataFrame({"a": [1.0, 2.0], "b": np.nan})
    with pytest.raises(ValueError, match="'b' has no error in the normal training"):
        ErrorCombiner().fit(errors)
    with pytest.raises(ValueError, match="labels all n_samples=2 rows"):
        ErrorCombiner().fit(errors[["a"]], [1, 1])


def test_a_detector_is_no_stage(X):
    with pytest.raises(TypeError, match="'a' is a DynamicThresholdDetector, which"):
        ErrorUnion([("a", DynamicThresholdDetector())]).fit(X)


@pytest.mark.parametrize("columns", [["gone"], [], ["error"]])
def test_columns_that_cannot_be_combined_are_refused(columns):
    errors = pd.DataFrame({"error": [1.0], "a": [2.0]})
    with pytest.raises(ValueError, match="columns"):
        ErrorCombiner(columns=columns).fit(errors)
