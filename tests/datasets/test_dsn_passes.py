import itertools

import numpy as np
import pandas as pd
import pytest

from skdsn.datasets import _dsn_physics as physics
from skdsn.datasets import make_dsn_passes
from skdsn.datasets._dsn_incidents import KINDS
from skdsn.labeling import label_incidents
from skdsn.tracks import read_tracks

MISSIONS = ("MRO", "JWST")
SIZE = {"n_tracks": 60, "n_rows": 300, "cadence": 60.0, "random_state": 3}


@pytest.fixture(scope="module", params=MISSIONS)
def passes(request):
    return make_dsn_passes(mission=request.param, **SIZE)


@pytest.fixture(scope="module")
def mro():
    """MRO with quantities as column names, and the same without incidents."""
    with_, without = (
        make_dsn_passes(**SIZE, incident_fraction=fraction, missing_fraction=0.0)
        for fraction in (0.8, 0.0)
    )
    return with_, by_quantity(with_), by_quantity(without)


def by_quantity(passes):
    return passes.X.set_axis(list(passes.columns["quantity"]), axis=1)


def rows_of(incident, X):
    start, end = incident.INCIDENT_START_TIME_DT, incident.INCIDENT_END_TIME_DT
    times = X.index.get_level_values("time")
    track = X.index.get_level_values("track") == incident.track
    return track & (times >= start) & (times <= end)


def test_telemetry_keeps_the_row_contract(passes):
    tracks = read_tracks(passes.X)
    assert passes.X.index.names == ["track", "time"]
    assert list(tracks.names) == passes.tracks["track"].tolist()
    assert np.diff(tracks.bounds).tolist() == passes.tracks["n_rows"].tolist()
    assert passes.y.index.equals(passes.X.index)
    assert passes.y.name == "anomaly"
    assert set(passes.y.unique()) == {0, 1}
    assert passes.columns.index.tolist() == passes.X.columns.tolist()


def test_tracks_are_in_order_of_time_over_weeks_and_vary_in_length(passes):
    start = passes.tracks["start"]
    assert start.is_monotonic_increasing
    assert (start.iloc[-1] - start.iloc[0]) > pd.Timedelta("14D")
    lengths = passes.tracks["n_rows"]
    assert 180 < lengths.min() < 250 < 330 < lengths.max() <= 390
    assert passes.tracks["end"].tolist() == [
        passes.X.loc[track].index[-1] for track in passes.tracks["track"]
    ]


def test_the_time_column_repeats_the_index():
    times = {}
    for mission in MISSIONS:
        X = make_dsn_passes(2, mission=mission, n_rows=40, random_state=0).X
        times[mission] = X.index.get_level_values("time"), X
    index, X = times["MRO"]
    assert (pd.to_datetime(X["AOJE"]) == index).all()
    index, X = times["JWST"]
    assert (pd.to_datetime(X["RECEIVED_AT_TS"], unit="s") == index).all()


def test_a_jwst_pass_gives_two_bands_on_one_clock():
    passes = make_dsn_passes(5, mission="JWST", n_rows=60, random_state=0)
    assert passes.tracks["track"].tolist() == [
        "JWST-0001-S",
        "JWST-0001-K",
        "JWST-0002-S",
        "JWST-0002-K",
        "JWST-0003-S",
    ]
    assert passes.tracks["pass_id"].nunique() == 3
    low, high = passes.X.loc["JWST-0001-S"], passes.X.loc["JWST-0001-K"]
    assert low.index.equals(high.index)
    assert low["CARRIER_FREQ_MEASURED"].dropna().between(2.1e9, 2.4e9).all()
    assert high["CARRIER_FREQ_MEASURED"].dropna().between(25.0e9, 27.5e9).all()


def test_labels_are_the_rows_of_the_incidents(passes):
    expected = label_incidents(passes.X, passes.incidents)
    assert (passes.y == expected).all()
    for incident in passes.incidents.itertuples():
        rows = rows_of(incident, passes.X)
        times = passes.X.index[rows].get_level_values("time")
        assert times[0] == incident.INCIDENT_START_TIME_DT
        assert times[-1] == incident.INCIDENT_END_TIME_DT
        assert 4 <= rows.sum() <= 300 * 2 / 15 + 1


def test_every_kind_occurs_and_anomalies_are_rare(passes):
    assert set(passes.incidents["kind"]) == set(KINDS)
    assert passes.incidents["track"].nunique() == pytest.approx(24, abs=2)
    assert 0.015 < passes.y.mean() < 0.045
    assert passes.incidents["severity"].between(0, 1).all()
    named = " ".join(passes.incidents["channels"]).split()
    assert set(named) <= set(passes.X.columns)


@pytest.mark.parametrize("mission", MISSIONS)
def test_incidents_change_their_own_channels_and_nothing_else(mission):
    with_, without = (
        make_dsn_passes(
            mission=mission, **SIZE, incident_fraction=f, missing_fraction=0.0
        )
        for f in (0.8, 0.0)
    )
    assert without.y.sum() == 0
    assert len(without.incidents) == 0
    assert without.X.index.equals(with_.X.index)
    counter = with_.columns.index[with_.columns["quantity"] == "frame_counter"]
    changed = (with_.X != without.X).drop(columns=counter)
    # A lock may return a little after the incident: hysteresis.
    settled = with_.y.groupby(level="track").transform(
        lambda y: y.rolling(6, min_periods=1).max()
    )
    assert not changed[settled == 0].to_numpy().any()
    for incident in with_.incidents.itertuples():
        inside = changed[rows_of(incident, with_.X)].any()
        assert inside.any(), incident
        assert set(inside.index[inside]) <= set(incident.channels.split()), incident


def changes(mro, kind):
    passes, X, nominal = mro
    for incident in passes.incidents.itertuples():
        if incident.kind == kind:
            rows = rows_of(incident, X)
            yield incident, X[rows], nominal[rows]


def test_a_frequency_offset_moves_the_carrier_at_nominal_power(mro):
    for incident, X, nominal in changes(mro, "frequency_offset"):
        shift = X["carrier_frequency"] - nominal["carrier_frequency"]
        residual = X["doppler_residual"] - nominal["doppler_residual"]
        np.testing.assert_allclose(shift, residual, atol=1e-5)
        assert residual.abs().max() == pytest.approx(1 + 4 * incident.severity, rel=0.2)
        assert (X["carrier_power"] == nominal["carrier_power"]).all()


def test_a_loss_of_lock_leaves_antenna_and_prediction_alone(mro):
    for _, X, nominal in changes(mro, "loss_of_lock"):
        out = X["carrier_lock"] == "OUT"
        assert out.mean() > 0.3
        assert X["antenna_mode"].isin(["TRACK", "CONSCAN"]).all()
        assert (X["decoder_lock"][out] == "OUT").all()
        assert (X["frames_received"][out] == 0).all()
        assert (X["carrier_power"][out] < X["predicted_power"][out] - 10).all()
        assert (X["predicted_power"] == nominal["predicted_power"]).all()


def test_a_pointing_error_costs_power_but_adds_no_noise(mro):
    for incident, X, nominal in changes(mro, "pointing_error"):
        lost = nominal["carrier_snr"] - X["carrier_snr"]
        assert lost.max() > 0.4
        offset = np.hypot(X["conscan_elevation"], X["conscan_cross_elevation"])
        before = np.hypot(
            nominal["conscan_elevation"], nominal["conscan_cross_elevation"]
        )
        assert offset.mean() > before.mean()
        for column in ("system_noise_temperature", "elevation", "elevation_error"):
            assert (X[column] == nominal[column]).all(), incident


def test_weather_adds_noise_and_costs_power_at_nominal_pointing(mro):
    for incident, X, nominal in changes(mro, "weather_attenuation"):
        warmer = X["system_noise_temperature"] - nominal["system_noise_temperature"]
        both = (X["carrier_lock"] == "IN") & (nominal["carrier_lock"] == "IN")
        lost = (nominal["carrier_power"] - X["carrier_power"])[both]
        assert warmer.max() > 10
        # T_atm (1 - 1 / L), seen through the air that is there already.
        np.testing.assert_allclose(
            warmer[both], 275 * (1 - 10 ** (-lost / 10)), rtol=0.15
        )
        assert (X["conscan_elevation"] == nominal["conscan_elevation"]).all(), incident


def test_a_misconfigured_receiver_decodes_nothing_on_a_good_carrier(mro):
    for incident, X, nominal in changes(mro, "receiver_misconfiguration"):
        assert (X["decoder_lock"] == "OUT").all()
        assert (X["carrier_lock"] == nominal["carrier_lock"]).all()
        assert (X["carrier_snr"] == nominal["carrier_snr"]).all()
        wrong = "symbol_rate" if incident.severity > 0.5 else "coding"
        assert (X[wrong] != nominal[wrong]).all()


def test_a_stuck_sensor_repeats_its_last_value(mro):
    passes, X, _ = mro
    quantity = passes.columns["quantity"]
    for incident, during, _ in changes(mro, "stuck_sensor"):
        values = during[quantity[incident.channels]]
        assert (values == values.iloc[0]).all()
        track = X.loc[incident.track, quantity[incident.channels]]
        before = track[: incident.INCIDENT_START_TIME_DT].iloc[-2]
        assert values.iloc[0] == before


def test_severity_decides_how_much_is_seen(mro):
    lost, severity = [], []
    for incident, X, nominal in changes(mro, "weather_attenuation"):
        lost.append((nominal["carrier_power"] - X["carrier_power"]).max())
        severity.append(incident.severity)
    assert np.corrcoef(lost, severity)[0, 1] > 0.7


def test_power_and_noise_follow_the_elevation(mro):
    _, _, X = mro
    X = X[(X["carrier_lock"] == "IN") & X["antenna_mode"].isin(["TRACK", "CONSCAN"])]
    X = X.assign(air=1 / np.sin(np.radians(X["elevation"])))
    for column, sign in (
        ("system_noise_temperature", 1),
        ("carrier_snr", -1),
        ("symbol_snr", -1),
    ):
        correlation = [
            sign * track["air"].corr(track[column])
            for _, track in X[X["coding"] != "NONE"].groupby(level="track")
            if track["air"].max() > 2.5 and np.ptp(track["symbol_rate"]) == 0
        ]
        assert len(correlation) > 10
        assert np.median(correlation) > 0.25, column


@pytest.mark.parametrize("mission", MISSIONS)
def test_the_carrier_carries_the_doppler_of_the_range_rate(mission):
    passes = make_dsn_passes(
        8, mission=mission, n_rows=200, incident_fraction=0, random_state=0
    )
    X = by_quantity(passes).dropna()
    X = X[X["carrier_lock"] == "IN"]
    rest = {"MRO": 8.439444e9, "JWST": 2.2705e9}[mission]
    if mission == "JWST":
        X = X[X["downlink_band"] == "S"]
    legs = np.where(X["doppler_mode"] == "1-WAY", 1, 2)
    expected = rest * (1 - legs * X["range_rate"] / physics.SPEED_OF_LIGHT)
    residual = X["carrier_frequency"] - expected
    np.testing.assert_allclose(residual, X["doppler_residual"], atol=1e-5)
    assert residual.abs().max() < 10
    assert X["carrier_frequency"].std() > 100


def test_range_rate_is_the_slope_of_the_slant_range(mro):
    _, _, X = mro
    for _, track in list(X.groupby(level="track"))[:10]:
        seconds = track.index.get_level_values("time").to_series().diff()
        even = (seconds.dt.total_seconds() == 60).to_numpy()
        slope = track["slant_range"].diff().to_numpy() / 60
        middle = track["range_rate"].rolling(2).mean().to_numpy()
        np.testing.assert_allclose(slope[even], middle[even], atol=5e-3)


def test_locks_need_each_other_and_the_signal(mro):
    _, X, nominal = mro
    for frame in (X, nominal):
        locked = [
            frame[f"{stage}_lock"] == "IN"
            for stage in ("carrier", "subcarrier", "symbol", "decoder")
        ]
        for before, after in itertools.pairwise(locked):
            assert not (after & ~before).any()
    locked = nominal["carrier_lock"] == "IN"
    assert nominal["carrier_snr"][locked].min() > 15
    assert nominal["carrier_snr"][~locked].max() < 15
    decoded = nominal["decoder_lock"] == "IN"
    assert (nominal["frames_received"][~decoded] == 0).all()
    assert (nominal["frames_received"][decoded] > 0).mean() > 0.99


def test_a_parked_antenna_is_nominal(passes):
    X = by_quantity(passes)
    parked = X["antenna_mode"] == "STOW"
    assert 0.02 < parked.mean() < 0.15
    assert (X["elevation"][parked].dropna() == 90).all()
    assert (X["carrier_lock"][parked].dropna() == "OUT").all()
    assert passes.y[parked].sum() == 0
    assert (X["elevation"] == 90).sum() <= parked.sum() + X.isna().sum().max()


def test_some_tracks_have_one_gap_of_20_to_60_minutes(passes):
    gaps = []
    for _, track in passes.X.groupby(level="track"):
        steps = track.index.get_level_values("time").to_series().diff().dropna()
        seconds = steps.dt.total_seconds()
        assert (seconds > 60).sum() <= 1
        gaps += seconds[seconds > 60].tolist()
    assert 3 < len(gaps) < 30
    assert min(gaps) > 20 * 60 and max(gaps) < 62 * 60


def test_missing_cells_are_as_many_as_asked_for():
    passes = make_dsn_passes(20, missing_fraction=0.02, random_state=0)
    assert passes.X.drop(columns="AOJE").isna().to_numpy().mean() == pytest.approx(
        0.02, rel=0.1
    )
    assert passes.X["AOJE"].notna().all()
    whole = make_dsn_passes(20, missing_fraction=0.0, random_state=0).X
    assert whole.notna().to_numpy().all()
    kept = passes.X.notna()
    assert (passes.X.where(kept) == whole.where(kept)).to_numpy()[kept].all()


def test_categories_are_text_and_the_rest_is_float(passes):
    kinds = passes.columns["kind"]
    numeric = passes.X.dtypes == np.float64
    assert numeric[kinds == "numeric"].all()
    assert not numeric[kinds == "categorical"].any()
    assert passes.X.loc[:, kinds == "categorical"].nunique().max() < 20
    assert 28 <= passes.X.shape[1] <= 38


def test_limits_miss_incidents_and_alarm_on_nominal_passes():
    passes = make_dsn_passes(80, random_state=0)
    numeric = passes.columns.index[passes.columns["kind"] == "numeric"]
    names = passes.tracks["track"][::2]
    train = passes.X.index.get_level_values("track").isin(names)
    nominal = passes.X.loc[train & (passes.y == 0).to_numpy(), numeric]
    test, y = passes.X.loc[~train, numeric], passes.y[~train]
    beyond = ((test < nominal.min()) | (test > nominal.max())).any(axis=1)
    found = [
        beyond[rows_of(incident, test)].any()
        for incident in passes.incidents.itertuples()
        if incident.track not in set(names)
    ]
    assert len(found) > 8
    assert np.mean(found) < 0.5
    assert beyond[y == 0].mean() > 0.002
    sigma = ((test - nominal.mean()).abs() > 3 * nominal.std()).any(axis=1)
    assert sigma[y == 0].mean() > 0.05


def test_one_seed_gives_one_data_set():
    first = make_dsn_passes(4, n_rows=60, random_state=5)
    again = make_dsn_passes(4, n_rows=60, random_state=5)
    other = make_dsn_passes(4, n_rows=60, random_state=6)
    pd.testing.assert_frame_equal(first.X, again.X)
    pd.testing.assert_frame_equal(first.incidents, again.incidents)
    assert not first.X.equals(other.X)
    state = np.random.RandomState(5)
    pd.testing.assert_frame_equal(
        make_dsn_passes(4, n_rows=60, random_state=state).X, first.X
    )
    assert not make_dsn_passes(4, n_rows=60, random_state=state).X.equals(first.X)


def test_more_tracks_do_not_change_the_first_ones():
    few = make_dsn_passes(3, n_rows=60, incident_fraction=0, random_state=0).X
    many = make_dsn_passes(6, n_rows=60, incident_fraction=0, random_state=0).X
    pd.testing.assert_frame_equal(few, many.iloc[: len(few)])


def test_the_start_may_have_a_time_zone():
    naive = make_dsn_passes(1, n_rows=30, start="2026-01-01T06:00", random_state=0)
    zoned = make_dsn_passes(
        1, n_rows=30, start="2026-01-01T07:00+01:00", random_state=0
    )
    pd.testing.assert_frame_equal(naive.X, zoned.X)
    assert naive.tracks["start"].iloc[0] >= pd.Timestamp("2026-01-01T06:00")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mission": "VOYAGER"}, "'mission' parameter"),
        ({"n_tracks": 0}, "'n_tracks' parameter"),
        ({"n_rows": 5}, "'n_rows' parameter"),
        ({"cadence": 0.0}, "'cadence' parameter"),
        ({"incident_fraction": 1.5}, "'incident_fraction' parameter"),
        ({"missing_fraction": 1.0}, "'missing_fraction' parameter"),
        ({"n_rows": 2000}, "last 16.7 h.*use a cadence of at most 14.4 s"),
        ({"start": "soon"}, "start must be a date"),
        ({"start": None}, "start must be a date"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        make_dsn_passes(**{"n_tracks": 1, **arguments})
