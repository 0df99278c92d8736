"""The recipes without labels at the edges: odd channels, odd rows, odd chunks."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline

from skdsn.base import anomaly_flags, anomaly_scores
from skdsn.detectors import (
    make_channel_detector,
    make_housekeeping_detector,
    make_telemanom_detector,
)
from skdsn.forecasters import RidgeForecaster
from skdsn.preprocessing import CausalImputer
from skdsn.streaming import StreamingDetector

BATCH, WARM_UP = 70, 525


def channel(n_rows, seed=0):
    """Make a wave with noise, a command that comes and one that never does."""
    rows = np.arange(n_rows)
    noise = np.random.default_rng(seed).normal(size=n_rows)
    columns = {
        "value": np.sin(rows / 20) + 0.05 * noise,
        "command_0": (rows % 50 == 0).astype(float),
        "command_1": 0.0,
    }
    return pd.DataFrame(columns, index=pd.RangeIndex(n_rows, name="time"))


def with_value(X, value, first=0, last=None):
    """Put a value into rows, the last one included."""
    X = X.copy()
    X.loc[first:last, "value"] = value
    return X


def by_distance(**overrides):
    return make_channel_detector(channels=["value"], **overrides)


def by_forecast(**overrides):
    ridge = RidgeForecaster(targets=["value"], passthrough=True)
    return make_telemanom_detector(target="value", forecast=ridge, **overrides)


def flagged(detector, X):
    """Rows that are flagged, once all scores are known to be finite."""
    assert np.isfinite(anomaly_scores(detector, X)).all()
    return np.flatnonzero(anomaly_flags(detector, X))


def assert_found(rows, first, last):
    """Check for one alarm that begins in the batch of the event's first row."""
    assert len(rows)
    assert (np.diff(rows) == 1).all()
    assert first // BATCH * BATCH <= rows[0] <= first + 50
    assert last - 50 <= rows[-1] <= last + 300


def chunks(X, cuts):
    return [X.iloc[i:j] for i, j in zip([0, *cuts], [*cuts, len(X)], strict=True)]


TRAIN, TEST = channel(2000), channel(1500, seed=1)
EVENT = with_value(TEST, 5.0, 1000, 1050)
both = pytest.mark.parametrize("make", [by_distance, by_forecast])


@both
def test_an_event_alarms_and_nominal_rows_do_not(make):
    detector = make().fit(TRAIN)
    assert len(flagged(detector, TEST)) == 0
    assert_found(flagged(detector, EVENT), 1000, 1050)


@both
def test_a_channel_that_never_moves_does_not_alarm(make):
    still = with_value(TRAIN, 0.5)
    assert len(flagged(make().fit(still), with_value(TEST, 0.5))) == 0


@both
def test_a_channel_that_moves_for_the_first_time_alarms(make):
    detector = make().fit(with_value(TRAIN, 0.5))
    X = with_value(with_value(TEST, 0.5), 0.501, 1000, 1050)
    assert_found(flagged(detector, X), 1000, 1050)


@both
@pytest.mark.parametrize("value", [1e6, -1e9])
@pytest.mark.parametrize("last", [1000, 1050])
def test_values_far_outside_the_training_range_alarm(make, value, last):
    X = with_value(TEST, value, 1000, last)
    assert_found(flagged(make().fit(TRAIN), X), 1000, last)


def test_a_distance_knows_no_value_that_is_too_far_and_a_forecast_refuses_it():
    X = with_value(TEST, 1e300, 1000, 1050)
    assert_found(flagged(by_distance().fit(TRAIN), X), 1000, 1050)
    with pytest.raises(ValueError, match=r"'value' holds 1e\+300 in row 1000, too far"):
        by_forecast().fit(TRAIN).predict(X)


def test_a_gap_is_not_judged_and_hides_no_event():
    detector = by_distance().fit(with_value(TRAIN, np.nan, 300, 340))
    holes = with_value(TEST, np.nan, 600, 650)
    assert len(flagged(detector, holes)) == 0
    assert_found(flagged(detector, with_value(EVENT, np.nan, 600, 650)), 1000, 1050)
    filled = make_pipeline(CausalImputer(), by_distance()).fit(TRAIN)
    assert len(flagged(filled, with_value(TEST, np.nan, 600, 700)))  # as if frozen


@pytest.mark.parametrize("make", [by_forecast])
def test_missing_values_are_refused_by_row_and_with_the_remedy(make):
    holes = with_value(TEST, np.nan, 600, 650)
    message = "column 'value', row 600 .* put CausalImputer before"
    with pytest.raises(ValueError, match=message):
        make().fit(holes)
    with pytest.raises(ValueError, match=message):
        make().fit(TRAIN).predict(holes)


@both
def test_behind_an_imputer_missing_values_run_and_stream(make):
    detector = make_pipeline(CausalImputer(), make())
    detector.fit(with_value(TRAIN, np.nan, 500, 600))
    X = with_value(EVENT, np.nan, 600, 650)
    rows = flagged(detector, X)
    assert_found(rows[rows > 900], 1000, 1050)
    stream = StreamingDetector(detector)
    parts = [stream.update(part) for part in chunks(X, range(BATCH, 1500, BATCH))]
    assert pd.concat(parts)["anomaly"].to_numpy().nonzero()[0].tolist() == rows.tolist()


@both
def test_a_short_channel_is_learnt_and_alarms(make):
    detector = make().fit(TRAIN[:300])
    assert len(flagged(detector, TEST[:300])) == 0
    assert flagged(detector, with_value(TEST[:300], 50.0, 200, 230))[0] >= 200
    assert_found(flagged(detector, with_value(TEST[:900], 5.0, 700, 730)), 700, 730)


@pytest.mark.parametrize("n_rows", [5, 19, 39])
def test_a_channel_of_less_than_two_subsequences_is_refused(n_rows):
    message = f"needs 2 training subsequences of length=20 .* got n_samples={n_rows}"
    with pytest.raises(ValueError, match=message):
        by_distance().fit(TRAIN[:n_rows])
    assert len(flagged(by_distance(length=2).fit(TRAIN[:n_rows]), TRAIN[:n_rows])) == 0


@both
@pytest.mark.parametrize("n_rows", [1, 19])
def test_a_track_shorter_than_a_subsequence_is_scored(make, n_rows):
    assert len(flagged(make().fit(TRAIN), TEST[:n_rows])) == 0


@both
def test_a_command_never_seen_in_training_keeps_scores_finite_and_is_no_event(make):
    detector = make().fit(TRAIN)
    assert len(flagged(detector, TEST.assign(command_1=1.0))) == 0
    late = (TEST.index >= 900).astype(float)
    assert len(flagged(detector, TEST.assign(command_1=late))) == 0


def test_a_stream_that_starts_inside_an_event_alarms_from_its_first_rows():
    X = with_value(TEST, 5.0, 0, 200)
    rows = flagged(by_distance().fit(TRAIN), X)
    assert rows[0] < 40
    assert set(range(40, 200)) <= set(rows)
    assert rows[-1] < WARM_UP  # what is judged later has seen no event but this one


@both
def test_a_channel_that_is_elsewhere_from_the_first_row_on_alarms_at_once(make):
    X = channel(4000, seed=1)
    X["value"] += 50.0
    rows = flagged(make().fit(TRAIN), X)
    assert rows[0] < 40
    assert len(rows) < 600  # from then on it is what the last rows are like


@both
def test_an_event_without_end_is_flagged_at_its_onset(make):
    X = channel(4000, seed=1)
    X.loc[1000:, "value"] += 5.0
    assert_found(flagged(make().fit(TRAIN), X), 1000, 1050)


@both
def test_in_the_warm_up_only_what_is_far_beyond_training_is_flagged(make):
    detector = make().fit(TRAIN)
    strange = with_value(TEST, 0.5, WARM_UP - 60, WARM_UP - 30)[:WARM_UP]
    assert len(flagged(detector, strange)) == 0
    rows = flagged(detector, with_value(TEST, 50.0, 100, 160))
    assert 100 <= rows[0] < 160
    assert_found(flagged(detector, with_value(TEST, 5.0, 560, 600)), 560, 600)


@both
def test_a_stream_in_batches_is_a_batch_call_and_survives_pickling(make):
    detector = make().fit(TRAIN)
    stream, parts = StreamingDetector(detector), []
    for number, part in enumerate(chunks(EVENT, range(BATCH, 1500, BATCH))):
        if number == 15:  # in the event
            stream = pickle.loads(pickle.dumps(stream))
        parts.append(stream.update(part))
    parts = pd.concat(parts)
    assert parts.index.equals(EVENT.index)
    np.testing.assert_allclose(
        parts["score"], anomaly_scores(detector, EVENT), rtol=0, atol=1e-9
    )
    assert parts["anomaly"].tolist() == anomaly_flags(detector, EVENT).tolist()


@both
def test_single_rows_alarm_without_the_rest_of_their_batch_and_do_not_disturb_it(make):
    detector = make().fit(TRAIN)
    cuts = [*range(BATCH, 980, BATCH), *range(980, 1050), *range(1050, 1500, BATCH)]
    stream = StreamingDetector(detector)
    found = pd.concat([stream.update(part) for part in chunks(EVENT, cuts)])
    assert np.isfinite(found["score"]).all()
    alone = found.loc[980:1049, "anomaly"].to_numpy().nonzero()[0] + 980
    assert_found(alone, 1000, 1049)
    assert alone[0] >= 1000  # a batch flags rows before its event, too
    for rows in (slice(0, 980), slice(1050, None)):
        np.testing.assert_allclose(
            found["score"].iloc[rows],
            anomaly_scores(detector, EVENT)[rows],
            rtol=0,
            atol=1e-9,
        )


@both
def test_tracks_are_judged_apart_and_their_index_is_kept(make):
    tracks = pd.concat({"T": TRAIN}, names=["track", "time"])
    X = pd.concat({"A": EVENT, "B": TEST[:800]}, names=["track", "time"])
    detector, plain = make().fit(tracks), make().fit(TRAIN)
    expected = [*anomaly_flags(plain, EVENT), *anomaly_flags(plain, TEST[:800])]
    assert anomaly_flags(detector, X).tolist() == expected
    assert detector[:-1].transform(X).index.equals(X.index)
    assert StreamingDetector(detector).update(X).index.equals(X.index)


@both
def test_dates_are_judged_like_row_numbers_and_their_index_is_kept(make):
    def dated(X, start):
        dates = pd.date_range(start, periods=len(X), freq="min", tz="UTC", name="time")
        return X.set_axis(dates)

    detector = make().fit(dated(TRAIN, "2024-01-01"))
    X = dated(EVENT, "2024-02-01")
    expected = anomaly_flags(make().fit(TRAIN), EVENT)
    assert anomaly_flags(detector, X).tolist() == expected.tolist()
    assert detector[:-1].transform(X).index.equals(X.index)
    assert StreamingDetector(detector).update(X).index.equals(X.index)


@both
def test_integers_are_judged_like_floats(make):
    train, X = ((10 * part).round() for part in (TRAIN, EVENT))
    rows = flagged(make().fit(train.astype(int)), X.astype(int))
    assert rows.tolist() == flagged(make().fit(train), X).tolist()
    assert_found(rows, 1000, 1050)


def test_the_lstm_alarms_streams_and_survives_pickling():
    detector = make_telemanom_detector(
        target="value",
        max_epochs=1,
        forecast__hidden_size=4,
        forecast__n_layers=1,
        device="cpu",
        random_state=0,
    ).fit(TRAIN)
    assert_found(flagged(detector, EVENT), 1000, 1050)
    stream = StreamingDetector(detector)
    parts = [stream.update(part) for part in chunks(EVENT[:980], range(70, 980, 70))]
    stream = pickle.loads(pickle.dumps(stream))
    parts += [stream.update(part) for part in chunks(EVENT[980:], range(70, 520, 70))]
    np.testing.assert_allclose(
        pd.concat(parts)["score"], anomaly_scores(detector, EVENT), rtol=0, atol=1e-5
    )
    with pytest.raises(ValueError, match="put CausalImputer before"):
        detector.predict(with_value(TEST, np.nan, 600, 650))


# Recipes around them --------------------------------------------------------------


def test_a_forecaster_that_is_put_in_is_given_the_target():
    plain = RidgeForecaster(n_lags=5)
    detector = make_telemanom_detector(target="value", forecast=plain).fit(TRAIN)
    assert detector["forecast"].targets == ["value"]
    assert plain.targets == "predictability"
    assert_found(flagged(detector, EVENT), 1000, 1050)


def test_a_class_is_no_step_and_a_mode_is_checked_before_training():
    with pytest.raises(TypeError, match="forecast=RidgeForecaster is a class; give an"):
        make_telemanom_detector(target="value", forecast=RidgeForecaster)
    with pytest.raises(ValueError, match="mode must be 'corrected' or 'paper'"):
        make_telemanom_detector(target="value", mode="Paper")


def test_housekeeping_drops_watches_and_keeps_the_columns():
    detector = make_housekeeping_detector(drop=["command_0", "command_1", "gone"])
    detector.fit(with_value(TRAIN, np.nan, 300, 340).assign(mode="idle"))
    assert list(detector["watch"].detectors_) == ["value"]
    new = EVENT[EVENT.columns[::-1]]
    with pytest.raises(ValueError, match="'mode'"):
        detector.predict(new)
    rows = flagged(detector, new.assign(mode="safe"))
    assert_found(rows, 1000, 1050)
    stream = StreamingDetector(detector)
    new = new.assign(mode="safe")
    parts = [stream.update(part) for part in chunks(new, range(BATCH, 1500, BATCH))]
    assert np.flatnonzero(pd.concat(parts)["anomaly"]).tolist() == rows.tolist()


def test_channels_that_come_in_turn_are_held_on_request():
    rows = np.arange(4000)
    noise = 0.05 * np.random.default_rng(0).normal(size=(4000, 2))
    X = pd.DataFrame(np.sin(rows / 40)[:, None] + noise, columns=["a", "b"])
    X.loc[3000:3100, "b"] = 1.5
    X[(rows[:, None] + [0, 1]) % 2 == 0] = np.nan  # packets of two kinds
    with pytest.raises(ValueError, match="hold=True"):
        make_housekeeping_detector().fit(X[:2000])
    detector = make_housekeeping_detector(hold=True).fit(X[:2000])
    assert list(detector.named_steps) == ["align", "hold", "watch"]
    events = detector["watch"].events(detector[:-1].transform(X[2000:]))
    assert events["channels"].to_list() == [["b"]]
