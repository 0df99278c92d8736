"""Which answers are news, and which come late."""

_PATIENCE = 5  # late answers in a row, each newer than the last


class FeedOrder:
    """Tell late answers, those older than one before them.

    Where several come in a row and among themselves go forward, the clock of the feed
    was set back, and they are no longer late.

    Parameters
    ----------
    newest : int, default=None
        Time of the newest snapshot so far, ms since 1970.

    Examples
    --------
    >>> order = FeedOrder()
    >>> [order.is_late(time) for time in (10, 30, 20, 40)]
    [False, False, True, False]
    """

    def __init__(self, newest=None):
        self.newest = newest
        self._late = []

    def is_late(self, time):
        """Take the time of the next snapshot, and tell whether it comes late."""
        if self.newest is None or time >= self.newest:
            self.newest, self._late = time, []
            return False
        if self._late and time < self._late[-1]:
            self._late = []
        self._late.append(time)
        if len(self._late) > _PATIENCE:
            self.newest, self._late = time, []
            return False
        return True
