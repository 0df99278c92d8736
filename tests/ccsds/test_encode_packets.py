import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skdsn.ccsds import (
    BetaThermistor,
    Enumeration,
    PacketDefinition,
    PacketField,
    Polynomial,
    SignedSquare,
    Sum,
    decode_packets,
    encode_packets,
)


def field(name="a", data_type="uint", bit_length=8, **options):
    return PacketField(name=name, data_type=data_type, bit_length=bit_length, **options)


@st.composite
def numbers(draw):
    """Draw fields that fill whole bytes, and values for them."""
    n_rows = draw(st.integers(1, 5))
    fields, columns, end = [], {}, 0
    for k in range(draw(st.integers(1, 6))):
        data_type = draw(st.sampled_from(["uint", "int", "float", "bytes", "fill"]))
        order = "big"
        if data_type == "float":
            bits = draw(st.sampled_from([16, 32, 64]))
            values = st.floats(width=bits, allow_nan=False)
        elif data_type == "bytes":
            bits = 8 * draw(st.integers(1, 4))
            values = st.binary(min_size=bits // 8, max_size=bits // 8)
        else:
            bits = draw(st.integers(1, 64))
            low = -(2 ** (bits - 1)) if data_type == "int" else 0
            values = st.integers(low, low + 2**bits - 1)
        if data_type in ("uint", "int", "float") and bits % 8 == 0:
            order = draw(st.sampled_from(["big", "little"]))
        shape = draw(st.sampled_from([(), (2,), (1, 3)]))
        one = field(f"f{k}", data_type, bits, shape=shape, byte_order=order)
        fields.append(one)
        end += bits * one.n_elements
        for name in one.columns:
            drawn = draw(st.lists(values, min_size=n_rows, max_size=n_rows))
            columns[name] = pd.Series(drawn, dtype=_dtype(data_type, bits))
    if end % 8 or not columns:
        fields.append(field("pad", "fill", 8 - end % 8))
    return PacketDefinition(name="kind", apid=3, fields=fields), pd.DataFrame(columns)


def _dtype(data_type, bits):
    width = next(n for n in (8, 16, 32, 64) if bits <= n)
    kinds = {
        "uint": f"u{width // 8}",
        "int": f"i{width // 8}",
        "float": f"f{bits // 8}",
    }
    return kinds.get(data_type, object)


@given(case=numbers())
@settings(deadline=None, max_examples=100)
def test_decoding_gives_back_what_was_encoded(case):
    definition, frame = case
    if frame.empty:
        return
    decoded = decode_packets(encode_packets(frame, definition), definition)["kind"]
    got = decoded[list(frame.columns)].reset_index(drop=True)
    pd.testing.assert_frame_equal(got, frame, check_exact=True)


ADC = PacketDefinition(
    name="hk",
    apid=(14, 15),
    where={"protocol": 0},
    fields=[
        field("protocol"),
        field("rssi", bit_length=16, calibration=Sum("gain", scale=0.1, offset=-174)),
        field("gain", calibration=Enumeration({0: 43, 1: 33})),
        field("mode", calibration=Enumeration({0: "off", 1: "on"})),
        field("u", "int", 12, shape=(2,), calibration=Polynomial((1, 0.25))),
        field("q", "int", 16, calibration=SignedSquare(32767)),
        field(
            "t",
            bit_length=16,
            calibration=BetaThermistor(4100, 298.15, 5, 0.00244, ratio=2),
        ),
    ],
)


@given(
    rows=st.lists(
        st.tuples(
            st.integers(0, 2**16 - 1),
            st.integers(0, 1),
            st.integers(0, 1),
            st.integers(-2048, 2047),
            st.integers(-2048, 2047),
            st.integers(-32767, 32767),
            st.integers(1, 2048),
        ),
        min_size=1,
        max_size=8,
    )
)
@settings(deadline=None, max_examples=40)
def test_raw_values_survive_calibration_and_its_inverse(rows):
    columns = ["rssi", "gain", "mode", "u_0", "u_1", "q", "t"]
    raw = pd.DataFrame(rows, columns=columns)
    packets = encode_packets(raw, ADC, raw=True)
    engineering = decode_packets(packets, ADC)["hk"]
    again = encode_packets(engineering, ADC)
    pd.testing.assert_frame_equal(again, packets)
    assert decode_packets(again, ADC, raw=True)["hk"][columns].to_numpy().tolist() == [
        list(row) for row in rows
    ]


def test_headers_say_what_the_packet_is():
    time = pd.date_range("2020-01-01", periods=3, freq="s", name="time")
    frame = pd.DataFrame({"a": [1, 2, 3], "_apid": [5, 6, 5]}, index=time)
    kind = PacketDefinition(name="k", fields=[field()], secondary_header=2)
    packets = encode_packets(frame, kind, first_count=16383, spacecraft_id=403)
    assert packets["sequence_count"].tolist() == [16383, 16383, 0]
    assert packets["apid"].tolist() == [5, 6, 5]
    assert packets["spacecraft_id"].tolist() == [403] * 3
    assert packets["time"].tolist() == time.tolist()
    assert packets["data"][0].hex() == "0805ffff0002000001"
    assert packets["data"][2].hex() == "0805c0000002000003"


def test_provenance_is_passed_on():
    frame = pd.DataFrame(
        {
            "a": [1],
            "_apid": [9],
            "_sequence_count": [77],
            "_spacecraft_id": [4],
            "_virtual_channel_id": [2],
            "_n_frames": [3],
            "_n_copies": [2],
            "_gap": [True],
        },
        index=pd.DatetimeIndex(["2020-01-01"], name="time").as_unit("us"),
    )
    kind = PacketDefinition(name="k", apid=9, fields=[field()])
    decoded = decode_packets(encode_packets(frame, kind), kind)["k"]
    assert decoded[list(frame)].to_numpy().tolist() == frame.to_numpy().tolist()
    pd.testing.assert_index_equal(decoded.index, frame.index)


def test_text_and_arrays_that_expand_are_encoded():
    kind = PacketDefinition(
        name="k",
        apid=1,
        fields=[field("text", "str", 32), field("b", bit_length=16, shape="expand")],
    )
    frame = pd.DataFrame({"text": ["ok", "µs"], "b_0": [1, 2], "b_1": [3, 4]})
    decoded = decode_packets(encode_packets(frame, kind), kind)["k"]
    assert decoded["text"].tolist() == ["ok", "µs"]
    assert decoded[["b_0", "b_1"]].to_numpy().tolist() == [[1, 3], [2, 4]]


@pytest.mark.parametrize(
    ("options", "values", "message"),
    [
        ({}, [0, 256], "'a' .* uint of 8 bits; row 1 does not fit: .*256"),
        ({}, [0, -1], "row 1"),
        ({}, [0, np.nan], "row 1"),
        ({"data_type": "int"}, [-129, 0], "row 0"),
        ({"data_type": "int"}, [127.5, 0], "row 0"),
        ({"data_type": "float", "bit_length": 32}, [0, 1e300], "row 1"),
        ({"data_type": "bytes", "bit_length": 16}, [b"ab", b"a"], "row 1"),
        ({"data_type": "str", "bit_length": 16}, ["a", "abc"], "row 1"),
        ({"calibration": Polynomial((0, 2))}, [510, 511.1], "row 1"),
        ({"calibration": Polynomial((0, 2, 1))}, [1, 2], "'a' .*no inverse"),
        ({"calibration": Enumeration({0: "off"})}, ["off", "on"], "row 1"),
        ({"bit_offset": 40}, [0, 1], "primary header"),
        ({"bit_length": 12}, [0, 1], "no whole bytes"),
    ],
)
def test_values_that_do_not_fit_are_refused(options, values, message):
    kind = PacketDefinition(name="k", apid=1, fields=[field(**options)])
    with pytest.raises(ValueError, match=message):
        encode_packets(pd.DataFrame({"a": values}), kind)


def test_halves_are_rounded_to_even():
    kind = PacketDefinition(name="k", apid=1, fields=[field()])
    packets = encode_packets(pd.DataFrame({"a": [0.5, 1.5, 2.5]}), kind)
    assert decode_packets(packets, kind)["k"]["a"].tolist() == [0, 2, 2]


def test_overlapping_fields_must_agree():
    kind = PacketDefinition(
        name="k",
        apid=1,
        fields=[field("word", bit_offset=48), field("flag", "uint", 1, bit_offset=48)],
    )
    frame = pd.DataFrame({"word": [0x80, 0x01], "flag": [1, 0]})
    decoded = decode_packets(encode_packets(frame, kind), kind)["k"]
    assert decoded[["word", "flag"]].to_numpy().tolist() == frame.to_numpy().tolist()
    with pytest.raises(ValueError, match="contradict it in row 1"):
        encode_packets(frame.assign(flag=[1, 1]), kind)


def test_what_is_missing_is_told():
    kind = PacketDefinition(name="k", fields=[field(), field("b")])
    with pytest.raises(ValueError, match="no column 'b'"):
        encode_packets(pd.DataFrame({"a": [1]}), kind)
    with pytest.raises(ValueError, match="no APID"):
        encode_packets(pd.DataFrame({"a": [1], "b": [1]}), kind)
    with pytest.raises(ValueError, match="0 to 2047"):
        encode_packets(pd.DataFrame({"a": [1], "b": [1]}), kind, apid=2048)


def test_no_rows_make_no_packets():
    frame = pd.DataFrame({"a": []})
    kind = PacketDefinition(name="k", apid=1, fields=[field()])
    packets = encode_packets(frame, kind)
    assert len(packets) == 0
    assert len(decode_packets(packets, kind)["k"]) == 0
