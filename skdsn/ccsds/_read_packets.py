"""Space packets out of a file that holds them back to back."""

import pandas as pd

from skdsn.ccsds._packet_rows import PacketOrigin, PacketRows
from skdsn.ccsds._sources import is_path, opened, read_exactly
from skdsn.ccsds._space_packet import HEADER_BYTES, NO_TIME
from skdsn.ccsds._zones import cut_packets

__all__ = ["iter_packets", "read_packets"]

_BLOCK = 1 << 22  # bytes read at a time


def read_packets(
    source, *, prefix=0, on_error="raise", join_segments=True, keep_idle=False
):
    """Read a file that holds space packets one after another, without frames.

    Parameters
    ----------
    source : str, path-like, binary stream or bytes
        ``.gz`` at the end of a name is unpacked.
    prefix : int, default=0
        Bytes before each packet, such as a header of the recorder; skipped.
    on_error : {"raise", "stop"}, default="raise"
        What to do where no packet can begin: refuse the file, or use what came before
        and count the rest.
    join_segments : bool, default=True
        Whether packets that were sent in segments are put together.
    keep_idle : bool, default=False
        Whether idle packets (APID 2047) are in the table.

    Returns
    -------
    DataFrame
        As :func:`extract_packets`; times are unknown, the ids of spacecraft and channel
        0, and ``attrs["statistics"]`` is a mapping of counts: those of
        :class:`PacketExtractor`, and ``truncated`` and ``unread_bytes`` at the end.

    Raises
    ------
    ValueError
        If no packet begins where the one before it ends.

    See Also
    --------
    iter_packets : The same in pieces, for files larger than memory.

    Examples
    --------
    >>> from skdsn.ccsds import read_packets
    >>> packet = bytes.fromhex("080B C001 0001") + b"ab"
    >>> read_packets(2 * packet)[["apid", "sequence_count"]]
       apid  sequence_count
    0    11               1
    1    11               1
    """
    pieces = list(
        iter_packets(
            source,
            prefix=prefix,
            on_error=on_error,
            join_segments=join_segments,
            keep_idle=keep_idle,
        )
    )
    statistics = pieces[-1].attrs["statistics"]
    packets = pd.concat(pieces, ignore_index=True)
    packets.attrs["statistics"] = statistics
    return packets


def iter_packets(
    source, *, prefix=0, on_error="raise", join_segments=True, keep_idle=False
):
    """Read a file of space packets piece by piece, in constant memory.

    Parameters
    ----------
    source, prefix, on_error, join_segments, keep_idle
        As for :func:`read_packets`.

    Yields
    ------
    DataFrame
        As :func:`read_packets` returns; the statistics count from the beginning.

    Raises
    ------
    ValueError
        As :func:`read_packets`.

    Examples
    --------
    >>> from skdsn.ccsds import iter_packets
    >>> packet = bytes.fromhex("080B C001 0001") + b"ab"
    >>> sum(len(piece) for piece in iter_packets(3 * packet))
    3
    """
    if on_error not in ("raise", "stop"):
        raise ValueError(f"on_error must be 'raise' or 'stop'; got {on_error!r}.")
    if isinstance(prefix, bool) or not isinstance(prefix, int) or prefix < 0:
        raise ValueError(f"prefix must be a whole number of bytes; got {prefix!r}.")
    rows = PacketRows(join_segments, keep_idle)
    statistics = rows.statistics[rows.open_channel(0, 0)]
    head = prefix + HEADER_BYTES
    where = PacketOrigin(NO_TIME, NO_TIME, 0, 0, False)
    offset, rest, trouble = 0, b"", None
    with opened(source) as stream:
        while block := read_exactly(stream, _BLOCK):
            buffer = rest + block
            packets, position = cut_packets(buffer, 0, prefix=prefix)
            rows.extend(0, packets, where)
            if position + head <= len(buffer) and buffer[position + prefix] >> 5:
                trouble = offset + position + prefix
            if trouble is not None and on_error == "raise":
                raise ValueError(
                    f"No space packet begins at byte {trouble} of "
                    f"{source if is_path(source) else 'the source'}: its version is "
                    f"not 0. Give the bytes before each packet (prefix), read frames "
                    "with a frame spec, or take what came before (on_error='stop')."
                )
            offset, rest = offset + position, buffer[position:]
            if trouble is not None:
                break
            piece = rows.take()
            piece.attrs["statistics"] = dict(statistics)
            yield piece
        if trouble is not None:
            left = len(rest)
            while block := read_exactly(stream, _BLOCK):
                left += len(block)
            statistics["unread_bytes"] = left
        elif rest:
            statistics["truncated"] = 1
    piece = rows.take()
    rows.finish()
    piece.attrs["statistics"] = dict(statistics)
    yield piece
