import re

import numpy as np
import pandas as pd
import pytest

from skdsn.ccsds import (
    PacketDefinition,
    decode_packets,
    extract_packets,
    load_mission,
    read_definitions,
    read_frames,
    read_packets,
    to_telemetry,
)

MISSIONS = ("dslwp_b", "hakuto_r", "jpss1", "kplo", "lunar_flashlight", "stereo_a")
DESTEVEZ = "ccsds/destevez"
HAKUTO = f"{DESTEVEZ}/Lunar_Flashlight/hakuto_frames_20221211"
KPLO = [
    f"{DESTEVEZ}/KPLO/camras-2022_08_05_{time}_tlm_frames.u8"
    for time in ("08_44_13", "13_53_49", "14_08_18")
]
JPSS = "ccsds/jpss1/J01_G011_LZ_2021-04-09T00-00-00Z_V01.DAT1"
HS = {
    "apid001": ("2015-180-01-59-58_1", 1448),
    "apid010": ("2015-180-00-59-59_10", 3513),
    "apid035": ("2015-180-01-59-59_35", 7200),
}


def by_apid(packets):
    return packets["apid"].value_counts().to_dict()


def read_recording(path, mission, **options):
    spec = load_mission(mission).spec
    frames = read_frames(path, spec)
    return frames, extract_packets(frames, spec, **options)


def by_channel(frames):
    channels = frames.groupby(["spacecraft_id", "virtual_channel_id"]).size()
    return channels.to_dict()


@pytest.fixture
def hakuto_attitude(skdsn_data):
    path = skdsn_data / f"{HAKUTO}_224843Z.u8"
    _, packets = read_recording(path, "hakuto_r")
    return decode_packets(packets, load_mission("hakuto_r").definitions)["attitude"]


@pytest.fixture
def jpss_attitude(skdsn_data):
    definitions = load_mission("jpss1").definitions
    return decode_packets(read_packets(skdsn_data / JPSS), definitions)["attitude"]


@pytest.mark.parametrize("name", MISSIONS)
def test_every_mission_shipped_loads(name):
    mission = load_mission(name)
    assert mission.name == name
    assert mission.spec is not None or mission.definitions
    for definition in mission.definitions:
        assert any(field.description for field in definition.fields)


def test_a_mission_that_is_not_shipped_is_named_with_the_near_one():
    with pytest.raises(
        ValueError, match="no mission 'dslwp-b'; did you mean 'dslwp_b'"
    ):
        load_mission("dslwp-b")
    with pytest.raises(ValueError, match=re.escape(f"there are {list(MISSIONS)}")):
        load_mission("voyager")


def test_the_frame_specs_say_where_packets_lie():
    zones = {name: load_mission(name).spec.zone for name in MISSIONS if name != "jpss1"}
    assert zones == {
        "dslwp_b": slice(5, 223),
        "hakuto_r": slice(8, 1113),
        "kplo": slice(8, 220),
        "lunar_flashlight": slice(8, 1113),
        "stereo_a": slice(21, 1109),
    }


def test_the_shipped_structures_have_the_lengths_of_their_packets():
    lengths = {"HKUV": 79, "CfgCam": 16, "CfgUV": 47, "HKWOD": 200}
    for definition in load_mission("dslwp_b").definitions:
        fits = [n for n in range(7, 300) if definition.layout(n) is not None]
        assert fits == [lengths[definition.name]]
    [attitude] = load_mission("jpss1").definitions
    assert attitude.layout(71) is not None


def test_stereo_a_gives_the_packets_that_its_author_counted(skdsn_data):
    path = skdsn_data / f"{DESTEVEZ}/STEREO-A/stereo-a_bg2bhc_frames_20220924_1035.raw"
    frames, packets = read_recording(path, "stereo_a", keep_idle=True)
    assert frames.attrs["statistics"] == {"accepted": 94}
    assert by_channel(frames) == {(234, 0): 6, (234, 7): 88}
    assert len(packets) == 352
    assert by_apid(packets) == {
        1140: 128,
        1137: 77,
        2047: 72,
        624: 22,
        1393: 22,
        880: 22,
        0: 9,
    }
    assert packets["data"].str.len().unique().tolist() == [272]


@pytest.mark.parametrize(
    ("time", "n_frames", "apids"),
    [
        ("224843Z", 107, {1855: 119, 2047: 69, 136: 2, 264: 2}),
        ("232308Z", 47, {1852: 52, 2047: 36, 392: 3}),
    ],
)
def test_hakuto_r_gives_the_packets_that_its_author_counted(
    skdsn_data, time, n_frames, apids
):
    path = skdsn_data / f"{HAKUTO}_{time}.u8"
    frames, packets = read_recording(path, "hakuto_r", keep_idle=True)
    assert by_channel(frames) == {(56, 2): n_frames}
    assert by_apid(packets) == apids
    counts = packets.attrs["statistics"]["56/2"]
    assert counts["jumps"] == 0
    assert counts["packets"] + counts["idle_packets"] == sum(apids.values())
    assert "pointer_mismatch" not in counts


def test_lunar_flashlight_frames_are_of_one_channel(skdsn_data):
    name = "lunar_flashlight_frames_20221212_170854Z_2.u8"
    path = skdsn_data / DESTEVEZ / "Lunar_Flashlight" / name
    frames, packets = read_recording(path, "lunar_flashlight")
    assert by_channel(frames) == {(129, 2): 102}
    assert by_apid(packets) == {
        **{6: 57, 10: 57, 98: 57, 99: 57},
        **{1: 46, 7: 22, 13: 11, 8: 2, 0: 2},
    }
    assert "pointer_mismatch" not in packets.attrs["statistics"]["129/2"]


def test_every_frame_of_kplo_holds_one_packet(skdsn_data):
    parts = [read_recording(skdsn_data / path, "kplo") for path in KPLO]
    statistics = [frames.attrs["statistics"] for frames, _ in parts]
    assert [sum(counts.values()) for counts in statistics] == [1387, 120, 3207]
    frames = pd.concat([frames for frames, _ in parts])
    packets = pd.concat([packets for _, packets in parts])
    assert by_channel(frames) == {
        (187, 33): 1178,
        (187, 34): 1180,
        (187, 35): 1178,
        (187, 36): 1177,
    }
    assert len(packets) == len(frames) == 4713
    assert (packets["apid"] == packets["virtual_channel_id"] + 640).all()
    assert set(packets["data"].str.len()) == {212}


def test_jpss1_attitude_is_that_of_an_orbit(jpss_attitude):
    assert len(jpss_attitude) == 7200
    times = jpss_attitude.index
    assert times.is_monotonic_increasing
    assert times.is_unique
    assert times[0] == pd.Timestamp("2021-04-09 00:00:00.007137")
    assert np.diff(times).max() < np.timedelta64(1100, "ms")
    quaternion = jpss_attitude[[f"ADCFAQ{i}" for i in (1, 2, 3, 4)]].to_numpy(float)
    assert np.abs(np.linalg.norm(quaternion, axis=1) - 1).max() < 1e-3
    position = jpss_attitude[[f"ADGPSPOS{axis}" for axis in "XYZ"]].to_numpy(float)
    radius = np.linalg.norm(position, axis=1)
    assert 7.15e6 < radius.min() < radius.max() < 7.25e6  # about 830 km up
    assert jpss_attitude.attrs["units"]["ADGPSPOSX"] == "m"


def test_jpss1_velocity_is_the_derivative_of_position(jpss_attitude):
    # The ephemeris has a time of its own, to which position and velocity belong.
    time = jpss_attitude["ADAET1MS"].to_numpy(float) / 1e3
    time += jpss_attitude["ADAET1US"].to_numpy(float) / 1e6
    position = jpss_attitude[[f"ADGPSPOS{axis}" for axis in "XYZ"]].to_numpy(float)
    velocity = jpss_attitude[[f"ADGPSVEL{axis}" for axis in "XYZ"]].to_numpy(float)
    step = np.diff(time)[:, None]
    usual = np.abs(step[:, 0] - 1) < 0.1
    expected = (velocity[1:] + velocity[:-1]) / 2
    difference = np.diff(position, axis=0)[usual] / step[usual] - expected[usual]
    assert usual.mean() > 0.99
    assert np.median(np.abs(difference)) < 1  # of 7500 m/s


def test_jpss1_becomes_one_track(skdsn_data, jpss_attitude):
    X = to_telemetry({"attitude": jpss_attitude})
    assert X.index.get_level_values(0).unique().tolist() == ["0-0001"]
    assert len(X) == 7200
    assert X.notna().all(axis=None)


def test_jpss1_by_ccsdspys_own_definition_is_the_same(skdsn_data, jpss_attitude):
    folder = skdsn_data / "ccsds/jpss1"
    [theirs] = read_definitions(folder / "ccsdspy_jpss1_geolocation.csv")
    assert isinstance(theirs, PacketDefinition)
    kinds = decode_packets(read_packets(skdsn_data / JPSS), theirs)
    frame = kinds["ccsdspy_jpss1_geolocation"]
    pd.testing.assert_frame_equal(
        frame.reset_index(drop=True),
        jpss_attitude.reset_index(drop=True),
        check_exact=True,
    )


def multiply(p, q):
    """Multiply quaternions whose scalar part comes last."""
    vector = p[:, 3:] * q[:, :3] + q[:, 3:] * p[:, :3] + np.cross(p[:, :3], q[:, :3])
    scalar = p[:, 3] * q[:, 3] - (p[:, :3] * q[:, :3]).sum(axis=1)
    return np.column_stack([vector, scalar])


def conjugate(q):
    return q * [-1, -1, -1, 1]


def columns_of(frame, name, size):
    return frame[[f"{name}_{i}" for i in range(size)]].to_numpy(float)


def test_hakuto_r_quaternions_have_unit_norm_and_move_smoothly(hakuto_attitude):
    assert len(hakuto_attitude) == 119
    for name in ("q", "target_q"):
        norms = np.linalg.norm(columns_of(hakuto_attitude, name, 4), axis=1)
        assert np.abs(norms - 1).max() < 1e-7
    q = columns_of(hakuto_attitude, "q", 4)
    assert 0 < np.abs(np.diff(q, axis=0)).max() < 1e-4


def test_hakuto_r_error_is_the_rotation_from_attitude_to_target(hakuto_attitude):
    q, target = (columns_of(hakuto_attitude, name, 4) for name in ("q", "target_q"))
    left = multiply(conjugate(q), target)
    expected = np.degrees(2 * left[:, :3] * np.sign(left[:, 3:]))
    error = columns_of(hakuto_attitude, "error", 3)
    assert np.ptp(error) > 0.1
    np.testing.assert_allclose(error, expected, atol=5e-6)


def test_hakuto_r_rates_are_the_derivative_of_attitude(hakuto_attitude):
    q = columns_of(hakuto_attitude, "q", 4)
    seconds = np.diff(hakuto_attitude.index) / np.timedelta64(1, "s")
    middle = (q[1:] + q[:-1]) / 2
    spin = 2 * multiply(conjugate(middle), np.diff(q, axis=0))[:, :3]
    spin = np.degrees(spin) / seconds[:, None]
    for name in ("rate", "second_rate"):
        rate = columns_of(hakuto_attitude, name, 3)
        rate = (rate[1:] + rate[:-1]) / 2
        for axis in range(3):
            slope, _ = np.polyfit(rate[:, axis], spin[:, axis], 1)
            assert abs(slope - 1) < 0.05
            assert np.corrcoef(rate[:, axis], spin[:, axis])[0, 1] > 0.94


def test_hakuto_r_clock_agrees_with_the_start_of_the_recording(hakuto_attitude):
    # The recording began at 22:48:43 UTC, as the name of the file says.
    first = hakuto_attitude.index[0]
    assert abs(first - pd.Timestamp("2022-12-11 22:48:43")) < pd.Timedelta("3s")
    steps = np.diff(hakuto_attitude.index) / np.timedelta64(1, "s")
    assert np.abs(steps - 1).max() < 0.02


def test_ctim_files_hold_the_packets_that_were_counted(skdsn_data):
    packets = read_packets(skdsn_data / "ccsds/ctim/ccsds_2021_155_14_39_51")
    assert by_apid(packets) == {
        **{41: 1147, 1: 104, 32: 104, 42: 72, 47: 63},
        **{20: 6, 39: 1, 34: 1, 33: 1},
    }
    assert packets.attrs["statistics"]["packets"] == 1499


@pytest.mark.parametrize("folder", HS)
def test_simulated_housekeeping_is_decoded_whole(skdsn_data, folder):
    rest, count = HS[folder]
    home = skdsn_data / "ccsds/ccsdspy/hs" / folder
    packets = read_packets(home / f"SSAT1_2015-180-00-00-00_{rest}_1_sim.tlm")
    assert by_apid(packets) == {int(folder[-3:]): count}
    definition = PacketDefinition.from_csv(home / "defs.csv", offsets="data")
    kinds = decode_packets(packets, definition)
    assert len(kinds["defs"]) == count
    assert kinds.statistics["kinds"]["defs"]["wrong_length"] == 0
