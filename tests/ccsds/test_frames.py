"""Transfer frames out of files, streams and bytes."""

import gzip
import io
from binascii import crc_hqx

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from skdsn.ccsds import FrameSpec, iter_frames, read_frames
from skdsn.ccsds._kiss import FEND, kiss_escape

MARKER = bytes.fromhex("1ACFFC1D")
TM = FrameSpec("tm", length=20)


def tm_frame(count, *, spacecraft=42, channel=3, flags=0x18, zone=None, fecf=False):
    """Make a TM frame of 20 bytes."""
    frame = (spacecraft << 4 | channel << 1).to_bytes(2, "big")
    frame += bytes([count, count, flags, 5])
    frame += zone if zone is not None else bytes(range(100, 114 - 2 * fecf))
    return frame + crc_hqx(frame, 0xFFFF).to_bytes(2, "big") if fecf else frame


def counts_of(frames):
    return frames["virtual_channel_frame_count"].tolist()


class Trickle(io.RawIOBase):
    """A stream that gives a few bytes at a time, as a pipe does."""

    def __init__(self, data, most):
        self._data = io.BytesIO(data)
        self._most = most

    def readable(self):
        return True

    def read(self, size=-1):
        return self._data.read(self._most if size < 0 else min(size, self._most))


def test_the_header_of_a_tm_frame_is_read_field_by_field():
    frame = bytes.fromhex("2A57 0A0B D90F") + bytes(14)
    spec = FrameSpec("tm", length=20, secondary_header=1, ocf=True, packet_zone="none")
    row = read_frames(frame, spec).iloc[0]
    assert row.drop(["time", "station", "data"]).to_dict() == {
        "transfer_frame_version": 0,
        "spacecraft_id": 0x2A5,
        "virtual_channel_id": 3,
        "ocf_flag": 1,
        "master_channel_frame_count": 10,
        "virtual_channel_frame_count": 11,
        "secondary_header_flag": 1,
        "synchronization_flag": 1,
        "packet_order_flag": 0,
        "segment_length_id": 3,
        "first_header_pointer": 0x10F,
    }
    assert row["data"] == frame


def test_the_header_of_an_aos_frame_is_read_field_by_field():
    frame = bytes.fromhex("4E02 010203 B5 AAAA FDEF") + bytes(10)
    spec = FrameSpec("aos", length=20, header_error_control=True)
    row = read_frames(frame, spec).iloc[0]
    assert row.drop(["time", "station", "data"]).to_dict() == {
        "transfer_frame_version": 1,
        "spacecraft_id": 0x38,
        "virtual_channel_id": 2,
        "virtual_channel_frame_count": 0x010203,
        "replay_flag": 1,
        "frame_count_usage_flag": 0,
        "reserved": 3,
        "frame_count_cycle": 5,
        "first_header_pointer": 0x5EF,
    }


@pytest.mark.parametrize(
    ("header", "spacecraft", "channel", "master", "count", "pointer"),
    [
        ("19323730FF", 403, 1, 55, 48, 255),
        ("19324941FF", 403, 1, 73, 65, 255),
        ("0930B9BA07", 147, 0, 185, 186, 7),
    ],
)
def test_a_custom_header_is_read_as_the_spec_lays_it_out(
    header, spacecraft, channel, master, count, pointer
):
    layout = {"transfer_frame_version": 2, "spacecraft_id": 10}
    layout |= {"virtual_channel_id": 3, "spare": 1, "master_channel_frame_count": 8}
    layout |= {"virtual_channel_frame_count": 8, "first_header_pointer": 8}
    spec = FrameSpec("custom", header=layout, length=223, packet_zone="kiss")
    row = read_frames(bytes.fromhex(header) + bytes(218), spec).iloc[0]
    assert row["spacecraft_id"] == spacecraft
    assert row["virtual_channel_id"] == channel
    assert row["master_channel_frame_count"] == master
    assert row["virtual_channel_frame_count"] == count
    assert row["first_header_pointer"] == pointer


def test_a_path_bytes_a_stream_and_an_iterable_give_the_same_frames(tmp_path):
    frames = [tm_frame(count) for count in range(5)]
    raw = b"".join(frames)
    (tmp_path / "pass.u8").write_bytes(raw)
    (tmp_path / "pass.u8.gz").write_bytes(gzip.compress(raw))
    expected = read_frames(raw, TM)
    assert counts_of(expected) == [0, 1, 2, 3, 4]
    assert expected["data"].tolist() == frames
    for source in (
        tmp_path / "pass.u8",
        str(tmp_path / "pass.u8.gz"),
        memoryview(raw),
        io.BytesIO(raw),
        Trickle(raw, most=7),
        iter(frames),
    ):
        assert_frame_equal(read_frames(source, TM), expected)


def test_an_empty_source_gives_a_table_with_the_same_columns_and_types():
    for spec in (TM, FrameSpec("tm", length=20, sync_marker="1ACFFC1D")):
        empty = read_frames(b"", spec)
        assert len(empty) == 0
        assert (empty.dtypes == read_frames(tm_frame(0), TM).dtypes).all()
        assert empty.attrs["statistics"] == {"accepted": 0}


def test_a_gz_file_that_was_cut_is_refused(tmp_path):
    path = tmp_path / "pass.u8.gz"
    whole = gzip.compress(b"".join(map(tm_frame, range(200))))
    for content in (whole[:-20], b"no gzip at all", whole[:40] + bytes(40)):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"pass.u8.gz is no whole gzip file"):
            read_frames(path, TM)


def test_trailers_are_skipped_and_a_frame_cut_at_the_end_is_counted():
    raw = b"".join(tm_frame(count) + b"RS check" for count in range(4))
    spec = FrameSpec("tm", length=20, trailer=8)
    assert counts_of(read_frames(raw, spec)) == [0, 1, 2, 3]
    # Of the last, the trailer alone is missing.
    assert read_frames(raw[:-8], spec).attrs["statistics"] == {"accepted": 4}
    cut = read_frames(raw[:-9], spec).attrs["statistics"]
    assert cut == {"accepted": 3, "truncated": 1}


def marked(*frames, trailer=b""):
    return b"".join(MARKER + frame + trailer for frame in frames)


@pytest.mark.parametrize("trailer", [b"", b"RS check"])
@pytest.mark.parametrize("chunk_frames", [1, 2, 100])
@pytest.mark.parametrize("lost", [1, 2, 3, 4, 5, 17])
def test_a_frame_that_lost_bytes_costs_no_other_frame(trailer, chunk_frames, lost):
    spec = FrameSpec(
        "tm", length=20, sync_marker="1acffc1d", trailer=len(trailer), fecf=True
    )
    short = tm_frame(2, fecf=True)[:-lost]
    raw = marked(*(tm_frame(count, fecf=True) for count in (0, 1)), trailer=trailer)
    raw += marked(short, *(tm_frame(k, fecf=True) for k in (3, 4)), trailer=trailer)
    pieces = list(iter_frames(raw, spec, chunk_frames=chunk_frames))
    assert [count for piece in pieces for count in counts_of(piece)] == [0, 1, 3, 4]


def test_a_short_frame_is_counted_and_not_filled_with_bytes_of_the_next():
    spec = FrameSpec("tm", length=20, sync_marker="1ACFFC1D")
    raw = marked(tm_frame(0), tm_frame(1)[:-3], tm_frame(2))
    frames = read_frames(raw, spec)
    assert counts_of(frames) == [0, 2]
    assert frames.attrs["statistics"] == {"accepted": 2, "wrong_length": 1}


@pytest.mark.parametrize("chunk_frames", [1, 2, 100])
def test_bytes_between_markers_are_skipped_and_counted(chunk_frames):
    spec = FrameSpec("tm", length=20, sync_marker="1ACFFC1D")
    raw = b"noise" + marked(tm_frame(0), tm_frame(1)) + b"\x1a\xcf more"
    raw += marked(tm_frame(2)) + MARKER[:3]
    pieces = list(iter_frames(raw, spec, chunk_frames=chunk_frames))
    assert [count for piece in pieces for count in counts_of(piece)] == [0, 1, 2]
    skipped = sum(each.attrs["statistics"].get("skipped_bytes", 0) for each in pieces)
    assert skipped == len("noise") + 7 + 3


def test_a_marker_inside_a_frame_does_not_end_it():
    spec = FrameSpec("tm", length=20, sync_marker="1ACFFC1D")
    zone = b"data " + MARKER + b" more"
    raw = marked(tm_frame(0, zone=zone), tm_frame(1), tm_frame(2, zone=zone))
    frames = read_frames(raw, spec)
    assert counts_of(frames) == [0, 1, 2]
    assert frames["data"][0].endswith(zone)


def test_a_marked_frame_cut_at_the_end_is_counted():
    spec = FrameSpec("tm", length=20, sync_marker="1ACFFC1D")
    cut = read_frames(marked(tm_frame(0), tm_frame(1))[:-1], spec)
    assert cut.attrs["statistics"] == {"accepted": 1, "truncated": 1}


def kiss(*records):
    return b"".join(FEND + kiss_escape(record) + FEND for record in records)


def test_kiss_records_hold_frames_and_their_times(tmp_path):
    path = tmp_path / "pass.kiss"
    time = np.datetime64("2019-07-05T12:00:00.125")
    stamp = b"\x09" + int(time.astype(np.int64)).to_bytes(8, "big")
    special = tm_frame(0xC0, zone=b"\xdb\xc0\xdb\xdc\xdb\xdd" + bytes(8))
    path.write_bytes(kiss(stamp, b"\0" + special, b"\0" + tm_frame(1)))
    frames = read_frames(path, TM)
    assert frames["data"].tolist() == [special, tm_frame(1)]
    assert frames["time"].tolist() == [pd.Timestamp(time), pd.NaT]


@pytest.mark.parametrize(
    "damaged", [b"\0\xdb\x41", b"\0" + bytes(1 << 20), kiss_escape(b"\0")]
)
def test_the_time_of_a_kiss_record_that_is_no_frame_goes_to_no_other(damaged):
    stamps = [b"\x09" + seconds.to_bytes(8, "big") for seconds in (1000, 2000)]
    raw = kiss(stamps[0]) + FEND + damaged + FEND + kiss(b"\0" + tm_frame(1))
    raw += kiss(stamps[1], b"\0" + tm_frame(2))
    frames = read_frames(raw, TM, format="kiss")
    assert counts_of(frames) == [1, 2]
    assert frames["time"].tolist() == [pd.NaT, pd.Timestamp("1970-01-01T00:00:02")]


def test_kiss_records_that_are_no_frames_are_counted():
    raw = b"\x00" + tm_frame(9) + kiss(b"\0" + tm_frame(1), b"\x06port", b"\0", b"\x09")
    raw += FEND + b"\0\xdb\x41" + FEND + kiss(b"\0" + tm_frame(2)[:-1]) + b"\0rest"
    frames = read_frames(raw, TM, format="kiss")
    assert counts_of(frames) == [9, 1]
    assert frames.attrs["statistics"] == {
        "accepted": 2,
        "other_kiss_records": 3,
        "bad_escape": 1,
        "wrong_length": 1,
        "unterminated": 1,
    }


CSV = FrameSpec(
    "tm",
    length=20,
    csv={
        "data": "raw",
        "time": "received",
        "station": "proxy",
        "drop": {"remark": "replay"},
    },
)


def csv_of(*rows, head="raw,received,proxy,remark"):
    return "\n".join([head, *rows]).encode()


def test_rows_of_a_csv_file_that_are_no_frames_are_counted_by_reason(tmp_path):
    path = tmp_path / "frames.csv"
    digits = tm_frame(7).hex()
    path.write_bytes(
        csv_of(
            f"{digits},2019-07-05 12:00:00.5,PI9CAM,",
            f" {digits.upper()} ,2019-07-05T12:00:01Z, JA1OGZ ,unchecked",
            f"{digits},2019-07-05 12:00:02,PI9CAM, Replay ",
            f"{digits}0,2019-07-05 12:00:03,PI9CAM,",
            f"{digits[:-2]}zz,2019-07-05 12:00:04,PI9CAM,",
            ",2019-07-05 12:00:05,PI9CAM,",
            f"{digits},yesterday,PI9CAM,",
            f"{digits},,PI9CAM,",
            f"{digits[2:]},2019-07-05 12:00:06,PI9CAM,",
            f"{digits},2019-07-05 14:00:07+02:00,,",
            digits,
        )
    )
    frames = read_frames(path, CSV)
    assert frames["time"].dtype == "datetime64[us]"
    assert frames["time"].tolist() == [
        pd.Timestamp("2019-07-05 12:00:00.5"),
        pd.Timestamp("2019-07-05 12:00:01"),
        pd.Timestamp("2019-07-05 12:00:07"),
    ]
    assert frames["station"].tolist() == ["PI9CAM", "JA1OGZ", ""]
    assert frames.attrs["statistics"] == {
        "accepted": 3,
        "dropped_rows": 1,
        "bad_hex": 3,
        "bad_time": 3,
        "wrong_length": 1,
    }


@pytest.mark.parametrize("more", ["", ",", ",,"])
def test_a_csv_file_needs_no_remarks_and_may_have_commas_at_the_end(more):
    rows = [f"{tm_frame(count).hex()},2020-01-01,A{more}" for count in range(3)]
    raw = csv_of(*rows, head="raw,received,proxy")
    frames = read_frames(raw, CSV, format="csv")
    assert counts_of(frames) == [0, 1, 2]
    assert frames["station"].tolist() == ["A", "A", "A"]
    assert frames.attrs["statistics"] == {"accepted": 3, "drop_column_missing": 1}
    pieces = iter_frames(raw, CSV, format="csv", chunk_frames=1)
    missing = [piece.attrs["statistics"].get("drop_column_missing") for piece in pieces]
    assert missing == [1, None, None]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "not a CSV file of frames"),
        (csv_of("00,2020-01-01", head="raw,received"), "no column .'proxy'"),
        (b"raw,received,proxy\n\xff\xfe,a,b", "not a CSV file of frames"),
    ],
)
def test_a_csv_file_without_frames_is_refused(raw, message):
    with pytest.raises(ValueError, match=message):
        read_frames(raw, CSV, format="csv")


@pytest.mark.parametrize("flips", [(0,), (17,), (3, 150), (40, 41, 99)])
def test_a_frame_with_wrong_bits_fails_its_error_control(flips):
    spec = FrameSpec("tm", length=20, fecf=True)
    bits = np.unpackbits(np.frombuffer(tm_frame(2, fecf=True), dtype=np.uint8))
    bits[list(flips)] ^= 1
    wrong = np.packbits(bits).tobytes()
    good = tm_frame(1, fecf=True)
    frames = read_frames([good, wrong, good[:-1]], spec)
    assert counts_of(frames) == [1]
    statistics = {"accepted": 1, "bad_crc": 1, "wrong_length": 1}
    assert frames.attrs["statistics"] == statistics


def test_a_pointer_that_the_synchronization_flag_leaves_without_meaning_is_refused():
    frame = tm_frame(1, flags=0x58)
    statistics = read_frames(frame, TM).attrs["statistics"]
    assert statistics == {"accepted": 0, "flag_mismatch": 1}
    for zone in ("fixed", "kiss", "none"):
        assert (
            len(read_frames(frame, FrameSpec("tm", length=20, packet_zone=zone))) == 1
        )


def test_every_reason_against_a_frame_is_counted_once():
    spec = FrameSpec("tm", length=20, spacecraft_ids=(42, 7), secondary_header=3)
    zone = b"\x02" + bytes(13)  # its length field says 3 bytes
    good = tm_frame(1, flags=0x98, zone=zone)
    frames = read_frames(
        [
            good,
            tm_frame(1, flags=0x98, zone=zone, spacecraft=7),
            tm_frame(1, flags=0x98, zone=zone, spacecraft=8),
            tm_frame(1, flags=0x18, zone=zone, spacecraft=8),
            tm_frame(1, flags=0x98, zone=b"\x03" + zone[1:]),
            bytes([good[0] | 0x40]) + good[1:],
            good[:1] + bytes([good[1] | 1]) + good[2:],
            good + b"\0",
        ],
        spec,
    )
    assert frames["spacecraft_id"].tolist() == [42, 7]
    assert frames.attrs["statistics"] == {
        "accepted": 2,
        "wrong_length": 1,
        "wrong_version": 1,
        "flag_mismatch": 3,
        "foreign_spacecraft": 1,
    }


def test_frames_may_have_any_length_where_the_source_tells_them_apart():
    spec = FrameSpec("tm")
    frames = read_frames([tm_frame(1), tm_frame(2)[:9], tm_frame(3)[:6]], spec)
    assert counts_of(frames) == [1, 2]
    assert frames.attrs["statistics"]["wrong_length"] == 1


def test_frames_without_times_may_be_given_an_even_pace():
    raw = b"".join(map(tm_frame, range(5)))
    start = "2024-02-28T23:59:59.5+00:00"
    options = {"start": start, "period": "500ms", "station": "WS1"}
    frames = read_frames(raw, TM, **options)
    assert frames["time"].dtype == "datetime64[us]"
    assert frames["time"].iloc[[0, 1, 4]].tolist() == [
        pd.Timestamp("2024-02-28 23:59:59.5"),
        pd.Timestamp("2024-02-29"),
        pd.Timestamp("2024-02-29 00:00:01.5"),
    ]
    assert frames["station"].tolist() == ["WS1"] * 5
    pieces = list(iter_frames(raw, TM, chunk_frames=2, **options))
    assert [len(piece) for piece in pieces] == [2, 2, 1]
    assert_frame_equal(pd.concat(pieces, ignore_index=True), frames)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start": "2024-01-01"}, "belong together"),
        ({"period": 1}, "belong together"),
        ({"start": "soon", "period": 1}, "start must be a time"),
        ({"start": pd.NaT, "period": 1}, "start must be a time"),
        ({"start": "2024-01-01", "period": -1}, "period must be positive"),
        ({"start": "2024-01-01", "period": np.inf}, "period must be finite"),
        ({"format": "hex"}, "format must be"),
        ({"format": "frames"}, "format must be"),
        ({"format": "csv"}, "must name the columns"),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        read_frames(tm_frame(0), TM, **options)


def test_wrong_sources_are_refused():
    with pytest.raises(TypeError, match="got int"):
        read_frames(5, TM)
    with pytest.raises(TypeError, match="bytes of one frame at a time; it gave str"):
        read_frames(["02A0"], TM)
    with pytest.raises(TypeError, match="binary mode"):
        read_frames(io.StringIO("text"), TM)
    with pytest.raises(ValueError, match="give the frame spec a length"):
        read_frames(b"", FrameSpec("tm"))
    with pytest.raises(ValueError, match="chunk_frames must be a whole number"):
        list(iter_frames(b"", TM, chunk_frames=0))


PARTS = st.sampled_from([tm_frame(1), tm_frame(2), MARKER, MARKER[:2], b"\xc0", b"x"])


@given(st.lists(PARTS | st.binary(max_size=9), max_size=20), st.integers(1, 9))
@settings(deadline=None, max_examples=100)
def test_the_size_of_the_pieces_changes_no_frame_and_no_count(parts, chunk_frames):
    raw = b"".join(parts)
    marker = FrameSpec("tm", length=20, sync_marker="1ACFFC1D", trailer=2)
    for spec, format in ((TM, "raw"), (marker, "raw"), (TM, "kiss")):
        whole = read_frames(raw, spec, format=format)
        pieces = list(
            iter_frames(Trickle(raw, 5), spec, format=format, chunk_frames=chunk_frames)
        )
        statistics = {}
        for piece in pieces:
            for reason, count in piece.attrs.pop("statistics").items():
                statistics[reason] = statistics.get(reason, 0) + count
        assert statistics == whole.attrs.pop("statistics")
        assert_frame_equal(pd.concat(pieces, ignore_index=True), whole)
