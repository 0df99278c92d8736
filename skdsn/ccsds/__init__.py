"""From bytes to telemetry: transfer frames, space packets, engineering values.

Raw downlink in, the telemetry frame out, in steps that can each be looked at:
:func:`read_frames`, :func:`extract_packets`, :func:`decode_packets`,
:func:`to_telemetry`. A mission is a :class:`FrameSpec` and its packet definitions, both
of which are read from files; some are shipped, see :func:`load_mission`, and
:mod:`skdsn.ccsds.dslwp`.
"""

from skdsn.ccsds import dslwp
from skdsn.ccsds._calibrations import (
    Calibration,
    Enumeration,
    Polynomial,
    SignedSquare,
    Table,
)
from skdsn.ccsds._decode import DecodedPackets, decode_packets
from skdsn.ccsds._definition import PacketDefinition, PacketField, TimeRule
from skdsn.ccsds._encode_frames import encode_frames
from skdsn.ccsds._encode_packets import encode_packets
from skdsn.ccsds._frames import iter_frames, read_frames
from skdsn.ccsds._functions import Function, Sum, register_calibration
from skdsn.ccsds._missions import Mission, load_mission
from skdsn.ccsds._order import FrameCopy
from skdsn.ccsds._packets import PacketExtractor, extract_packets
from skdsn.ccsds._read_definitions import read_definitions
from skdsn.ccsds._read_packets import iter_packets, read_packets
from skdsn.ccsds._spec import FrameSpec
from skdsn.ccsds._telemetry import TelemetryMerger, to_telemetry
from skdsn.ccsds._thermistors import BetaThermistor, QuadraticThermistor
from skdsn.ccsds._xtce import read_xtce

__all__ = [
    "BetaThermistor",
    "Calibration",
    "DecodedPackets",
    "Enumeration",
    "FrameCopy",
    "FrameSpec",
    "Function",
    "Mission",
    "PacketDefinition",
    "PacketExtractor",
    "PacketField",
    "Polynomial",
    "QuadraticThermistor",
    "SignedSquare",
    "Sum",
    "Table",
    "TelemetryMerger",
    "TimeRule",
    "decode_packets",
    "dslwp",
    "encode_frames",
    "encode_packets",
    "extract_packets",
    "iter_frames",
    "iter_packets",
    "load_mission",
    "read_definitions",
    "read_frames",
    "read_packets",
    "read_xtce",
    "register_calibration",
    "to_telemetry",
]
