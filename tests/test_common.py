"""What every public estimator must do: scikit-learn's checks, and our own."""

import importlib
import inspect
import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import small_frame, small_labels
from estimators import ALL, TRANSFORMERS, WITH_MEMORY, name_of
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, clone
from sklearn.utils.estimator_checks import (
    check_get_feature_names_out_error,
    check_param_validation,
    check_set_output_transform,
    check_transformer_get_feature_names_out,
    check_transformer_get_feature_names_out_pandas,
    parametrize_with_checks,
)

ROOMS = ["preprocessing", "encoders", "forecasters", "detectors", "labeling", "metrics"]
every_transformer = pytest.mark.parametrize("stage", TRANSFORMERS, ids=name_of)
every_memory = pytest.mark.parametrize("stage", WITH_MEMORY, ids=name_of)

ORDER = "a row depends on the rows before it"
LEFT_OUT = "fit_transform compares a training row with others only"
LABELS = "labels are 0 and 1 by contract; the check uses others"
EXPECTED = {
    **{
        name_of(stage): {
            "check_methods_sample_order_invariance": ORDER,
            "check_methods_subset_invariance": ORDER,
        }
        for stage in WITH_MEMORY
        if name_of(stage) != "CausalImputer"
    },
    **{
        name: {
            "check_methods_sample_order_invariance": ORDER,
            "check_methods_subset_invariance": ORDER,
        }
        for name in (
            "AlarmFilter",
            "ChannelwiseDetector",
            "DetectorEnsemble",
            "DynamicThresholdDetector",
            "SubsequenceNeighborsDetector",
            "VotingDetector",
        )
    },
    "SubsequenceDistances": {
        "check_transformer_data_not_an_array": LEFT_OUT,
        "check_transformer_general": LEFT_OUT,
        "check_methods_sample_order_invariance": ORDER,
        "check_methods_subset_invariance": ORDER,
    },
    "SelfTrainingDetector": {
        "check_classifiers_classes": LABELS,
        "check_classifiers_regression_target": LABELS,
        "check_classifier_not_supporting_multiclass": LABELS,
        "check_non_transformer_estimators_n_iter": "no round if all rows are labelled",
        "check_supervised_y_2d": "a column of labels is read as one",
    },
    "ErrorGatedClassifier": {
        "check_classifiers_classes": LABELS,
        "check_classifiers_regression_target": LABELS,
        "check_classifier_not_supporting_multiclass": LABELS,
        "check_supervised_y_2d": "a column of labels is read as one",
        "check_classifiers_train": "what the gate holds back is nominal by decision",
        "check_classifiers_one_label": "without an anomaly to learn the gate decides",
        "check_supervised_y_no_nan": LABELS,
    },
    "ScoreSmoother": {
        "check_methods_sample_order_invariance": ORDER,
        "check_methods_subset_invariance": ORDER,
        "check_classifiers_classes": LABELS,
        "check_classifiers_regression_target": LABELS,
        "check_classifier_not_supporting_multiclass": LABELS,
        "check_classifiers_train": "a row is told by its neighbours in time too",
    },
    "TunedThresholdDetector": {
        "check_classifiers_classes": LABELS,
        "check_classifiers_one_label": LABELS,
        "check_classifiers_regression_target": LABELS,
        "check_classifier_not_supporting_multiclass": LABELS,
        "check_estimators_nan_inf": "the held-out half of its rows has one class only",
        "check_classifiers_train": "the threshold decides, not the larger probability",
    },
}


BINARY_CLASSIFIERS = (
    "ErrorGatedClassifier",
    "ScoreSmoother",
    "SelfTrainingDetector",
    "TunedThresholdDetector",
)


def with_binary_labels(estimator):
    """Let the checks, which bring any classes, pass labels that are 0 and 1."""
    kind = type(estimator)

    def binary(y):
        if y is None or np.asarray(y).ndim != 1:
            return y
        if kind.__name__ in BINARY_CLASSIFIERS:
            return np.unique(np.asarray(y), return_inverse=True)[1] % 2
        return (np.arange(len(np.asarray(y))) == 0).astype(int)

    def fit(self, X, y=None):
        return kind.fit(self, X, binary(y))

    def fit_transform(self, X, y=None):
        return kind.fit_transform(self, X, binary(y))

    methods = {"fit": fit, "__module__": __name__}
    if kind.__name__ == "ErrorUnion":  # whose fit_transform is not that of fit
        methods |= {"fit_transform": fit_transform}
    subclass = type(kind.__name__, (kind,), methods)
    globals()[kind.__name__] = subclass  # so that it can be pickled
    return subclass(**estimator.get_params(deep=False))


STRICT = [
    "AlarmFilter",
    "CNNBiLSTMEncoder",
    "ChannelwiseDetector",
    "DetectorEnsemble",
    "DynamicThresholdDetector",
    "EchoStateForecaster",
    "ErrorCombiner",
    "ErrorGate",
    "ErrorGatedClassifier",
    "ErrorUnion",
    "FleetForecaster",
    "GRUAttentionEncoder",
    "LSTMForecaster",
    "LimitChecker",
    "PersistenceForecaster",
    "PseudoLabeler",
    "RidgeForecaster",
    "RobustClipScaler",
    "ScoreSmoother",
    "SelfTrainingDetector",
    "SubsequenceDistances",
    "SubsequenceNeighborsDetector",
    "TCNForecaster",
    "TransformerEncoder",
    "TunedThresholdDetector",
    "WindowedLSTMForecaster",
    "VotingDetector",
    "WindowLabeler",
]


def checked(estimator):
    strict = name_of(estimator) in STRICT
    return with_binary_labels(estimator) if strict else estimator


@parametrize_with_checks(
    [checked(estimator) for estimator in ALL],
    expected_failed_checks=lambda estimator: EXPECTED.get(name_of(estimator), {}),
    xfail_strict=False,
)
@pytest.mark.filterwarnings("ignore")
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("estimator", ALL, ids=name_of)
def test_parameters_are_validated(estimator):
    check_param_validation(name_of(estimator), estimator)


@every_transformer
@pytest.mark.parametrize(
    "check",
    [
        check_set_output_transform,
        check_transformer_get_feature_names_out,
        check_transformer_get_feature_names_out_pandas,
        check_get_feature_names_out_error,
    ],
    ids=lambda check: check.__name__,
)
def test_output_container_checks(stage, check):
    check(name_of(stage), checked(stage))


@every_transformer
def test_set_output_makes_a_frame_of_an_array(stage, X, y):
    # scikit-learn's own check has rows named by text, which are no times.
    values, labels = X.loc["pass-0"].to_numpy(), y.loc["pass-0"].to_numpy()
    plain = clone(stage).fit(values, labels)
    frame = clone(stage).set_output(transform="pandas").fit(values, labels)
    frame = frame.transform(values)
    assert list(frame.columns) == list(plain.get_feature_names_out())
    np.testing.assert_allclose(frame.to_numpy(), plain.transform(values), rtol=1e-6)


def test_every_public_estimator_is_checked():
    listed = {name_of(estimator) for estimator in ALL}
    for room in ROOMS:
        module = importlib.import_module(f"skdsn.{room}")
        for name in module.__all__:
            thing = getattr(module, name)
            if inspect.isclass(thing) and issubclass(thing, BaseEstimator):
                assert name in listed


@every_transformer
def test_rows_and_index_are_kept(stage, X, y):
    out = clone(stage).fit(X, y).transform(X)
    assert out.index.equals(X.index)
    assert list(out.columns) == list(clone(stage).fit(X, y).get_feature_names_out())


@every_transformer
def test_array_gives_the_values_of_one_track(stage, X, y):
    track = X.loc["pass-0"].reset_index(drop=True)
    labels = y.loc["pass-0"].to_numpy()
    frame = clone(stage).fit(track, labels).transform(track)
    array = clone(stage).fit(track.to_numpy(), labels).transform(track.to_numpy())
    assert isinstance(array, np.ndarray)
    np.testing.assert_allclose(array, frame.to_numpy(), rtol=1e-6)


@every_transformer
def test_later_rows_change_nothing(stage, X, y):
    fitted = clone(stage).fit(X, y)
    changed = X.copy()
    changed.iloc[50:] += 100.0
    before, after = fitted.transform(X), fitted.transform(changed)
    pd.testing.assert_frame_equal(before.iloc[:50], after.iloc[:50])


@every_transformer
def test_tracks_are_independent(stage, X, y):
    fitted = clone(stage).fit(X, y)
    together = fitted.transform(X)
    for name in ["pass-2", "pass-0"]:
        alone = fitted.transform(X.loc[[name]])
        pd.testing.assert_frame_equal(alone, together.loc[[name]], rtol=1e-6)


@every_memory
@settings(deadline=None, max_examples=15)
@given(cuts=st.lists(st.integers(1, 62), max_size=8, unique=True))
def test_any_chunking_equals_one_batch(stage, cuts):
    X = small_frame()
    X.iloc[::7, 1] = np.nan if name_of(stage) == "CausalImputer" else X.iloc[0, 1]
    fitted = clone(stage).fit(X, small_labels(X))
    state, parts = None, []
    for rows in np.split(np.arange(len(X)), sorted(cuts)):
        part, state = fitted.stream(X.iloc[rows], state)
        parts.append(part)
    batch = fitted.transform(X)
    pd.testing.assert_frame_equal(pd.concat(parts), batch, rtol=1e-7, atol=1e-9)


@every_memory
def test_interleaved_chunks_and_a_moved_state_equal_one_batch(stage, X, y):
    fitted = clone(stage).fit(X, y)
    state, parts = None, []
    for begin in range(0, 31, 5):
        chunk = pd.concat(
            [X.loc[[name]].iloc[begin : begin + 5] for name in X.index.levels[0]]
        )
        part, state = fitted.stream(chunk, pickle.loads(pickle.dumps(state)))
        parts.append(part)
    streamed = pd.concat(parts).loc[X.index]
    pd.testing.assert_frame_equal(streamed, fitted.transform(X), rtol=1e-7, atol=1e-9)


@every_memory
def test_stream_of_arrays_continues_one_track(stage, X, y):
    values = X.loc["pass-0"].to_numpy()
    fitted = clone(stage).fit(values, y.loc["pass-0"].to_numpy())
    first, state = fitted.stream(values[:9])
    second, _ = fitted.stream(values[9:], state)
    batch = fitted.transform(values)
    np.testing.assert_allclose(np.concatenate([first, second]), batch, rtol=1e-6)


@every_memory
def test_stream_leaves_its_state_alone_and_refuses_the_past(stage, X, y):
    fitted = clone(stage).fit(X, y)
    _, state = fitted.stream(X.iloc[:10])
    frozen = pickle.dumps(state)
    fitted.stream(X.iloc[10:20], state)
    assert pickle.dumps(state) == frozen
    with pytest.raises(ValueError, match="'pass-0' goes back in time"):
        fitted.stream(X.iloc[5:8], state)


@every_memory
@pytest.mark.parametrize("state", [{"pass-0": 1}, ["pass-0"], 3, "x"], ids=str)
def test_what_is_no_state_is_refused(stage, X, y, state):
    fitted = clone(stage).fit(X, y)
    with pytest.raises(ValueError, match="state must be what the call"):
        fitted.stream(X.iloc[:5], state)


@every_transformer
def test_masked_values_of_an_array_are_missing(stage, X, y):
    values = np.ma.masked_array(X.loc["pass-0"].to_numpy(), mask=False)
    values[3, 1] = np.ma.masked
    labels = y.loc["pass-0"].to_numpy()
    fitted = clone(stage).fit(values.data, labels)
    if stage.__sklearn_tags__().input_tags.allow_nan:
        expected = fitted.transform(values.filled(np.nan))
        np.testing.assert_array_equal(fitted.transform(values), expected)
    else:
        with pytest.raises(ValueError, match="NaN"):
            fitted.transform(values)


@every_memory
def test_a_state_is_small(stage, X, y):
    big = small_frame((4000,), gap=False)
    fitted = clone(stage).fit(X, y)
    _, state = fitted.stream(big)
    assert len(pickle.dumps(state)) < 4000


@every_transformer
def test_clone_and_pickle_give_the_same(stage, X, y):
    fitted = clone(stage).fit(X, y)
    out = fitted.transform(X)
    pd.testing.assert_frame_equal(clone(fitted).fit(X, y).transform(X), out)
    pd.testing.assert_frame_equal(pickle.loads(pickle.dumps(fitted)).transform(X), out)


@every_transformer
def test_input_and_global_random_state_are_left_alone(stage, X, y):
    frozen, numbers = X.copy(), np.random.get_state()[1].copy()  # noqa: NPY002
    torch_numbers = torch.random.get_rng_state()
    clone(stage).fit(X, y).transform(X)
    pd.testing.assert_frame_equal(X, frozen)
    assert (np.random.get_state()[1] == numbers).all()  # noqa: NPY002
    assert torch.equal(torch.random.get_rng_state(), torch_numbers)


@every_memory
def test_microseconds_and_nanoseconds_tell_the_same_time(stage, X, y):
    ns = X.copy()
    ns.index = ns.index.set_levels(ns.index.levels[1].as_unit("ns"), level=1)
    fine = clone(stage).fit(ns, y.set_axis(ns.index)).transform(ns)
    coarse = clone(stage).fit(X, y).transform(X)
    np.testing.assert_array_equal(fine.to_numpy(), coarse.to_numpy())


@pytest.mark.parametrize(
    "stage", [s for s in WITH_MEMORY if "Cyclical" not in name_of(s)], ids=name_of
)
def test_a_gap_is_a_border(stage, X, y):
    fitted = clone(stage).fit(X, y)
    gap = 23 + 9 + 31 // 2
    out = fitted.transform(X)
    after = fitted.transform(X.iloc[gap:])
    columns = [c for c in out.columns if c not in ("segment",) and "track" not in c]
    pd.testing.assert_frame_equal(out.iloc[gap:][columns], after[columns], rtol=1e-6)


@every_transformer
def test_an_array_for_a_stage_fitted_on_tracks_is_refused(stage, X, y):
    fitted = clone(stage).fit(X, y)
    with pytest.raises(ValueError, match="set_output"):
        fitted.transform(X.to_numpy())


@every_transformer
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda X: X.iloc[::-1], "comes after a later one"),
        (lambda X: pd.concat([X, X.iloc[:3]]), "'pass-0' are not contiguous"),
        (lambda X: X.iloc[[0, 0, 1]], "occurs twice"),
        (lambda X: X.iloc[:0], "0 sample"),
        (lambda X: X.assign(channel_0=np.inf), "infinity"),
        (lambda X: X.set_axis(list("abca"), axis=1), "'a' occurs 2 times in X"),
        (lambda X: X.assign(channel_0=pd.Timestamp(0)), "holds times"),
        (lambda X: X.set_axis(range(len(X)), axis=0).add(0j), "Complex"),
    ],
    ids=[
        "reversed",
        "interleaved",
        "duplicate",
        "empty",
        "infinite",
        "twins",
        "time",
        "complex",
    ],
)
def test_bad_frames_are_refused_in_fit(stage, X, y, spoil, message):
    with pytest.raises((ValueError, TypeError), match=message):
        clone(stage).fit(spoil(X))


@every_transformer
def test_renamed_columns_are_refused(stage, X, y):
    fitted = clone(stage).fit(X, y)
    with pytest.raises(ValueError, match="channel_2"):
        fitted.transform(X.rename(columns={"channel_2": "other"}))
