"""From bytes to telemetry: transfer frames, space packets, engineering values."""

from skdsn.ccsds._encode_frames import encode_frames
from skdsn.ccsds._frames import iter_frames, read_frames
from skdsn.ccsds._order import FrameCopy
from skdsn.ccsds._packets import (
    PacketExtractor,
    extract_packets,
    iter_packets,
    read_packets,
)
from skdsn.ccsds._spec import FrameSpec

__all__ = [
    "FrameCopy",
    "FrameSpec",
    "PacketExtractor",
    "encode_frames",
    "extract_packets",
    "iter_frames",
    "iter_packets",
    "read_frames",
    "read_packets",
]
