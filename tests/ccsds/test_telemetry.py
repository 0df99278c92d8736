from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skdsn.ccsds import (
    PacketDefinition,
    PacketField,
    TelemetryMerger,
    TimeRule,
    decode_packets,
    read_packets,
    to_telemetry,
)
from skdsn.tracks import read_tracks


def kind(times, values, craft=7, apid=1, packet=None, **attrs):
    index = pd.DatetimeIndex(
        pd.Timestamp("2020-01-01").as_unit("us") + pd.to_timedelta(times, unit="us"),
        name="time",
    )
    frame = pd.DataFrame({"v": values}, index=index)
    frame["_spacecraft_id"] = craft
    frame["_apid"] = apid
    frame["_packet"] = np.arange(len(frame)) if packet is None else packet
    frame["_gap"] = False
    frame.attrs = {"apid": [1], **attrs}
    return frame


def test_kinds_are_joined_on_time_and_nothing_is_filled():
    X = to_telemetry({"a": kind([0, 20], [1, 2]), "b": kind([10, 20], [3, 4])})
    assert list(X) == ["a_v", "b_v"]
    np.testing.assert_array_equal(X, [[1, np.nan], [np.nan, 3], [2, 4]])
    assert X.index.names == ["track", "time"]
    assert X.index.get_level_values(0).unique().tolist() == ["7-0001"]
    assert X.dtypes.tolist() == [np.float64] * 2


def test_gaps_and_spacecraft_begin_tracks():
    second = 1_000_000
    X = to_telemetry(
        {
            "a": kind([0, 10 * second, 30 * second], [1, 2, 3], craft=7),
            "b": kind([0, 5 * second], [4, 5], craft=[8, 7]),
        },
        max_gap="10s",
    )
    sizes = X.groupby(level=0).size()
    assert sizes.to_dict() == {"7-0001": 3, "7-0002": 1, "8-0001": 1}
    assert len(read_tracks(X)) == 3
    assert (
        len(read_tracks(to_telemetry({"a": kind([0, 10**13], [1, 2])}, max_gap=None)))
        == 1
    )


def test_packets_of_one_time_are_moved_in_their_order():
    X = to_telemetry(
        {"a": kind([5, 5, 5, 6, 50], [1, 2, 3, 4, 5]), "b": kind([5], [9])}
    )
    micro = X.index.get_level_values(1).microsecond
    assert micro.tolist() == [5, 6, 7, 8, 50]
    assert X["a_v"].tolist() == [1, 2, 3, 4, 5]
    np.testing.assert_array_equal(X["b_v"], [9] + [np.nan] * 4)
    assert X.attrs["statistics"]["moved"] == 3


def test_apids_of_a_kind_have_columns_of_their_own():
    frame = kind([0, 0, 10], [1, 2, 3], apid=[1, 2, 1], units={"v": "V"})
    frame.attrs["apid"] = [1, 2, 3]
    X = to_telemetry({"a": frame})
    assert list(X) == ["a_1_v", "a_2_v", "a_3_v"]
    np.testing.assert_array_equal(X, [[1, 2, np.nan], [3, np.nan, np.nan]])
    assert X.attrs["units"] == {"a_1_v": "V", "a_2_v": "V", "a_3_v": "V"}
    assert X.attrs["statistics"]["moved"] == 0


def test_rows_come_in_order_of_time():
    X = to_telemetry({"a": kind([20, 0, 10], [1, 2, 3])})
    assert X["a_v"].tolist() == [2, 3, 1]


def test_labels_and_text_are_merged_on_request():
    frame = kind([0, 10], [1, 2]).assign(
        mode=pd.Categorical(["on", "off"]), text=["x", "y"], data=[b"1", b"2"]
    )
    frame.attrs = {"apid": [1]}
    kinds = {"a": frame, "b": kind([5], [3])}
    assert list(to_telemetry(kinds)) == ["a_v", "b_v"]
    X = to_telemetry(kinds, numeric_only=False)
    assert list(X) == ["a_v", "a_mode", "a_text", "a_data", "b_v"]
    assert X["a_mode"].dtype == frame["mode"].dtype
    assert X["a_mode"].isna().tolist() == [False, True, False]
    assert X["a_text"].iloc[[0, 2]].tolist() == ["x", "y"]
    assert X["a_data"].iloc[[0, 2]].tolist() == [b"1", b"2"]


def test_packets_without_a_time_are_left_out_and_counted():
    frame = kind([0, 10], [1, 2])
    frame.index = pd.DatetimeIndex([frame.index[0], pd.NaT], name="time")
    X = to_telemetry({"a": frame})
    assert X.attrs["statistics"]["without_time"] == 1
    assert X["a_v"].tolist() == [1]
    with pytest.raises(ValueError, match="None of the 1 packets has a time"):
        to_telemetry({"a": frame.iloc[1:]})


def test_kinds_without_packets_keep_their_columns():
    X = to_telemetry({"a": kind([0], [1]), "b": kind([], [])})
    assert list(X) == ["a_v", "b_v"]
    none = to_telemetry({"b": kind([], [])})
    assert none.shape == (0, 1)
    assert len(read_tracks(none)) == 0


ROWS = st.lists(
    st.tuples(st.integers(0, 60), st.integers(1, 2), st.integers(7, 8), st.booleans()),
    max_size=40,
)


@given(rows=ROWS, cuts=st.lists(st.integers(0, 60), max_size=4), hold=st.integers(0, 3))
@settings(deadline=None, max_examples=60)
def test_any_cutting_in_time_gives_the_same_rows(rows, cuts, hold):
    rows = sorted(rows, key=lambda row: row[0])

    def kinds(low, high):
        tables = {}
        for name, flag in (("a", True), ("b", False)):
            mine = [
                (k, *row[:3])
                for k, row in enumerate(rows)
                if row[3] == flag and low <= row[0] < high
            ]
            number, time, apid, craft = np.array(mine, dtype=np.int64).reshape(-1, 4).T
            first = min((k for k, row in enumerate(rows) if row[0] >= low), default=0)
            tables[name] = kind(time, number, craft, apid, number - first)
            tables[name].attrs["apid"] = [1, 2] if flag else []
        return tables

    whole = to_telemetry(kinds(0, 99), max_gap=4e-6)
    merger = TelemetryMerger(max_gap=4e-6, hold=hold * 1e-6)
    edges = [0, *sorted(cuts), 99]
    parts = [merger.update(kinds(low, high)) for low, high in pairwise(edges)]
    streamed = pd.concat([*parts, merger.finish()]).sort_index()
    pd.testing.assert_frame_equal(streamed, whole.sort_index())
    assert merger.statistics == whole.attrs["statistics"]
    read_tracks(whole)
    for _, track in whole.groupby(level=0):  # no row holds what came after the next
        first, last = track.min(axis=1).to_numpy(), track.max(axis=1).to_numpy()
        assert (last[:-1] < first[1:]).all()


def test_packets_of_one_frame_fill_rows_in_the_order_of_arrival():
    power = kind([0, 0, 0], [1, 2, 3], packet=[0, 1, 3])
    heat = kind([0, 0], [8, 9], packet=[2, 4])
    X = to_telemetry({"power": power, "heat": heat})
    np.testing.assert_array_equal(X, [[1, np.nan], [2, 8], [3, 9]])
    micro = X.index.get_level_values(1).microsecond
    assert micro.tolist() == [0, 1, 2]
    assert X.attrs["statistics"]["moved"] == 4


def test_what_is_no_channel_is_named_by_reason():
    frame = kind([0], [1], bookkeeping=["tick"], open_arrays=["x_0", "x_1"]).assign(
        tick=3, mode=pd.Categorical(["on"]), text="y", data=[b"1"], x_0=1.0, x_1=2.0
    )
    left_out = {
        "bookkeeping": ["a_tick"],
        "labels_or_text": ["a_mode", "a_text"],
        "bytes": ["a_data"],
        "open_arrays": ["a_x_0", "a_x_1"],
    }
    X = to_telemetry({"a": frame})
    assert list(X) == ["a_v"]
    assert X.attrs["left_out"] == left_out
    every = to_telemetry({"a": frame}, numeric_only=False)
    assert list(every) == ["a_v", "a_mode", "a_text", "a_data"]
    merger = TelemetryMerger()
    merger.update({"a": frame})
    longer = frame[frame.index < "2000"].assign(x_2=3.0)
    longer.attrs["open_arrays"] = ["x_0", "x_1", "x_2"]
    merger.update({"a": longer})
    assert merger.left_out["open_arrays"] == ["a_x_0", "a_x_1", "a_x_2"]


def test_fields_that_tell_kind_and_time_are_no_channels():
    names = ("protocol", "tick", "u")
    definition = PacketDefinition(
        name="hk",
        apid=5,
        fields=[PacketField(name=n, data_type="uint", bit_length=8) for n in names],
        where={"protocol": 0},
        time=TimeRule(epoch="2020-01-01", seconds="tick"),
    )
    data = bytes.fromhex("0005c0000002 000107 0005c0010002 000208")
    kinds = decode_packets(read_packets(data), definition)
    assert list(kinds["hk"])[:3] == list(names)
    X = to_telemetry(kinds)
    assert list(X) == ["hk_u"]
    assert X.attrs["left_out"] == {"bookkeeping": ["hk_protocol", "hk_tick"]}


def test_integers_that_floats_round_are_counted():
    frame = kind([0, 10, 20, 30], np.array([2**53, 2**53 + 1, -(2**60), 5]))
    assert to_telemetry({"a": frame}).attrs["statistics"]["rounded"] == 2


def test_a_limit_without_end_is_none():
    assert len(read_tracks(to_telemetry({"a": kind([0, 10**13], [1, 2])}))) == 2
    X = to_telemetry({"a": kind([0, 10**13], [1, 2])}, max_gap=np.inf)
    assert len(read_tracks(X)) == 1
    with pytest.raises(ValueError, match="hold must be finite"):
        TelemetryMerger(hold=np.inf)


def test_a_step_back_in_a_stream_begins_a_track():
    merger = TelemetryMerger()
    parts = [
        merger.update({"a": kind([0, 10, 20], [1, 2, 3])}),
        merger.update({"a": kind([15, 30], [4, 5])}),
        merger.finish(),
    ]
    assert [len(part) for part in parts] == [2, 2, 1]
    X = pd.concat(parts)
    assert X["a_v"].tolist() == [1, 2, 3, 4, 5]
    track = X.index.get_level_values(0).tolist()
    assert track == ["7-0001"] * 3 + ["7-0002"] * 2
    assert merger.statistics["steps_back"] == 1


def test_late_packets_are_sorted_in_while_rows_are_held():
    merger = TelemetryMerger(hold=10e-6)
    parts = [
        merger.update({"a": kind([0, 10, 20], [1, 2, 3])}),
        merger.update({"a": kind([15, 30], [4, 5])}),
        merger.finish(),
    ]
    X = pd.concat(parts)
    assert X["a_v"].tolist() == [1, 2, 4, 3, 5]
    assert merger.statistics["steps_back"] == 0


def test_mistakes_are_told():
    with pytest.raises(ValueError, match="empty mapping"):
        to_telemetry({})
    with pytest.raises(ValueError, match="indexed by time"):
        to_telemetry({"a": pd.DataFrame({"v": [1]})})
    with pytest.raises(ValueError, match="numeric_only=False"):
        to_telemetry({"a": kind([0], ["x"])})
    with pytest.raises(ValueError, match="max_gap must be"):
        to_telemetry({"a": kind([0], [1])}, max_gap="soon")
    with pytest.raises(ValueError, match="column 'a_v_v'"):
        to_telemetry(
            {
                "a": kind([0], [1]).rename(columns={"v": "v_v"}),
                "a_v": kind([0], [1]),
            }
        )
    merger = TelemetryMerger()
    merger.update({"a": kind([0], [1])})
    with pytest.raises(ValueError, match="same columns"):
        merger.update({"a": kind([0], [1]).rename(columns={"v": "w"})})
    with pytest.raises(ValueError, match="same columns"):
        merger.update({"b": kind([0], [1])})
    with pytest.raises(ValueError, match="update first"):
        TelemetryMerger().finish()
    several = kind([0], [1], apid=4)
    several.attrs["apid"] = [1, 2]
    with pytest.raises(ValueError, match="has APID 4"):
        to_telemetry({"a": several})
