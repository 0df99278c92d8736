"""The named detectors: their presets, and that they behave like any Pipeline."""

import pickle

import numpy as np
import pandas as pd
import pytest
from imblearn.pipeline import Pipeline
from passes import small_passes, tiny_detector
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from skdsn.detectors import (
    make_dsn_detector,
    make_jwst_detector,
    make_mro_detector,
)
from skdsn.detectors.recipes import categorical_columns
from skdsn.metrics import event_report, point_adjusted_f1_scorer
from skdsn.model_selection import StratifiedTrackKFold

X, Y = small_passes()
every_recipe = pytest.mark.parametrize("name", ["mro", "jwst", "dsn"])

COMMON = {
    "align__max_gap": "10min",
    "align__clocks": ("seconds_since_track_start",),
    "time__periods": ("hour",),
    "cardinality__max_levels": 50,
    "impute__max_gap": "10min",
    "encode__max_gap": "10min",
    "encode__inputs_only": ("seconds_since_track_start", "hour_sin", "hour_cos"),
    "encode__device": "auto",
    "encode__random_state": None,
    "encode__verbose": 0,
    "label__max_gap": "10min",
    "label__rule": "last",
    "label__stride": 1,
    "smote__k_neighbors": 5,
    "classify__n_estimators": 200,
}
PUBLISHED = {
    "smote__sampling_strategy": "auto",
    "missing__max_missing": 0.01,
    "correlation__threshold": 0.95,
    "encode__n_targets": 10,
    "encode__fit_share": 0.5,
    "encode__learning_rate": 1e-4,
    "encode__batch_size": 128,
    "encode__max_epochs": 50,
    "encode__fit_stride": 1,
    "encode__predict_stride": 1,
    "encode__passthrough": False,
}
PRESETS = {
    make_mro_detector: {
        **PUBLISHED,
        "align__drop": ("AOJE",),
        "impute__add_indicator": False,
        "variance": "passthrough",
        "encode__window": 100,
        "encode__d_model": 64,
        "encode__n_heads": 4,
        "encode__n_layers": 2,
        "encode__dim_feedforward": 128,
        "encode__dropout": 0.2,
        "encode__weight_decay": 0.0,
        "encode__patience": 5,
        "label__window": 100,
        "classify__max_depth": 20,
        "classify__min_samples_split": 2,
    },
    make_jwst_detector: {
        **PUBLISHED,
        "align__drop": (
            "RECEIVED_AT_TS",
            "LNA_AMPLIFIER",
            "UPLINK_CARRIER_BAND",
            "DOWNLINK_CARRIER_BAND",
        ),
        "impute__add_indicator": True,
        "variance__threshold": 0.0,
        "encode__window": 200,
        "encode__n_filters": 64,
        "encode__kernel_size": 7,
        "encode__hidden_size": 128,
        "encode__n_layers": 4,
        "encode__dropout": 0.5,
        "encode__classification_weight": 1.0,
        "encode__weight_decay": 1e-5,
        "encode__patience": 10,
        "label__window": 200,
        "classify__max_depth": 30,
        "classify__min_samples_split": 5,
    },
    make_dsn_detector: {
        "smote__sampling_strategy": 0.2,
        "missing__max_missing": 0.5,
        "cardinality__min_frequency": 0.001,
        "impute__add_indicator": False,
        "variance__threshold": 0.0,
        "correlation__threshold": 0.99,
        "encode__max_epochs": 30,
        "encode__passthrough": True,
        "label__window": 1,
    },
}


# Presets --------------------------------------------------------------------------


@pytest.mark.parametrize("make", PRESETS, ids=lambda make: make.__name__)
def test_presets_are_the_documented_ones(make):
    detector = make()
    assert isinstance(detector, Pipeline)
    params = detector.get_params()
    expected = {**COMMON, **PRESETS[make]}
    assert {name: params[name] for name in expected} == expected


@pytest.mark.parametrize("make", PRESETS, ids=lambda make: make.__name__)
def test_steps_are_named_as_documented(make):
    listed = make.__doc__.split("Steps ``")[1].split("``")[0]
    assert [name.strip() for name in listed.split(",")] == list(make().named_steps)


def test_the_published_detectors_scale_as_published():
    assert isinstance(make_mro_detector()["encode"].scaler, StandardScaler)
    assert isinstance(make_jwst_detector()["encode"].scaler, MinMaxScaler)


@pytest.mark.parametrize("make", [make_mro_detector, make_jwst_detector])
def test_options_reach_every_step_that_shares_them(make):
    params = make(
        window=33,
        max_epochs=7,
        fit_stride=4,
        predict_stride=5,
        max_gap=90,
        device="cpu",
        n_jobs=2,
        random_state=11,
        verbose=1,
    ).get_params()
    assert params["encode__window"] == params["label__window"] == 33
    assert params["encode__max_epochs"] == 7
    assert params["encode__fit_stride"] == params["label__stride"] == 4
    assert params["encode__predict_stride"] == 5
    assert {
        params[f"{s}__max_gap"] for s in ("align", "impute", "encode", "label")
    } == {90}
    assert params["encode__device"] == "cpu"
    assert params["classify__n_jobs"] == 2
    assert {params[f"{s}__random_state"] for s in ("encode", "smote", "classify")} == {
        11
    }
    assert params["encode__verbose"] == 1


def test_overrides_reach_any_parameter_and_replace_any_step():
    detector = make_dsn_detector(
        encode__hidden_size=5,
        smote="passthrough",
        classify=ExtraTreesClassifier(n_estimators=3),
        classify__max_depth=2,
    )
    assert detector["encode"].hidden_size == 5
    assert detector["smote"] == "passthrough"
    assert isinstance(detector["classify"], ExtraTreesClassifier)
    assert detector["classify"].max_depth == 2


def test_an_unknown_override_is_refused():
    with pytest.raises(ValueError, match="Invalid parameter 'hidden'"):
        make_dsn_detector(encode__hidden=5)


def test_recipes_share_no_objects():
    one, other = make_mro_detector(), make_mro_detector()
    one.set_params(encode__scaler__with_mean=False, align__max_gap=3)
    assert other["encode"].scaler.with_mean
    assert other["align"].max_gap == "10min"


def test_categorical_columns_are_those_of_text():
    assert categorical_columns(X) == ["lock", "band"]


# Behaviour ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fitted():
    return {name: tiny_detector(name).fit(X, Y) for name in ("mro", "jwst", "dsn")}


@every_recipe
def test_every_row_gets_a_score_and_a_flag(fitted, name):
    scores = fitted[name].predict_proba(X)
    assert scores.shape == (len(X), 2)
    assert np.isfinite(scores).all()
    assert set(fitted[name].predict(X)) == {0, 1}


@every_recipe
def test_clone_and_pickle_predict_the_same(fitted, name):
    detector = fitted[name]
    expected = detector.predict_proba(X)
    again = clone(detector).fit(X, Y)
    np.testing.assert_array_equal(again.predict_proba(X), expected)
    moved = pickle.loads(pickle.dumps(detector))
    np.testing.assert_array_equal(moved.predict_proba(X), expected)


@every_recipe
def test_tracks_are_scored_alike_alone_and_together(fitted, name):
    together = pd.Series(fitted[name].predict_proba(X)[:, 1], index=X.index)
    for track in ("pass-3", "pass-1"):
        alone = fitted[name].predict_proba(X.loc[[track]])[:, 1]
        np.testing.assert_allclose(alone, together.loc[[track]], atol=1e-9)


@every_recipe
def test_an_unseen_level_is_no_error(fitted, name):
    new = X.loc[["pass-0"]].assign(lock="LOST")
    assert np.isfinite(fitted[name].predict_proba(new)).all()


@every_recipe
def test_missing_values_at_predict_are_filled(fitted, name):
    new = X.loc[["pass-0"]].copy()
    new.iloc[:5] = None
    new.iloc[9, 5] = None
    assert np.isfinite(fitted[name].predict_proba(new)).all()


@every_recipe
def test_a_missing_column_is_named_and_an_extra_one_is_left_out(fitted, name):
    with pytest.raises(ValueError, match=r"seen in fit are missing: \['c2'\]"):
        fitted[name].predict(X.drop(columns="c2"))
    with pytest.warns(UserWarning, match="not there in fit"):
        scores = fitted[name].predict_proba(X.assign(extra=1.0))
    np.testing.assert_array_equal(scores, fitted[name].predict_proba(X))


@every_recipe
def test_one_class_alone_is_refused(name):
    with pytest.raises(ValueError, match="windows have the label 0; the second stage"):
        tiny_detector(name).fit(X, 0 * Y)


def test_what_the_steps_take_out_is_as_documented(fitted):
    names = {
        name: list(detector[:-4].get_feature_names_out())
        if name == "dsn"
        else list(detector["encode"].feature_names_in_)
        for name, detector in fitted.items()
    }
    for name in ("mro", "jwst"):
        assert "often" not in names[name]  # missing in 30 % of the rows
    assert any("often" in column for column in names["dsn"])
    assert "band_X" not in names["jwst"]  # constant
    assert "missing_c2" in names["jwst"]
    assert "missing_c2" not in names["mro"]
    features = fitted["mro"]["features"].get_feature_names_out()
    assert list(features) == [f"latent_{i}" for i in range(4)] + ["error"]
    features = fitted["jwst"]["features"].get_feature_names_out()
    assert list(features) == [f"latent_{i}" for i in range(4)]


@every_recipe
def test_columns_that_a_mission_repeats_are_dropped(name):
    column = "RECEIVED_AT_TS" if name == "jwst" else "AOJE"
    extended = X.assign(**{column: [str(i) for i in range(len(X))]})
    detector = tiny_detector(name)
    align = detector["align"].fit(extended)
    assert align.dropped_ == [column]


def test_unlabelled_rows_train_the_network_of_jwst_and_not_the_forest():
    unknown = Y.mask(X.index.get_level_values(0).isin(["pass-4", "pass-5"]), -1)
    detector = tiny_detector("jwst", fit_share=1).fit(X, unknown)
    kept = X.index[detector["label"].sample_indices_].get_level_values(0)
    assert set(kept) == {f"pass-{number}" for number in range(4)}
    assert detector["label"].n_undecided_ > 0
    assert detector.classes_.tolist() == [0, 1]
    labelled = unknown != -1
    without = tiny_detector("jwst", fit_share=1).fit(X[labelled], Y[labelled])

    def longest_pass(fitted):
        column = fitted["encode"].feature_names_in_ == "seconds_since_track_start"
        return fitted["encode"].scaler_.data_max_[column]

    assert longest_pass(detector) > longest_pass(without)
    assert set(detector.predict(X)) == {0, 1}


def test_training_labels_are_those_of_the_forest():
    detector = tiny_detector("mro", fit_stride=3, smote="passthrough").fit(X, Y)
    kept = detector["label"].sample_indices_
    encoded = detector[:-3].transform(X).iloc[kept]
    alone = clone(detector["classify"]).fit(encoded, Y.iloc[kept])
    features = detector[:-3].transform(X)
    np.testing.assert_allclose(
        detector.predict_proba(X), alone.predict_proba(features), atol=1e-6
    )


@every_recipe
@pytest.mark.parametrize("share", [0.3, 0.5, 0.8])
def test_the_forest_learns_from_tracks_that_the_network_has_not_seen(name, share):
    detector = tiny_detector(name, fit_share=share).fit(X, Y)
    seen = set(detector["encode"].learnt_tracks_)
    learnt = set(X.index[detector["label"].sample_indices_].get_level_values(0))
    assert len(seen) == round(6 * share)
    assert seen | learnt == set(X.index.unique(0))
    assert not seen & learnt
    assert detector["label"].n_held_back_ == X.index.isin(seen, level=0).sum()


@every_recipe
def test_with_a_share_of_one_both_learn_from_all_tracks(name):
    detector = tiny_detector(name, fit_share=1).fit(X, Y)
    learnt = X.index[detector["label"].sample_indices_].get_level_values(0)
    assert (
        set(learnt) == set(detector["encode"].learnt_tracks_) == set(X.index.unique(0))
    )
    assert detector["label"].n_held_back_ == 0


@every_recipe
def test_two_tracks_with_an_incident_are_enough_and_one_is_told(name):
    two = X.index.get_level_values(0).isin(["pass-0", "pass-2"])
    detector = tiny_detector(name, fit_share=0.5).fit(X[two], Y[two])
    assert np.isfinite(detector.predict_proba(X)).all()
    one = X.index.get_level_values(0) == "pass-2"
    message = "label 1 .anomalous. is left beside the 21 rows .* change its fit_share"
    with pytest.raises(ValueError, match=message):
        tiny_detector(name, fit_share=0.5).fit(X[one], Y[one])
    detector = tiny_detector(name, fit_share=1).fit(X[one], Y[one])
    assert set(detector.predict(X[one])) <= {0, 1}


# Selection ------------------------------------------------------------------------


def test_a_grid_is_searched_by_point_adjusted_f1_over_tracks():
    detector = tiny_detector("mro", fit_stride=2)
    grid = [{"encode__window": [width], "label__window": [width]} for width in (4, 8)]
    search = GridSearchCV(
        detector,
        grid,
        cv=StratifiedTrackKFold(2),
        scoring=point_adjusted_f1_scorer,
        error_score="raise",
    ).fit(X, Y)
    scores = search.cv_results_["mean_test_score"]
    assert ((scores >= 0) & (scores <= 1)).all()
    best = search.best_estimator_
    assert best["encode"].window == best["label"].window
    assert best["encode"].window == (4, 8)[int(np.argmax(scores))]
    assert len(search.predict(X)) == len(X)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
def test_cross_validation_and_a_report_take_a_recipe(fitted):
    scores = cross_val_score(
        tiny_detector("dsn"),
        X,
        Y,
        cv=StratifiedTrackKFold(2),
        scoring=point_adjusted_f1_scorer,
        error_score="raise",
    )
    assert scores.shape == (2,)
    assert ((scores >= 0) & (scores <= 1)).all()
    report = event_report(fitted["dsn"], X, Y)
    assert len(report) > 0


def test_overrides_reach_steps_and_the_pipeline_and_others_are_named():
    detector = make_dsn_detector(memory="cache", smote="passthrough")
    assert (detector.memory, detector["smote"]) == ("cache", "passthrough")
    with pytest.raises(TypeError, match="no parameter or step 'bogus'; its steps are"):
        make_dsn_detector(bogus=1)
    with pytest.raises(ValueError, match="a step that is replaced by 'passthrough'"):
        make_dsn_detector(encode="passthrough", encode__hidden_size=4)
