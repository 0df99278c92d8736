"""The ESA detector as a whole."""

import pickle

import numpy as np
import pandas as pd
import pytest

from skdsn.base import anomaly_flags, anomaly_scores
from skdsn.detectors import ScoreSmoother, make_esa_detector
from skdsn.encoders import GRUAttentionEncoder
from skdsn.metrics import find_events
from skdsn.streaming import StreamingDetector

ROWS = 20_000
FAULTS = [(11_000, 60), (12_500, 40), (15_300, 80), (17_200, 50), (18_800, 30)]
TEST = 14_000


def spacecraft(seed=0):
    """Twelve columns over one track: ten channels, a command, a constant."""
    rng = np.random.default_rng(seed)
    t = np.arange(ROWS)
    orbit = 2 * np.pi * t / 190
    X = {
        f"channel_{i}": np.sin(orbit * (1 + i % 3) + i) + 0.05 * rng.normal(size=ROWS)
        for i in range(10)
    }
    X["command"] = (t % 400 == 0).astype(float)
    X["constant"] = 0.3
    X = pd.DataFrame(X, index=pd.date_range("2000-01-01", periods=ROWS, freq="30s"))
    y = pd.Series(0, index=X.index)
    for i, (first, length) in enumerate(FAULTS):
        X.iloc[first : first + length, [i, i + 1]] += 2.5
        y.iloc[first : first + length] = 1
    return X.rename_axis("time"), y


def small(**options):
    options = {"max_epochs": 10, "random_state": 0, "fit_stride": 2} | options
    sizes = {"encode__hidden_size": 16, "classify__classifier__n_estimators": 30}
    if options.get("encoder") != "one-pass":
        sizes["encode__latent_size"] = 6
    return make_esa_detector(**{**sizes, **options})


@pytest.fixture(scope="module", params=["windowed", "one-pass"])
def fitted(request):
    X, y = spacecraft()
    epochs = {"windowed": 10, "one-pass": 30}[request.param]
    detector = small(encoder=request.param, max_epochs=epochs)
    return detector.fit(X.iloc[:TEST], y.iloc[:TEST])


def test_faults_are_found_and_hardly_anything_else(fitted):
    X, y = spacecraft()
    X, y = X.iloc[TEST:], y.iloc[TEST:]
    flags = pd.Series(anomaly_flags(fitted, X), X.index)
    assert all(flags[a - TEST : a - TEST + n].any() for a, n in FAULTS[2:])
    # A fault stays in the memory of the encoder for some rows.
    recent = y.rolling(13, min_periods=1).max()
    false = [
        not recent.iloc[event.start : event.stop].any()
        for event in find_events(flags).itertuples()
    ]
    windowed = isinstance(fitted["encode"], GRUAttentionEncoder)
    assert sum(false) < (2 if windowed else 8)


def test_columns_are_matched_by_name(fitted):
    X, _ = spacecraft()
    X = X.iloc[TEST : TEST + 500]
    given = anomaly_scores(fitted, X[X.columns[::-1]])
    np.testing.assert_array_equal(given, anomaly_scores(fitted, X))
    with pytest.raises(ValueError, match=r"seen in fit are missing: \['channel_3'\]"):
        fitted.predict(X.drop(columns="channel_3"))
    with pytest.warns(UserWarning, match=r"leaves out columns .*'other'"):
        fitted.predict(X.assign(other=1.0))


def test_columns_are_matched_by_name_behind_a_smoother_too():
    X, y = spacecraft()
    detector = ScoreSmoother(small(max_epochs=1), halflife="90s")
    detector.fit(X.iloc[10_000:13_000], y.iloc[10_000:13_000])
    later = X.iloc[13_000:13_200]
    given = anomaly_scores(detector, later[later.columns[::-1]])
    np.testing.assert_array_equal(given, anomaly_scores(detector, later))
    with pytest.warns(UserWarning, match="leaves out columns"):
        detector.predict(later.assign(other=1.0))


def test_missing_values_are_held_and_text_is_encoded():
    X, y = spacecraft()
    X["mode"] = np.where(np.arange(ROWS) % 380 < 190, "SUN", "ECLIPSE")
    X.iloc[10_300:10_330, :4] = np.nan
    detector = small(max_epochs=1).fit(X.iloc[10_000:13_000], y.iloc[10_000:13_000])
    assert detector["encode"].targets_ == [f"channel_{i}" for i in range(10)]
    gap = X.iloc[13_000:13_100].copy()
    gap.iloc[20:50] = np.nan
    scores = anomaly_scores(detector, gap.assign(mode=X["mode"]))
    assert np.isfinite(scores).all()


def test_commands_are_read_but_not_rebuilt():
    X, y = spacecraft()
    detector = small(max_epochs=1, commands=["channel_0", "channel_9"])
    detector.fit(X.iloc[10_000:13_000], y.iloc[10_000:13_000])
    assert detector["encode"].targets_ == [f"channel_{i}" for i in range(1, 9)]


def test_without_labels_the_gate_decides():
    X, _ = spacecraft()
    detector = small(quantile=0.999).fit(X.iloc[:10_000])
    flags = anomaly_flags(detector, X.iloc[TEST:])
    assert all(flags[a - TEST : a - TEST + n].any() for a, n in FAULTS[2:])
    assert flags.mean() < 0.1


@pytest.mark.parametrize("labelled", [False, True], ids=["rare only", "anomalies too"])
def test_rare_events_that_are_known_do_not_hide_faults_elsewhere(labelled):
    X, _ = spacecraft()
    X, y = X.iloc[:9000].copy(), pd.Series(0, index=X.index[:9000])
    for first in (3500, 4300, 5100, 5700, 8000):  # the same manoeuvre, the last one new
        X.iloc[first : first + 40, 0] += 3.0
        y.iloc[first : first + 40] = 2
    if labelled:
        for first in (3900, 5300):
            X.iloc[first : first + 40, 1] += 2.5
            y.iloc[first : first + 40] = 1
    faults = [(7000 + 200 * i, i) for i in range(4)]
    for first, channel in faults:
        X.iloc[first : first + 40, channel] += 8.0
    detector = small(quantile=0.999).fit(X.iloc[:6000], y.iloc[:6000])
    flags = anomaly_flags(detector, X)
    for first, _ in faults:
        assert flags[first : first + 40].mean() > 0.5
    assert flags[8010:8040].mean() < 0.2


def test_events_shorter_than_the_stride_are_learnt():
    X, _ = spacecraft()
    X = X.iloc[:4000]
    y = pd.Series(0, index=X.index)
    y.iloc[np.arange(301, 4000, 371)] = 1
    detector = small(max_epochs=1, fit_stride=5)
    detector.fit(X, y)
    kept = detector["label"].sample_indices_
    assert set(np.flatnonzero(y == 1)) <= set(kept)


def test_rows_of_a_gap_are_not_learnt():
    X, _ = spacecraft()
    X = X.iloc[:3000].copy()
    y = pd.Series(0, index=X.index)
    y.iloc[800:900] = -1
    known = small(max_epochs=1).fit(X, y)
    X.iloc[800:900] = 77.0
    junk = small(max_epochs=1).fit(X, y)
    np.testing.assert_array_equal(
        known["encode"].scaler_.scale_, junk["encode"].scaler_.scale_
    )
    later = spacecraft()[0].iloc[5000:5200]
    np.testing.assert_array_equal(
        anomaly_scores(known, later), anomaly_scores(junk, later)
    )


def test_probabilities_are_those_of_all_rows_though_some_are_withheld():
    rng = np.random.default_rng(0)
    X, _ = spacecraft()
    X, y = X.iloc[:12_000].copy(), pd.Series(0, index=X.index[:12_000])
    for first in rng.choice(np.arange(50, 11_900, 60), 60, replace=False):
        X.iloc[first : first + 10, rng.integers(10)] += 0.8  # often hard to see
        y.iloc[first : first + 10] = 1
    given = anomaly_scores(small().fit(X, y), X).mean()
    assert given == pytest.approx(y.mean(), rel=0.3)


def test_a_stream_is_the_batch_also_after_a_pickle(fitted):
    X, _ = spacecraft()
    X = X.iloc[TEST + 1250 : TEST + 1450]
    stream = pickle.loads(pickle.dumps(StreamingDetector(fitted)))
    parts = [stream.update(X.iloc[a : a + 37]) for a in range(0, len(X), 37)]
    np.testing.assert_allclose(
        pd.concat(parts)["score"], anomaly_scores(fitted, X), rtol=1e-9
    )


def test_the_same_seed_gives_the_same_scores():
    X, y = spacecraft()
    X, y = X.iloc[10_000:12_000], y.iloc[10_000:12_000]
    first, second = (anomaly_scores(small().fit(X, y), X) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_a_single_command_is_no_list():
    with pytest.raises(TypeError, match=r"got 'volt', so give \['volt'\]"):
        make_esa_detector(commands="volt")


def test_an_unknown_encoder_is_refused():
    with pytest.raises(ValueError, match="'windowed' or 'one-pass'; got 'lstm'"):
        make_esa_detector(encoder="lstm")
