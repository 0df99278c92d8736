"""Facts of the space packet, and of the encapsulation packet that may lie beside it.

References
----------
CCSDS 133.0-B-2, Space Packet Protocol; CCSDS 133.1-B-3, Encapsulation Packet Protocol.
"""

import numpy as np

__all__ = [
    "COUNT_MODULO",
    "ENCAPSULATION_VERSION",
    "HEADER_BYTES",
    "IDLE_APID",
    "LARGEST",
    "NO_TIME",
    "PRIMARY_HEADER",
    "SMALLEST",
    "encapsulation_length",
    "is_whole",
    "packet_length",
]

PRIMARY_HEADER = {  # field: (first bit, bits); the length field follows
    "packet_version": (0, 3),
    "packet_type": (3, 1),
    "secondary_header_flag": (4, 1),
    "apid": (5, 11),
    "sequence_flags": (16, 2),
    "sequence_count": (18, 14),
}
HEADER_BYTES = 6
SMALLEST, LARGEST = 7, 65_542  # bytes of a whole packet
IDLE_APID = 2047
COUNT_MODULO = 1 << 14
ENCAPSULATION_VERSION = 7
NO_TIME = np.iinfo(np.int64).min  # microseconds since 1970 of an unknown time
_LENGTH_FIELDS = ((0, 1), (1, 2), (2, 4), (4, 8))  # first byte and end, by its length
_LARGEST_ENCAPSULATION = 1 << 24  # so that a damaged length does not fill the memory


def packet_length(data, position=0):
    """Read the bytes of a space packet, its header included, from its length field."""
    return SMALLEST + (data[position + 4] << 8 | data[position + 5])


def is_whole(data):
    """Tell whether these bytes are one space packet by its length field."""
    return len(data) > HEADER_BYTES and len(data) == packet_length(data)


def encapsulation_length(data, position=0):
    """Read the bytes of an encapsulation packet, its header included.

    Parameters
    ----------
    data : bytes
    position : int, default=0
        Of its first byte.

    Returns
    -------
    int or None
        None if its header is not all there; 0 if it says a length that cannot be.
    """
    first, end = _LENGTH_FIELDS[data[position] & 3]
    if end == 1:  # no length field: one byte of fill
        return 1
    if len(data) < position + end:
        return None
    length = int.from_bytes(data[position + first : position + end], "big")
    return length if end <= length <= _LARGEST_ENCAPSULATION else 0
