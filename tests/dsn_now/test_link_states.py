"""Debug strings of the feed as columns."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import (
    check_get_feature_names_out_error,
    check_param_validation,
    check_set_output_transform,
    check_transformer_get_feature_names_out,
    check_transformer_get_feature_names_out_pandas,
    parametrize_with_checks,
)

from skdsn.dsn_now._debug_strings import LINK_STATES
from skdsn.dsn_now._link_states import LinkStateParser

DOWN = [
    # string, decoder, stage, carrier, code, link_state, implied_type
    ("IDLE OFF 0 TURBO", "IDLE", "OFF", False, "TURBO", "idle", "none"),
    ("IDLE OFF 0 MCD2", "IDLE", "OFF", False, "MCD2", "idle", "none"),
    ("IN LOCK OFF 1 MCD2", "IN LOCK", "OFF", True, "MCD2", "locked", "data"),
    ("IN LOCK IN LOCK 1 TURBO", "IN LOCK", "IN LOCK", True, "TURBO", "locked", "data"),
    ("IDLE OFF 1 TURBO", "IDLE", "OFF", True, "TURBO", "carrier", "carrier"),
    ("  -1 ", None, None, None, None, "unassigned", "none"),
    ("IDLE OFF 1 MCD2", "IDLE", "OFF", True, "MCD2", "carrier", "carrier"),
    (
        "OUT OF LOCK OUT OF LOCK 0 TURBO",
        *("OUT OF LOCK", "OUT OF LOCK", False, "TURBO", "lost", "none"),
    ),
    (
        "OUT OF LOCK WAIT FOR LOCK 1 TURBO",
        *("OUT OF LOCK", "WAIT FOR LOCK", True, "TURBO", "acquiring", "carrier"),
    ),
    ("OUT OF LOCK OFF 0 MCD2", "OUT OF LOCK", "OFF", False, "MCD2", "lost", "none"),
    (
        "OUT OF LOCK OUT OF LOCK 1 TURBO",
        *("OUT OF LOCK", "OUT OF LOCK", True, "TURBO", "acquiring", "carrier"),
    ),
    (
        "OUT OF LOCK OFF 1 MCD2",
        *("OUT OF LOCK", "OFF", True, "MCD2", "acquiring", "carrier"),
    ),
    ("IDLE OFF 0 MCD3", "IDLE", "OFF", False, "MCD3", "idle", "none"),
    ("IDLE OFF 0 UNC", "IDLE", "OFF", False, "UNC", "idle", "none"),
    ("IDLE OFF 1 MCD3", "IDLE", "OFF", True, "MCD3", "carrier", "carrier"),
    (
        "OUT OF LOCK OFF 1 MCD3",
        *("OUT OF LOCK", "OFF", True, "MCD3", "acquiring", "carrier"),
    ),
    ("OUT OF LOCK OFF 0 MCD3", "OUT OF LOCK", "OFF", False, "MCD3", "lost", "none"),
    ("IN LOCK OFF 1 MCD3", "IN LOCK", "OFF", True, "MCD3", "locked", "data"),
    ("IN LOCK OFF 0 MCD3", "IN LOCK", "OFF", False, "MCD3", "stale_lock", "none"),
    (
        "IN LOCK IN LOCK 0 TURBO",
        *("IN LOCK", "IN LOCK", False, "TURBO", "stale_lock", "none"),
    ),
    ("IN LOCK OFF 0 MCD2", "IN LOCK", "OFF", False, "MCD2", "stale_lock", "none"),
    ("IDLE OFF 1 UNC", "IDLE", "OFF", True, "UNC", "carrier", "carrier"),
    (
        "OUT OF LOCK OFF 1 UNC",
        *("OUT OF LOCK", "OFF", True, "UNC", "acquiring", "carrier"),
    ),
    ("IN LOCK OFF 1 UNC", "IN LOCK", "OFF", True, "UNC", "locked", "carrier"),
    ("IN LOCK OFF 0 UNC", "IN LOCK", "OFF", False, "UNC", "stale_lock", "none"),
    (
        "OUT OF LOCK WAIT FOR LOCK 0 TURBO",
        *("OUT OF LOCK", "WAIT FOR LOCK", False, "TURBO", "lost", "none"),
    ),
    (
        "OUT OF LOCK IN LOCK 1 TURBO",
        *("OUT OF LOCK", "IN LOCK", True, "TURBO", "acquiring", "carrier"),
    ),
]
UP = [
    # string, transmitter, modulation, ranging, implied_type
    ("OFF 0 ", False, False, None, "none"),
    ("ON 1 ", True, True, None, "data"),
    ("  ", None, None, None, "none"),
    ("OFF 0 IDLE", False, False, "IDLE", "none"),
    ("ON 1 TRK", True, True, "TRK", "data"),
    (" 0 IDLE", None, False, "IDLE", "none"),
    (" 0 TRK", None, False, "TRK", "none"),
    ("none", None, None, None, "none"),
    ("ON 1 IDLE", True, True, "IDLE", "data"),
    ("  TRK", None, None, "TRK", "none"),
    ("  IDLE", None, None, "IDLE", "none"),
    ("ON 0 ", True, False, None, "carrier"),
    ("OFF 0 TRK", False, False, "TRK", "none"),
    ("OFF 1 ", False, True, None, "none"),
    ("ON 0 CAL", True, False, "CAL", "carrier"),
    ("ON 1 CAL", True, True, "CAL", "data"),
    ("ON 0 IDLE", True, False, "IDLE", "carrier"),
    ("OFF 1 IDLE", False, True, "IDLE", "none"),
    ("ON 0 TRK", True, False, "TRK", "carrier"),
    (" 0 ", None, False, None, "none"),
    ("OFF 1 TRK", False, True, "TRK", "none"),
]


def parse(*strings, **options):
    """Parse one column called x; missing fields come back as None."""
    rows = pd.DataFrame({"x": pd.Series(strings, dtype=object)})
    out = LinkStateParser(output="both", **options).fit_transform(rows)
    out = out.rename(columns=lambda name: name.removeprefix("x_")).astype(object)
    return out.where(out.notna(), None)


def test_all_strings_are_listed():
    assert len(DOWN) == len({row[0] for row in DOWN}) == 27
    assert len(UP) == len({row[0] for row in UP}) == 21


@pytest.mark.parametrize("row", DOWN, ids=lambda row: repr(row[0]))
def test_a_downlink_string_gives_its_fields(row):
    string, *expected = row
    columns = ["decoder", "stage", "carrier_lock", "code", "link_state"]
    found = parse(string)[[*columns, "implied_type"]].iloc[0].tolist()
    assert found == expected
    lock = None
    if expected[0] is not None:
        lock = expected[0] == "IN LOCK" and expected[1] in ("OFF", "IN LOCK")
    assert parse(string)["telemetry_lock"].iloc[0] is lock


@pytest.mark.parametrize("row", UP, ids=lambda row: repr(row[0]))
def test_an_uplink_string_gives_its_fields(row):
    string, *expected = row
    assert parse(string, direction="up").iloc[0].tolist() == expected


@pytest.mark.parametrize("string", [row[0] for row in DOWN])
def test_a_downlink_string_survives_lost_blanks(string):
    assert parse(string.strip()).equals(parse(string))


@pytest.mark.parametrize("string", [row[0] for row in UP if row[0].strip()])
def test_an_uplink_string_survives_lost_blanks(string):
    stripped = parse(string.strip(), direction="up")
    assert stripped.equals(parse(string, direction="up"))


def test_a_number_is_what_a_table_made_of_a_lone_digit():
    assert parse(-1.0, -1)["link_state"].tolist() == ["unassigned"] * 2
    assert parse(0, direction="up")["modulation"].tolist() == [False]


@pytest.mark.parametrize("nothing", ["", " ", None, np.nan, pd.NA, "none", "null"])
def test_nothing_gives_nothing_but_a_placeholder(nothing):
    assert parse("IDLE OFF 0 UNC", nothing).iloc[1].isna().all()
    up = parse("ON 1 ", nothing, direction="up").iloc[1]
    assert up[:3].isna().all()
    assert up["implied_type"] == ("none" if str(nothing) == "none" else None)


def test_inner_fields_may_be_empty():
    row = parse("IN LOCK  1 TURBO").iloc[0]
    assert row["stage"] is None
    assert row["link_state"] == "partial"
    assert row["implied_type"] == "carrier"


def test_a_new_decoder_is_kept():
    found = parse("IN LOCK IN LOCK 1 LDPC")
    assert found["code"].tolist() == ["LDPC"]
    assert found["link_state"].tolist() == ["locked"]
    ordinal = parse("IDLE OFF 0 LDPC", "IDLE OFF 0 UNC", encode="ordinal")
    assert ordinal["code"].tolist() == [4, 3]


@pytest.mark.parametrize(
    "string", ["LOCKED", "in lock off 1 mcd2", "IDLE OFF 2 MCD2", "IDLE  OFF 0 MCD2"]
)
def test_an_unknown_string_is_a_partial_state_and_counted(string):
    rows = pd.DataFrame({"x": [string, "IDLE OFF 0 MCD2", string]})
    parser = LinkStateParser(output="both")
    with pytest.warns(UserWarning, match="no known debug string") as caught:
        out = parser.fit_transform(rows)
    assert len(caught) == 1
    assert parser.unknown_.to_dict() == {string: 2}
    assert parser.count_unknown(rows[:1]).to_dict() == {string: 1}
    assert out["x_link_state"].tolist() == ["partial", "idle", "partial"]
    assert out.drop(columns="x_link_state").iloc[0].isna().all()
    quiet = clone(parser).set_params(errors="ignore").fit_transform(rows)
    pd.testing.assert_frame_equal(quiet, out)
    with pytest.raises(ValueError, match="Column 'x' holds"):
        clone(parser).set_params(errors="raise").fit_transform(rows)


@pytest.mark.parametrize("string", ["ON", "OFF", "ON 2 ", "on 1 ", "RANGE"])
def test_an_unknown_uplink_string_is_told(string):
    with pytest.warns(UserWarning, match="uplink"):
        assert parse(string, direction="up").iloc[0].isna().all()


def test_numbers_are_the_order_of_the_levels():
    rows = pd.DataFrame({"x": [row[0] for row in DOWN] + [None]})
    text = LinkStateParser(output="both").fit_transform(rows)
    number = LinkStateParser(output="both", encode="ordinal").fit_transform(rows)
    assert (number.dtypes == np.float64).all()
    assert list(text.columns) == list(number.columns)
    states = number["x_link_state"].dropna().astype(int)
    assert [LINK_STATES[i] for i in states] == text["x_link_state"].dropna().tolist()
    pd.testing.assert_series_equal(
        number["x_carrier_lock"].astype("boolean"), text["x_carrier_lock"]
    )
    assert number.iloc[-1].isna().all()


def test_categories_do_not_depend_on_the_rows():
    one = LinkStateParser(output="both").fit_transform(pd.DataFrame({"x": ["  -1 "]}))
    rows = pd.DataFrame({"x": [row[0] for row in DOWN]})
    assert one.dtypes.equals(LinkStateParser(output="both").fit_transform(rows).dtypes)


def test_it_works_in_a_column_transformer_by_name_and_by_list():
    rows = pd.DataFrame(
        {
            "down": [row[0] for row in DOWN[:20]],
            "up": [row[0] for row in UP[:20]],
            "wind": np.arange(20.0),
        }
    )
    columns = ColumnTransformer(
        [
            ("down", LinkStateParser(encode="ordinal"), "down"),
            ("up", LinkStateParser(direction="up", encode="ordinal"), ["up"]),
        ],
        remainder="passthrough",
        verbose_feature_names_out=False,
    )
    names = columns.fit(rows).get_feature_names_out()
    assert {"down_decoder", "up_ranging", "wind"} <= set(names)
    assert columns.transform(rows).shape == (20, 9)
    forest = RandomForestClassifier(2, random_state=0)
    model = make_pipeline(clone(columns).set_output(transform="pandas"), forest)
    assert len(model.fit(rows, rows["wind"] > 9).predict(rows)) == 20


def test_several_columns_and_the_index_are_kept():
    times = pd.date_range("2019-02-09", periods=2, freq="5s")
    index = pd.MultiIndex.from_product([["DSS14/VGR1/0001"], times])
    rows = pd.DataFrame({"a": ["  -1 "] * 2, "b": ["IDLE OFF 0 UNC"] * 2}, index)
    out = LinkStateParser(output="state").fit_transform(rows)
    assert out.index.equals(index)
    assert list(out.columns) == [
        "a_link_state",
        "a_implied_type",
        "b_link_state",
        "b_implied_type",
    ]


@parametrize_with_checks([LinkStateParser(errors="ignore", encode="ordinal")])
@pytest.mark.filterwarnings("ignore")
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    "check",
    [
        check_param_validation,
        check_set_output_transform,
        check_transformer_get_feature_names_out,
        check_transformer_get_feature_names_out_pandas,
        check_get_feature_names_out_error,
    ],
    ids=lambda check: check.__name__,
)
@pytest.mark.filterwarnings("ignore")
def test_output_container_checks(check):
    check("LinkStateParser", LinkStateParser(errors="ignore", encode="ordinal"))
