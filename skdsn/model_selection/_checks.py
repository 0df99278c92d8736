"""What the splitters read alike: gaps, groups and counts."""

import datetime
from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.model_selection import BaseCrossValidator

from skdsn._core.segments import lengths, reduce_segments


class TrackSplitter(BaseCrossValidator):
    """Base of the splitters that know their number of splits, ``n_splits``."""

    n_splits: int

    def get_n_splits(self, X=None, y=None, groups=None):
        """Give the number of splits.

        Parameters
        ----------
        X, y, groups : object
            Ignored.

        Returns
        -------
        int
            The `n_splits` given.
        """
        return self.n_splits


def check_integer(name, value, *, lowest):
    """Refuse anything but a whole number from `lowest` on."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < lowest:
        raise ValueError(
            f"{name} must be an integer of at least {lowest}; got {value!r}."
        )


def read_gap(gap, *, unit="rows"):
    """Read a gap as (rows, None) or (None, seconds); `unit` is what a number counts."""
    expected = f"gap must be a number of {unit} or a timedelta such as '10min'"
    # A timedelta64 counts as an integer too, so times come first.
    if isinstance(gap, str | datetime.timedelta | np.timedelta64):
        # pandas takes a text without a unit, such as "5", for nanoseconds.
        if isinstance(gap, str) and not any(c.isalpha() or c == ":" for c in gap):
            raise ValueError(f"{expected}; got {gap!r}, which has no unit.")
        try:
            rows, seconds = None, pd.Timedelta(gap).total_seconds()
        except ValueError as error:
            raise ValueError(f"{expected}; got {gap!r}.") from error
        if seconds != seconds:  # not a time
            raise ValueError(f"{expected}; got {gap!r}.")
    elif isinstance(gap, bool) or not isinstance(
        gap, Integral if unit == "rows" else Real
    ):
        raise TypeError(f"{expected}; got {gap!r}.")
    elif unit == "rows":
        rows, seconds = int(gap), None
    else:
        rows, seconds = None, float(gap)
    if not (rows if seconds is None else seconds) >= 0:
        raise ValueError(f"gap must not be negative; got {gap!r}.")
    return rows, seconds


def train_ends(tracks, edge, gap):
    """Row at which training ends in each track, so that `gap` lies before `edge`."""
    n_rows, seconds = read_gap(gap)
    if seconds is None:
        return edge - n_rows
    if tracks.times is None:
        raise ValueError(
            f"gap={gap!r} is a time, but X has no time index; give the gap as a number "
            "of rows."
        )
    # An edge behind the track has no time; its end is of no use, so any row serves.
    begin = tracks.seconds[np.minimum(edge, tracks.n_rows - 1)]
    size = lengths(tracks.bounds)
    near = tracks.seconds > np.repeat(begin - seconds, size)
    past = np.arange(tracks.n_rows) < np.repeat(edge, size)
    return tracks.bounds[:-1] + reduce_segments(
        (past & ~near).astype(np.int64), tracks.bounds, np.add
    )


def units(tracks, groups):
    """Tell the number of the unit (track or group) that each track belongs to."""
    if groups is None:
        return np.arange(len(tracks)), "tracks"
    if np.ndim(groups) != 1:
        shape = np.shape(groups)
        what = f"shape {shape}" if shape else f"a {type(groups).__name__}"
        raise ValueError(
            f"groups must hold one value per row of X; got {what}. GroupedTrackSplit "
            "takes a table by track id, or the name of a column."
        )
    if len(groups) != tracks.n_rows:
        raise ValueError(
            f"groups has {len(groups)} values for {tracks.n_rows} rows of X; "
            "inconsistent numbers of samples."
        )
    _check_group_index(groups, tracks.index)
    codes, names = pd.factorize(np.asarray(groups))
    if len(codes) and codes.min() < 0:
        raise ValueError(
            f"groups has no value in row {int(np.argmin(codes))}; give every row one."
        )
    unit = codes[tracks.bounds[:-1]]
    other = codes != np.repeat(unit, lengths(tracks.bounds))
    if other.any():
        row = int(np.argmax(other))
        number = int(np.searchsorted(tracks.bounds, row, side="right")) - 1
        raise ValueError(
            f"Track {tracks.names[number]!r} has rows of two groups, "
            f"{names[unit[number]]} and {names[codes[row]]}; give all rows of a track "
            "the same."
        )
    return unit, "groups"


def _check_group_index(groups, index):
    if not isinstance(groups, pd.Series) or index is None or groups.index.equals(index):
        return
    different = np.flatnonzero(groups.index.to_numpy() != index.to_numpy())
    row = int(different[0]) if len(different) else 0
    raise ValueError(
        f"groups and X have different indexes, first at row {row}: "
        f"{groups.index[row]} and {index[row]}; align them with groups.loc[X.index]."
    )
