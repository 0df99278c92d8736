"""What comes back from a file is what was saved."""

import datetime
import pickle
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import small_frame, small_labels
from detector_files import edit, unzip
from estimators import ALL, name_of
from passes import TINY, small_passes, tiny_detector
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    IsolationForest,
)
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import OneClassSVM
from sklearn.tree import DecisionTreeClassifier

from skdsn.base import anomaly_scores
from skdsn.detectors import (
    AlarmFilter,
    ChannelwiseDetector,
    ScoreSmoother,
    TunedThresholdDetector,
    make_channel_detector,
    make_esa_detector,
    make_housekeeping_detector,
    make_telemanom_detector,
)
from skdsn.encoders import LSTMForecaster
from skdsn.labeling import WindowLabeler
from skdsn.model_selection import StratifiedTrackKFold
from skdsn.persistence import load, read_header, save
from skdsn.preprocessing import CausalImputer, TrackAligner
from skdsn.streaming import StreamingDetector

SHORT = {"span": 5, "window_size": 20, "batch_size": 5, "error_buffer": 2}
PAPER = {"mode": "paper", "forecast__context": 4, "forecast__horizon": 2}


def through_a_file(detector, tmp_path):
    save(detector, tmp_path / "detector.skops")
    return load(tmp_path / "detector.skops")


def outputs(estimator, X):
    names = ("transform", "predict", "score_samples", "decision_function")
    return {
        name: np.asarray(getattr(estimator, name)(X))
        for name in names
        if hasattr(estimator, name)
    }


def assert_same(one, other, X):
    expected, given = outputs(one, X), outputs(other, X)
    assert expected.keys() == given.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(given[name], values, strict=True)


@pytest.mark.parametrize("estimator", ALL, ids=name_of)
def test_every_estimator_comes_back_as_it_was(estimator, tmp_path):
    X = small_frame()
    if "ErrorGate" in name_of(estimator):
        X = X.rename(columns={"channel_3": "error"})
    y = small_labels(X)
    fitted = clone(estimator)
    if hasattr(fitted, "fit_resample"):
        fitted.fit_resample(X, y)
    else:
        fitted.fit(X, y)
    loaded = through_a_file(fitted, tmp_path)
    assert type(loaded) is type(fitted)
    assert_same(fitted, loaded, X)
    assert_same(fitted, pickle.loads(pickle.dumps(loaded)), X)
    own = loaded.get_params(deep=False)
    assert own.keys() == fitted.get_params(deep=False).keys()
    assert clone(loaded).fit(X, y) is not None


def stream(detector, X):
    live = StreamingDetector(detector)
    return pd.concat([live.update(X.iloc[:47]), live.update(X.iloc[47:])])


@pytest.mark.parametrize("name", TINY)
def test_recipes_for_passes_score_and_stream_as_before(name, tmp_path):
    X, y = small_passes()
    detector = tiny_detector(name).fit(X, y)
    loaded = through_a_file(detector, tmp_path)
    assert_same(detector, loaded, X)
    pd.testing.assert_frame_equal(stream(loaded, X), stream(detector, X))
    assert list(loaded.feature_names_in_) == list(X.columns)


@pytest.mark.parametrize(
    "detector",
    [
        make_channel_detector(length=3, **SHORT),
        make_housekeeping_detector(length=3, max_alarms=3, **SHORT),
        make_telemanom_detector(target="channel_0", max_epochs=1, **SHORT),
        make_telemanom_detector(target="channel_0", max_epochs=1, **SHORT, **PAPER),
    ],
    ids=["channel", "housekeeping", "telemanom", "paper"],
)
def test_recipes_for_channels_score_as_before(detector, tmp_path):
    X = small_frame()
    detector.fit(X)
    loaded = through_a_file(detector, tmp_path)
    assert_same(detector, loaded, X)
    if "forecast" not in detector.named_steps or detector["smooth"].startup == "none":
        pd.testing.assert_frame_equal(stream(loaded, X), stream(detector, X))


@pytest.mark.parametrize("encoder", ["windowed", "one-pass"])
@pytest.mark.parametrize("labelled", [True, False])
def test_the_esa_recipe_scores_and_streams_as_before(encoder, labelled, tmp_path):
    X, y = small_passes()
    X = X.select_dtypes("number").fillna(0.0)
    sizes = {"encode__hidden_size": 3, "classify__classifier__n_estimators": 5}
    detector = make_esa_detector(
        encoder=encoder, max_epochs=1, quantile=0.5, random_state=0, **sizes
    )
    detector.fit(X, y if labelled else None)
    assert detector["classify"].calibrated_ == labelled
    loaded = through_a_file(detector, tmp_path)
    assert_same(detector, loaded, X)
    pd.testing.assert_frame_equal(stream(loaded, X), stream(detector, X))


@pytest.mark.parametrize(
    "wrap",
    [
        lambda detector: TunedThresholdDetector(detector, cv=StratifiedTrackKFold(2)),
        lambda detector: ScoreSmoother(detector, halflife="2s"),
        lambda detector: AlarmFilter(detector, channels=["c0"], length=3),
    ],
    ids=["tuned", "smoothed", "filtered"],
)
def test_what_is_around_a_recipe_comes_back_too(wrap, tmp_path):
    X, y = small_passes()
    detector = wrap(tiny_detector("dsn")).fit(X, y)
    loaded = through_a_file(detector, tmp_path)
    np.testing.assert_array_equal(
        anomaly_scores(loaded, X), anomaly_scores(detector, X)
    )
    pd.testing.assert_frame_equal(stream(loaded, X), stream(detector, X))


def test_confirmed_patterns_and_their_times_come_back(tmp_path):
    X = small_frame()
    forest = IsolationForest(n_estimators=5, contamination=0.2, random_state=0)
    detector = AlarmFilter(forest, length=3).fit(X)
    watch = ChannelwiseDetector(clone(detector)).fit(X)
    detector.confirm(detector.events(X)[:1])
    loaded = through_a_file(detector, tmp_path)
    assert loaded.nominal_patterns_[0].key == detector.nominal_patterns_[0].key
    pd.testing.assert_frame_equal(loaded.events(X), detector.events(X))
    back = through_a_file(watch, tmp_path)
    pd.testing.assert_frame_equal(back.events(X), watch.events(X))


@pytest.mark.parametrize(
    "last",
    [
        DecisionTreeClassifier(max_leaf_nodes=5),
        ExtraTreesClassifier(5, random_state=0),
        HistGradientBoostingClassifier(max_iter=3),
        LogisticRegression(),
        make_pipeline(PCA(2), IsolationForest(n_estimators=5, max_features=0.5)),
        make_pipeline(
            FunctionTransformer(),
            OneHotEncoder(handle_unknown="ignore", sparse_output=False),
            IsolationForest(n_estimators=2, random_state=0),
        ),
    ],
    ids=lambda last: type(last).__name__,
)
def test_common_estimators_of_scikit_learn_come_back(last, tmp_path):
    X = np.round(small_frame().fillna(0).to_numpy())
    y = (np.arange(len(X)) % 3 == 0).astype(int)
    detector = make_pipeline(StandardScaler(), clone(last)).fit(X, y)
    loaded = through_a_file(detector, tmp_path)
    assert_same(detector, loaded, X)
    if hasattr(detector, "predict_proba"):
        same = loaded.predict_proba(X) == detector.predict_proba(X)
        assert same.all()


@pytest.mark.parametrize(
    "value",
    [
        pd.Timedelta("10min"),
        pd.Timedelta(3, "s").as_unit("ns"),
        np.timedelta64(90, "s"),
        datetime.timedelta(minutes=2, microseconds=5),
        "5min",
        None,
    ],
    ids=repr,
)
def test_times_among_the_parameters_come_back(value, tmp_path):
    loaded = through_a_file(CausalImputer(max_gap=value).fit(small_frame()), tmp_path)
    assert loaded.max_gap == value
    assert type(loaded.max_gap) is type(value)


@pytest.mark.parametrize(
    "value",
    [
        ("channel_1", "é"),
        ["channel_1"],
        {"channel_1", "channel_2"},
        np.array(["channel_1"]),
        np.array(["channel_1"], dtype=object),
        pd.Index(["channel_1"]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_names_among_the_parameters_come_back(value, tmp_path):
    fitted = TrackAligner(clocks=(), drop=value).fit(small_frame())
    loaded = through_a_file(fitted, tmp_path)
    assert type(loaded.drop) is type(value)
    assert list(loaded.drop) == list(value)


def test_a_random_state_goes_on_where_it_was(tmp_path):
    state = np.random.RandomState(3)
    state.normal(size=7)
    forest = IsolationForest(n_estimators=2, random_state=state).fit([[0.0], [1.0]])
    loaded = through_a_file(forest, tmp_path)
    assert loaded.random_state.normal() == state.normal()


def test_loading_a_network_draws_no_random_number(tmp_path):
    X = small_frame()
    encoder = LSTMForecaster(hidden_size=3, max_epochs=1, dropout=0.2, n_layers=2).fit(
        X
    )
    save(encoder, tmp_path / "e.skops")
    before = torch.get_rng_state()
    loaded = load(tmp_path / "e.skops")
    assert torch.equal(torch.get_rng_state(), before)
    assert not loaded.net_.module_.training
    assert next(loaded.net_.module_.parameters()).dtype == torch.float64
    assert loaded.device_ == "cpu" or torch.cuda.is_available()
    pd.testing.assert_frame_equal(loaded.history_, encoder.history_)


def test_equal_detectors_make_equal_files(tmp_path):
    X, y = small_passes()
    detector = tiny_detector("dsn").fit(X, y)
    save(detector, tmp_path / "one.skops")
    save(load(tmp_path / "one.skops"), tmp_path / "two.skops")
    one, two = (
        (tmp_path / "one.skops").read_bytes(),
        (tmp_path / "two.skops").read_bytes(),
    )
    assert one == two
    assert len(one) < len(pickle.dumps(detector))


def test_files_name_public_classes_and_hold_no_training_rows(tmp_path):
    X, y = small_passes()
    save(tiny_detector("mro").fit(X, y), tmp_path / "d.skops")
    schema = unzip((tmp_path / "d.skops").read_bytes())["schema.json"].decode()
    assert '"__module__":"skdsn.encoders"' in schema
    assert "_fit_X" not in schema
    assert "skdsn.encoders._" not in schema


def test_the_header_tells_names_versions_and_columns(tmp_path):
    X = small_frame()
    path = tmp_path / "d.skops"
    columns = {"track": None, "time": "utc", "drop": ["a"]}
    save(IsolationForest(n_estimators=2).fit(X.to_numpy()), path)
    assert read_header(path)["feature_names"] is None
    assert read_header(path)["columns"] == {}
    save(CausalImputer().fit(X), path, columns=columns)
    header = read_header(path)
    assert header["feature_names"] == list(X.columns)
    assert header["columns"] == columns
    assert header["packages"]["numpy"] == np.__version__
    with pytest.raises(TypeError, match="columns must be a dict of what JSON can hold"):
        save(CausalImputer().fit(X), path, columns={"drop": {1}})


def edit_header(path, **changes):
    edit(path, lambda header: header | changes, "skdsn.json")


def test_other_versions_are_named_in_a_warning(tmp_path):
    path = tmp_path / "d.skops"
    save(CausalImputer().fit(small_frame()), path)
    packages = read_header(path)["packages"]
    edit_header(path, packages=packages | {"numpy": "1.0"})
    load(path)
    edit_header(path, packages=packages | {"skdsn": "0.0.1", "scikit-learn": "1.7.0"})
    match = r"saved by skdsn 0\.0\.1, scikit-learn 1\.7\.0, this is skdsn .*, scikit-l"
    with pytest.warns(UserWarning, match=match) as record:
        load(path)
    assert record[0].filename == __file__
    edit_header(path, version=2)
    with pytest.raises(ValueError, match=r"version 2 of the format.*update skdsn\.$"):
        load(path)
    with pytest.raises(ValueError, match="version 2 of the format"):
        read_header(path)


@pytest.mark.parametrize("names", [None, ["channel_0"], ["channel_1", "channel_0"]])
def test_other_feature_names_in_the_header_are_refused(names, tmp_path):
    path = tmp_path / "d.skops"
    X = small_frame()[["channel_0", "channel_1"]]
    save(CausalImputer().fit(X), path)
    edit_header(path, feature_names=names)
    with pytest.raises(ValueError, match="different feature names"):
        load(path)


class Doubler(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        return 2 * X


def test_own_classes_need_trust(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "own_classes", sys.modules[__name__])
    monkeypatch.setattr(Doubler, "__module__", "own_classes")
    path = tmp_path / "d.skops"
    X = small_frame().to_numpy()
    detector = make_pipeline(Doubler(), IsolationForest(n_estimators=2)).fit(X)
    save(detector, path)
    match = (
        r"d\.skops holds own_classes\.Doubler, which .* trusted=\['own_classes\.Doub"
    )
    with pytest.raises(ValueError, match=match):
        load(path)
    for trusted in (["own_classes.Doubler"], [Doubler]):
        assert_same(load(path, trusted=trusted), detector, X)
    with pytest.raises(TypeError, match="trusted must be a list"):
        load(path, trusted="own_classes.Doubler")


@pytest.mark.parametrize(
    ("detector", "said"),
    [
        (
            LocalOutlierFactor(n_neighbors=2, novelty=True),
            "sklearn.neighbors._kd_tree.KDTree",
        ),
        (make_pipeline(FunctionTransformer(lambda X: X), StandardScaler()), "lambda"),
        (OneHotEncoder(drop="first"), "OneHotEncoder with drop"),
        (FunctionTransformer(np.abs), "ufunc"),
    ],
    ids=["tree", "lambda", "drop", "function"],
)
def test_what_cannot_be_stored_is_named_and_the_old_file_stays(
    detector, said, tmp_path
):
    path = tmp_path / "d.skops"
    path.write_bytes(b"old")
    with pytest.raises(TypeError, match=said):
        save(detector.fit(np.eye(8)), path)
    assert path.read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_type_that_is_stored_but_not_known_is_refused_by_name(tmp_path):
    path = tmp_path / "d.skops"
    save(OneClassSVM().fit(np.eye(8)), path)
    with pytest.raises(ValueError, match=r"sklearn\.svm\._classes\.OneClassSVM"):
        load(path)


def test_only_fitted_detectors_are_saved(tmp_path):
    with pytest.raises(NotFittedError):
        save(WindowLabeler(), tmp_path / "d.skops")
    assert not list(tmp_path.iterdir())


def test_a_detector_that_holds_itself_is_refused(tmp_path):
    imputer = CausalImputer().fit(small_frame())
    imputer.myself_ = [imputer]
    with pytest.raises(TypeError, match="nested too deeply"):
        save(imputer, tmp_path / "d.skops")


def test_without_skops_the_extra_is_named(tmp_path, monkeypatch):
    path = tmp_path / "d.skops"
    imputer = CausalImputer().fit(small_frame())
    save(imputer, path, columns={"time": "utc"})
    monkeypatch.setitem(sys.modules, "skops.io", None)
    for use in (lambda: load(path), lambda: save(imputer, path)):
        with pytest.raises(ImportError, match=r"pip install 'skdsn\[skops\]'"):
            use()
    assert read_header(path)["columns"] == {"time": "utc"}


def test_a_trusted_type_may_mean_something_else_by_the_name_of_an_attribute(tmp_path):
    X, y = small_passes()
    X = X.select_dtypes("number").fillna(0.0)
    fitted = GaussianNB().fit(X, y)  # its var_ has a row for each class
    save(fitted, tmp_path / "d.skops")
    loaded = load(tmp_path / "d.skops", trusted=[GaussianNB])
    np.testing.assert_array_equal(loaded.predict_proba(X), fitted.predict_proba(X))
