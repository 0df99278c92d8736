"""Fill missing values without looking ahead."""

import numpy as np
import pandas as pd

from skdsn._core.segments import last_valid_row, segment_ids
from skdsn._sklearn import MAX_GAP
from skdsn.base import MemoryTransformer, Rows
from skdsn.preprocessing._prune import as_text
from skdsn.tracks import is_categorical


class CausalImputer(MemoryTransformer):
    """Hold the last known value of the track; before the first one, the usual value.

    The usual value is the median of the training rows for numbers and the most
    frequent level for categories. Nothing crosses a track border or looks ahead.

    Parameters
    ----------
    add_indicator : bool, default=False
        Add a 0/1 column ``missing_<column>`` for each column with missing values in
        the training rows.
    max_gap : float, str or pandas.Timedelta, default=None
        A value is not held over a longer step in time: seconds, or ``"10min"``.

    Attributes
    ----------
    fill_values_ : dict
        Column to its usual value.
    n_missing_ : Series of shape (n_features_in_,)
        Missing training rows of each column.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
    fitted_on_tracks_, fitted_on_dates_ : bool

    Raises
    ------
    ValueError
        In ``fit``, if a column has no value at all, or the name of an indicator is
        taken; in ``transform``, if a column of numbers has become text, or the reverse.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdsn.preprocessing import CausalImputer
    >>> index = pd.MultiIndex.from_tuples([("A", 0), ("A", 1), ("B", 0), ("B", 1)])
    >>> X = pd.DataFrame({"SNR": [9.0, None, None, 7.0]}, index)
    >>> CausalImputer(add_indicator=True).fit_transform(X)
         SNR  missing_SNR
    A 0  9.0          0.0
      1  9.0          1.0
    B 0  8.0          1.0
      1  7.0          0.0
    """

    _parameter_constraints: dict = {
        "add_indicator": ["boolean"],
        "max_gap": MAX_GAP,
    }
    _text = True
    _missing = True

    def __init__(self, *, add_indicator=False, max_gap=None):
        self.add_indicator = add_indicator
        self.max_gap = max_gap

    def _fit(self, rows, y):
        frame = rows.data
        self.n_missing_ = frame.isna().sum()
        empty = self.n_missing_.index[self.n_missing_ == len(frame)]
        if len(empty):
            raise ValueError(
                f"Column {empty[0]!r} has no value in the training rows, so there is "
                "nothing to fill it with; drop it first, for example with "
                "MissingnessPruner."
            )
        self._indicated = [name for name in frame.columns if self.n_missing_[name] > 0]
        taken = [n for n in self._indicated if f"missing_{n}" in frame.columns]
        if self.add_indicator and taken:
            raise ValueError(
                f"The telemetry already has a column 'missing_{taken[0]}'; rename it, "
                "or set add_indicator=False."
            )
        self.fill_values_ = {}
        for name, categorical in zip(frame.columns, is_categorical(frame), strict=True):
            column = as_text(frame[name]) if categorical else frame[name]
            # mode() is sorted, so ties are settled the same way every time.
            value = column.mode().iloc[0] if categorical else column.median()
            self.fill_values_[name] = value if categorical else float(value)

    def _read(self, X, *, reset):
        rows = super()._read(X, reset=reset)
        if reset:
            return rows
        data = rows.data
        changed = {
            name: _of_kind(data[name], text=self._is_text(name))
            for name, text in zip(data.columns, is_categorical(data), strict=True)
            if text != self._is_text(name)
        }
        return Rows(data.assign(**changed), rows.tracks) if changed else rows

    def _is_text(self, name):
        return isinstance(self.fill_values_[name], str)

    def _stream(self, data, tracks, bounds, memories):
        # Memory: the last row, filled.
        known = np.flatnonzero([memory is not None for memory in memories])
        ids = segment_ids(bounds) if len(known) else None
        filled, indicators = {}, {}
        for position, name in enumerate(data.columns):
            series = data[name]
            text = self._is_text(name)
            if text:  # always, so that all chunks come out alike
                series = as_text(series)
                filled[name] = series
            missing = series.isna().to_numpy()
            if self.add_indicator and self.n_missing_[name] > 0:
                indicators[f"missing_{name}"] = missing.astype(np.float64)
            if not missing.any():
                continue
            column = series.to_numpy(dtype=None if text else float)
            source = last_valid_row(~missing, bounds)
            usual = self.fill_values_[name]
            if len(known):
                per_segment = np.full(len(bounds) - 1, usual, dtype=column.dtype)
                for i in known:
                    per_segment[i] = memories[i][position]
                usual = per_segment[ids]
            values = np.where(source >= 0, column[source], usual)
            filled[name] = pd.Series(
                values,
                index=data.index,
                dtype="str" if text else np.float64,
            )
        out = data.assign(**filled)

        def remember(i):
            return tuple(out.iloc[bounds[i + 1] - 1])

        return (out.assign(**indicators) if indicators else out), remember

    def _names_out(self, names):
        if not self.add_indicator:
            return list(names)
        return [*names, *(f"missing_{name}" for name in self._indicated)]


def _of_kind(column, *, text):
    """Give a column the kind it had in fit, if its values allow."""
    kind = "str" if text else np.float64
    known = np.flatnonzero(column.notna())
    if len(known) == 0:
        return column.astype(kind)
    if not text:
        found = column.infer_objects()  # numbers among objects are numbers
        if pd.api.types.is_numeric_dtype(found.dtype):
            return found.astype(kind)
        # In a file, one word among numbers makes all of them text.
        words = pd.to_numeric(column.iloc[known], errors="coerce").isna().to_numpy()
        known = known[words] if words.any() else known
    then, now = ("text", "numbers") if text else ("numbers", "text")
    cure = "astype('str')" if text else "pandas.to_numeric"
    raise ValueError(
        f"Column {column.name!r} held {then} when CausalImputer was fitted, but now "
        f"holds {now}, such as {column.iloc[known[:1]].tolist()[0]!r} in row "
        f"{known[0]}; convert it with {cure}."
    )
