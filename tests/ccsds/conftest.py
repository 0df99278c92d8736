"""Fixtures of the tests of XTCE files."""

import pytest
from xtce_files import document

from skdsn.ccsds import decode_packets, read_packets, read_xtce


@pytest.fixture
def read_text(tmp_path):
    """Read the text of an XTCE file."""
    pytest.importorskip("space_packet_parser")

    def read_text(text, **options):
        path = tmp_path / "mission.xml"
        path.write_text(text)
        return read_xtce(path, **options)

    return read_text


@pytest.fixture
def decode(read_text):
    """Decode packets as an XTCE file of these types and containers says."""

    def decode(types, containers, packets):
        definitions = read_text(document(types, containers))
        return decode_packets(read_packets(b"".join(packets)), definitions)

    return decode
