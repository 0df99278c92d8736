"""Receivers locked on another spacecraft of the same beam."""

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from link_rows import contact
from sklearn.base import clone, is_outlier_detector
from sklearn.utils.estimator_checks import check_param_validation

from skdsn.base import anomaly_flags, anomaly_scores
from skdsn.dsn_now._make_dsn_now import make_dsn_now
from skdsn.dsn_now._mislock import MislockDetector
from skdsn.dsn_now._telemetry import to_telemetry
from skdsn.streaming import StreamingDetector

CARRIERS = {"MRO": (8439.44e6, -118.0), "NSYT": (8404.13e6, -149.0)}
CARRIERS["MVN"] = (8446.23e6, -130.0)


def beam(seed=0, dish="DSS65", crafts=CARRIERS, doppler=0.0):
    """Spacecraft in the beam of one dish, each on its own carrier."""
    rng = np.random.default_rng(seed)
    parts = []
    for craft in crafts:
        frequency, power = CARRIERS[craft]
        rows = contact(f"{dish}/{craft}/0001", "2019-02-09", seed=seed)
        heard = rows["power_downsignal"].notna()
        shift = frequency * (1 + doppler / 299_792.458) + rng.normal(0, 500, len(rows))
        parts.append(
            rows.assign(
                frequency_downsignal=shift,
                power_downsignal=np.where(
                    heard, power + rng.normal(0, 0.3, len(rows)), np.nan
                ),
            )
        )
    return pd.concat(parts)


def mislock(X, rows, other):
    """Let some rows be heard on the carrier of another spacecraft."""
    X = X.copy()
    frequency, power = CARRIERS[other]
    X.iloc[rows, X.columns.get_loc("frequency_downsignal")] = frequency
    X.iloc[rows, X.columns.get_loc("power_downsignal")] = power
    return X


X = beam()
ROWS = slice(15, 22)  # of MRO, in lock


def test_a_lock_on_another_spacecraft_is_flagged():
    wrong = mislock(X, ROWS, "MVN")
    detector = MislockDetector().fit(X)
    expected = np.ones(len(X))
    expected[ROWS] = -1
    np.testing.assert_array_equal(detector.predict(X), 1)
    np.testing.assert_array_equal(detector.predict(wrong), expected)
    told = detector.explain(wrong)
    assert told.index.equals(X.index)
    assert set(told["nearest"].iloc[ROWS]) == {"MVN"}
    offset = CARRIERS["MVN"][0] - CARRIERS["MRO"][0]
    np.testing.assert_allclose(told["offset_hz"].iloc[ROWS], offset, atol=2e3)


def test_some_wrong_rows_in_training_do_not_matter():
    wrong = mislock(X, ROWS, "MVN")
    flags = MislockDetector().fit(wrong).predict(wrong)
    assert np.flatnonzero(flags == -1).tolist() == list(range(15, 22))


def test_labelled_rows_are_not_learnt_from():
    wrong = mislock(X, slice(0, 30), "MVN")
    y = np.arange(len(X)) < 25
    usual = MislockDetector().fit(wrong, y.astype(int)).carriers_
    assert usual.loc[("MRO", "X"), "n_rows"] == 3
    assert ("NSYT", "X") in usual.index


@settings(deadline=None, max_examples=25)
@given(velocity=st.floats(-30, 30), power=st.floats(-40, 40))
def test_doppler_that_all_share_and_power_flag_nothing(velocity, power):
    detector = MislockDetector().fit(X)
    moved = beam(doppler=velocity)
    moved["power_downsignal"] += power
    assert (detector.predict(moved) == 1).all()


@settings(deadline=None, max_examples=25)
@given(velocity=st.floats(-10, 10), other=st.sampled_from(["MVN", "NSYT"]))
def test_a_wrong_lock_is_found_whatever_the_doppler(velocity, other):
    moved = mislock(beam(doppler=velocity), ROWS, other)
    factor = 1 + velocity / 299_792.458
    column = moved.columns.get_loc("frequency_downsignal")
    moved.iloc[ROWS, column] = CARRIERS[other][0] * factor
    flags = MislockDetector().fit(X).predict(moved)
    assert np.flatnonzero(flags == -1).tolist() == list(range(15, 22))


def test_only_the_beam_is_compared():
    detector = MislockDetector().fit(X)
    elsewhere = mislock(beam(crafts=["MRO"]), ROWS, "MVN")
    assert (detector.score_samples(elsewhere) == 1).all()
    elsewhere = pd.concat([elsewhere, beam(dish="DSS63", crafts=["MVN"])])
    assert (detector.predict(elsewhere) == 1).all()


def test_without_a_carrier_nothing_is_flagged():
    wrong = mislock(X, slice(0, 30), "MVN")
    flags = MislockDetector().fit(X).predict(wrong)
    heard = X["signalType_downsignal"].ne("none").to_numpy()
    np.testing.assert_array_equal(flags == -1, heard & (np.arange(len(X)) < 30))
    # The debug string is not needed.
    plain = wrong.drop(columns="signalTypeDebug_downsignal")
    again = MislockDetector().fit(X.drop(columns="signalTypeDebug_downsignal"))
    np.testing.assert_array_equal(again.predict(plain), flags)


def test_a_target_that_is_not_heard_is_in_the_beam():
    silent = X.copy()
    rows = slice(60, 90)  # of MVN
    for name in [name for name in X.columns if name.endswith("_downsignal")]:
        silent.iloc[rows, X.columns.get_loc(name)] = None
    flags = MislockDetector().fit(X).predict(mislock(silent, ROWS, "MVN"))
    assert np.flatnonzero(flags == -1).tolist() == list(range(15, 22))


def test_power_decides_between_near_carriers():
    near = X.copy()
    of_mvn = near.index.get_level_values(0) == "DSS65/MVN/0001"
    near.loc[of_mvn, "frequency_downsignal"] = CARRIERS["MRO"][0] + 1e3
    loud = near.copy()
    loud.iloc[ROWS, near.columns.get_loc("power_downsignal")] = CARRIERS["MVN"][1]
    flags = MislockDetector().fit(near).predict(loud)
    assert np.flatnonzero(flags == -1).tolist() == list(range(15, 22))
    alone = MislockDetector(power_weight=0.0).fit(near)
    assert (alone.predict(loud) == 1).all()


def test_it_is_an_outlier_detector_of_the_house():
    detector = MislockDetector().fit(X)
    wrong = mislock(X, ROWS, "NSYT")
    assert is_outlier_detector(detector)
    np.testing.assert_array_equal(
        anomaly_scores(detector, wrong), -detector.score_samples(wrong)
    )
    np.testing.assert_array_equal(
        detector.decision_function(wrong) < 0, anomaly_flags(detector, wrong) == 1
    )
    copy = pickle.loads(pickle.dumps(clone(detector).fit(X)))
    np.testing.assert_array_equal(copy.predict(wrong), detector.predict(wrong))
    check_param_validation("MislockDetector", MislockDetector())


def test_snapshots_can_be_streamed():
    detector = MislockDetector().fit(X)
    wrong = mislock(X, ROWS, "NSYT")
    stream, times = StreamingDetector(detector), wrong.index.get_level_values(1)
    parts = [stream.update(wrong[times == time]) for time in times.unique()]
    told = pd.concat(parts).loc[wrong.index]
    np.testing.assert_array_equal(told["score"], anomaly_scores(detector, wrong))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (X.to_numpy(dtype=object), "takes a frame"),
        (X.drop(columns="DSS"), "no column 'DSS'"),
        (X.assign(frequency_downsignal=np.nan), "None of the 90 rows"),
        (X.iloc[::-1], "comes after a later one"),
    ],
    ids=["array", "no dish", "no frequency", "reversed"],
)
def test_what_cannot_be_learnt_from_is_refused(rows, message):
    with pytest.raises((TypeError, ValueError), match=message):
        MislockDetector().fit(rows)
    with pytest.raises(ValueError, match="feature names"):
        MislockDetector().fit(X).predict(X.drop(columns="rtlt"))


def test_planted_locks_on_another_spacecraft_are_found():
    feed = make_dsn_now(1.5, interval=60.0, random_state=0)
    rows = to_telemetry(feed)
    told = MislockDetector().fit(rows).explain(rows)
    wrong = feed.events[feed.events["kind"] == "wrong_spacecraft"]
    assert len(wrong) >= 3
    truth = np.zeros(len(rows), dtype=bool)
    times = rows.index.get_level_values(1)
    for event in wrong.itertuples():
        name = f"{event.dish}/{event.spacecraft}"
        name += f"#{event.seq}/" if event.seq else "/"
        its = rows.index.get_level_values(0).str.startswith(name)
        its &= (times >= event.start) & (times <= event.end)
        assert (told["nearest"][its] == event.heard).all()
        truth |= its
    flags = (told["margin"] > 0.2).to_numpy()
    assert flags[truth].mean() > 0.95
    assert flags[~truth].mean() < 0.001
