"""Packets into transfer frames: what extract_packets undoes."""

from binascii import crc_hqx
from numbers import Integral

import numpy as np
import pandas as pd

from skdsn.ccsds._bits import pack_bits
from skdsn.ccsds._checks import (
    check_bytes,
    check_count,
    check_ids,
    check_spec,
    check_table,
)
from skdsn.ccsds._frames import read_frames
from skdsn.ccsds._kiss import FEND, kiss_escape
from skdsn.ccsds._space_packet import IDLE_APID, LARGEST, SMALLEST, is_whole

__all__ = ["encode_frames"]

_FILL = 0xFF  # begins no space packet


def encode_frames(
    packets,
    spec,
    *,
    spacecraft_id=None,
    virtual_channel_id=None,
    first_count=0,
    start=None,
    period=None,
):
    """Put space packets into transfer frames, for simulations and tests.

    Parameters
    ----------
    packets : DataFrame
        ``data`` holds whole packets; ``spacecraft_id`` and ``virtual_channel_id``, if
        there, their channels, which are sent one after the other.
    spec : FrameSpec
        With a length and a packet zone.
    spacecraft_id, virtual_channel_id : int, default=None
        Of all packets; None takes the column, or 0 if there is none.
    first_count : int, default=0
        Virtual channel frame count of the first frame of each channel.
    start, period
        Times of the frames, as for :func:`read_frames`.

    Returns
    -------
    DataFrame
        As from :func:`read_frames`; ``b"".join(frames["data"])`` is a raw file. The end
        of the last frame of a channel is filled with an idle packet or as its packet
        zone asks.

    Raises
    ------
    ValueError
        If a packet does not fit, an id is no whole number, does not fit into its header
        field or is none of those that the spec uses, or a row is no whole packet of
        version 0, as joined segments are not.

    Examples
    --------
    >>> from skdsn.ccsds import FrameSpec, encode_frames, extract_packets, read_packets
    >>> spec = FrameSpec("aos", length=20, fecf=True)
    >>> packets = read_packets(bytes.fromhex("080B C001 0007") + b"8 bytes!")
    >>> frames = encode_frames(packets, spec, spacecraft_id=7)
    >>> len(frames), frames["data"][0].hex(" ", 2)
    (3, '41c0 0000 0000 0000 080b c001 0007 3820 6279 f107')
    >>> extract_packets(frames, spec)["data"][0][6:]
    b'8 bytes!'
    """
    check_spec(spec)
    check_table(packets, ["data"], "packets", "read_packets")
    check_bytes(packets["data"].tolist(), "packets")
    check_count("first_count", first_count, 0)
    if spec.length is None or spec.packet_zone == "none":
        raise ValueError(
            "Encoding needs a frame spec with a length and a packet zone; got length "
            f"{spec.length} and packet_zone {spec.packet_zone!r}."
        )
    for row, data in enumerate(packets["data"]):
        if not is_whole(data):
            raise ValueError(
                f"Row {row} of the packets is no whole space packet: its length field "
                f"does not say {len(data)} bytes; encode segments before they are "
                "joined."
            )
        if data[0] >> 5 and spec.packet_zone != "kiss":
            raise ValueError(
                f"Row {row} of the packets has the packet version {data[0] >> 5}, and "
                f"a zone {spec.packet_zone!r} can hold version 0 alone."
            )
    channels = pd.DataFrame({"data": packets["data"]})
    for name, value, used in (
        ("spacecraft_id", spacecraft_id, spec.spacecraft_ids),
        ("virtual_channel_id", virtual_channel_id, spec.virtual_channels),
    ):
        if value is None:
            value = packets.get(name, 0)
        elif isinstance(value, bool) or not isinstance(value, Integral):
            raise ValueError(f"{name} must be a whole number; got {value!r}.")
        channels[name] = value
        check_ids(channels[name], name, spec.fields[name], "packets")
        foreign = channels.loc[~channels[name].isin(used), name] if used else ()
        if len(foreign):
            raise ValueError(
                f"The frame spec uses the {name} {list(used)} alone, and a packet has "
                f"{foreign.iloc[0]}; give all packets another with {name}=."
            )
    coded, master = [], {}
    for key, group in channels.groupby(list(channels)[1:], sort=True):
        rows = _fill_zones(group["data"].tolist(), spec)
        before = master.get(key[0], 0)
        master[key[0]] = before + len(rows)
        _write_headers(rows, spec, key, first_count, before)
        coded += [_with_checksum(row.tobytes(), spec) for row in rows]
    return read_frames(coded, spec, start=start, period=period)


def _fill_zones(packets, spec):
    """Lay packets out in the zones of frames whose headers are still 0."""
    size = spec.zone.stop - spec.zone.start
    if spec.packet_zone == "fixed":
        stream, pointers = _fill_fixed(packets, size), None
    elif spec.packet_zone == "kiss":
        stream = b"".join(FEND + kiss_escape(data) + FEND for data in packets)
        stream += FEND * (-len(stream) % size)
        pointers = None
    else:
        stream, pointers = _fill_mpdu(packets, size, spec)
    zones = np.frombuffer(stream, dtype=np.uint8).reshape(-1, size)
    rows = np.zeros((len(zones), spec.length), dtype=np.uint8)
    rows[:, spec.zone] = zones
    if pointers is not None:
        pack_bits(rows, *spec.pointer, pointers)
    return rows


def _fill_mpdu(packets, size, spec):
    """Join packets to a stream, and point to the first that begins in each frame."""
    total = sum(map(len, packets))
    fill = -total % size
    while 0 < fill < SMALLEST:
        fill += size
    if fill:
        packets = [*packets, *_idle_packets(fill)]
    lengths = [len(data) for data in packets]
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    begins = np.arange(0, total + fill, size)
    first = np.searchsorted(starts, begins)
    pointers = np.append(starts, np.iinfo(np.int64).max)[first] - begins
    _, bits = spec.pointer
    if size > (1 << bits) - 2:
        raise ValueError(
            f"Packet zones of {size} bytes are too long for a first header pointer of "
            f"{bits} bits."
        )
    pointers[pointers >= size] = (1 << bits) - 1
    return b"".join(packets), pointers


def _idle_packets(size):
    """Make idle packets of so many bytes together."""
    while size:
        # What is left must be a packet too, or nothing.
        part = size if size <= LARGEST else min(LARGEST, size - SMALLEST)
        header = (IDLE_APID << 32 | 3 << 30 | part - SMALLEST).to_bytes(6, "big")
        yield header + bytes(part - len(header))
        size -= part


def _fill_fixed(packets, size):
    """Put as many whole packets into each zone as fit."""
    zones, zone = [], b""
    for data in packets:
        if len(data) > size:
            raise ValueError(
                f"A packet of {len(data)} bytes does not fit into a packet zone of "
                f"{size} bytes."
            )
        if len(zone) + len(data) > size:
            zones.append(zone)
            zone = b""
        zone += data
    zones.append(zone)
    return b"".join(zone.ljust(size, bytes([_FILL])) for zone in zones)


def _write_headers(rows, spec, channel, first_count, master_count):
    """Write the header fields of the frames of one channel."""
    number = np.arange(len(rows))
    values = {
        "transfer_frame_version": spec.version or 0,
        "spacecraft_id": channel[0],
        "virtual_channel_id": channel[1],
        "virtual_channel_frame_count": first_count + number,
        "master_channel_frame_count": master_count + number,
        "ocf_flag": int(spec.ocf),
        "secondary_header_flag": int(spec.secondary_header > 0),
        "segment_length_id": 3 if spec.kind == "tm" else 0,
    }
    for name, bits in spec.fields.items():
        if name not in values:
            continue
        value = values[name]
        if name.endswith("_count"):
            value = value % (1 << bits)
        elif not 0 <= value < 1 << bits:
            raise ValueError(f"{name} {value} does not fit into {bits} bits.")
        value = np.broadcast_to(value, len(rows))
        pack_bits(rows, spec.bit_offset(name), bits, value)
    if spec.secondary_header:
        rows[:, spec.header_bytes] = spec.secondary_header - 1


def _with_checksum(frame, spec):
    """Write the frame error control field, if there is one."""
    if not spec.fecf:
        return frame
    return frame[:-2] + crc_hqx(frame[:-2], 0xFFFF).to_bytes(2, "big")
