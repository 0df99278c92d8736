import json

import numpy as np
import pandas as pd
import pytest

from skdsn.ccsds import (
    decode_packets,
    dslwp,
    extract_packets,
    read_frames,
    read_packets,
    to_telemetry,
)

FOLDER = "ccsds/synthetic_dslwp"
# Per channel, as the program of the analysis of the whole mission counts them.
STATISTICS = {
    "403/0": {
        **{"frames": 373, "jumps": 56, "continuations": 262},
        **{"repeated_distinct": 33, "repeated_same": 21, "packets": 564},
    },
    "403/2": {
        **{"frames": 31, "jumps": 5, "continuations": 20},
        **{"repeated_distinct": 3, "repeated_same": 2, "packets": 35},
    },
    "147/0": {
        **{"frames": 205, "jumps": 33, "continuations": 139},
        **{"repeated_distinct": 21, "repeated_same": 11, "packets": 272},
    },
    "147/2": {
        **{"frames": 72, "jumps": 8, "continuations": 52},
        **{"repeated_distinct": 7, "repeated_same": 4, "packets": 100},
    },
}
KINDS = {
    "403/0": {"HKUV": 386, "HKWOD": 127, "CfgUV": 21, "CfgCam": 21},
    "403/2": {"HKUV": 21, "HKWOD": 14},
    "147/0": {"HKUV": 172, "HKWOD": 84, "CfgUV": 2, "CfgCam": 9},
    "147/2": {"HKUV": 60, "HKWOD": 31, "CfgUV": 5, "CfgCam": 3},
}
ABSOLUTE_ZERO = (-273.1, -273.15)  # what that program makes of a raw value of 0


def as_packet(apid, protocol, data):
    body = bytes([protocol]) + data
    return bytes([0, apid, 0xC0, 0, 0, len(body) - 1]) + body


HKUV = {  # first byte after the protocol, and bytes
    **{"fc_asm": (32, 2), "snr_asm": (34, 2), "rssi_asm": (36, 2)},
    **{"rssi_channel": (38, 2), "rssi_7021": (40, 1), "gain_agc": (41, 1)},
    **{"i_bus_rx": (8, 1), "t_pa": (12, 1), "cam_pic_len": (51, 3)},
}
HKWOD = {
    **{"v_bus": (15, 2), "v_battery": (17, 2), "i_solar_panel": (19, 2)},
    **{"i_load": (21, 2), "i_bus": (23, 2), "tank_pressure": (117, 2)},
    **{"tc_wdt_timeout_period": (14, 1), "gyro_0": (105, 4), "error_q_0": (120, 2)},
    **{"error_w_0": (126, 2), "usb_agc": (132, 1), "t_pl": (142, 2)},
    **{"t_thrustor1a": (154, 2), "uva_fc_asm": (175, 2), "uva_snr_asm": (177, 2)},
    **{"uva_rssi_asm": (179, 2), "uva_rssi_7021": (181, 1)},
}


def fill(size, places, values):
    """Write some raw values; all other bytes are 0."""
    data = bytearray(size)
    for name, value in values.items():
        start, size = places[name]
        data[start : start + size] = value.to_bytes(size, "big", signed=value < 0)
    return bytes(data)


def as_hkuv(**values):
    return as_packet(15, 0, fill(72, HKUV, values))


def as_hkwod(**values):
    return as_packet(172, 0, fill(193, HKWOD, values))


def decode(*packets, compat=None):
    definitions = dslwp.definitions(compat=compat)
    return decode_packets(read_packets(b"".join(packets)), definitions)


def approx(value):
    return pytest.approx(value, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("19323730FF", (0, 403, 1, 0, 55, 48, 255)),
        ("19324941FF", (0, 403, 1, 0, 73, 65, 255)),
        ("0930B9BA07", (0, 147, 0, 0, 185, 186, 7)),
    ],
)
def test_frame_headers_that_were_received_are_read(header, expected):
    frame = bytes.fromhex(header) + bytes(218)
    frames = read_frames([frame], dslwp.spec())
    assert tuple(frames.loc[0, list(dslwp.spec().fields)]) == expected


@pytest.mark.parametrize(("compat", "offset"), [(None, -140), ("notebook", -174)])
def test_signal_strengths_take_the_gain_that_comes_after_them(compat, offset):
    packet = as_hkuv(rssi_asm=500, rssi_channel=600, rssi_7021=77, gain_agc=1)
    row = decode(packet, compat=compat)["HKUV"].iloc[0]
    assert row["rssi_asm"] == approx(-91)
    assert row["rssi_channel"] == approx(-81)
    assert row["rssi_7021"] == approx(77 / 2 + offset + 33)
    assert row["gain_agc"] == 33


def test_an_unknown_gain_leaves_the_other_values():
    kinds = decode(as_hkuv(gain_agc=3, i_bus_rx=10, t_pa=-6, cam_pic_len=70_000))
    row = kinds["HKUV"].iloc[0]
    strengths = ["gain_agc", "rssi_asm", "rssi_channel", "rssi_7021"]
    assert row[strengths].isna().all()
    assert row["i_bus_rx"] == approx(32)
    assert row["t_pa"] == -6
    assert row["cam_pic_len"] == 70_000
    assert set(kinds["HKUV"].attrs["statistics"]["invalid"]) == set(strengths)


def test_engineering_values_of_the_spacecraft_are_those_of_its_laws():
    raw_and_value = {
        **{"v_bus": (800, 12.4671088), "v_battery": (770, 11.98416196)},
        **{"i_solar_panel": (500, 0.951662), "i_load": (400, 0.5913392)},
        **{"i_bus": (4400, 0.0280104), "tank_pressure": (300, 0.4448496)},
        **{"usb_agc": (200, 3.90625), "tc_wdt_timeout_period": (255, 21.25)},
        **{"uva_rssi_asm": (700, -92), "uva_rssi_7021": (60, -98)},
        **{"uva_fc_asm": (-1234, -0.118308545), "uva_snr_asm": (5000, 19.53125)},
        "error_q_0": (-16384, -0.25001525948758285),
        "error_w_0": (-16384, -14.324819426861685),
        "gyro_0": (2**30, 200.0000000931),
    }
    packet = as_hkwod(**{name: raw for name, (raw, _) in raw_and_value.items()})
    row = decode(packet)["HKWOD"].iloc[0]
    for name, (_, value) in raw_and_value.items():
        assert row[name] == pytest.approx(value, rel=1e-8, abs=1e-9), name


@pytest.mark.parametrize(
    ("raw", "ntc_a", "ntc_b"),
    [
        (100, 84.210291, 143.229224),
        (742, 22.324463, 54.474888),
        (2000, -47.204973, -47.399131),
        (0, np.nan, np.nan),
        (-5, np.nan, np.nan),
        (2060, np.nan, np.nan),
    ],
)
def test_temperatures_are_those_of_both_thermistors(raw, ntc_a, ntc_b):
    row = decode(as_hkwod(t_pl=raw, t_thrustor1a=raw))["HKWOD"].iloc[0]
    found = [row["t_pl"], row["t_thrustor1a"]]
    assert found == pytest.approx([ntc_a, ntc_b], abs=1e-6, nan_ok=True)


def test_the_protocol_and_the_length_tell_kinds_apart():
    kinds = decode(
        as_packet(14, 1, bytes(9)),
        as_packet(14, 4, bytes(40)),
        as_packet(14, 4, bytes(39)),
        as_packet(172, 1, bytes(193)),
        as_packet(127, 0, bytes(72)),
        as_hkuv(),
    )
    assert {kind: len(frame) for kind, frame in kinds.items()} == {
        **{"HKUV": 1, "CfgCam": 1, "CfgUV": 1, "HKWOD": 0}
    }
    assert kinds.statistics["kinds"]["CfgUV"]["wrong_length"] == 1
    assert kinds.statistics["unknown"] == {"127": 1, "172": 1}


def test_there_is_no_other_convention():
    with pytest.raises(ValueError, match="compat must be None or 'notebook'"):
        dslwp.definitions(compat="paper")


@pytest.fixture
def recorded(skdsn_data):
    frames = read_frames(skdsn_data / FOLDER / "raw_frame_synth.csv", dslwp.spec())
    return frames, extract_packets(frames, dslwp.spec())


def channel_of(rows):
    """Name the channel of packets or of decoded ones."""
    prefix = "" if "spacecraft_id" in rows else "_"
    ids = [rows[f"{prefix}{name}_id"] for name in ("spacecraft", "virtual_channel")]
    return ids[0].astype(str) + "/" + ids[1].astype(str)


def test_frames_and_stations_of_the_recording_are_those_of_the_original(recorded):
    frames, _ = recorded
    assert frames.attrs["statistics"] == {"accepted": 688, "dropped_rows": 6}
    assert frames["station"].value_counts().to_dict() == {
        **{"PI9CAM": 530, "BG2BHC": 87, "JA1OGZ": 44, "EA4GPZ": 23, "KO4MA": 4}
    }


@pytest.mark.parametrize("channel", STATISTICS)
def test_every_channel_is_put_in_order_as_the_original_program_does(recorded, channel):
    _, packets = recorded
    found = packets.attrs["statistics"][channel]
    expected = STATISTICS[channel]
    assert {name: found[name] for name in expected} == expected
    assert (channel_of(packets) == channel).sum() == expected["packets"]
    assert found["kiss_records"] == found["packets"] + found["wrong_length"]


def test_damaged_frames_are_counted_in_channels_that_carry_no_packets(recorded):
    _, packets = recorded
    statistics = packets.attrs["statistics"]
    others = set(statistics) - set(STATISTICS) - {"frames"}
    assert {name: statistics[name]["frames"] for name in others} == {
        **{"147/3": 1, "147/4": 1, "403/3": 1, "403/4": 1, "403/5": 2, "403/6": 1}
    }


def test_all_but_seven_packets_are_as_they_were_sent(skdsn_data, recorded):
    _, packets = recorded
    truth = pd.read_csv(skdsn_data / FOLDER / "truth_packets.csv", dtype=str)
    channels = truth["scid"] + "/" + truth["vc"]
    sent = set(zip(channels, map(bytes.fromhex, truth["packet_hex"]), strict=True))
    mine = zip(channel_of(packets), packets["data"], strict=True)
    assert len(packets) == 971
    assert sum(packet in sent for packet in mine) == 964


def as_expected(row):
    """Flatten a packet of the original program to the columns it has here."""
    for name, value in row["payload"].items():
        if isinstance(value, list):
            yield from ((f"{name}_{i}", each) for i, each in enumerate(value))
        else:
            yield name, value


def agrees(found, expected, name):
    if isinstance(found, bytes):
        return found.hex() == expected
    if expected is None or (name.startswith("t_") and expected in ABSOLUTE_ZERO):
        return np.isnan(found)
    return found == approx(expected)


def pairs(kinds, rows):
    """Pair the packets here and there by their order in channel and kind."""
    for channel, counts in KINDS.items():
        theirs = [row for row in rows if f"{row['scid']}/{row['vc']}" == channel]
        for kind, frame in kinds.items():
            expected = [row for row in theirs if row["kind"] == kind]
            mine = frame[channel_of(frame) == channel]
            assert len(mine) == len(expected) == counts.get(kind, 0)
            mine = mine.reset_index().to_dict("records")
            yield from zip(mine, expected, strict=True)


@pytest.fixture
def compared(skdsn_data):
    folder = skdsn_data / FOLDER
    kinds = dslwp.read(folder / "raw_frame_synth.csv", compat="notebook")
    with open(folder / "expected_packets.jsonl") as lines:
        rows = [json.loads(line) for line in lines]
    return kinds, rows


def test_every_value_is_that_of_the_original_program(compared):
    kinds, rows = compared
    n_values = 0
    for mine, expected in pairs(kinds, rows):
        fields = dict(as_expected(expected))
        assert mine["_sequence_count"] == expected["seq"]
        assert mine["_apid"] == expected["apid"]
        columns = {name for name in mine if not name.startswith("_")}
        assert columns == {"time", "protocol", *fields}
        wrong = {
            name: (mine[name], value)
            for name, value in fields.items()
            if not agrees(mine[name], value, name)
        }
        assert wrong == {}
        n_values += len(fields)
    assert n_values == 59_941
    unknown = [row for row in rows if row["kind"] not in kinds]
    assert kinds.statistics["unknown"] == {"127": len(unknown)}


def test_every_time_but_one_is_that_of_the_original_program(compared):
    # One packet lost the delimiter behind it at a jump. It is whole, and has the time
    # of its last byte here, that of the next delimiter there.
    later = [pd.Timestamp(row["t"]) - mine["time"] for mine, row in pairs(*compared)]
    different = [wait for wait in later if wait]
    assert len(different) == 1
    assert different[0] > pd.Timedelta(0)


def test_remains_before_a_jump_are_no_record_of_their_own(recorded):
    # The original program joins what lies before and after a jump, so that it counts
    # one record more where the frame after a jump begins with a delimiter.
    _, packets = recorded
    theirs = {"403/0": 612, "403/2": 37, "147/0": 297, "147/2": 106}
    statistics = packets.attrs["statistics"]
    more = {name: n - statistics[name]["kiss_records"] for name, n in theirs.items()}
    assert more == {"403/0": 6, "403/2": 0, "147/0": 2, "147/2": 1}
    dropped = {name: statistics[name]["partial_dropped"] for name in theirs}
    assert dropped == {"403/0": 46, "403/2": 2, "147/0": 24, "147/2": 5}


def test_the_recording_becomes_telemetry(skdsn_data):
    kinds = dslwp.read(skdsn_data / FOLDER / "raw_frame_synth.csv")
    X = to_telemetry(kinds)
    tracks, times = (X.index.get_level_values(level) for level in (0, 1))
    assert {track.split("-")[0] for track in tracks} == {"403", "147"}
    for track in tracks.unique():
        assert times[tracks == track].is_monotonic_increasing
        assert times[tracks == track].is_unique
    assert {"HKWOD_v_bus", "HKUV_14_t_pa", "HKUV_15_t_pa"} <= set(X.columns)
    counts = X.notna().sum()
    assert counts["HKWOD_v_bus"] == 256
    assert counts["HKUV_14_t_pa"] + counts["HKUV_15_t_pa"] == 639
    assert X.dtypes.map(pd.api.types.is_numeric_dtype).all()
