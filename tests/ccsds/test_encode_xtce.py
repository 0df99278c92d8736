"""Packets that XTCE files define can be encoded."""

import numpy as np
import pandas as pd
import pytest
from xtce_files import (
    DYNAMIC,
    container,
    context,
    default,
    document,
    enumeration,
    equal,
    integer,
    polynomial,
)

from skdsn.ccsds import decode_packets, encode_packets

FRAME = pd.DataFrame({"day": [22013, 22014], "u": [28.0, 28.5], "mode": ["on", "off"]})
TYPES = {
    "day": integer("day", 16),
    "u": integer("u", 8, default(polynomial(0, 0.5))),
    "mode": enumeration("mode", 8, [(0, "off"), (1, "on")]),
}


def conditions(*pairs):
    inner = "".join(equal(name, value) for name, value in pairs)
    return f"<ComparisonList>{inner}</ComparisonList>"


def attitude(*pairs):
    return container("attitude", TYPES, criteria=conditions(("APID", 11), *pairs))


def test_conditions_on_the_primary_header_are_written_into_it(read_text):
    pairs = [("VERSION", 0), ("TYPE", 1), ("SHF", 1), ("COUNT", 77)]
    [definition] = read_text(document(TYPES, [attitude(*pairs)]))
    assert definition.columns == ("day", "u", "mode")
    packets = encode_packets(FRAME, definition)
    assert packets["data"][0].hex() == "180bc04d0003" + "55fd" + "38" + "01"
    header = ["packet_type", "secondary_header_flag", "apid", "sequence_count"]
    assert packets[header].to_numpy().tolist() == [[1, 1, 11, 77]] * 2
    decoded = decode_packets(packets, definition)["attitude"]
    assert decoded[list(FRAME)].astype({"mode": str}).to_numpy().tolist() == (
        FRAME.to_numpy().tolist()
    )


def test_a_condition_on_the_length_must_be_that_of_the_packets(read_text):
    [right] = read_text(document(TYPES, [attitude(("LENGTH", 3))]))
    assert len(encode_packets(FRAME, right)["data"][0]) == 10
    [wrong] = read_text(document(TYPES, [attitude(("LENGTH", 5))]))
    with pytest.raises(ValueError, match="asks for 'LENGTH' 5, but its fields make"):
        encode_packets(FRAME, wrong)


def test_raw_values_can_be_encoded_where_calibrations_depend_on_the_header(read_text):
    types = {"rssi": integer("rssi", 8, context(equal("TYPE", 1), polynomial(9, 1)))}
    hk = container("hk", types, criteria=equal("APID", 1))
    [definition] = read_text(document(types, [hk]))
    assert definition.hidden == ("TYPE",)
    frame = pd.DataFrame({"rssi": np.array([3, 4], dtype=np.uint8)})
    packets = encode_packets(frame, definition, raw=True)
    decoded = decode_packets(packets, definition)["hk"]
    assert decoded["rssi"].tolist() == [3, 4]
    with pytest.raises(ValueError, match=r"'rssi' .* cannot be encoded: .* no inverse"):
        encode_packets(frame, definition)


def test_packets_of_changing_layout_are_refused(read_text):
    hk = container("hk", DYNAMIC, criteria=equal("APID", 1))
    [definition] = read_text(document(DYNAMIC, [hk]))
    assert definition.columns == ("size", "blob", "mode", "temp")
    with pytest.raises(TypeError, match="no fixed places"):
        encode_packets(pd.DataFrame(), definition)
