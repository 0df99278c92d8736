import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import make_pipeline as make_sampling_pipeline
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdsn.base import anomaly_flags, anomaly_scores
from skdsn.detectors import TunedThresholdDetector
from skdsn.preprocessing import CausalImputer
from skdsn.report import event_table, score_table
from skdsn.streaming import StreamingDetector


def detectors():
    return [
        IsolationForest(contamination=0.1, random_state=0),
        make_pipeline(CausalImputer(), StandardScaler(), LogisticRegression()),
        make_sampling_pipeline(
            StandardScaler(), RandomOverSampler(random_state=0), LogisticRegression()
        ),
        TunedThresholdDetector(make_pipeline(StandardScaler(), LogisticRegression())),
    ]


@pytest.mark.filterwarnings("ignore:Only 2 of 3 tracks hold an anomaly")
@pytest.mark.parametrize("detector", detectors(), ids=lambda d: type(d).__name__)
def test_score_table_is_what_the_detector_says_and_what_a_stream_says(detector, X, y):
    detector.fit(X, y)
    table = score_table(detector, X)
    assert table.index.equals(X.index)
    np.testing.assert_array_equal(table["score"], anomaly_scores(detector, X))
    np.testing.assert_array_equal(table["anomaly"], anomaly_flags(detector, X))
    pd.testing.assert_frame_equal(table, StreamingDetector(detector).update(X))


def test_score_table_of_an_array_counts_rows(X, y):
    values = X.to_numpy()
    table = score_table(LogisticRegression().fit(values, y), values.tolist())
    assert table.index.equals(pd.RangeIndex(len(X)))


def table_of(flags, scores, index):
    return pd.DataFrame({"score": scores, "anomaly": flags}, index=index)


def test_alarms_end_at_track_borders_and_tell_closed_times_and_peaks(X, y):
    flags = np.zeros(len(X), dtype=int)
    flags[[5, 6, 21, 22, 23, 50]] = 1  # the second pass begins at row 23
    scores = np.linspace(0, 1, len(X))
    alarms = event_table(table_of(flags, scores, X.index), y)
    assert alarms["track"].tolist() == ["pass-0", "pass-0", "pass-1", "pass-2"]
    assert alarms["n_rows"].tolist() == [2, 2, 1, 1]
    times = X.index.get_level_values(1)
    assert alarms["start"].tolist() == times[[5, 21, 23, 50]].tolist()
    assert alarms["end"].tolist() == times[[6, 22, 23, 50]].tolist()
    np.testing.assert_array_equal(alarms["peak_score"], scores[[6, 22, 23, 50]])
    assert alarms["true_alarm"].tolist() == [True, False, False, False]


def test_without_labels_and_without_alarms_the_table_is_empty_but_typed(X):
    alarms = event_table(table_of(0, 0.5, X.index))
    assert list(alarms.columns) == ["track", "start", "end", "n_rows", "peak_score"]
    assert len(alarms) == 0
    assert alarms["peak_score"].dtype == np.float64


def test_tables_refuse_what_is_no_table_of_scores(X, y):
    with pytest.raises(TypeError, match="as score_table returns it; got ndarray"):
        event_table(np.zeros(3))
    with pytest.raises(ValueError, match="no column 'anomaly'"):
        event_table(pd.DataFrame({"score": [0.1]}))
    with pytest.raises(ValueError, match="different indexes"):
        event_table(table_of(0, 0.5, X.index), y.iloc[::-1])
