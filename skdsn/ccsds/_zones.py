"""Space packets out of the packet zones of ordered frames, one way per kind of zone."""

from collections import Counter

from skdsn.ccsds._kiss import FEND, kiss_unescape
from skdsn.ccsds._packet_rows import PacketOrigin
from skdsn.ccsds._space_packet import (
    ENCAPSULATION_VERSION,
    HEADER_BYTES,
    LARGEST,
    NO_TIME,
    encapsulation_length,
    is_whole,
    packet_length,
)

__all__ = ["FixedZone", "KissZone", "MpduZone", "cut_packets"]

_LONGEST_HEADER = 8  # bytes, of an encapsulation packet


def cut_packets(data, position, limit=None, prefix=0):
    """Cut space packets that lie one after another.

    Parameters
    ----------
    data : bytes
    position : int
        Where the first begins.
    limit : int, default=None
        Where the last begins at most; None: the end.
    prefix : int, default=0
        Bytes before each packet, which are skipped.

    Returns
    -------
    packets : list of bytes
    position : int
        Where the next would begin: of another version, or not whole.
    """
    packets, end = [], len(data)
    last = end - prefix - HEADER_BYTES
    last = last if limit is None else min(limit, last)
    while position < last and not data[start := position + prefix] >> 5:
        stop = start + 7 + (data[start + 4] << 8 | data[start + 5])
        if stop > end:
            break
        packets.append(data[start:stop])
        position = stop
    return packets, position


def _time_of(frame):
    return NO_TIME if frame.copy.time is None else frame.copy.time


class _Zone:
    """What all zones share: where packets go, and the packet in progress."""

    def __init__(self, spec, emit):
        self.emit = emit
        self._slice = spec.zone
        self.statistics = Counter()
        self._partial = bytearray()
        self._first_time = NO_TIME
        self._n_frames = 0
        self._n_copies = 0
        self._gap = True  # packets may be missing before the next

    def _begin(self, frame, rest=b""):
        """Start a packet in this frame."""
        self._partial = bytearray(rest)
        self._first_time = _time_of(frame)
        self._n_frames = 1
        self._n_copies = frame.n_copies

    def _continue(self, frame):
        """Count this frame to the packet in progress."""
        self._n_frames += 1
        self._n_copies = min(self._n_copies, frame.n_copies)

    def _drop(self, reason):
        """Give up the packet in progress."""
        if self._partial:
            self.statistics[reason] += 1
            self._partial = bytearray()
        self._gap = True

    def _close(self, packets, time):
        """Pass on packets that are complete and lay in the same frames."""
        if packets:
            where = PacketOrigin(
                time, self._first_time, self._n_frames, self._n_copies, self._gap
            )
            self._gap = False
            self.emit(packets, where)

    def finish(self):
        """Count the packet that the end of the input cut."""
        self._drop("unterminated")


class MpduZone(_Zone):
    """Packets one after another through the frames, found by the first header pointer.

    The pointer of every frame must point behind the packet in progress; where it does
    not, that packet is dropped and the stream begins again at the pointer.
    Encapsulation packets, which are fill or carry another protocol, are skipped.
    """

    def __init__(self, spec, emit):
        super().__init__(spec, emit)
        start, bits = spec.pointer
        end = start + bits
        self._bytes = slice(start // 8, -(-end // 8))
        self._shift = -end % 8
        self._no_start, self._only_idle = (1 << bits) - 1, (1 << bits) - 2
        self._in_step = False  # whether the next byte of the stream is known
        self._length = None  # of the packet in progress, once its header is there

    def update(self, frame):
        """Take the next frame."""
        data = frame.copy.data
        zone = data[self._slice]
        pointer = (
            int.from_bytes(data[self._bytes], "big") >> self._shift & self._no_start
        )
        if frame.after_jump:
            self._drop("partial_dropped")
            self._in_step = False
        if pointer == self._only_idle:
            self._lose_step("pointer_mismatch", bool(self._partial))
            self.statistics["idle_frames"] += 1
            return
        if pointer != self._no_start and pointer >= len(zone):
            self._lose_step("pointer_mismatch")
            return
        if self._in_step:
            expected, left = self._expect(zone)
            if pointer != expected:
                self._lose_step("pointer_mismatch")
            elif self._partial:
                self._continue(frame)
                self._partial += zone[:left]
                if len(self._partial) == self._length:
                    self._close_partial(frame)
        if pointer == self._no_start:
            if not self._in_step:
                self.statistics["frames_without_start"] += 1
            return
        self._walk(zone, pointer, frame)

    def _expect(self, zone):
        """Tell where the pointer must point, and what the packet in progress lacks."""
        if not self._partial:
            return 0, 0
        size = len(zone)
        length = _length_in_stream(self._partial)
        if length is None:
            length = _length_in_stream(bytes(self._partial) + zone[:_LONGEST_HEADER])
        self._length = length
        if length is None:
            return self._no_start, size
        # Below 0 if the length cannot be: no pointer agrees.
        left = length - len(self._partial)
        return (left, left) if left < size else (self._no_start, size)

    def _close_partial(self, frame):
        data = bytes(self._partial)
        self._partial.clear()
        if data[0] >> 5 == ENCAPSULATION_VERSION:
            self.statistics["encapsulation_packets"] += 1
        else:
            self._close([data], _time_of(frame))

    def _lose_step(self, reason, wrong=True):
        if wrong:
            self.statistics[reason] += 1
            self._partial = bytearray()
            self._gap = True
        self._in_step = False

    def _walk(self, zone, position, frame):
        """Pass on the packets that begin in this zone."""
        self._in_step = True
        self._begin(frame)
        time = self._first_time
        packets, position = cut_packets(zone, position)
        self._close(packets, time)
        while position < len(zone):
            if not zone[position] >> 5:  # the packet version number
                self._begin(frame, zone[position:])
                return
            length = 0
            if zone[position] >> 5 == ENCAPSULATION_VERSION:
                length = encapsulation_length(zone, position)
            if length == 0:
                self._lose_step("bad_version")
                return
            if length is None or position + length > len(zone):
                self._begin(frame, zone[position:])
                return
            self.statistics["encapsulation_packets"] += 1
            packets, position = cut_packets(zone, position + length)
            self._close(packets, time)


def _length_in_stream(head):
    """Read the bytes of the packet that begins so, or None if too few say it."""
    if head[0] >> 5 == ENCAPSULATION_VERSION:
        return encapsulation_length(head)
    return None if len(head) < HEADER_BYTES else packet_length(head)


class FixedZone(_Zone):
    """Whole packets in every frame, from the first byte of the zone on."""

    def update(self, frame):
        """Take the next frame."""
        zone = frame.copy.data[self._slice]
        self._gap |= frame.after_jump
        self._begin(frame)
        fill = len(zone.rstrip(zone[-1:]))  # one byte again and again from here on
        if not fill:
            self.statistics["idle_frames"] += 1
            self.statistics["fill_bytes"] += len(zone)
            return
        packets, position = cut_packets(zone, 0, fill)
        self._close(packets, _time_of(frame))
        if position < fill:
            self.statistics["wrong_length"] += 1
            self._gap = True
        elif position < len(zone):
            self.statistics["fill_bytes"] += len(zone) - position


class KissZone(_Zone):
    """Packets between KISS delimiters in a stream through the frames."""

    def update(self, frame):
        """Take the next frame."""
        zone = frame.copy.data[self._slice]
        if frame.after_jump:
            # The bytes of this frame are a new candidate: if the delimiter was the last
            # byte lost, they are a whole packet, and its length tells.
            self._end("partial_dropped")
            self._gap = True
        self._last_time = _time_of(frame)
        first, *others = zone.split(FEND)
        if self._partial:
            self._continue(frame)
            self._partial += first
        else:
            self._begin(frame, first)
        if others:
            self._check(bytes(self._partial), self._last_time)
            for record in others[:-1]:
                self._begin(frame)
                self._check(record, self._last_time)
            self._begin(frame, others[-1])
        if len(self._partial) > 2 * LARGEST:
            self._drop("too_long")

    def finish(self):
        """Count the packet that the end of the input cut, or use it if it is whole."""
        self._end("unterminated")

    def _end(self, reason):
        """Use the bytes so far if only their delimiter is missing, or drop them."""
        data = kiss_unescape(bytes(self._partial))
        if data and is_whole(data):
            self.statistics["kiss_records"] += 1
            self._close([data], self._last_time)
            self._partial = bytearray()
        self._drop(reason)

    def _check(self, record, time):
        if not record:
            return
        self.statistics["kiss_records"] += 1
        data = kiss_unescape(record)
        reason = "bad_escape" if data is None else "wrong_length"
        if data is None or not is_whole(data):
            self.statistics[reason] += 1
            self._gap = True
            return
        self._close([data], time)
