"""Search the parameters of a whole detector."""

import subprocess
import sys

import numpy as np
import optuna
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from skdsn.detectors import TunedThresholdDetector, make_dsn_detector
from skdsn.metrics import average_precision_scorer
from skdsn.model_selection import StratifiedTrackKFold, search_space, tune
from skdsn.tracks import stack_tracks

TREE = DecisionTreeClassifier(random_state=0)
DEPTHS = {"max_depth": [1, 3, 9]}


@pytest.fixture(autouse=True)
def quiet():
    optuna.logging.set_verbosity(optuna.logging.WARNING)


def telemetry(n_tracks=6, seed=0):
    rng = np.random.default_rng(seed)
    names = "ABCDEFGHIJ"[:n_tracks]
    X = stack_tracks({name: rng.normal(size=(50, 2)) for name in names})
    y = np.tile(np.arange(50) // 10 == 3, n_tracks).astype(int)
    X[y == 1] += 2
    return X, y


# The space ------------------------------------------------------------------------


def test_the_space_is_that_of_the_published_systems():
    space = search_space(make_dsn_detector())
    forest = {k[10:]: v for k, v in space.items() if k.startswith("classify__")}
    assert forest["n_estimators"] == optuna.distributions.IntDistribution(
        100, 400, step=50
    )
    assert (forest["max_depth"].low, forest["max_depth"].high) == (10, 30)
    assert (forest["min_samples_leaf"].low, forest["min_samples_leaf"].high) == (1, 20)
    assert space["encode__hidden_size"].choices == (32, 64, 128)
    assert space["encode__learning_rate"].log
    assert len(space) == 9


def test_the_space_of_what_is_inside_is_found():
    inner, outer = make_dsn_detector(), TunedThresholdDetector(make_dsn_detector())
    assert {f"detector__{name}" for name in search_space(inner)} == set(
        search_space(outer)
    )
    assert search_space(LogisticRegression()) == {}


# The search -----------------------------------------------------------------------


def test_the_best_parameters_are_found_and_fitted():
    X, y = telemetry()
    found = tune(TREE, X, y, space=DEPTHS, n_trials=6, cv=2, random_state=0)
    scores = found.trials.dropna(subset="value").groupby("params_max_depth")["value"]
    assert found.params["max_depth"] == scores.mean().idxmax()
    assert found.score == scores.max().max()
    assert found.detector.get_params()["max_depth"] == found.params["max_depth"]
    assert found.detector.score(X, y) > 0.5
    assert not hasattr(TREE, "tree_")


def test_the_score_is_that_of_held_out_tracks():
    X, y = telemetry()
    found = tune(TREE, X, y, space={"max_depth": [3]}, n_trials=1, cv=3)
    model = DecisionTreeClassifier(max_depth=3, random_state=0)
    scores = []
    for train, test in StratifiedTrackKFold(3).split(X, y):
        fitted = model.fit(X.iloc[train], y[train])
        scores.append(average_precision_scorer(fitted, X.iloc[test], y[test]))
    assert found.score == pytest.approx(np.mean(scores))


def test_the_detector_as_it_is_comes_first():
    X, y = telemetry()
    tree = DecisionTreeClassifier(max_depth=9, random_state=0)
    space = DEPTHS | {"min_samples_leaf": optuna.distributions.IntDistribution(1, 5)}
    trials = tune(tree, X, y, space=space, n_trials=3, cv=2).trials
    first = trials.iloc[0]
    assert (first["params_max_depth"], first["params_min_samples_leaf"]) == (9, 1)


def test_the_seed_alone_decides():
    X, y = telemetry()
    space = {"min_samples_leaf": optuna.distributions.IntDistribution(1, 40)}
    options = {"space": space, "n_trials": 6, "cv": 2}
    drawn = [
        tune(TREE, X, y, random_state=seed, **options).trials["params_min_samples_leaf"]
        for seed in (0, 0, 1)
    ]
    assert drawn[0].tolist() == drawn[1].tolist() != drawn[2].tolist()


def test_a_hopeless_trial_is_given_up():
    class Fading(ClassifierMixin, BaseEstimator):
        fits = 0

        def __init__(self, noise=0.0):
            self.noise = noise

        def fit(self, X, y):
            Fading.fits += 1
            self.classes_ = np.array([0, 1])
            return self

        def predict_proba(self, X):
            rng = np.random.default_rng(0)
            score = X.sum(axis=1) + self.noise * rng.normal(size=len(X))
            score = 1 / (1 + np.exp(-score))
            return np.column_stack([1 - score, score])

        def predict(self, X):
            return (self.predict_proba(X)[:, 1] > 0.5).astype(int)

    X, y = telemetry()
    space = {"noise": [0.0, 100.0]}
    found = tune(Fading(), X, y, space=space, n_trials=20, cv=3, random_state=0)
    states = found.trials.groupby("params_noise")["state"].unique()
    assert set(states[0.0]) == {"COMPLETE"}
    assert "PRUNED" in states[100.0]
    assert Fading.fits < 20 * 3
    assert found.params == {"noise": 0.0}


# The study ------------------------------------------------------------------------


def test_a_study_goes_on_where_it_stopped(tmp_path):
    X, y = telemetry()
    space = {"random_state": optuna.distributions.IntDistribution(1, 10**6)}
    options = {"space": space, "cv": 2, "storage": tmp_path / "study.db"}
    first = tune(TREE, X, y, n_trials=3, random_state=0, **options)
    second = tune(TREE, X, y, n_trials=7, random_state=0, **options)
    assert (len(first.trials), len(second.trials)) == (3, 7)
    assert second.trials["params_random_state"].nunique() == 7
    again = tune(TREE, X, y, n_trials=7, **options)
    assert len(again.trials) == 7
    assert again.params == second.params


def test_two_processes_work_on_one_study(tmp_path):
    code = (
        "import sys, numpy as np, optuna\n"
        "from sklearn.tree import DecisionTreeClassifier\n"
        "from skdsn.model_selection import tune\n"
        "from skdsn.tracks import stack_tracks\n"
        "rng = np.random.default_rng(0)\n"
        "X = stack_tracks({name: rng.normal(size=(50, 2)) for name in 'ABCDEF'})\n"
        "y = np.tile(np.arange(50) // 10 == 3, 6).astype(int)\n"
        "space = {'min_samples_leaf': optuna.distributions.IntDistribution(1, 40)}\n"
        "tune(DecisionTreeClassifier(random_state=0), X, y, space=space, cv=2,\n"
        "     n_trials=12, storage=sys.argv[1], random_state=int(sys.argv[2]))\n"
    )
    path = tmp_path / "study.db"
    workers = [
        subprocess.Popen([sys.executable, "-c", code, path, str(seed)])
        for seed in range(2)
    ]
    assert [worker.wait(timeout=120) for worker in workers] == [0, 0]
    study = optuna.load_study(study_name="skdsn", storage=f"sqlite:///{path}")
    # Each may have begun its last trial before it saw that of the other.
    assert 12 <= len(study.trials) <= 13
    assert all(trial.state.is_finished() for trial in study.trials)


def test_a_study_of_something_else_is_not_continued(tmp_path):
    X, y = telemetry()
    options = {"n_trials": 1, "cv": 2, "storage": tmp_path / "study.db"}
    tune(TREE, X, y, space=DEPTHS, **options)
    with pytest.raises(ValueError, match="searched with another space"):
        tune(TREE, X, y, space={"max_depth": [2]}, **options)
    with pytest.raises(ValueError, match="another scoring: average_precision instead"):
        tune(TREE, X, y, space=DEPTHS, scoring="roc_auc", **options)
    tune(TREE, X, y, space={"max_depth": [2]}, study_name="other", **options)


# Mistakes -------------------------------------------------------------------------


def test_a_search_in_which_every_trial_fails_says_so():
    X, y = telemetry()
    with pytest.raises(ValueError, match=r"(?s)None of the 3 trials .* 'max_depth'"):
        tune(TREE, X, y, space={"max_depth": [-1, -2]}, n_trials=3, cv=2)


def test_a_trial_that_fails_is_no_end():
    X, y = telemetry()
    found = tune(TREE, X, y, space={"max_depth": [-1, 3]}, n_trials=8, cv=2)
    assert found.params == {"max_depth": 3}
    assert set(found.trials["state"]) >= {"COMPLETE", "FAIL"}


def test_an_interrupted_trial_does_not_seem_to_run(tmp_path):
    class Stopped(DecisionTreeClassifier):
        def fit(self, X, y):
            raise KeyboardInterrupt

    X, y = telemetry()
    options = {"space": DEPTHS, "n_trials": 2, "cv": 2, "storage": tmp_path / "s.db"}
    with pytest.raises(KeyboardInterrupt):
        tune(Stopped(), X, y, **options)
    study = optuna.load_study(
        study_name="skdsn", storage=f"sqlite:///{tmp_path / 's.db'}"
    )
    assert [trial.state.name for trial in study.trials] == ["FAIL"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"space": {}}, "nothing to search in DecisionTreeClassifier"),
        ({"space": {"maxdepth": [1]}}, "did you mean 'max_depth'"),
        ({"space": {"max_depth": 3}}, "must be an optuna distribution or a list"),
        ({"n_trials": 0}, "n_trials must be an integer of at least 1"),
    ],
)
def test_mistakes_are_told(options, message):
    X, y = telemetry()
    with pytest.raises(ValueError, match=message):
        tune(TREE, X, y, **({"space": DEPTHS, "cv": 2} | options))


def test_a_study_is_of_one_detector_and_one_choice_of_rows(tmp_path):
    X, y = telemetry()
    options = {"space": {"max_depth": [1, 2]}, "n_trials": 1, "cv": 2}
    options["storage"] = tmp_path / "study.db"
    tree = DecisionTreeClassifier(random_state=0)
    tune(tree, X, y, **options)
    tune(DecisionTreeClassifier(max_depth=2, random_state=0), X, y, **options)
    with pytest.raises(ValueError, match="searched with another detector"):
        tune(DecisionTreeClassifier(min_samples_leaf=3), X, y, **options)
    with pytest.raises(ValueError, match="another choice of rows or labels"):
        tune(tree, X, 1 - y, **options)


def test_the_best_detector_need_not_be_fitted_and_trials_can_be_followed():
    X, y = telemetry()
    seen = []
    found = tune(
        DecisionTreeClassifier(random_state=0),
        X,
        y,
        space={"max_depth": [1, 2]},
        n_trials=2,
        cv=2,
        refit=False,
        callback=lambda study, trial: seen.append((trial.number, trial.state.name)),
    )
    assert [number for number, _ in seen] == [0, 1]
    assert {name for _, name in seen} <= {"COMPLETE", "PRUNED"}
    assert not hasattr(found.detector, "tree_")
    assert found.detector.max_depth == found.params["max_depth"]
