import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skdsn.ccsds import (
    BetaThermistor,
    Enumeration,
    Function,
    PacketField,
    Polynomial,
    QuadraticThermistor,
    SignedSquare,
    Sum,
    Table,
    register_calibration,
)
from skdsn.ccsds._parse_calibration import parse_calibration
from skdsn.ccsds._read_fields import _apply

NTC_A = BetaThermistor(4100, 298.15, 5, 0.00244, ratio=2, offset=-273.1)
NTC_B = QuadraticThermistor(-4.77701, 5289.94338, -292525.18393, 10_000, 5, 0.00244)
GAIN = Enumeration({0: 43, 1: 33, 2: 26, 4: 29, 5: 19, 6: 12, 8: 17, 9: 7, 10: 0})


@pytest.mark.parametrize(
    ("raw", "a", "b"),
    [
        (100, 84.210291, 143.229224),
        (400, 41.605688, 82.172037),
        (512, 34.125783, 71.437111),
        (600, 29.197665, 64.358242),
        (742, 22.324463, 54.474888),
        (1000, 11.689358, 39.150647),
        (2000, -47.204973, -47.399131),
    ],
)
def test_thermistors_give_the_temperatures_of_dslwp_b(raw, a, b):
    assert NTC_A.decode(np.array([raw]))[0] == pytest.approx(a, abs=1e-6)
    assert NTC_B.decode(np.array([raw]))[0] == pytest.approx(b, abs=1e-6)


def test_the_beta_law_is_the_form_that_the_mission_published():
    raw = np.arange(1, 2049)
    published = (
        1222415 / (298.15 * np.log(0.0244 * raw / (25 - 0.0122 * raw)) + 4100) - 273.1
    )
    np.testing.assert_allclose(NTC_A.decode(raw), published, rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize("law", [NTC_A, NTC_B])
def test_thermistors_know_no_temperature_at_the_rails(law):
    rails = law.decode(np.array([-32768, -5, 0, 2050, 2060, 32767]))
    assert np.isnan(rails).all()
    assert np.isfinite(law.decode(np.array([1, 2049]))).all()


@pytest.mark.parametrize(
    "calibration",
    [
        NTC_A,
        NTC_B,
        Polynomial((-162, 0.1)),
        Polynomial((0, 400 / 2147483647)),
        SignedSquare(32767),
        SignedSquare(32767, 180 / 3.1415926),
        Table((0, 500, 2048), (100.0, 20.0, -60.0)),
        Table((0, 500, 2048), (1.0, 2.0, 30.0), extrapolate=True),
    ],
)
@given(raw=st.lists(st.integers(1, 2048), min_size=1, max_size=20))
@settings(deadline=None, max_examples=20)
def test_encoding_undoes_decoding(calibration, raw):
    again = calibration.encode(calibration.decode(np.array(raw)))
    np.testing.assert_array_equal(np.rint(again), raw)


@pytest.mark.parametrize(
    ("calibration", "raw", "value"),
    [
        (Polynomial((-0.005, 0.00244 * 6.3894)), 800, 12.4671088),
        (Polynomial((0.0318, 0.00244 * 6.3617)), 770, 11.98416196),
        (Polynomial((-9.4347, 0.00244 * 0.8814)), 4400, 0.0280104),
        (Polynomial((0, 3.1416 / 32768)), -1234, -0.118308545),
        (Polynomial((0, 400 / 2147483647)), 2**30, 200.0000000931),
        (Polynomial((7,)), 3, 7.0),
        (Polynomial((1, 2, 3)), 10, 321.0),
        (SignedSquare(32767), -16384, -0.25001525948758285),
        (SignedSquare(32767, 180 / 3.1415926), -16384, -14.324819426861685),
        (SignedSquare(32767, 180 / 3.1415926), 32767, 57.29578049),
        (GAIN, 9, 7.0),
        (GAIN, 3, np.nan),
        (Table((0, 10), (5, 7), order=0), 9, 5.0),
        (Table((0, 10), (5, 7), order=0), 10, 7.0),
        (Table((0, 10), (5, 7), order=0), 11, np.nan),
        (Table((0, 10), (5, 7)), 10, 7.0),
        (Table((0, 10), (5, 7)), -1, np.nan),
        (Table((0, 10), (5, 7), extrapolate=True), 20, 9.0),
    ],
)
def test_calibrations_give_known_values(calibration, raw, value):
    got = calibration.decode(np.array([raw]))
    assert got.dtype == np.float64
    np.testing.assert_allclose(got, [value], rtol=1e-8)


def test_single_precision_is_calibrated_in_double_precision():
    raw = np.array([0.1], dtype=np.float32)
    for calibration in (Polynomial((0, 0.1)), SignedSquare(3), Sum("other")):
        got = calibration.decode(raw, {"other": np.zeros(1)})
        assert got.dtype == np.float64


def test_sums_need_other_fields_and_undo_them():
    rssi = Sum("gain", scale=0.1, offset=-174)
    columns = {"gain": np.array([33.0, np.nan])}
    got = rssi.decode(np.array([500, 600]), columns)
    np.testing.assert_allclose(got, [-91.0, np.nan])
    np.testing.assert_allclose(rssi.encode(got, columns), [500, np.nan])
    array = Sum(["gain"]).decode(np.ones((2, 3)), columns)
    assert array.shape == (2, 3)
    assert (array[0] == 34).all()


def test_labels_are_categories_and_unknown_values_have_none():
    mode = Enumeration({"0": "off", "[1, 3]": "on", "0x10": "off"})
    got = mode.decode(np.array([0, 2, 16, 4, 255], dtype=np.uint8))
    assert isinstance(got, pd.Categorical)
    assert got.tolist()[:3] == ["off", "on", "off"]
    assert got.isna().tolist() == [False, False, False, True, True]
    np.testing.assert_array_equal(mode.encode(got), [0, 1, 0, np.nan, np.nan])


def test_keys_of_an_enum_are_exact_among_64_bits():
    big = Enumeration({2**53: 1, 2**53 + 1: 2})
    raw = np.array([2**53, 2**53 + 1, 2**64 - 1], dtype=np.uint64)
    np.testing.assert_array_equal(big.decode(raw), [1, 2, np.nan])


@pytest.mark.parametrize("calibration", [NTC_A, GAIN, Table((-99, 99), (0, 1))])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16])
def test_a_table_of_all_raw_values_gives_what_the_law_gives(calibration, dtype):
    raw = np.resize(np.arange(256 ** np.dtype(dtype).itemsize), 70_000).astype(dtype)
    field = PacketField(
        name="t",
        data_type="int",
        bit_length=8 * raw.itemsize,
        calibration=calibration,
    )
    looked_up = _apply(field, raw, {}, {})
    np.testing.assert_array_equal(looked_up, calibration.decode(raw))


def test_a_registered_function_is_called_with_the_fields_it_names():
    register_calibration(
        "test ratio", lambda raw, columns: raw / columns["other"], lambda v, c: v * 2
    )
    ratio = parse_calibration("{function: {name: test ratio, fields: [other]}}")
    assert ratio.fields == ("other",)
    columns = {"other": np.array([2.0])}
    np.testing.assert_array_equal(ratio.decode(np.array([6]), columns), [3.0])
    np.testing.assert_array_equal(ratio.encode(np.array([3.0]), columns), [6.0])


def test_a_function_that_changes_the_number_of_values_is_refused():
    register_calibration("test short", lambda raw, columns: raw[:1])
    with pytest.raises(ValueError, match="as many values as it gets"):
        Function("test short").decode(np.arange(3))
    with pytest.raises(ValueError, match="no inverse"):
        Function("test short").encode(np.arange(3))
    with pytest.raises(ValueError, match="register it"):
        Function("test unheard of").decode(np.arange(3))
    with pytest.raises(TypeError, match="callable"):
        register_calibration("test text", "lambda")


@pytest.mark.parametrize(
    "calibration",
    [Polynomial((1, 2, 3)), Polynomial((1,)), Table((0, 1, 2), (0, 5, 0))],
)
def test_what_has_no_inverse_says_so(calibration):
    with pytest.raises(ValueError, match="no inverse"):
        calibration.encode(np.array([1.0]))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("half", Polynomial((0, 0.5))),
        ("{polynomial: [0, 3.2]}", Polynomial((0, 3.2))),
        ("{polynomial: {1: 2}}", Polynomial((0, 2))),
        ('{"0":2000,"1":-0.0027}', Polynomial((2000, -0.0027))),
        ('{"0":"NO","[1,3]":"ON"}', Enumeration({"0": "NO", "[1,3]": "ON"})),
        ("{enum: {0: off, 1: on}}", Enumeration({0: "off", 1: "on"})),
        ("{enum: {0: 43, 1: 33}}", Enumeration({0: 43, 1: 33})),
        ("{signed_square: 32767}", SignedSquare(32767)),
        ("{polynomial: {0: 1e-3, '1': 2}}", Polynomial((0.001, 2))),
        (
            "{table: {points: [0, 1], values: [2, 3], extrapolate: true}}",
            Table((0, 1), (2, 3), extrapolate=True),
        ),
        ("{function: x}", Function("x")),
        ("{signed_square: {scale: 1e2, factor: 2}}", SignedSquare(100, 2)),
        ("{sum: {fields: g, scale: 0.1}}", Sum("g", scale=0.1)),
        (
            "{table: {points: [0, 1], values: [2, 3], order: 0}}",
            Table((0, 1), (2, 3), 0),
        ),
    ],
)
def test_calibrations_are_read_from_cells(text, expected):
    assert parse_calibration(text, {"half": Polynomial((0, 0.5))}) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hlaf", "did you mean 'half'"),
        ("{polynomal: [0, 1]}", "did you mean 'polynomial'"),
        ("{polynomial: [a]}", "must be a number"),
        ("{polynomial: 3}", "must be a list"),
        ("{table: {points: [0, 1]}}", "needs 'values'"),
        (
            "{table: {points: [0, 1], values: [1], order: 1}}",
            "as many values as points",
        ),
        ("{table: {points: [1, 0], values: [1, 2]}}", "must ascend"),
        ("{signed_square: {scal: 3}}", "did you mean 'scale'"),
        ("{signed_square: 0}", "must not be 0"),
        ("{enum: {0: a, '[0, 3]': b}}", "overlap"),
        ("{enum: {0: a, 1: 2}}", "all labels or all numbers"),
        ("{enum: {a: b}}", "integer or an interval"),
        ("{enum: {0: a, 0: b}}", "comes twice"),
        ("{beta_thermistor: {beta: 1}}", "needs 't0'"),
        ("{0: 1, 900: 2}", "0 to 20"),
        ("{polynomial: {0: 1, 1.5: 2}}", r"whole numbers.*; got the power 1\.5"),
        ("{0: 1, 1.5: 2}", r"got the power 1\.5"),
        ("{polynomial: {1: 2, '1': 3}}", "has the power 1 twice"),
        ("{polynomial: {true: 2}}", "got the power True"),
        ("{polynomial: [1:30]}", "must be a number"),
        ("{polynomial: {a: 1}}", "must be a list|whole numbers"),
        ("{enum: {12:30: a}}", "integer or an interval"),
        (
            "{table: {points: [0, 1], values: [2, 3], extrapolate: no}}",
            "extrapolate of a table must be true or false; got 'no'",
        ),
        ("{table: {points: [0, 1], values: [2, 3], extrapolate: 1}}", "true or false"),
        ("{table: {points: [0, 1], values: [2, 3], order: true}}", "must be 0 or 1"),
        ("{sum: {fields: 5}}", "must name other fields of the packet; got 5"),
        ("{sum: {fields: [a, 5]}}", "must name other fields"),
        ("{sum: {fields: []}}", "must name other fields"),
        ("{function: [x]}", r"name of a registered one, as text; got \['x'\]"),
        ("{function: {name: x, fields: 5}}", "must name other fields"),
        ("[1, 2]", "one kind"),
        ("{", "not YAML"),
    ],
)
def test_mistakes_in_cells_are_told(text, message):
    with pytest.raises(ValueError, match=message):
        parse_calibration(text, {"half": Polynomial((0, 0.5))})
