"""The rows of an ESA-ADB mission while they are read."""

import numpy as np
import pandas as pd

from skdsn.datasets._esa_adb_tables import CATEGORIES

NO_SAMPLE = -1
# From the least to the worst, which tells what a row is.
SEVERITY = ("Invalid Segment", "Communication Gap", "Rare Event", "Anomaly")
_RANKED = np.array([NO_SAMPLE, 0, *(CATEGORIES[name] for name in SEVERITY)], np.int8)
# Rank of each code 0 to 4; that of -1, no sample, is the last.
_RANK = np.empty(len(_RANKED), dtype=np.uint8)
_RANK[_RANKED] = np.arange(len(_RANKED))


class Rows:
    """Columns and labels of rows, of which the table is made once.

    Parameters
    ----------
    names : list of str
        Columns.
    targets : list of str
        Channels whose labels tell what a row is.
    coded : list of str, default=()
        Channels whose labels are kept.
    """

    def __init__(self, names, targets, coded=()):
        self.names, self.targets, self.coded = list(names), set(targets), list(coded)
        self.index = None

    def begin(self, index):
        """Make the table."""
        self.index = index
        n_rows = len(index)
        # A row for each column, so that a frame takes the array as it is.
        self.values = np.full((len(self.names), n_rows), np.nan, dtype=np.float32)
        self.codes = np.full((len(self.coded), n_rows), NO_SAMPLE, dtype=np.int8)
        self.worst = np.zeros(n_rows, dtype=np.uint8)

    def fill(self, name, values, at=slice(None)):
        """Write values of a column."""
        self.values[self.names.index(name), at] = values

    def mark(self, name, codes, at=slice(None)):
        """Write the labels of a channel, 0 to 4, or -1 where it has no sample."""
        if name in self.targets:
            self.mark_rows(codes, at)
        if name in self.coded:
            self.codes[self.coded.index(name), at] = codes

    def mark_rows(self, codes, at=slice(None)):
        """Let codes tell of whole rows."""
        worst = self.worst[at]
        self.worst[at] = np.maximum(worst, _RANK[codes])

    def X(self):
        """Make the frame of values."""
        return pd.DataFrame(
            self.values.T, index=self.index, columns=self.names, copy=False
        )

    def y(self, code_of):
        """Make the labels of rows, given the code of each category."""
        by_rank = [-1, 0, *(code_of[name] for name in SEVERITY)]
        labels = np.array(by_rank, dtype=np.int8)[self.worst]
        return pd.Series(labels, index=self.index, name="anomaly", copy=False)

    def channel_labels(self, code_of):
        """Make the frame of labels of each channel."""
        by_code = np.array([0, *(code_of[name] for name in CATEGORIES), -1], np.int8)
        # One row for each channel; -1 takes the last code.
        for row in self.codes:
            row[:] = by_code[row]
        return pd.DataFrame(
            self.codes.T, index=self.index, columns=self.coded, copy=False
        )


def row_times(start, end, step):
    """List the multiples of a step between two times, both included."""
    first, last = start.ceil(step), end.floor(step)
    if first > last:
        raise ValueError(
            f"There is no row between {start} and {end}, since rows are at multiples "
            f"of {step.total_seconds():g} s; ask for a longer time."
        )
    numbers = np.arange((last - first) // step + 1)
    times = first.to_datetime64() + numbers * step.to_timedelta64()
    return pd.DatetimeIndex(times, name="time").as_unit("us")
