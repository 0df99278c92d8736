import datetime
import re
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skdsn.ccsds import (
    FrameSpec,
    PacketDefinition,
    PacketField,
    TimeRule,
    read_definitions,
)
from skdsn.ccsds._short import short
from skdsn.ccsds._yaml import load_yaml

CSV = "name,data_type,bit_length\nmode,uint,8\nt,int,16\n"
HEADER = "name,data_type,bit_length"


def field(name="a", data_type="uint", bit_length=8, **options):
    return PacketField(name=name, data_type=data_type, bit_length=bit_length, **options)


def refused(tmp_path, yaml, csv=CSV):
    """Read a folder that is refused, and give the message."""
    (tmp_path / "packets.yaml").write_text(yaml)
    (tmp_path / "b.csv").write_text(csv)
    with pytest.raises(ValueError) as caught:
        read_definitions(tmp_path)
    assert str(tmp_path) in str(caught.value)
    return str(caught.value)


def with_keys(keys):
    return f"packets: {{hk: {{fields: b.csv, {keys}}}}}"


BOMB = "\n".join(
    ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    + [f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 10)}]" for k in range(1, 10)]
)


@pytest.mark.parametrize(
    "epoch",
    [
        "2000",
        "20000101",
        "1.5",
        "12:00:00",
        "now",
        "'12:00'",
        "01/02/2000",
        "today",
        "'2000-13-01'",
        "'20000101'",
        "true",
        "[2000]",
        "'2000-001'",
    ],
)
def test_an_epoch_that_is_no_date_is_refused(tmp_path, epoch):
    message = refused(tmp_path, with_keys(f"time: {{epoch: {epoch}, seconds: t}}"))
    assert "packet 'hk'" in message
    assert "must be a date such as 2000-01-01T12:00:00" in message


@pytest.mark.parametrize(
    "epoch",
    [
        "2000",
        "2000-01",
        "2000-01-01",
        "2000-01-01T00:00Z",
        "2000-01-01 01:00:00+01:00",
        datetime.date(2000, 1, 1),
        datetime.datetime(2000, 1, 1),
        pd.Timestamp("2000-01-01", tz="UTC"),
        np.datetime64("2000-01-01"),
    ],
)
def test_dates_with_a_year_are_epochs(epoch):
    assert TimeRule(epoch=epoch, seconds="t").epoch == pd.Timestamp("2000-01-01")


@pytest.mark.parametrize("unit", ["[a]", "5", "''"])
def test_a_time_rule_that_names_no_field_is_refused(tmp_path, unit):
    message = refused(tmp_path, with_keys(f"time: {{epoch: 2000-01-01, days: {unit}}}"))
    assert "days of a time rule must be the name of a field" in message


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0100", 100),
        ("-010", -10),
        ("0o17", 15),
        ("0x1F", 31),
        ("1:30", "1:30"),
        ("1:30.5", "1:30.5"),
        ("1_000", "1_000"),
        ("1e-3", 0.001),
        ("-.5", -0.5),
        ("5.", 5.0),
        ("-.inf", -np.inf),
        ("on", "on"),
        ("TRUE", True),
        ("", None),
        ("'01'", "01"),
        ("2000-01-02", datetime.date(2000, 1, 2)),
    ],
)
def test_scalars_are_read_as_yaml_1_2_does(text, value):
    got = load_yaml(text, "it")
    assert (got, type(got)) == (value, type(value))


@given(number=st.integers(-(2**62), 2**62), zeros=st.integers(0, 1))
@settings(deadline=None, max_examples=25)
def test_integers_are_decimal(number, zeros):
    sign = "-" if number < 0 else ""
    assert load_yaml(f"{sign}{'0' * zeros}{abs(number)}", "it") == number


def test_leading_zeros_are_decimal_in_definitions_and_frame_specs(tmp_path):
    (tmp_path / "packets.yaml").write_text(with_keys("apid: 0100"))
    (tmp_path / "b.csv").write_text(
        f'{HEADER},calibration\na,uint,16,"{{enum: {{001: on, 010: 12:30}}}}"\n'
    )
    [kind] = read_definitions(tmp_path)
    assert kind.apid == (100,)
    assert dict(kind["a"].calibration.values) == {1: "on", 10: "12:30"}
    (tmp_path / "spec.yaml").write_text("kind: aos\nlength: 0100\n")
    assert FrameSpec.from_yaml(tmp_path / "spec.yaml").length == 100


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("length: 1:30", "length of packet 'hk' must be an integer; got '1:30'"),
        ("length: 9, length: 9", "comes twice"),
        ("apid: true", "integer from 0 to 2047; got True"),
        ("apid: [true]", "integer from 0 to 2047; got True"),
        ("apid: false", "integer from 0 to 2047; got False"),
        ("apid: {5: 1}", "an integer or a list of integers; got {5: 1}"),
        ("apid: 5.0", "integer from 0 to 2047; got 5.0"),
        ("apid: '100'", "an integer or a list of integers; got '100'"),
        ("apid: [[5]]", "integer from 0 to 2047"),
        ("where: ", "must map fields to raw values, .* got None"),
        ("where: 5", "must map fields to raw values, .* got 5"),
        ("where: [mode]", "must map fields to raw values"),
        ("where: {mode: 300}", "'mode' to be 300, but its 8 bits hold 0 to 255"),
        ("where: {mode: -1}", "hold 0 to 255"),
        ("where: {t: 32768}", "its 16 bits hold -32768 to 32767"),
        ("where: {mode: 1e23}", "must give 'mode' an integer"),
        ("length: 8", "need 9 bytes, but it has by its length 8"),
        ("secondary_header: 65534", "need 65543 bytes, but it has at most 65542"),
        ("offsets: [1]", "'packet' or 'data'"),
        ("offsets: {a: 1}", "'packet' or 'data'"),
        ("<<: {apid: 3}", "merging by << is not supported; write the keys out"),
    ],
)
def test_keys_of_a_packet_that_say_nothing_sensible_are_refused(
    tmp_path, keys, message
):
    assert re.search(message, refused(tmp_path, with_keys(keys)))


@pytest.mark.parametrize(("value", "name"), [(255, "mode"), (-32768, "t"), (0, "t")])
def test_where_takes_every_value_that_a_field_can_hold(value, name):
    fields = [field("mode"), field("t", "int", 16)]
    kind = PacketDefinition(name="hk", fields=fields, where={name: value})
    packet = bytes(6) + (
        bytes([value, 0, 0])
        if name == "mode"
        else b"\0" + value.to_bytes(2, signed=True)
    )
    assert kind.matches([packet]).all()


@pytest.mark.parametrize("value", ["[1]", "5", "false", "''"])
def test_calibrations_that_are_no_mapping_are_refused(tmp_path, value):
    message = refused(tmp_path, f"calibrations: {value}\npackets: {{hk: b.csv}}")
    assert "the key 'calibrations' must map names to calibrations" in message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"valid_min": float("nan")}, "valid_min of field 'a' must be a finite number"),
        ({"valid_max": float("inf")}, "valid_max of field 'a' must be a finite number"),
        ({"valid_max": "9"}, "finite number"),
        ({"valid_min": 2, "valid_max": 1}, "must not be above valid_max; got 2 and 1"),
        ({"bit_offset": 8 * 65542}, "at most 524336 bits"),
        ({"data_type": "bytes", "bit_length": 8 * 65543}, "at most 524336 bits"),
        ({"shape": (100_000,) * 3}, "at most 524336 bits"),
        ({"bit_length": True}, "positive integer"),
        ({"bit_offset": True}, "an integer from 0"),
        ({"shape": True}, "positive integers"),
    ],
)
def test_fields_that_fit_no_packet_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        field(**options)


def test_the_largest_packet_is_allowed():
    last = field(bit_offset=8 * 65541)
    assert PacketDefinition(name="hk", fields=[last]).layout(65542) is not None
    assert field(shape=(65536,)).n_elements == 65536
    assert field(valid_min=1, valid_max=1).valid_max == 1


def test_an_array_beyond_a_packet_is_refused_before_its_columns_are_named(tmp_path):
    path = tmp_path / "hk.csv"
    path.write_text(f"{HEADER},array_shape\na,uint,8,100000x100000x100000\n")
    begun = time.perf_counter()
    with pytest.raises(ValueError, match="line 2: Field 'a' ends at bit 8000000000"):
        read_definitions(path)
    assert time.perf_counter() - begun < 5


@pytest.mark.parametrize("twice", ["bit_length", " bit_length ", '"bit_length"'])
def test_a_column_that_comes_twice_is_refused(tmp_path, twice):
    path = tmp_path / "hk.csv"
    path.write_text(f"{HEADER},{twice}\na,uint,8,16\n")
    with pytest.raises(ValueError, match="the column 'bit_length' comes twice"):
        read_definitions(path)


def test_columns_without_a_name_may_come_twice(tmp_path):
    path = tmp_path / "hk.csv"
    path.write_text(f"{HEADER},,\n\na,uint,8,,\nb,uint,8\n")
    [kind] = read_definitions(path)
    assert kind.columns == ("a", "b")


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        ('a,uint,8,\n\nb,uint,8,"open\nc,uint,8,\n', 4),
        (f"a,uint,8,\nb,uint,8,{'x' * 140_000}\n", 3),
        ('a,uint,8,"two\nlines"\nb,unit,8,\n', 4),
        ('a,uint,8,\nb,unit,8,"two\nlines"\n', 3),
    ],
)
def test_a_row_that_cannot_be_read_is_told_by_the_line_it_begins_on(
    tmp_path, rows, line
):
    path = tmp_path / "hk.csv"
    path.write_text(f"{HEADER},description\n{rows}")
    with pytest.raises(ValueError, match=f"hk.csv, line {line}: ") as caught:
        read_definitions(path)
    assert len(str(caught.value)) < 500 + len(str(path))


@pytest.mark.parametrize(
    "place",
    [
        "packets: {hk: {fields: b.csv, where: *a9}}",
        "packets: {hk: {fields: b.csv, time: *a9}}",
        "calibrations: {x: {polynomial: *a9}}\npackets: {hk: b.csv}",
        "packets: {hk: {fields: b.csv, <<: [*a9]}}",
    ],
)
def test_aliases_that_stand_for_very_much_are_refused(tmp_path, place):
    begun = time.perf_counter()
    message = refused(tmp_path, f"{BOMB}\n{place}")
    assert "write out what is needed" in message
    assert time.perf_counter() - begun < 5
    (tmp_path / "spec.yaml").write_text(f"{BOMB}\nkind: *a9\n")
    with pytest.raises(ValueError, match="write out what is needed"):
        FrameSpec.from_yaml(tmp_path / "spec.yaml")


def test_an_alias_within_itself_is_refused_and_a_plain_one_is_read():
    with pytest.raises(ValueError, match="stands in what it is an alias of"):
        load_yaml("a: &a [1, *a]", "it")
    assert load_yaml("a: &a [1]\nb: *a", "it") == {"a": [1], "b": [1]}


def test_many_keys_are_read_in_time_that_grows_with_their_number():
    text = "{" + ", ".join(f"{k}: 0" for k in range(5_000)) + "}"
    assert len(load_yaml(text, "it")) == 5_000
    with pytest.raises(ValueError, match="the key 7 comes twice"):
        load_yaml(text[:-1] + ", 07: 1}", "it")


def test_messages_stay_short_whatever_they_show():
    deep = ["x" * 1000]
    for _ in range(10):
        deep = [deep] * 10
    for value in (deep, "x" * 10**6, {"a": deep}, 10**3000, b"x" * 10**6):
        assert len(short(value)) <= 200
    assert short({"a": [1, "b"]}) == "{'a': [1, 'b']}"
    with pytest.raises(ValueError) as caught:
        PacketDefinition(name="hk", fields=[field()], where=deep)
    assert len(str(caught.value)) < 500
