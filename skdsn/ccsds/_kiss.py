"""The KISS framing: records between FEND bytes, with two bytes escaped.

References
----------
M. Chepponis and P. Karn, "The KISS TNC: A simple Host-to-TNC communications protocol",
6th ARRL Computer Networking Conference, 1987.
"""

import re

__all__ = ["FEND", "KissSplitter", "kiss_escape", "kiss_unescape"]

FEND = b"\xc0"
_FESC = b"\xdb"
_TFEND, _TFESC = b"\xdc", b"\xdd"
_BAD_ESCAPE = re.compile(rb"\xdb(?![\xdc\xdd])")


def kiss_escape(record):
    """Escape the bytes of a record that KISS gives a meaning.

    Parameters
    ----------
    record : bytes

    Returns
    -------
    bytes
    """
    record = record.replace(_FESC, _FESC + _TFESC)
    return record.replace(FEND, _FESC + _TFEND)


def kiss_unescape(record):
    """Undo :func:`kiss_escape`.

    Parameters
    ----------
    record : bytes
        Without FEND.

    Returns
    -------
    bytes or None
        None if an escape byte is followed by none of the two that may follow.
    """
    if _FESC not in record:
        return record
    if _BAD_ESCAPE.search(record):
        return None
    # FEND first: of DB DD DC, the DB that DB DD stands for must not begin a new pair.
    return record.replace(_FESC + _TFEND, FEND).replace(_FESC + _TFESC, _FESC)


class KissSplitter:
    """Cut a stream of bytes into records, for any cutting into blocks.

    Parameters
    ----------
    limit : int
        Bytes of the longest record. Longer ones are dropped, so that a stream that is
        not KISS does not fill the memory.
    """

    def __init__(self, limit):
        self.limit = limit
        self._pending = bytearray()  # one byte more than the limit at most

    def update(self, block):
        """Take a block of the stream.

        Parameters
        ----------
        block : bytes

        Returns
        -------
        records : list of bytes or None
            Those that end in this block, without escapes and never empty; None in the
            place of one that is counted.
        counts : dict of str to int
            Records that are none, by reason.
        """
        first, *others = bytes(block).split(FEND)
        self._pend(first)
        raw = []
        if others:
            raw = [bytes(self._pending), *others[:-1]]
            self._pending.clear()
            self._pend(others[-1])
        raw = [each for each in raw if each]
        long = [len(each) > self.limit for each in raw]
        records = [
            None if drop else kiss_unescape(each)
            for each, drop in zip(raw, long, strict=True)
        ]
        bad = {"too_long": sum(long), "bad_escape": records.count(None) - sum(long)}
        return records, {reason: count for reason, count in bad.items() if count}

    def _pend(self, piece):
        self._pending += piece[: self.limit + 1 - len(self._pending)]

    def finish(self):
        """Count what no FEND closed.

        Returns
        -------
        records : list
            Empty.
        counts : dict of str to int
        """
        reason = "too_long" if len(self._pending) > self.limit else "unterminated"
        counts = {reason: 1} if self._pending else {}
        self._pending.clear()
        return [], counts
