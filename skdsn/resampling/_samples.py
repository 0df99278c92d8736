"""The samples of a channel, and the table that they are held in."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from skdsn.resampling._clock import Clock

NO_SAMPLE = -1
# Ticks, values and labels of a channel without samples.
NOTHING = np.empty(0, np.int64), np.empty(0, np.float32), np.empty(0, np.int8)

_TWICE = "Channel {!r} comes twice; give each channel once."


@dataclass(frozen=True)
class Samples:
    """Samples of one channel in order of time."""

    name: str
    clock: Clock | None
    ticks: np.ndarray
    values: np.ndarray
    labels: np.ndarray

    def followed_by(self, other):
        """Join later samples, if there are any."""
        if other is None or len(other.ticks) == 0:
            return self
        if len(self.ticks) and other.ticks[0] <= self.ticks[-1]:
            raise ValueError(
                f"Channel {self.name!r} goes back in time: its new samples begin at "
                f"{self.clock.time(other.ticks[0])}, but it had one at "
                f"{self.clock.time(self.ticks[-1])}."
            )
        joined = (
            np.concatenate([getattr(self, part), getattr(other, part)])
            for part in ("ticks", "values", "labels")
        )
        return Samples(self.name, self.clock, *joined)

    def after(self, tick):
        """Copy the last sample up to a time, and those after it."""
        first = max(np.searchsorted(self.ticks, tick, side="right") - 1, 0)
        return tuple(
            part[first:].copy() for part in (self.ticks, self.values, self.labels)
        )


def read_pair(name, content):
    """Check the samples of a channel: a Series, or one and its labels."""
    series, labels = content if isinstance(content, tuple) else (content, None)
    if not isinstance(series, pd.Series):
        raise TypeError(
            f"Channel {name!r} must be a Series indexed by time, or (Series, labels); "
            f"got {type(series).__name__}."
        )
    where = f"The times of channel {name!r}"
    if len(series) == 0:  # whatever kind of index it has
        return Samples(name, None, *NOTHING)
    clock = Clock.of(series.index, where)
    ticks = clock.ticks(series.index, where)
    wrong = ticks[1:] <= ticks[:-1]
    if wrong.any():
        row = int(np.argmax(wrong)) + 1
        raise ValueError(
            f"{where} must increase, but {series.index[row]} (row {row}) comes after "
            f"{series.index[row - 1]}; call sort_index() and drop duplicates first."
        )
    if not pd.api.types.is_numeric_dtype(series.dtype):
        raise TypeError(
            f"Channel {name!r} must hold numbers; got {series.dtype}. Number its texts "
            "with CategoryCodes first."
        )
    values = series.to_numpy(dtype=np.float32, na_value=np.nan)
    if labels is None:
        return Samples(name, clock, ticks, values, np.zeros(len(ticks), np.int8))
    if isinstance(labels, pd.Series) and not labels.index.equals(series.index):
        raise ValueError(
            f"The labels of channel {name!r} have another index than its samples; "
            "reindex them, or give labels.to_numpy() if they fit row by row."
        )
    labels = np.asarray(labels)
    if labels.shape != ticks.shape or labels.dtype.kind not in "iub":
        raise ValueError(
            f"The labels of channel {name!r} must be {len(ticks)} integers, one for "
            f"each sample; got {labels.dtype} of shape {labels.shape}."
        )
    if len(labels) and not -128 <= labels.min() <= labels.max() <= 127:
        raise ValueError(
            f"The labels of channel {name!r} must lie between -128 and 127; got "
            f"{labels.min()} to {labels.max()}."
        )
    return Samples(name, clock, ticks, values, labels.astype(np.int8, copy=False))


class Table:
    """Columns that are filled one after another."""

    def __init__(self, names, n_rows, with_labels):
        self.names = pd.Index(names)
        twice = self.names[self.names.duplicated()]
        if len(twice):
            raise ValueError(_TWICE.format(twice[0]))
        shape = len(self.names), n_rows
        # A row for each channel, so that a frame takes the array as it is.
        self.values = np.full(shape, np.nan, dtype=np.float32)
        self.labels = np.full(shape, NO_SAMPLE, np.int8) if with_labels else None
        self._filled = set()

    def place(self, name):
        """Row of a channel, which may come once."""
        if name in self._filled:
            raise ValueError(_TWICE.format(name))
        if name not in self.names:
            shown = ", ".join(map(repr, self.names[:5]))
            raise ValueError(
                f"Channel {name!r} is not among the channels to resample, {shown}"
                f"{', ...' if len(self.names) > 5 else ''}; name it in channels=[...]."
            )
        self._filled.add(name)
        return self.names.get_loc(name)

    def labels_of(self, row):
        """Labels of a channel to be filled, None without any."""
        return None if self.labels is None else self.labels[row]

    def frames(self, index):
        """Values and, if any, labels as frames."""
        X, labels = (
            None
            if part is None
            else pd.DataFrame(part.T, index=index, columns=self.names, copy=False)
            for part in (self.values, self.labels)
        )
        return X if labels is None else (X, labels)
