"""Telemetry of an ESA-ADB mission as it was published: a zipped pickle per channel."""

import zipfile

import numpy as np
import pandas as pd

from skdsn.datasets._esa_adb_missions import number_of
from skdsn.datasets._esa_adb_rows import NO_SAMPLE, SEVERITY, Rows, row_times
from skdsn.datasets._esa_adb_tables import CATEGORIES
from skdsn.datasets._pickles import load_frames
from skdsn.resampling import CategoryCodes, command_pulses, difference_counter
from skdsn.tracks import parse_times

__all__ = ["Archive"]

# A table of fewer cells is made whatever the samples are; in a larger one, only a
# wrong time leaves so much room between samples.
_MANY_CELLS = 100_000_000
_CELLS_PER_SAMPLE = 1000


class Archive:
    """Reads the zipped pickles of a mission, one at a time.

    Parameters
    ----------
    folder : pathlib.Path
    counters : collection of int
        Numbers of the channels to be differenced.
    vocabularies : dict of str to list
        Texts of channels, in the order of their codes.
    learn_until : Timestamp or None
        Texts of other channels are learnt up to there; None is the end of the rows.
    texts : collection of str or None
        Channels that may hold text; None is all.

    Attributes
    ----------
    learnt : dict of str to list
        Texts of the channels that were read, given or learnt.
    repairs : dict of (str, str) to int
        Channel or telecommand and what was wrong, to how many samples.
    """

    def __init__(self, folder, *, counters, vocabularies, learn_until, texts):
        self.folder = folder
        self.counters = counters
        self.vocabularies = vocabularies
        self.learn_until = learn_until
        self.texts = texts
        self.learnt = {}
        self.repairs = {}

    def read(self, names, commands, labels, targets, period, hold, coded=()):
        """Hold all channels on a grid of rows.

        Parameters
        ----------
        names, commands : list of str
        labels : DataFrame
            As :func:`read_labels` returns them.
        targets, coded : list of str
            As of :class:`Rows`.
        period : tuple of two Timestamp or None
            First and last row; beyond the telemetry there are none.
        hold : ResampleHold
            Whose step is a Timedelta.

        Returns
        -------
        Rows
        """
        start, end = self._clip(names, period, hold.step)
        rows = Rows([*names, *commands], targets, coded)
        rows.begin(row_times(start, end, hold.step))
        by_channel = dict(list(labels.groupby("Channel", sort=False)))
        for name in names:
            own = by_channel.get(name, labels[:0])
            series = self._values(name, end)
            if len(series) == 0:
                self.repairs[name, "has no sample up to the end"] = 1
                continue
            codes = np.zeros(len(series), dtype=np.int8)
            _paint(series.index, own, codes)
            X, held = hold.resample(
                {name: (series, codes)}, start=start, end=end, return_labels=True
            )
            held = held[name].to_numpy(copy=True)
            # Rows in a gap have no sample of their own that could say so.
            gaps = own[own["Category"].isin(SEVERITY[:2])]
            _paint(X.index, gaps, held, over=(0, NO_SAMPLE))
            rows.fill(name, X[name].to_numpy())
            rows.mark(name, held)
        for name in commands:
            times = self._samples("telecommands", name).index
            pulses = command_pulses(times, hold.step, start=start, end=end)
            rows.fill(name, pulses.to_numpy())
        return rows

    def _clip(self, names, period, step):
        """Cut a period to the time that has samples."""
        start, end = period
        first = last = None
        n_samples, early, late = 0, "", ""
        for name in names:
            index = self._samples("channels", name).index
            if len(index) == 0:
                continue
            n_samples += len(index)
            floor, ceil = index[0].floor(step), index[-1].ceil(step)
            if first is None or floor < first:
                first, early = floor, name
            if last is None or ceil > last:
                last, late = ceil, name
            # Once the period is filled, there is no need to look at all channels.
            if None not in period and first <= start and last >= end:
                return period
        if first is None:
            raise ValueError(f"No channel in {self.folder} has a sample; got {names}.")
        if (end is not None and end < first) or (start is not None and start > last):
            raise ValueError(
                f"The telemetry in {self.folder} runs from {first} to {last}; give a "
                "start and end that meet it, or take shares of it with "
                "fold=esa_adb_folds(..., span=...)[...]."
            )
        begin = first if start is None else max(start, first)
        stop = last if end is None else min(end, last)
        n_cells = ((stop - begin) // step + 1) * len(names)
        if n_cells > max(_MANY_CELLS, _CELLS_PER_SAMPLE * n_samples):
            raise ValueError(
                f"The {n_samples} samples in {self.folder} run from {first} ({early}) "
                f"to {last} ({late}), which would make {n_cells} cells; give a start "
                "and end that leave out a time far from the others."
            )
        return begin, stop

    def _values(self, name, end):
        """Give the samples of a channel up to a time as numbers."""
        series = self._samples("channels", name)
        series = series[: series.index.searchsorted(end, side="right")]
        if not pd.api.types.is_numeric_dtype(series.dtype):
            self._check_text(name, series)
            codes = CategoryCodes()
            known = series
            if self.learn_until is not None:
                at = series.index.searchsorted(self.learn_until, side="right")
                known = series[:at]
            codes.fit(self.vocabularies.get(name, known))
            self.learnt[name] = codes.categories_
            series = codes.transform(series)
        if number_of(name) in self.counters:
            series = difference_counter(series)
        return series

    def _check_text(self, name, series):
        """Refuse what is neither numbers nor the texts of a categorical channel."""
        path = self.folder / "channels" / f"{name}.zip"
        kind = pd.api.types.infer_dtype(series.astype(object), skipna=True)
        if kind not in ("string", "empty"):
            raise ValueError(
                f"{path} must hold numbers or texts; it holds {kind.replace('-', ' ')}"
                f" values such as {series.dropna().iloc[0]!r}."
            )
        if kind == "string" and self.texts is not None and name not in self.texts:
            raise ValueError(
                f"{path} holds text such as {series.dropna().iloc[0]!r}, but "
                f"channels.csv says that {name} is not categorical; make it numbers, "
                "or give it YES in the column Categorical."
            )

    def _samples(self, kind, name):
        """Load a channel or telecommand, in order of time."""
        frame, path = self._load(kind, name)
        if (
            not isinstance(frame, pd.DataFrame)
            or frame.index.nlevels > 1
            or frame.columns.tolist() != [name]
        ):
            what = type(frame).__name__
            if isinstance(frame, pd.DataFrame):
                what = f"one with the columns {frame.columns.tolist()[:5]}"
            raise ValueError(
                f"{path} must hold a frame with the one column {name!r}, indexed by "
                f"time; got {what}."
            )
        series = frame[name].infer_objects()
        times = self._times(series.index, path)
        series = series.set_axis(times)
        missing = times.isna()
        if missing.any():
            series = self._keep(series, ~missing, name, "sample without a time dropped")
        if not series.index.is_monotonic_increasing:
            self.repairs[name, "samples out of order sorted"] = int(
                (np.diff(series.index.asi8) < 0).sum()
            )
            series = series.sort_index(kind="stable")
        if not series.index.is_unique:
            kept = ~series.index.duplicated(keep="last")
            series = self._keep(series, kept, name, "sample at a repeated time dropped")
        return series

    def _keep(self, series, kept, name, problem):
        self.repairs[name, problem] = int((~kept).sum())
        return series[kept]

    def _times(self, index, path):
        """Read an index of times, which may be text."""
        if not isinstance(index, pd.DatetimeIndex):
            if pd.api.types.is_numeric_dtype(index.dtype):
                raise ValueError(
                    f"{path} must be indexed by times; its index holds {index.dtype}."
                )
            try:
                times = parse_times(pd.Series(index, name="index"))
            except (AttributeError, TypeError, ValueError) as error:
                raise ValueError(f"{path} is not indexed by times: {error}") from error
            return pd.DatetimeIndex(times)
        return index if index.tz is None else index.tz_convert("UTC").tz_localize(None)

    def _load(self, kind, name):
        """Load what the zip file holds, without unpacking it."""
        path = self.folder / kind / f"{name}.zip"
        if not path.is_file():
            raise FileNotFoundError(
                f"There is no file {path}, although {kind}.csv lists {name}."
            )
        try:
            with zipfile.ZipFile(path) as archive:
                members = [m for m in archive.infolist() if not m.is_dir()]
                if len(members) != 1:
                    raise ValueError(
                        f"{path} must hold one pickle; it holds {len(members)} files."
                    )
                with archive.open(members[0]) as file:
                    file.name = str(path)  # that messages tell
                    return load_frames(file, allow_pickle=True), path
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
            raise ValueError(
                f"{path} is no zip file that can be read ({error}); download or make "
                "it again."
            ) from error


def _paint(times, labels, codes, over=None):
    """Write the categories of labels on samples or rows, the worst one last."""
    first = times.searchsorted(pd.DatetimeIndex(labels["StartTime"]), side="left")
    stop = times.searchsorted(pd.DatetimeIndex(labels["EndTime"]), side="right")
    categories = labels["Category"].to_numpy()
    for category in SEVERITY:
        for row in np.flatnonzero(categories == category):
            part = codes[first[row] : stop[row]]
            part[np.isin(part, over) if over else ...] = CATEGORIES[category]
