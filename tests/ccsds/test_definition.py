import re

import numpy as np
import pandas as pd
import pytest
from xtce_files import container, document, equal, integer

from skdsn.ccsds import (
    Enumeration,
    PacketDefinition,
    PacketField,
    Polynomial,
    Sum,
    TimeRule,
    read_definitions,
)


def field(name="a", data_type="uint", bit_length=8, **options):
    return PacketField(name=name, data_type=data_type, bit_length=bit_length, **options)


def packet(*fields, **options):
    return PacketDefinition(name="kind", fields=fields, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"data_type": "unit"}, "one of"),
        ({"bit_length": 0}, "positive integer"),
        ({"bit_length": 65}, "1 to 64"),
        ({"data_type": "float", "bit_length": 24}, "16, 32 or 64"),
        ({"data_type": "bytes", "bit_length": 12}, "multiple of 8"),
        ({"bit_offset": -1}, "bit_offset"),
        ({"bit_length": 12, "byte_order": "little"}, "no whole bytes"),
        ({"bit_length": 32, "byte_order": "3411"}, "each of its bytes once"),
        ({"shape": (0,)}, "positive integers"),
        ({"data_type": "bytes", "bit_length": 16, "shape": "expand"}, "must be 8"),
        ({"data_type": "str", "valid_min": 0}, "only numbers"),
        ({"calibration": Enumeration({0: "a"}), "valid_max": 1}, "has labels"),
        ({"name": ""}, "must be text"),
    ],
)
def test_fields_whose_parts_do_not_go_together_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        field(**options)


@pytest.mark.parametrize(
    ("fields", "options", "message"),
    [
        ([], {}, "no fields"),
        ([field(), field()], {}, "two columns 'a'"),
        ([field(shape=(2,)), field("a_1")], {}, "two columns 'a_1'"),
        ([field("_apid")], {}, "underscore"),
        ([field()], {"where": {"b": 1}}, "names 'b'"),
        ([field()], {"where": {"a": "1"}}, "an integer"),
        ([field()], {"apid": 2048}, "0 to 2047"),
        ([field()], {"length": 6}, "at least 7"),
        ([field()], {"secondary_header": -1}, "at least 0"),
        ([field()], {"time": TimeRule(epoch="2000", seconds="b")}, "from 'b'"),
        ([field(calibration=Sum("b"))], {}, "needs 'b'"),
        (
            [field(calibration=Sum("b")), field("b", calibration=Sum("a"))],
            {},
            "in a circle",
        ),
        ([field(shape="expand"), field("b", shape="expand")], {}, "one expanding"),
    ],
)
def test_definitions_that_contradict_themselves_are_refused(fields, options, message):
    with pytest.raises(ValueError, match=message):
        packet(*fields, **options)


def test_implicit_fields_fill_a_packet_and_explicit_ones_fit_into_it():
    implicit = packet(field(), field("b", bit_length=16))
    assert [implicit.layout(n) is not None for n in (8, 9, 10)] == [False, True, False]
    explicit = packet(field(bit_offset=48), field("b", bit_offset=56))
    assert [explicit.layout(n) is not None for n in (7, 8, 99)] == [False, True, True]
    fixed = packet(field(), length=9)
    assert [fixed.layout(n) is not None for n in (7, 9, 10)] == [False, True, False]


def test_an_expanding_field_leaves_room_for_those_after_it():
    kind = packet(field(), field("b", bit_length=16, shape="expand"), field("crc"))
    places = {one.name: (start, shape) for one, start, shape in kind.layout(12)}
    assert places == {"a": (48, ()), "b": (56, (2,)), "crc": (88, ())}
    assert kind.layout(11) is None


def test_a_secondary_header_is_skipped():
    kind = packet(field(), secondary_header=4)
    assert kind.layout(11)[0][1] == 80


@pytest.mark.parametrize(
    ("rule", "raw", "expected"),
    [
        (
            TimeRule(epoch="1958-01-01", days="d", milliseconds="m", microseconds="u"),
            {"d": 23109, "m": 7, "u": 137},
            "2021-04-09T00:00:00.007137",
        ),
        (
            TimeRule(epoch="2000-01-01T12:00", seconds="d", fraction="m"),
            {"d": 2**32 - 1, "m": 0x8000},
            "2136-02-07T18:28:15.500000",
        ),
        (
            TimeRule(epoch="1970-01-01", seconds="d", nanoseconds="u"),
            {"d": 1, "u": 1999},
            "1970-01-01T00:00:01.000002",
        ),
        (TimeRule(epoch="1970-01-01", days="d"), {"d": 2**62}, "NaT"),
    ],
)
def test_time_rules_are_exact(rule, raw, expected):
    raw = {name: np.array([value], dtype=np.uint64) for name, value in raw.items()}
    got = rule.decode(raw, {"d": 64, "m": 16, "u": 16})
    np.testing.assert_array_equal(got, np.array([expected], dtype="datetime64[us]"))


@pytest.mark.parametrize("bits", [1, 16, 24, 32, 40, 64])
def test_a_binary_fraction_of_any_width_is_half_a_second(bits):
    rule = TimeRule(epoch="1970-01-01", fraction="f")
    raw = {"f": np.array([1 << (bits - 1)], dtype=np.uint64)}
    assert rule.decode(raw, {"f": bits})[0] == np.datetime64("1970-01-01T00:00:00.5")


def test_epochs_may_be_dates_and_are_read_as_utc():
    from_zone = TimeRule(epoch="2000-01-01T02:00+02:00", seconds="s")
    assert from_zone.epoch == pd.Timestamp("2000-01-01")
    for epoch, fields, message in [
        ("noon", {"seconds": "s"}, "date such as"),
        (None, {"seconds": "s"}, "missing"),
        ("2000", {}, "at least one field"),
    ]:
        with pytest.raises(ValueError, match=message):
            TimeRule(epoch=epoch, **fields)


CSV = """name, data_type, bit_length, bit_offset, calibration, unit, valid_max
mode, uint, 8, 48, "{enum: {0: off, [1,3]: on}}", ,
u, uint(2), 16, 56, half, V, 100
q, float, 32, 88, , ,
""".replace("[1,3]", "'[1,3]'")
YAML = """
calibrations:
  half: {polynomial: [0, 5e-1]}
packets:
  beacon: {fields: b.csv, apid: [1, 2], where: {mode: 1}, length: 15}
  other:
    fields: b.csv
    time: {epoch: 1958-01-01, seconds: mode}
"""


def folder(tmp_path, yaml=YAML, csv=CSV):
    (tmp_path / "packets.yaml").write_text(yaml)
    (tmp_path / "b.csv").write_text(csv)
    return tmp_path


def test_a_folder_of_definitions_is_read(tmp_path):
    beacon, other = read_definitions(folder(tmp_path))
    assert (beacon.name, beacon.apid, beacon.length) == ("beacon", (1, 2), 15)
    assert beacon["mode"].calibration.labels == ("off", "on")
    assert beacon["u"] == field(
        "u",
        bit_length=16,
        bit_offset=56,
        shape=(2,),
        calibration=Polynomial((0, 0.5)),
        unit="V",
        valid_max=100.0,
    )
    assert beacon.units == {"u_0": "V", "u_1": "V"}
    assert other.time.epoch == pd.Timestamp("1958-01-01")
    assert read_definitions(tmp_path / "packets.yaml") == [beacon, other]


def test_a_single_csv_file_is_a_kind_with_its_name(tmp_path):
    path = tmp_path / "hk.csv"
    path.write_text("name,data_type,bit_length\na,uint(2x2),8\nb,uint(expand),8\n")
    [kind] = read_definitions(path)
    assert (kind.name, kind.apid) == ("hk", ())
    assert kind["a"].columns == ("a_0_0", "a_0_1", "a_1_0", "a_1_1")
    assert kind["b"].shape == "expand"


def test_offsets_may_count_from_the_end_of_the_primary_header(tmp_path):
    path = tmp_path / "hk.csv"
    path.write_text("name,data_type,bit_length,bit_offset\na,uint,8,0\n")
    kind = PacketDefinition.from_csv(path, offsets="data")
    assert kind["a"].bit_offset == 48
    with pytest.raises(ValueError, match="'packet' or 'data'"):
        PacketDefinition.from_csv(path, offsets="start")


@pytest.mark.parametrize(
    ("csv", "message"),
    [
        ("name,data_type,bit_lenght\n", "did you mean 'bit_length'"),
        ("name,data_type\n", "'bit_length' is missing"),
        ("name,data_type,bit_length\n", "no fields"),
        ("name,data_type,bit_length\na,unit,8\n", r"line 2: .* did you mean 'uint'"),
        ("name,data_type,bit_length\na,uint,x\n", "must be an integer"),
        ("name,data_type,bit_length\na,uint,8,9\n", "no column"),
        ("name,data_type,bit_length\na,uint,\n", "positive integer"),
        ("name,data_type,bit_length\na,uint(count),8\n", "another field holds"),
        ("name,data_type,bit_length,valid_min\na,uint,8,low\n", "a number"),
        (
            "name,data_type,bit_length,calibration\na,uint,8,hlf\n",
            "no calibration 'hlf'",
        ),
        ("", "needs the columns"),
        ('name,data_type,bit_length\n"a,uint,8\n', "line"),
    ],
)
def test_mistakes_in_a_csv_file_are_told_with_their_line(tmp_path, csv, message):
    path = tmp_path / "hk.csv"
    path.write_text(csv)
    with pytest.raises(ValueError, match=message) as caught:
        read_definitions(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("yaml", "message"),
    [
        ("packet: {}", "did you mean 'packets'"),
        ("packets: {}", "must map kinds"),
        ("packets: {a: {fields: b.csv, apids: 3}}", "did you mean 'apid'"),
        ("packets: {a: {apid: 3}}", "needs the key 'fields'"),
        ("packets: {a: b.csv}", "no calibration 'half'"),
        ("packets: {a: b.csv, a: b.csv}", "comes twice"),
        ("calibrations: {half: {polynomial: x}}", "key 'packets'"),
        (
            "calibrations: {half: {polynomial: x}}\npackets: {a: b.csv}",
            "calibration 'half': ",
        ),
        (
            "calibrations: {half: {polynomial: [1, 1]}}\n"
            "packets: {a: {fields: b.csv, time: {epoch: 2000-01-01, second: u}}}",
            "did you mean 'seconds'",
        ),
        ("- a", "must hold keys"),
        ("a: [", "not a? ?YAML"),
    ],
)
def test_mistakes_in_the_yaml_file_are_told(tmp_path, yaml, message):
    with pytest.raises(ValueError, match=message):
        read_definitions(folder(tmp_path, yaml))


def test_files_that_are_not_there_or_of_another_kind_are_told(tmp_path):
    with pytest.raises(FileNotFoundError, match="no file"):
        read_definitions(tmp_path)
    (tmp_path / "packets.yaml").write_text("packets: {a: none.csv}")
    with pytest.raises(FileNotFoundError, match=r"names .*none\.csv"):
        read_definitions(tmp_path)
    (tmp_path / "a.txt").write_text("")
    with pytest.raises(ValueError, match=r"end in \.yaml, \.csv or \.xml"):
        read_definitions(tmp_path / "a.txt")


def test_labels_that_yaml_takes_for_booleans_stay_labels(tmp_path):
    text = 'name,data_type,bit_length,calibration\na,uint,8,"{enum: {0: off, 1: on}}"\n'
    path = tmp_path / "hk.csv"
    path.write_text(text)
    [kind] = read_definitions(path)
    assert kind["a"].calibration.labels == ("off", "on")


def test_columns_are_those_that_decoding_gives():
    beacon = PacketDefinition(
        name="beacon",
        apid=1,
        fields=[
            field("a"),
            field("spare", "fill", 4),
            field("b", bit_length=4, shape=(2, 2)),
            field("pad", "fill", 4),
            field("text", "bytes", 8, shape="expand"),
        ],
    )
    assert beacon.columns == ("a", "b_0_0", "b_0_1", "b_1_0", "b_1_1", "text")
    assert tuple(beacon.decode_group([bytes(12)])) == beacon.columns
    numbers = PacketDefinition(name="n", fields=[field("x", shape="expand")])
    assert numbers.columns == ()  # their number is that of the packet


HK_TYPES = {"tick": integer("tick", 32), "t": integer("t", 8)}
RULE = "{time: {epoch: 2020-01-01, seconds: tick}}"


@pytest.mark.parametrize(
    ("packets", "said"),
    [
        (f"{{hk: {RULE}}}", None),
        (f"{{attitud: {RULE}}}", "did you mean 'attitude'?"),
        ("{hk: {}}", "needs the key 'time'"),
        (f"{{hk: {RULE[:-1]}, apid: 1}}}}", "'apid' is no key"),
        ("{hk: {time: {epoch: 2020-01-01, seconds: tock}}}", "from 'tock'"),
        ("[hk]", "must map kinds to their time"),
    ],
)
def test_a_folder_may_give_the_kinds_of_an_xtce_file_their_times(
    tmp_path, packets, said
):
    pytest.importorskip("space_packet_parser")
    hk = container("hk", HK_TYPES, criteria=equal("APID", 1))
    other = container("attitude", ["t"], criteria=equal("APID", 2))
    (tmp_path / "m.xml").write_text(document(HK_TYPES, [hk, other]))
    (tmp_path / "packets.yaml").write_text(f"xtce: m.xml\npackets: {packets}\n")
    if said is None:
        times = {each.name: each.time for each in read_definitions(tmp_path)}
        assert times["attitude"] is None
        assert times["hk"].fields == {"seconds": "tick"}
        return
    with pytest.raises(ValueError, match=re.escape(said)):
        read_definitions(tmp_path)


def test_an_xtce_file_that_is_named_must_be_there(tmp_path):
    (tmp_path / "packets.yaml").write_text("xtce: m.xml\n")
    with pytest.raises(FileNotFoundError, match=re.escape("m.xml, which is not")):
        read_definitions(tmp_path)
