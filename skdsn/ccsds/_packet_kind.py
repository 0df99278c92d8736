"""What decoding asks of a definition of packets."""

from collections.abc import Mapping

import numpy as np

from skdsn.ccsds._read_fields import PacketGroup
from skdsn.ccsds._time_rule import TimeRule

__all__ = ["PacketKind"]


class PacketKind:
    """Packets of one kind; what is here holds for a kind that says nothing else.

    A subclass has a ``name``, ``columns`` (tuple of the names of those that all its
    packets have) and the method ``decode_group(packets, *, raw)``, which returns
    :class:`Columns`, of no packets as well. One with a ``time`` has ``decode_time``.
    """

    apid = ()
    where: Mapping = {}  # raw values that tell the kind from others
    time: TimeRule | None = None
    hidden = ()  # fields that become no columns
    units: Mapping = {}

    @property
    def bookkeeping(self):
        """Columns that tell which packet it is, and when: they measure nothing."""
        named = {*self.where, *(self.time.fields.values() if self.time else ())}
        return tuple(name for name in self.columns if name in named)

    def layout(self, length):
        """Lay the fields out in packets of some length; None if they do not fit."""
        return ()

    def matches(self, packets):
        """Tell which packets of one length are of the kind, as bool ndarray."""
        return np.ones(len(packets), dtype=bool)

    def select(self, packets):
        """Give what :meth:`matches` says, and the packets that do.

        Parameters
        ----------
        packets : PacketGroup

        Returns
        -------
        found : bool ndarray of shape (n,)
        group : PacketGroup
        """
        found = self.matches(packets)
        if found.all():
            return found, packets
        places = np.flatnonzero(found).tolist()
        return found, PacketGroup([packets[place] for place in places])
