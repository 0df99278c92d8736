import numpy as np
import pytest
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import make_pipeline as make_sampling_pipeline
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import VarianceThreshold
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skdsn.detectors import TunedThresholdDetector
from skdsn.report import feature_importances, plot_importances, stage_output

FOREST = RandomForestClassifier(5, random_state=0)


@pytest.fixture
def telling(X, y):
    """One constant column, and one that tells everything."""
    return X.assign(channel_0=1.0, channel_3=y.astype(float))


@pytest.mark.parametrize("output", ["default", "pandas"])
def test_names_follow_the_columns_through_steps_and_samplers(telling, y, output):
    detector = make_sampling_pipeline(
        StandardScaler(), VarianceThreshold(), RandomOverSampler(random_state=0), FOREST
    ).set_output(transform=output)
    found = feature_importances(detector.fit(telling, y))
    assert found.index[0] == "channel_3"
    assert sorted(found.index) == ["channel_1", "channel_2", "channel_3"]
    importances = detector[-1].feature_importances_
    assert found.loc[["channel_1", "channel_2", "channel_3"]].tolist() == (
        importances.tolist()
    )
    assert found.is_monotonic_decreasing


@pytest.mark.filterwarnings("ignore:Only 2 of 3 tracks hold an anomaly")
def test_detectors_searches_and_pipelines_are_opened(telling, y):
    steps = make_pipeline(StandardScaler(), FOREST)
    known = feature_importances(steps.fit(telling, y))
    search = GridSearchCV(steps, {"randomforestclassifier__max_depth": [None]}, cv=2)
    for detector in (
        TunedThresholdDetector(steps, cv=2),
        search,
        make_pipeline("passthrough", steps),
        make_pipeline("passthrough", TunedThresholdDetector(FOREST, cv=2)),
    ):
        found = feature_importances(detector.fit(telling, y))
        assert sorted(found.index) == sorted(known.index)
        assert found.index[0] == known.index[0] == "channel_3"


def test_an_inner_pipeline_gets_the_names_of_the_outer_one(telling, y):
    # Arrays between the two carry no names.
    detector = make_pipeline(StandardScaler(), make_pipeline(StandardScaler(), FOREST))
    assert feature_importances(detector.fit(telling, y)).index[0] == "channel_3"
    detector = make_pipeline(StandardScaler(), PCA(2), FOREST).fit(telling, y)
    assert sorted(feature_importances(detector).index) == ["pca0", "pca1"]


def test_columns_without_names_are_counted(telling, y):
    nameless = make_pipeline(FunctionTransformer(np.asarray), FOREST).fit(telling, y)
    array = make_pipeline(StandardScaler(), FOREST).fit(telling.to_numpy(), y)
    for detector in (nameless, array):
        assert sorted(feature_importances(detector).index) == ["x0", "x1", "x2", "x3"]
        assert feature_importances(detector).index[0] == "x3"


def test_bars_are_the_highest_importances_the_first_on_top(telling, y, tmp_path):
    names = {"channel_3": r"$\nothing{$", "channel_1": "c" * 99}
    detector = FOREST.fit(telling.rename(columns=names), y)
    ax = plot_importances(detector, most=2)
    known = feature_importances(detector)
    assert [bar.get_width() for bar in ax.patches] == known.iloc[:2].tolist()
    assert ax.get_yticklabels()[0].get_text() == r"$\nothing{$"
    assert all(len(label.get_text()) <= 40 for label in ax.get_yticklabels())
    assert ax.yaxis_inverted()
    share = known.iloc[:2].sum()
    assert ax.get_title() == f"2 of 4 features, {100 * share:.0f} % of all importance"
    ax.figure.savefig(tmp_path / "figure.png")  # where formulas are read
    assert len(plot_importances(detector, ax=ax).patches) == 2 + 4


def test_what_has_no_importances_is_refused(telling, y):
    with pytest.raises(TypeError, match="LogisticRegression has no feature_importance"):
        plot_importances(make_pipeline(LogisticRegression()).fit(telling, y))
    with pytest.raises(ValueError, match="most must be at least 1; got 0"):
        plot_importances(FOREST.fit(telling, y), most=0)


@pytest.mark.filterwarnings("ignore:Only 2 of 3 tracks hold an anomaly")
def test_the_output_of_a_step_is_that_of_the_pipeline_up_to_it(telling, y):
    detector = make_sampling_pipeline(
        StandardScaler(), PCA(2), RandomOverSampler(random_state=0), FOREST
    ).set_output(transform="pandas")
    tuned = TunedThresholdDetector(detector, cv=2).fit(telling, y)
    steps = tuned.detector_
    expected = steps[:2].transform(telling)
    for step in ("pca", "randomoversampler"):
        output = stage_output(tuned, telling, step)
        np.testing.assert_array_equal(output, expected)
        assert output.index.equals(telling.index)
        assert list(output.columns) == ["pca0", "pca1"]
    scaled = stage_output(steps, telling, "standardscaler")
    np.testing.assert_array_equal(scaled, steps[:1].transform(telling))


def test_steps_that_are_not_there_or_transform_nothing_are_refused(telling, y):
    detector = make_pipeline(StandardScaler(), FOREST).fit(telling, y)
    with pytest.raises(ValueError, match=r"no step 'encode'; its steps are \['stand"):
        stage_output(detector, telling, "encode")
    with pytest.raises(ValueError, match="RandomForestClassifier, which transforms no"):
        stage_output(detector, telling, "randomforestclassifier")
    with pytest.raises(TypeError, match="RandomForestClassifier has no steps"):
        stage_output(detector[-1], telling, "encode")
