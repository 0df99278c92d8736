"""What users hand over by mistake is refused, not guessed at."""

import copy
import dataclasses
import io
import os
from datetime import date, datetime

import numpy as np
import pandas as pd
import pytest

from skdsn.ccsds import (
    FrameSpec,
    PacketDefinition,
    PacketExtractor,
    PacketField,
    TelemetryMerger,
    decode_packets,
    encode_frames,
    extract_packets,
    iter_frames,
    read_frames,
    read_packets,
    to_telemetry,
)
from skdsn.ccsds._kiss import FEND, kiss_escape

SPEC = FrameSpec("tm", length=20)
PACKET = bytes.fromhex("080B C001 0007") + b"8 bytes!"  # fills the zone of a frame
KIND = PacketDefinition(
    name="k", fields=[PacketField(name="text", data_type="bytes", bit_length=64)]
)


def frame(count):
    return bytes.fromhex("02A0 00") + bytes([count]) + bytes.fromhex("1800") + PACKET


def frames_of(*counts, **options):
    return read_frames([frame(count) for count in counts], SPEC, **options)


def packets_of(n=1):
    return read_packets(n * PACKET)


class NonBlocking(io.BytesIO):
    """A stream that has no data after so many bytes, but has not ended."""

    def read(self, size=-1):
        return super().read(size) or None


# Times


def test_frames_of_a_kiss_file_without_times_take_those_of_the_clock():
    stamp = b"\x09" + (1_500_000_000_000).to_bytes(8, "big")
    records = [b"\0" + frame(0), stamp, b"\0" + frame(1), b"\0" + frame(2)]
    data = b"".join(FEND + kiss_escape(each) + FEND for each in records)
    spec = FrameSpec("tm")
    frames = read_frames(data, spec, format="kiss", start="2026-01-01", period=10)
    assert frames["time"].astype(str).tolist() == [
        "2026-01-01 00:00:00",
        "2017-07-14 02:40:00",
        "2026-01-01 00:00:20",
    ]


@pytest.mark.parametrize(
    "start",
    [
        *("2026-04-03", "2026-04-03T02:00+02:00", "20260403T000000"),
        *(date(2026, 4, 3), datetime(2026, 4, 3)),
        *(np.datetime64("2026-04-03"), pd.Timestamp("2026-04-03")),
    ],
)
def test_a_start_is_a_date_or_time_with_its_year(start):
    frames = frames_of(0, start=start, period=1)
    assert frames["time"][0] == pd.Timestamp("2026-04-03")


@pytest.mark.parametrize(
    "start",
    [5, 5.0, True, "10:00", "03/04/2026", "now", "today", "-0001", "", pd.NaT, b"2026"],
)
def test_a_start_that_is_no_instant_is_refused(start):
    with pytest.raises(ValueError, match="start must be a time"):
        frames_of(0, start=start, period=1)


@pytest.mark.parametrize("cell", ["now", "today", "10:00", "03/04/2026", "-0001"])
def test_a_time_in_a_csv_file_that_is_no_instant_is_counted(cell):
    spec = FrameSpec("tm", length=20, csv={"data": "hex", "time": "time"})
    good = f"{frame(1).hex()},2026-04-03T10:00:00Z"
    text = f"hex,time\n{frame(0).hex()},{cell}\n{good}\n"
    frames = read_frames(text.encode(), spec, format="csv")
    assert frames.attrs["statistics"] == {"accepted": 1, "bad_time": 1}


def test_a_clock_that_leaves_the_calendar_is_refused():
    assert len(frames_of(0, 1, start="9999-12-31T00:00", period="23h")) == 2
    with pytest.raises(ValueError, match="beyond the year 9999 at frame 1"):
        frames_of(0, 1, start="9999-12-31T00:00", period="25h")


@pytest.mark.parametrize(
    "times", [[1, 2], [1.5, 2.5], pd.to_timedelta([1, 2]), ["2026", "2027"]]
)
def test_times_that_are_no_datetimes_are_refused(times):
    frames, packets = frames_of(0, 1), packets_of(2)
    frames["time"], packets["time"] = times, times
    with pytest.raises(TypeError, match="column 'time' of the frames must hold times"):
        extract_packets(frames, SPEC)
    with pytest.raises(TypeError, match="column 'time' of the frames must hold times"):
        PacketExtractor(SPEC).update(frames)
    with pytest.raises(TypeError, match="column 'time' of the packets must hold"):
        decode_packets(packets, KIND)


def test_times_of_other_zones_become_utc():
    frames = frames_of(0, 1, start="2026-04-03", period=1)
    frames["time"] = frames["time"].dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo")
    packets = extract_packets(frames, SPEC)
    wanted = pd.to_datetime(["2026-04-03 00:00:00", "2026-04-03 00:00:01"])
    assert packets["time"].tolist() == wanted.tolist()
    packets["time"] = packets["time"].dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo")
    index = decode_packets(packets, KIND)["k"].index
    assert index[0] == pd.Timestamp("2026-04-03")


def test_a_frame_of_unknown_time_stays_behind_the_one_before_it():
    frames = frames_of(2, 3, 0, 1, start="2026-04-03", period=1)
    frames["time"] = frames["time"].to_numpy()[[2, 2, 0, 1]]
    frames.loc[1, "time"] = pd.NaT
    packets = extract_packets(frames, SPEC)
    statistics = packets.attrs["statistics"]
    assert statistics["42/0"]["continuations"] == 3
    assert statistics["42/0"]["jumps"] == 0
    assert statistics["frames"] == {"accepted": 4}


# Tables


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("spacecraft_id", ["42", "42"], "'spacecraft_id' of the frames must be of"),
        ("spacecraft_id", [42.0, 42.5], "got the dtype float64"),
        ("spacecraft_id", [42, None], "Row 1 of the frames has no spacecraft_id"),
        ("spacecraft_id", [42, 1024], "Row 1 .* 1024, which does not fit into 10"),
        ("virtual_channel_id", [-1, 0], "Row 0 .* -1, which does not fit into 3"),
        ("virtual_channel_frame_count", [0, 256], "Row 1 .* 256, which does not"),
        ("virtual_channel_frame_count", [0.0, 1.0], "got the dtype float64"),
    ],
)
def test_ids_of_frames_that_match_nothing_are_refused(column, values, message):
    frames = frames_of(0, 1)
    frames[column] = values
    with pytest.raises(ValueError, match=message):
        extract_packets(frames, SPEC)


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("apid", ["11", "11"], "'apid' of the packets must be of whole numbers"),
        ("apid", [11, None], "Row 1 of the packets has no apid"),
        ("apid", [11, 2048], "Row 1 .* 2048, which does not fit into 11 bits"),
        ("spacecraft_id", [1.5, 2.0], "got the dtype float64"),
    ],
)
def test_ids_of_packets_that_match_nothing_are_refused(column, values, message):
    packets = packets_of(2)
    packets[column] = values
    with pytest.raises(ValueError, match=message):
        decode_packets(packets, KIND)


def test_ids_of_wider_and_nullable_integers_are_taken():
    frames = frames_of(0, 1).astype({"spacecraft_id": "Int64"})
    packets = extract_packets(frames, SPEC).astype({"apid": "Int64"})
    assert len(decode_packets(packets, KIND)["k"]) == 2


@pytest.mark.parametrize("data", [None, "00", bytearray(20), 5])
def test_data_that_are_no_bytes_are_refused_with_their_row(data):
    frames, packets = frames_of(0, 1), packets_of(2)
    frames["data"] = pd.Series([frame(0), data], dtype=object)
    packets["data"] = pd.Series([PACKET, data], dtype=object)
    with pytest.raises(TypeError, match="Row 1 of the frames must hold bytes"):
        extract_packets(frames, SPEC)
    with pytest.raises(TypeError, match="Row 1 of the packets must hold bytes"):
        decode_packets(packets, KIND)
    with pytest.raises(TypeError, match="Row 1 of the packets must hold bytes"):
        encode_frames(packets, SPEC)


def test_a_frame_cut_in_the_table_is_refused_with_its_row():
    frames = frames_of(0, 1)
    frames.loc[1, "data"] = b""
    with pytest.raises(ValueError, match="Row 1 of the frames holds 0 bytes"):
        extract_packets(frames, SPEC)


@pytest.mark.parametrize("table", [None, [], {"data": []}])
def test_what_is_no_table_is_refused(table):
    with pytest.raises(TypeError, match="must be a DataFrame"):
        extract_packets(table, SPEC)
    with pytest.raises(TypeError, match="must be a DataFrame"):
        decode_packets(table, KIND)
    with pytest.raises(TypeError, match="must be a DataFrame"):
        encode_frames(table, SPEC)


# Encoding


@pytest.mark.parametrize("value", [77.5, "x", np.nan, -1, 1024, True])
def test_encoding_for_an_id_that_cannot_be_is_refused(value):
    with pytest.raises(ValueError, match="spacecraft_id"):
        encode_frames(packets_of(), SPEC, spacecraft_id=value)


@pytest.mark.parametrize("values", [[7, None], [7, 7.5], ["x", "y"], [7, 8]])
def test_encoding_loses_no_packets_to_their_ids(values):
    packets = packets_of(2)
    packets["virtual_channel_id"] = values
    with pytest.raises(ValueError, match="virtual_channel_id"):
        encode_frames(packets, SPEC)


def test_encoding_for_an_id_that_the_spec_leaves_out_is_refused():
    spec = dataclasses.replace(SPEC, spacecraft_ids=42, virtual_channels=(1, 2))
    with pytest.raises(ValueError, match=r"spacecraft_id \[42\] alone, .* has 0"):
        encode_frames(packets_of(), spec, virtual_channel_id=1)
    with pytest.raises(ValueError, match=r"virtual_channel_id \[1, 2\] alone"):
        encode_frames(packets_of(), spec, spacecraft_id=42, virtual_channel_id=3)
    frames = encode_frames(packets_of(), spec, spacecraft_id=42, virtual_channel_id=2)
    assert len(extract_packets(frames, spec)) == 1


@pytest.mark.parametrize("count", [1.5, -1, "1", None])
def test_a_first_count_that_is_none_is_refused(count):
    with pytest.raises(ValueError, match="first_count must be a whole number"):
        encode_frames(packets_of(), SPEC, first_count=count)


# Streams and options


def test_a_stream_that_does_not_wait_for_data_is_not_taken_as_ended():
    csv = dataclasses.replace(SPEC, csv={"data": "hex"})
    text = b"hex\n" + frame(0).hex().encode() + b"\n"
    with pytest.raises(ValueError, match="open it in blocking mode"):
        read_frames(NonBlocking(frame(0)), SPEC)
    with pytest.raises(ValueError, match="open it in blocking mode"):
        read_frames(NonBlocking(text), csv, format="csv")
    with pytest.raises(ValueError, match="open it in blocking mode"):
        read_packets(NonBlocking(PACKET))
    with pytest.raises(ValueError, match="open it in blocking mode"):
        read_packets(NonBlocking(PACKET + b"\xff" * 14), on_error="stop")
    assert len(read_frames(io.BytesIO(text), csv, format="csv")) == 1


def test_an_empty_pipe_in_non_blocking_mode_is_not_taken_as_ended():
    end, other = os.pipe()
    os.set_blocking(end, False)
    with (
        open(end, "rb", buffering=0) as stream,
        open(other, "wb"),
        pytest.raises(ValueError, match="open it in blocking mode"),
    ):
        read_frames(stream, SPEC)


@pytest.mark.parametrize("spec", [None, "spec.yaml", {}])
def test_a_spec_that_is_none_is_refused(spec):
    for call in (
        lambda: read_frames(b"", spec),
        lambda: extract_packets(frames_of(0), spec),
        lambda: PacketExtractor(spec),
        lambda: encode_frames(packets_of(), spec),
    ):
        with pytest.raises(TypeError, match="spec must be a FrameSpec"):
            call()


@pytest.mark.parametrize("number", [None, 1.5, "3", 0, True])
def test_pieces_have_a_whole_number_of_frames(number):
    with pytest.raises(ValueError, match="chunk_frames must be a whole number"):
        next(iter_frames(frame(0), SPEC, chunk_frames=number))


@pytest.mark.parametrize("points", [5, ["a"], {"a": "many"}])
def test_station_points_map_stations_to_numbers(points):
    with pytest.raises(TypeError, match="station_points must map stations to numbers"):
        extract_packets(frames_of(0), SPEC, station_points=points)


@pytest.mark.parametrize(
    "choose",
    [
        lambda copies: None,
        lambda copies: copies[0].data,
        lambda copies: copies[0]._replace(data=b""),
        lambda copies: copies[0]._replace(data=None),
        lambda copies: copies[0]._replace(time=5),
    ],
)
def test_a_callable_that_chooses_no_copy_of_the_frame_is_refused(choose):
    with pytest.raises(ValueError, match="copies must return one of the FrameCopy"):
        extract_packets(frames_of(0, 0), SPEC, copies=choose)


def test_a_callable_may_put_a_copy_together():
    packets = extract_packets(
        frames_of(0, 0),
        SPEC,
        copies=lambda copies: copies[1]._replace(data=frame(0)[:-1] + b"?"),
    )
    assert packets["data"][0].endswith(b"bytes?")


# Parts that end


def test_an_extractor_that_is_finished_takes_no_more():
    extractor = PacketExtractor(SPEC)
    extractor.update(frames_of(0))
    extractor.finish()
    with pytest.raises(ValueError, match="finished; make a new one"):
        extractor.update(frames_of(1))
    with pytest.raises(ValueError, match="finished; make a new one"):
        extractor.finish()


def test_a_merger_that_is_finished_takes_no_more():
    kinds = decode_packets(extract_packets(frames_of(0), SPEC), KIND)
    merger = TelemetryMerger(numeric_only=False)
    merger.update(kinds)
    merger.finish()
    with pytest.raises(ValueError, match="finished; make a new one"):
        merger.update(kinds)
    with pytest.raises(ValueError, match="finished; make a new one"):
        merger.finish()


def test_tables_of_kinds_are_a_mapping_of_tables():
    kinds = decode_packets(packets_of(), KIND)
    with pytest.raises(TypeError, match="kinds must map packet kinds to DataFrames"):
        to_telemetry([kinds["k"]])
    with pytest.raises(TypeError, match=r"'a' must be a DataFrame, .* got a NoneType"):
        to_telemetry({"a": None})


def test_copies_and_unions_of_decoded_packets_keep_their_statistics():
    kinds = decode_packets(packets_of(3), KIND)
    for one in (kinds.copy(), copy.copy(kinds), kinds | {}, {} | kinds):
        assert type(one) is type(kinds)
        assert list(one) == ["k"]
        assert one.statistics == kinds.statistics
    other = PacketDefinition(name="other", fields=KIND.fields, apid=12)
    both = kinds | decode_packets(packets_of(), other)
    assert list(both) == ["k", "other"]
    assert both.statistics["packets"] == 3
    assert both.statistics["kinds"]["other"]["decoded"] == 0
    assert list(kinds.statistics["kinds"]) == ["k"]


# Specs


@pytest.mark.parametrize("name", ["time", "station", "data"])
def test_header_fields_do_not_take_the_name_of_a_column(name):
    header = {"spacecraft_id": 8, "virtual_channel_id": 8}
    header |= {"virtual_channel_frame_count": 8, name: 8}
    with pytest.raises(ValueError, match=f"header: '{name}' is a column"):
        FrameSpec("custom", length=20, header=header, packet_zone="fixed")


@pytest.mark.parametrize("name", ["length", "trailer", "look_back"])
def test_sizes_have_a_bound(name):
    with pytest.raises(ValueError, match=f"{name} must be .* at most; got 1000000000"):
        FrameSpec("tm", **{"length": 20, name: 10**9})


def test_long_frames_are_read_a_few_at_a_time():
    spec = FrameSpec("tm", length=20, trailer=(1 << 20) - 20)
    data = (frame(0) + bytes(spec.trailer)) * 17
    pieces = iter_frames(data, spec, chunk_frames=10**12)
    assert [len(piece) for piece in pieces] == [16, 1]


@pytest.mark.parametrize("csv", [{"data": None}, {"data": 3}, {"time": ""}])
def test_columns_of_csv_files_have_names(csv):
    with pytest.raises(ValueError, match="must be the name of a column"):
        FrameSpec("tm", csv=csv)


def test_a_spec_becomes_a_dict_and_back_and_stays_as_it_is():
    header = {"spacecraft_id": 8, "virtual_channel_id": 8}
    header |= {"virtual_channel_frame_count": 8}
    spec = FrameSpec("custom", header=header, packet_zone="fixed", csv={"data": "hex"})
    assert FrameSpec(**dataclasses.asdict(spec)) == spec
    with pytest.raises(TypeError, match="cannot be changed"):
        spec.csv["data"] = "other"
    assert copy.deepcopy(spec) == spec
