"""XTCE files become packet definitions, and nothing in them is taken on trust."""

import os
import struct
import subprocess
import sys
import tempfile
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

space_packet_parser = pytest.importorskip("space_packet_parser")

from skdsn.ccsds import read_packets  # noqa: E402
from skdsn.ccsds._decode import decode_packets  # noqa: E402
from skdsn.ccsds._definition import PacketDefinition  # noqa: E402
from skdsn.ccsds._field import PacketField  # noqa: E402
from skdsn.ccsds._time_rule import TimeRule  # noqa: E402
from skdsn.ccsds._xtce import read_xtce  # noqa: E402

HEADER = ("VERSION 3", "TYPE 1", "SHF 1", "APID 11", "FLAGS 2", "COUNT 14", "LENGTH 16")
XTCE = "http://www.omg.org/spec/XTCE/20180204"


def integer(name, bits, inner="", attributes=""):
    return (
        f'<IntegerParameterType name="{name}_t"><UnitSet><Unit>V</Unit></UnitSet>'
        f'<IntegerDataEncoding sizeInBits="{bits}" {attributes}>{inner}'
        "</IntegerDataEncoding></IntegerParameterType>"
    )


def polynomial(*coefficients):
    terms = "".join(
        f'<Term coefficient="{c}" exponent="{k}"/>' for k, c in enumerate(coefficients)
    )
    return f"<PolynomialCalibrator>{terms}</PolynomialCalibrator>"


def spline(points, order=1, extrapolate="false"):
    inner = "".join(f'<SplinePoint raw="{x}" calibrated="{y}"/>' for x, y in points)
    return (
        f'<SplineCalibrator order="{order}" extrapolate="{extrapolate}">{inner}'
        "</SplineCalibrator>"
    )


def default(calibrator):
    return f"<DefaultCalibrator>{calibrator}</DefaultCalibrator>"


def context(match, calibrator):
    return (
        f"<ContextCalibratorList><ContextCalibrator><ContextMatch>{match}"
        f"</ContextMatch><Calibrator>{calibrator}</Calibrator></ContextCalibrator>"
        "</ContextCalibratorList>"
    )


def equal(name, value, attributes=""):
    return f'<Comparison parameterRef="{name}" value="{value}" {attributes}/>'


def enumeration(name, bits, labels):
    inner = "".join(f'<Enumeration value="{v}" label="{x}"/>' for v, x in labels)
    return (
        f'<EnumeratedParameterType name="{name}_t">'
        f'<IntegerDataEncoding sizeInBits="{bits}"/>'
        f"<EnumerationList>{inner}</EnumerationList></EnumeratedParameterType>"
    )


def container(name, entries, base="CCSDSPacket", criteria="", abstract="false"):
    entries = "".join(
        f'<ContainerRefEntry containerRef="{e[1:]}"/>'
        if e.startswith("@")
        else f'<ParameterRefEntry parameterRef="{e}"/>'
        for e in entries
    )
    inherits = ""
    if base:
        inherits = (
            f'<BaseContainer containerRef="{base}"><RestrictionCriteria>{criteria}'
            "</RestrictionCriteria></BaseContainer>"
        )
    return (
        f'<SequenceContainer name="{name}" abstract="{abstract}">'
        f"<EntryList>{entries}</EntryList>{inherits}</SequenceContainer>"
    )


def document(types, containers, root="CCSDSPacket"):
    """Write an XTCE text; `types` maps parameter names to their types."""
    header = dict(field.split() for field in HEADER)
    types = {name: integer(name, bits) for name, bits in header.items()} | types
    parameters = "".join(
        f'<Parameter name="{n}" parameterTypeRef="{n}_t"/>' for n in types
    )
    base = container(root, header, base=None, abstract="true")
    return (
        f'<SpaceSystem name="test" xmlns="{XTCE}"><TelemetryMetaData>'
        f"<ParameterTypeSet>{''.join(types.values())}</ParameterTypeSet>"
        f"<ParameterSet>{parameters}</ParameterSet>"
        f"<ContainerSet>{base}{''.join(containers)}</ContainerSet>"
        "</TelemetryMetaData></SpaceSystem>"
    )


def packet(apid, data, count=0):
    return struct.pack(">HHH", apid, 0xC000 | count, len(data) - 1) + bytes(data)


@pytest.fixture
def read(tmp_path):
    def read(text, **options):
        path = tmp_path / "mission.xml"
        path.write_text(text)
        return read_xtce(path, **options)

    return read


@pytest.fixture
def decode(read):
    def decode(types, containers, packets):
        definitions = read(document(types, containers))
        return decode_packets(read_packets(b"".join(packets)), definitions)

    return decode


def parsed(path, data, root):
    """Give what space_packet_parser itself makes of packets."""
    model = space_packet_parser.load_xtce(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [model.parse_bytes(one, root_container_name=root) for one in data]


def test_fields_of_every_kind_are_as_space_packet_parser_reads_them(read, tmp_path):
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
    (definition,) = read(
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


def test_a_kind_can_be_given_the_time_on_board(read):
    types = {"t": integer("t", 16), "a": integer("a", 8)}
    (definition,) = read(
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


DYNAMIC = {
    "size": integer("size", 8),
    "blob": '<BinaryParameterType name="blob_t"><BinaryDataEncoding><SizeInBits>'
    '<DynamicValue><ParameterInstanceRef parameterRef="size"/>'
    '<LinearAdjustment slope="8" intercept="-8"/></DynamicValue></SizeInBits>'
    "</BinaryDataEncoding></BinaryParameterType>",
    "mode": enumeration("mode", 8, [(0, "off"), (1, "on")]),
    "temp": integer("temp", 8, default(spline([(0, 0), (20, 10)]))),
}


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


def test_raw_values_of_parsed_packets_are_left_alone(read):
    hk = container("hk", DYNAMIC, criteria=equal("APID", 1))
    definitions = read(document(DYNAMIC, [hk]))
    packets = read_packets(packet(1, b"\x01\x07\x15"))
    frame = decode_packets(packets, definitions, raw=True)["hk"]
    assert frame[["size", "mode", "temp"]].to_numpy().tolist() == [[1, 7, 21]]


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


def test_longer_packets_are_decoded_and_counted_and_shorter_ones_are_not(decode):
    types = {"a": integer("a", 16)}
    hk = container("hk", types, criteria=equal("APID", 1))
    data = [packet(1, b"\x00\x01"), packet(1, b"\x00\x02\x03"), packet(1, b"\x00")]
    kinds = decode(types, [hk], data)
    assert kinds["hk"]["a"].tolist() == [1, 2]
    counts = kinds.statistics["kinds"]["hk"]
    assert (counts["longer"], counts["wrong_length"]) == (1, 1)


def test_the_root_is_found_by_its_place_or_given(read):
    types = {"a": integer("a", 8)}
    hk = container("hk", types, base="Start", criteria=equal("APID", 1))
    other = container("other", types, base=None)
    assert [d.name for d in read(document(types, [hk], root="Start"))] == ["hk"]
    text = document(types, [hk, other], root="Start")
    with pytest.raises(ValueError, match=r"may begin with .*root="):
        read(text)
    assert [d.name for d in read(text, root="Start")] == ["hk"]
    with pytest.raises(ValueError, match="no container 'Stop'"):
        read(text, root="Stop")


def test_names_may_have_a_prefix_or_no_namespace(read):
    text = document({"a": integer("a", 8)}, [container("hk", ["a"])])
    text = text.replace("<RestrictionCriteria></RestrictionCriteria>", "")
    bare = text.replace(f' xmlns="{XTCE}"', "")
    prefixed = text.replace("</", "\0").replace("<", "<x:").replace("\0", "</x:")
    prefixed = prefixed.replace("xmlns=", "xmlns:x=")
    names = [
        [f.name for d in read(t) for f in d.fields] for t in (text, bare, prefixed)
    ]
    assert names == [["a"]] * 3


LAUGHS = (
    '<!DOCTYPE x [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {chr(98 + k)} "{f"&{chr(97 + k)};" * 10}">' for k in range(9))
    + "]>"
)


@pytest.mark.parametrize(
    "start",
    [
        LAUGHS,
        '<!DOCTYPE x [<!ENTITY j SYSTEM "secret.txt">]>',
        '<!DOCTYPE x SYSTEM "secret.dtd">',
    ],
)
def test_entities_are_refused(read, tmp_path, start):
    (tmp_path / "secret.txt").write_text("secret")
    text = document({"a": integer("a", 8)}, [container("hk&j;", ["a"])])
    with pytest.raises(ValueError, match="document type") as caught:
        read(start + text)
    assert "secret" not in str(caught.value)


def test_entities_are_refused_in_other_encodings(tmp_path):
    path = tmp_path / "wide.xml"
    text = document({"a": integer("a", 8)}, [container("hk", ["a"])])
    path.write_bytes(
        ('<?xml version="1.0" encoding="UTF-16"?>' + LAUGHS + text).encode("utf-16")
    )
    with pytest.raises(ValueError, match="document type"):
        read_xtce(path)


def nested(depth):
    inner = [container("c0", ["a"] * 10, base=None)]
    inner += [
        container(f"c{k}", [f"@c{k - 1}"] * 10, base=None) for k in range(1, depth)
    ]
    return [*inner, container("hk", [f"@c{depth - 1}"], criteria=equal("APID", 1))]


ONE = {"a": integer("a", 8)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<SpaceSystem>", "not well-formed"),
        ("<html/>", "begins with a SpaceSystem"),
        (f'<SpaceSystem xmlns="{XTCE}"/>', "no SequenceContainer"),
        (document(ONE, nested(12)), "expand to more than"),
        (document(ONE, [container("x", ["@x"], base=None)]), "contain themselves"),
        (document(ONE, [container("x", ["a"], base="y")]), "no container 'y'"),
        (document(ONE, [container("x", ["lost"])]), "cannot be read|is named"),
        (document(ONE, []), "no container that is not abstract"),
        (
            document(
                {"a": integer("a", 65)},
                [container("x", ["a"], criteria=equal("APID", 1))],
            ),
            "64 bits at most",
        ),
        (
            document(
                DYNAMIC | {"a": integer("a", 65)},
                [container("x", [*DYNAMIC, "a"], criteria=equal("APID", 1))],
            ),
            "64 bits at most",
        ),
        (
            document(
                ONE,
                [
                    container(f"c{k}", [], base=f"c{k - 1}" if k else "CCSDSPacket")
                    for k in reversed(range(1200))
                ],
            ).replace("<RestrictionCriteria></RestrictionCriteria>", ""),
            "nested too deeply",
        ),
        (
            document(
                {"a": integer("a", 8, default("<MathOperationCalibrator/>"))},
                [container("x", ["a"])],
            ),
            "MathOperation|cannot be read",
        ),
        (
            document(
                {
                    "a": integer(
                        "a", 8, default(polynomial(1).replace('"0"', '"999999999"'))
                    )
                },
                [container("x", ["a"], criteria=equal("APID", 1))],
            ),
            "'a': the powers",
        ),
        (
            document(
                {"a": integer("a", 8, context(equal("far", 1), polynomial(1)))}
                | {"far": integer("far", 8)},
                [
                    container("x", ["a"], criteria=equal("APID", 1)),
                    container("y", ["far"], criteria=equal("APID", 2)),
                ],
            ),
            "'far', which container 'x'",
        ),
        (
            document(
                {
                    "a": integer("a", 8, context(equal("b", 1), polynomial(1))),
                    "b": integer("b", 8, context(equal("a", 1), polynomial(1))),
                },
                [container("x", ["a", "b"], criteria=equal("APID", 1))],
            ),
            "depend on each other",
        ),
        (
            document(ONE, [container("x", ["a"], criteria=equal("APID", 1))]).replace(
                '<ParameterRefEntry parameterRef="a"/>',
                '<ParameterRefEntry parameterRef="a"><IncludeCondition/>'
                "</ParameterRefEntry>",
            ),
            "IncludeCondition",
        ),
        (
            document(ONE, [container("x", ["a"], criteria=equal("APID", 1))]).replace(
                '<ParameterRefEntry parameterRef="a"/>',
                '<ParameterRefEntry parameterRef="a"><LocationInContainerInBits '
                'referenceLocation="containerStart"><FixedValue>8</FixedValue>'
                "</LocationInContainerInBits></ParameterRefEntry>",
            ),
            "LocationInContainerInBits",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_sentence(read, text, message):
    with pytest.raises(ValueError, match=message) as caught:
        read(text)
    assert "mission.xml: " in str(caught.value)


def test_without_the_package_the_error_names_the_extra(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "space_packet_parser", None)
    with pytest.raises(ImportError, match=r"skdsn\[xtce\]"):
        read_xtce(tmp_path / "mission.xml")


def test_importing_the_room_does_not_load_the_package():
    code = "import skdsn.ccsds, sys; sys.exit('space_packet_parser' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.fixture(scope="module")
def folder():
    if "SKDSN_DATA" not in os.environ:
        pytest.skip("SKDSN_DATA is not set.")
    return Path(os.environ["SKDSN_DATA"]) / "ccsds"


def test_every_ctim_packet_is_as_space_packet_parser_reads_it(folder):
    path = folder / "ctim" / "ctim_xtce_v1.xml"
    definitions = read_xtce(path)
    packets = read_packets(folder / "ctim" / "ccsds_2021_155_14_39_51")
    kinds = decode_packets(packets, definitions)
    counts = kinds.statistics["kinds"]
    assert sum(count["decoded"] for count in counts.values()) == len(packets) == 1499
    assert counts["APID_1_Packet"]["longer"] == 104
    sample = packets[::10]
    expected = parsed(path, sample["data"], "CCSDSTelemetryPacket")
    mine = decode_packets(sample, definitions)
    n_values = 0
    for definition in definitions:
        frame = mine[definition.name]
        theirs = [p for p in expected if p["PKT_APID"] == definition.apid[0]]
        assert len(theirs) == len(frame)
        for name in (f.name for f in definition.fields if f.data_type != "fill"):
            values = [p[name] for p in theirs]
            values = [v.rstrip("\0") if isinstance(v, str) else v for v in values]
            assert frame[name].tolist() == values
            n_values += len(values)
    assert n_values > 100_000


def test_every_jpss_packet_is_as_the_csv_definition_has_it(folder):
    home = folder / "jpss1"
    packets = read_packets(home / "J01_G011_LZ_2021-04-09T00-00-00Z_V01.DAT1")
    rows = (home / "ccsdspy_jpss1_geolocation.csv").read_text().split()[1:]
    fields = [row.split(",") for row in rows]
    by_csv = PacketDefinition(
        name="JPSS_ATT_EPHEM",
        apid=11,
        fields=[
            PacketField(name=n, data_type=t, bit_length=int(b)) for n, t, b in fields
        ],
    )
    by_xtce = read_xtce(home / "jpss1_geolocation_xtce_v1.xml")
    one = decode_packets(packets, by_csv)["JPSS_ATT_EPHEM"]
    two = decode_packets(packets, by_xtce)["JPSS_ATT_EPHEM"]
    assert len(two) == 7200
    assert two.equals(one)
