"""XTCE files become packet definitions that decode as they say."""

import struct
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xtce_files import (
    XTCE,
    container,
    context,
    default,
    document,
    enumeration,
    equal,
    integer,
    packet,
    parsed,
    polynomial,
    spline,
)

from skdsn.ccsds import TimeRule, decode_packets, read_packets, read_xtce

pytest.importorskip("space_packet_parser")


def test_fields_of_every_kind_are_as_space_packet_parser_reads_them(
    read_text, tmp_path
):
    float_type = (
        '<FloatParameterType name="{0}_t"><FloatDataEncoding sizeInBits="{1}" {2}/>'
        "</FloatParameterType>"
    )
    little = 'byteOrder="leastSignificantByteFirst"'
    types = {
        "u3": integer("u3", 3),
        "i13": integer("i13", 13, attributes='encoding="twosComplement"'),
        "u24": integer("u24", 24, attributes=little),
        "i16": integer("i16", 16, attributes=f'encoding="twosComplement" {little}'),
        "f32": float_type.format("f32", 32, ""),
        "f64": float_type.format("f64", 64, little),
        "text": '<StringParameterType name="text_t"><StringDataEncoding><SizeInBits>'
        "<Fixed><FixedValue>32</FixedValue></Fixed></SizeInBits></StringDataEncoding>"
        "</StringParameterType>",
        "blob": '<BinaryParameterType name="blob_t"><BinaryDataEncoding><SizeInBits>'
        "<FixedValue>24</FixedValue></SizeInBits></BinaryDataEncoding>"
        "</BinaryParameterType>",
        "flag": '<BooleanParameterType name="flag_t"><IntegerDataEncoding '
        'sizeInBits="8"/></BooleanParameterType>',
        "volt": integer("volt", 8, default(polynomial(-3, 0.5, 0.25))),
        "mode": enumeration("mode", 8, [(0, "off"), (1, "on")]),
    }
    (definition,) = read_text(
        document(types, [container("all", types, criteria=equal("APID", 5))])
    )
    rng = np.random.default_rng(0)
    data = []
    for k in range(50):
        head = bytearray(rng.bytes(19))
        # No NaN, which is unequal to itself.
        head[7:19] = struct.pack(">f", rng.normal()) + struct.pack("<d", rng.normal())
        tail = [b"ab\0\0", rng.bytes(3), rng.bytes(1), rng.bytes(1), bytes([k % 2])]
        data.append(packet(5, bytes(head) + b"".join(tail), k))
    frame = decode_packets(read_packets(b"".join(data)), definition)["all"]
    assert list(frame)[: len(types)] == list(types)
    for k, row in enumerate(parsed(tmp_path / "mission.xml", data, "CCSDSPacket")):
        for name in types:
            expected = row[name]
            if name == "text":
                expected = str(expected).rstrip("\0")
            assert frame[name].iloc[k] == expected, name
    assert frame["u24"].dtype == np.uint32
    assert frame["mode"].cat.categories.tolist() == ["off", "on"]
    assert frame.attrs["units"]["volt"] == "V"
    assert definition["volt"].bit_offset == 8 * 33


@settings(deadline=None, max_examples=25)
@given(
    st.lists(
        st.tuples(st.integers(1, 64), st.booleans(), st.booleans()),
        min_size=1,
        max_size=12,
    ),
    st.randoms(use_true_random=False),
)
def test_integers_of_any_width_and_place_are_as_they_were_written(fields, random):
    types, expected, text = {}, {}, ""
    for k, (bits, signed, little) in enumerate(fields):
        little = little and bits % 8 == 0
        order = "least" if little else "most"
        coding = "twosComplement" if signed else "unsigned"
        attributes = f'encoding="{coding}" byteOrder="{order}SignificantByteFirst"'
        types[f"x{k}"] = integer(f"x{k}", bits, attributes=attributes)
        value = random.getrandbits(bits)
        expected[f"x{k}"] = value - (1 << bits) * (signed and value >> (bits - 1))
        if little:
            value = int.from_bytes(value.to_bytes(bits // 8, "little"), "big")
        text += f"{value:0{bits}b}"
    text += "0" * (-len(text) % 8)
    data = packet(1, int(text, 2).to_bytes(len(text) // 8, "big"))
    hk = container("hk", types, criteria=equal("APID", 1))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mission.xml"
        path.write_text(document(types, [hk]))
        frame = decode_packets(read_packets(data), read_xtce(path))["hk"]
        (row,) = parsed(path, [data], "CCSDSPacket")
    for name, value in expected.items():
        assert frame[name].item() == value == row[name]


def test_inherited_conditions_select_by_apid_and_by_value(decode):
    types = {"kind": integer("kind", 8), "a": integer("a", 8), "b": integer("b", 16)}
    apids = equal("APID", 4, 'comparisonOperator="&gt;="') + equal("TYPE", 0)
    containers = [
        container("hk", ["kind"], criteria=f"<ComparisonList>{apids}</ComparisonList>"),
        container("hk_a", ["a"], base="hk", criteria=equal("kind", 1)),
        container("hk_b", ["b"], base="hk", criteria=equal("kind", 2)),
    ]
    data = [packet(4, b"\x01\x07"), packet(9, b"\x02\x01\x00"), packet(5, b"\x03")]
    kinds = decode(types, containers, [*data, packet(3, b"\x01\x07")])
    assert list(kinds) == ["hk_a", "hk_b", "hk"]
    assert kinds["hk_a"][["kind", "a"]].to_numpy().tolist() == [[1, 7]]
    assert kinds["hk_b"]["b"].tolist() == [256]
    assert kinds["hk"]["kind"].tolist() == [3]
    assert "TYPE" not in kinds["hk"]
    assert kinds.statistics["unknown"] == {"3": 1}


def test_a_label_can_select_a_container(decode):
    types = {"mode": enumeration("mode", 8, [(3, "safe"), (4, "fine")])}
    types["t"] = integer("t", 8)
    containers = [
        container("all", ["mode"], criteria=equal("APID", 1), abstract="true"),
        container("safe", ["t"], base="all", criteria=equal("mode", "safe")),
    ]
    kinds = decode(types, containers, [packet(1, b"\x03\x09"), packet(1, b"\x04\x08")])
    assert kinds["safe"]["t"].tolist() == [9]
    assert kinds.statistics["unknown"] == {"1": 1}


def test_contained_containers_are_laid_out_in_place(decode):
    types = {name: integer(name, 8) for name in "abc"}
    containers = [
        container("inner", ["b"], base=None),
        container("outer", ["a", "@inner", "c"], criteria=equal("APID", 1)),
    ]
    kinds = decode(types, containers, [packet(1, b"\x01\x02\x03")])
    assert kinds["outer"][["a", "b", "c"]].to_numpy().tolist() == [[1, 2, 3]]
    assert list(kinds) == ["outer"]


def test_a_field_that_comes_twice_has_the_value_of_the_last(decode):
    types = {name: integer(name, 8) for name in "ab"}
    hk = container("hk", ["a", "b", "a"], criteria=equal("APID", 1))
    kinds = decode(types, [hk], [packet(1, b"\x01\x02\x03")])
    assert kinds["hk"][["a", "b"]].to_numpy().tolist() == [[3, 2]]


def test_a_field_of_the_header_may_come_again(decode):
    types = {"a": integer("a", 8)}
    criteria = equal("APID", 1) + equal("TYPE", 0)
    hk = container(
        "hk", ["a", "TYPE"], criteria=f"<ComparisonList>{criteria}</ComparisonList>"
    )
    assert decode(types, [hk], [packet(1, b"\x01\x00")])["hk"]["a"].tolist() == [1]


def test_a_kind_can_be_given_the_time_on_board(read_text):
    types = {"t": integer("t", 16), "a": integer("a", 8)}
    (definition,) = read_text(
        document(types, [container("hk", types, criteria=equal("APID", 1))])
    )
    rule = TimeRule(epoch="2020-01-01", seconds="t")
    packets = read_packets(packet(1, b"\x00\x3c\x01"))
    frame = decode_packets(packets, replace(definition, time=rule))["hk"]
    assert frame.index[0] == pd.Timestamp("2020-01-01 00:01:00")


def test_a_spline_holds_at_its_highest_point_and_not_beyond(decode):
    points = [(10, 1), (0, 0), (20, 5)]
    types = {
        "line": integer("line", 8, default(spline(points))),
        "step": integer("step", 8, default(spline(points, 0, "true"))),
    }
    hk = container("hk", types, criteria=equal("APID", 1))
    data = [packet(1, [x, x]) for x in (5, 15, 20, 21)]
    frame = decode(types, [hk], data)["hk"]
    np.testing.assert_array_equal(frame["line"], [0.5, 3, 5, np.nan])
    assert frame["step"].tolist() == [0, 1, 5, 5]
    assert frame.attrs["statistics"]["invalid"] == {"line": 1}


@pytest.mark.parametrize("order", [["gain", "rssi"], ["rssi", "gain"]])
def test_a_calibration_may_depend_on_a_field_before_or_after(decode, order):
    low = context(equal("gain", "low"), polynomial(-100, 1))
    types = {
        "gain": enumeration("gain", 8, [(0, "low"), (1, "high")]),
        "rssi": integer("rssi", 8, default(polynomial(0, 2)) + low),
    }
    hk = container("hk", order, criteria=equal("APID", 1))
    rows = [{"gain": 0, "rssi": 30}, {"gain": 1, "rssi": 30}, {"gain": 7, "rssi": 1}]
    data = [packet(1, [row[name] for name in order]) for row in rows]
    frame = decode(types, [hk], data)["hk"]
    assert frame["rssi"].tolist() == [-70, 60, 2]


def test_a_calibration_may_depend_on_boolean_expressions(decode):
    def condition(name, operator, value, raw="true"):
        return (
            f'<Condition><ParameterInstanceRef parameterRef="{name}" '
            f'useCalibratedValue="{raw}"/><ComparisonOperator>{operator}'
            f"</ComparisonOperator><Value>{value}</Value></Condition>"
        )

    either = "".join(condition("mode", "==", v) for v in (1, 2))
    match = (
        f"<BooleanExpression><ANDedConditions>{condition('v', '&gt;', 9)}"
        f"<ORedConditions>{either}</ORedConditions></ANDedConditions>"
        "</BooleanExpression>"
    )
    types = {"mode": integer("mode", 8)}
    types["v"] = integer("v", 8, context(match, polynomial(1000)))
    hk = container("hk", types, criteria=equal("APID", 1))
    data = [packet(1, row) for row in ([1, 10], [2, 10], [3, 10], [1, 9])]
    assert decode(types, [hk], data)["hk"]["v"].tolist() == [1000, 1000, 10, 9]


def test_longer_packets_are_decoded_and_counted_and_shorter_ones_are_not(decode):
    types = {"a": integer("a", 16)}
    hk = container("hk", types, criteria=equal("APID", 1))
    data = [packet(1, b"\x00\x01"), packet(1, b"\x00\x02\x03"), packet(1, b"\x00")]
    kinds = decode(types, [hk], data)
    assert kinds["hk"]["a"].tolist() == [1, 2]
    counts = kinds.statistics["kinds"]["hk"]
    assert (counts["longer"], counts["wrong_length"]) == (1, 1)


def test_the_root_is_found_by_its_place_or_given(read_text):
    types = {"a": integer("a", 8)}
    hk = container("hk", types, base="Start", criteria=equal("APID", 1))
    other = container("other", types, base=None)
    assert [d.name for d in read_text(document(types, [hk], root="Start"))] == ["hk"]
    text = document(types, [hk, other], root="Start")
    with pytest.raises(ValueError, match=r"may begin with .*root="):
        read_text(text)
    assert [d.name for d in read_text(text, root="Start")] == ["hk"]
    with pytest.raises(ValueError, match="no container 'Stop'"):
        read_text(text, root="Stop")


def test_names_may_have_a_prefix_or_no_namespace(read_text):
    text = document({"a": integer("a", 8)}, [container("hk", ["a"])])
    text = text.replace("<RestrictionCriteria></RestrictionCriteria>", "")
    bare = text.replace(f' xmlns="{XTCE}"', "")
    prefixed = text.replace("</", "\0").replace("<", "<x:").replace("\0", "</x:")
    prefixed = prefixed.replace("xmlns=", "xmlns:x=")
    names = [
        [f.name for d in read_text(t) for f in d.fields] for t in (text, bare, prefixed)
    ]
    assert names == [["a"]] * 3


def test_without_the_package_the_error_names_the_extra(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "space_packet_parser", None)
    with pytest.raises(ImportError, match="the extra 'xtce'"):
        read_xtce(tmp_path / "mission.xml")


def test_importing_the_room_does_not_load_the_package():
    code = "import skdsn.ccsds, sys; sys.exit('space_packet_parser' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
