"""The configuration spells out complexes, dishes and spacecraft."""

from pathlib import Path

import pytest

from skdsn.dsn_now import parse_config

FIXTURES = Path(__file__).parent / "fixtures"


def test_the_configuration_is_read():
    config = parse_config(FIXTURES / "config.xml")
    assert config.sites["complex"].to_list() == ["gdscc", "mdscc", "cdscc"]
    assert config.sites.loc[1, ["longitude_deg", "latitude_deg"]].to_list() == [
        -4.25,
        40.24,
    ]
    dishes = config.dishes.set_index("dish")
    assert dishes["complex"].to_dict() == {
        "DSS14": "gdscc",
        "DSS25": "gdscc",
        "DSS53": "mdscc",
        "DSS65": "mdscc",
        "DSS36": "cdscc",
    }
    assert dishes["diameter_m"].to_list() == [70, 34, 34, 34, 34]
    assert dishes.loc["DSS65", "type"] == "34MHEF"
    crafts = config.spacecraft.set_index("spacecraft")
    assert crafts.index.to_list() == ["VGR1", "MVN", "EM1", "DSN", "GSSR"]
    assert crafts.loc["EM1", "acronym"] == "art1"
    assert crafts["thumbnail"].to_list() == [True, True, True, False, False]
    assert crafts["explorer_name"].isna().sum() == 3


def test_an_empty_configuration_has_typed_tables():
    empty = parse_config(b"<configuration/>")
    full = parse_config(FIXTURES / "config.xml")
    for name in full:
        assert len(empty[name]) == 0
        assert empty[name].dtypes.equals(full[name].dtypes)


@pytest.mark.parametrize("name", ["evil_dtd", "evil_entities", "evil_external"])
def test_document_types_are_refused(name):
    with pytest.raises(ValueError, match="document type"):
        parse_config(FIXTURES / f"{name}.xml")


def test_an_answer_of_the_feed_is_no_configuration():
    with pytest.raises(ValueError, match="root element <config>"):
        parse_config(FIXTURES / "dsn_f1.xml")


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("config_2019_openmct-dsn.xml", (3, 12, 137)),
        ("config_20250130_go-dsn-now.xml", (3, 14, 162)),
    ],
)
def test_stored_configurations_are_read_whole(skdsn_data, name, sizes):
    config = parse_config(skdsn_data / "dsn_now" / "config" / name)
    tables = (config.sites, config.dishes, config.spacecraft)
    assert tuple(map(len, tables)) == sizes
    assert config.spacecraft["spacecraft"].str.isupper().all()
