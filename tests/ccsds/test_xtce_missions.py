"""Packets of missions, decoded by their XTCE files."""

import os
from pathlib import Path

import pytest
from xtce_files import parsed

from skdsn.ccsds import (
    PacketDefinition,
    PacketField,
    decode_packets,
    read_packets,
    read_xtce,
)

pytest.importorskip("space_packet_parser")


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
