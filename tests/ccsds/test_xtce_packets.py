"""XTCE containers whose packets are parsed one by one."""

from dataclasses import replace

import numpy as np
import pytest
from xtce_files import DYNAMIC, container, document, equal, integer, packet

from skdsn.ccsds import TimeRule, decode_packets, read_packets


def test_fields_of_changing_length_are_parsed_packet_by_packet(decode):
    hk = container("hk", DYNAMIC, criteria=equal("APID", 1))
    data = [
        packet(1, b"\x03ab\x01\x14"),  # at the highest point
        packet(1, b"\x01\x07\x15"),  # no label, no point
        packet(1, b"\x02c\x00\x0a\xff"),  # longer
        packet(1, b"\x09c\x00\x0a"),  # broken
        packet(1, b"\x00c\x00\x0a"),  # of negative length
    ]
    kinds = decode(DYNAMIC, [hk], data)
    frame = kinds["hk"].sort_values("size")
    assert frame["blob"].tolist() == [b"", b"c", b"ab"]
    np.testing.assert_array_equal(frame["temp"], [np.nan, 5, 10])
    assert frame["mode"].astype(object).tolist()[1:] == ["off", "on"]
    assert frame["mode"].isna().tolist() == [True, False, False]
    assert frame["size"].dtype == np.uint8
    counts = kinds.statistics["kinds"]["hk"]
    assert (counts["fallback"], counts["longer"]) == (3, 1)
    assert counts["invalid"] == {"mode": 1, "temp": 1}
    assert kinds.statistics["unknown"] == {"1": 2}


def test_a_parsed_kind_without_packets_has_the_same_columns_and_types(decode):
    hk = container("hk", DYNAMIC, criteria=equal("APID", 1))
    some = decode(DYNAMIC, [hk], [packet(1, b"\x01\x00\x00")])["hk"]
    none = decode(DYNAMIC, [hk], [packet(2, b"\x01\x00\x00")])["hk"]
    assert len(none) == 0
    assert none.dtypes.tolist() == some.dtypes.tolist()


def test_raw_values_of_parsed_packets_are_left_alone(read_text):
    hk = container("hk", DYNAMIC, criteria=equal("APID", 1))
    definitions = read_text(document(DYNAMIC, [hk]))
    packets = read_packets(packet(1, b"\x01\x07\x15"))
    frame = decode_packets(packets, definitions, raw=True)["hk"]
    assert frame[["size", "mode", "temp"]].to_numpy().tolist() == [[1, 7, 21]]


def test_a_packet_is_parsed_once(read_text, monkeypatch):
    [hk] = read_text(
        document(DYNAMIC, [container("hk", DYNAMIC, criteria=equal("APID", 1))])
    )
    parse, seen = type(hk)._parse, []
    monkeypatch.setattr(
        type(hk), "_parse", lambda self, data: seen.append(data) or parse(self, data)
    )
    data = [packet(1, b"\x01%c\x00\x00" % k) for k in range(5)]
    frame = decode_packets(read_packets(b"".join(data)), hk)["hk"]
    assert len(frame) == 5
    assert sorted(seen) == sorted(data)


def test_parsed_packets_may_have_a_time(read_text):
    [hk] = read_text(
        document(DYNAMIC, [container("hk", DYNAMIC, criteria=equal("APID", 1))])
    )
    timed = replace(hk, time=TimeRule(epoch="2020-01-01", seconds="size"))
    data = packet(1, b"\x03ab\x00\x00") + packet(1, b"\x02a\x00\x00")
    frame = decode_packets(read_packets(data), timed)["hk"]
    assert frame.index.second.tolist() == [3, 2]
    assert frame["blob"].tolist() == [b"ab", b"a"]
    assert frame.attrs["bookkeeping"] == ["size"]
    with pytest.raises(ValueError, match="takes seconds from 'blob'"):
        replace(hk, time=TimeRule(epoch="2020-01-01", seconds="blob"))


def test_many_parsed_packets_stay_in_order(decode):
    hk = container("hk", DYNAMIC, criteria=equal("APID", 1))
    texts = [b"%04d" % k for k in range(1100)]
    data = [packet(1, b"\x05" + text + b"\x00\x00") for text in texts]
    frame = decode(DYNAMIC, [hk], data)["hk"]
    assert frame["blob"].tolist() == texts
    assert frame["mode"].unique().tolist() == ["off"]


def test_conditions_that_are_no_equality_are_left_to_the_parser(decode):
    types = {"kind": integer("kind", 8), "a": integer("a", 8), "b": integer("b", 8)}
    above = equal("kind", 9, 'comparisonOperator="&gt;"')
    containers = [
        container("hk", ["kind"], criteria=equal("APID", 1), abstract="true"),
        container("low", ["a"], base="hk", criteria=equal("kind", 9)),
        container("high", ["b"], base="hk", criteria=above),
    ]
    data = [packet(1, [9, 1]), packet(1, [10, 2]), packet(1, [8, 3])]
    kinds = decode(types, containers, data)
    assert kinds["low"]["a"].tolist() == [1]
    assert kinds["high"][["kind", "b"]].to_numpy().tolist() == [[10, 2]]
    assert "fallback" not in kinds.statistics["kinds"]["low"]
    assert kinds.statistics["kinds"]["high"]["fallback"] == 1
