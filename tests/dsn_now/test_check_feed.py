"""Contradictions are found, and only those."""

from pathlib import Path

import pytest

from skdsn.dsn_now import check_feed, concat_feeds, parse_feed

FIXTURES = Path(__file__).parent / "fixtures"
VOYAGER = 'spacecraft="VGR1"'
TARGET = '<target name="VGR1"/>'


def found(inside, offset=0):
    document = (
        f'<dsn><station name="gdscc" timeUTC="{1000_000 + 1000 * offset}"/>'
        f"{inside}<timestamp>1000000</timestamp></dsn>"
    )
    return check_feed(parse_feed(document.encode()))


def dish(inside, attributes=""):
    return f'<dish name="DSS14" {attributes}>{inside}{TARGET}</dish>'


def target(distance, form_attribute=""):
    return (
        f'<dish name="DSS14" {form_attribute}><target name="VGR1" '
        f'uplegRange="{distance}" downlegRange="{distance}" rtlt="2000"/></dish>'
    )


@pytest.mark.parametrize("name", ["dsn_f1", "dsn_f2", "dsn_f3", "dsn_stations_only"])
def test_sound_feeds_have_no_findings(name):
    findings = check_feed(parse_feed(FIXTURES / f"{name}.xml"))
    assert len(findings) == 0
    assert findings.dtypes.equals(found(dish(""), offset=90).dtypes)


def test_a_flag_of_several_targets_that_does_not_fit_is_found():
    findings = check_feed(parse_feed(FIXTURES / "dsn_f4.xml"))
    assert findings[["dish", "check", "value"]].to_numpy().tolist() == [
        ["DSS53", "mspa", 2.0]
    ]


@pytest.mark.parametrize(
    ("form_attribute", "tolerance"), [('created=""', 1e-4), ('activity=""', 1e-2)]
)
def test_light_times_are_held_to_the_rounding_of_the_form(form_attribute, tolerance):
    true = 299_792_458.0
    for factor, count in [(1 + 0.9 * tolerance, 0), (1 + 1.1 * tolerance, 1)]:
        findings = found(target(true * factor, form_attribute))
        assert len(findings) == count
        assert (findings["limit"] == tolerance).all()


@pytest.mark.parametrize(
    ("inside", "check", "value"),
    [
        (dish(f'<downSignal frequency="7.16e9" {VOYAGER}/>'), "frequency", 7.16e9),
        (dish(f'<upSignal frequency="8420" {VOYAGER}/>'), "frequency", 8.42e9),
        (dish(f'<upSignal power="-155" {VOYAGER}/>'), "uplink_power", -155),
        (dish(f'<upSignal power="600" {VOYAGER}/>'), "uplink_power", 600),
        (dish("", 'azimuthAngle="361"'), "azimuth", 361),
        (dish("", 'elevationAngle="-2"'), "elevation", -2),
        (dish("", 'isMSPA="true"'), "mspa", 1),
        (
            dish(f'<downSignal power="-9" frequency="8.42e9" {VOYAGER}/>' * 2),
            "copy",
            8.42e9,
        ),
    ],
)
def test_odd_values_are_found(inside, check, value):
    findings = found(inside)
    assert findings[["check", "value"]].to_numpy().tolist() == [[check, value]]


def test_odd_flags_targets_and_clocks_are_found():
    active = f'<downSignal active="true" signalType="none" {VOYAGER}/>'
    assert found(dish(active))["check"].to_list() == ["active"]
    other = '<downSignal spacecraft="MRO"/>'
    assert found(dish(other))["check"].to_list() == ["no_target"]
    assert found(dish(""), offset=-61)["value"].to_list() == [61]
    assert len(found(dish(""), offset=59)) == 0


def test_tests_may_be_anywhere():
    findings = found(dish('<downSignal frequency="7.16e9" spacecraft="DSSR"/>'))
    assert len(findings) == 0


def test_findings_say_where_to_look_in_many_snapshots():
    feeds = concat_feeds(
        parse_feed(FIXTURES / f"dsn_f{form}.xml") for form in (1, 2, 3, 4)
    )
    finding = check_feed(feeds).iloc[0]
    row = feeds[finding["table"]].iloc[finding["row"]]
    assert row["dish"] == finding["dish"] == "DSS53"
    assert row["time"] == finding["time"]
