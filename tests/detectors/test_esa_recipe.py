"""The ESA detector as a whole."""

import pickle

import numpy as np
import pandas as pd
import pytest

from skdsn.base import anomaly_flags, anomaly_scores
from skdsn.detectors import make_esa_detector
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


def test_an_unknown_encoder_is_refused():
    with pytest.raises(ValueError, match="'windowed' or 'one-pass'; got 'lstm'"):
        make_esa_detector(encoder="lstm")
