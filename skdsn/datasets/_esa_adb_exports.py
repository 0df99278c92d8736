"""Telemetry of an ESA-ADB mission at regular times: CSV, or Parquet of Kaggle."""

import io
import re
from pathlib import Path

import numpy as np
import pandas as pd

from skdsn.datasets._esa_adb_missions import number_of
from skdsn.datasets._esa_adb_rows import Rows

_CHUNK = 65_536  # rows
_LAST_ID = 100_000_000
_MANY_CELLS = 100_000_000
_LAST_BYTES = 1 << 20
_MORE = "cells beyond the columns"
_ORIGIN = pd.Timestamp("2000-01-01")
_COLUMN = re.compile(r"(channel|telecommand)_\d+")
_PARQUET = {None: "train.parquet", "train": "train.parquet", "test": "test.parquet"}


def open_export(folder, rules, fold, part):
    """Find the file to read; None if the folder holds no such files."""
    if folder.is_file():
        kinds = {".csv": CsvExport, ".parquet": ParquetExport}
        if folder.suffix not in kinds:
            raise ValueError(f"{folder} is neither a folder nor a CSV or Parquet file.")
        return kinds[folder.suffix](folder)
    files = sorted([*folder.glob("*.train.csv"), *folder.glob("*.test.csv")])
    if files:
        return CsvExport(_choose_csv(folder, files, rules, fold, part))
    if any((folder / name).is_file() for name in _PARQUET.values()):
        if fold is None and part not in _PARQUET:
            raise ValueError(f"part={part!r} is a part of a fold; give fold too.")
        name = _PARQUET[None if fold is not None else part]
        if not (folder / name).is_file():
            raise FileNotFoundError(f"There is no {name} in {folder}.")
        return ParquetExport(folder / name)
    return None


def _choose_csv(folder, files, rules, fold, part):
    kind = "test" if part == "test" else "train"
    wanted = [path for path in files if path.name.endswith(f".{kind}.csv")]
    if isinstance(fold, str | int) and rules.folds:
        name = f"{fold}_months" if isinstance(fold, int) else fold
        if kind == "test":  # the same for all folds
            name = f"{max(rules.folds)}_months"
        path = folder / f"{name}.{kind}.csv"
        if path not in wanted:
            raise FileNotFoundError(f"There is no {path.name} in {folder}.")
        return path
    if len(wanted) != 1:
        found = ", ".join(path.name for path in wanted) or f"no *.{kind}.csv"
        raise ValueError(
            f"{folder} holds {found}; give fold, or the path of the file to read."
        )
    return wanted[0]


class _Export:
    """A file of rows, whose columns are channels, telecommands and labels."""

    def __init__(self, path):
        self.path = Path(path)
        self.repairs = {}
        self.columns = self._header()
        if self.key not in self.columns:
            raise ValueError(
                f"{self.path} lacks the column {self.key!r}; it has "
                f"{', '.join(self.columns[:5])}."
            )
        twice = pd.Index(self.columns)
        twice = twice[twice.duplicated()]
        if len(twice):
            raise ValueError(
                f"{self.path} has the column {twice[0]!r} twice; drop or rename one."
            )
        found = sorted(filter(_COLUMN.fullmatch, self.columns), key=number_of)
        self.channels = [name for name in found if name.startswith("channel")]
        self.commands = [name for name in found if name.startswith("telecommand")]
        if not self.channels:
            raise ValueError(
                f"{self.path} has no column channel_1, channel_2, ...; it has "
                f"{', '.join(self.columns[:5])}."
            )

    def _begin(self, rows, first, last, period, step):
        """Make the table for the rows that a period has of those in the file."""
        start, end = period
        skipped = 0 if start is None else max(-((first - start) // step), 0)
        begin = first + skipped * step
        end = last if end is None else min(end, last)
        if begin > end:
            raise ValueError(
                f"{self.path} has rows from {first} to {last}; give a start and end "
                "that meet them."
            )
        n_rows = (end - begin) // step + 1
        if n_rows * len(rows.names) > _MANY_CELLS and n_rows > 1000 * self._most_rows():
            raise ValueError(
                f"{self.path} has rows from {first} to {last}, too few for so long a "
                "time; correct a time that is far from the others, or give a start and "
                "end that leave it out."
            )
        numbers = np.arange(n_rows)
        times = begin.to_datetime64() + numbers * step.to_timedelta64()
        rows.begin(pd.DatetimeIndex(times, name="time").as_unit("us"))
        self._seen, self._n_read = np.zeros(len(times), dtype=bool), 0

    def _most_rows(self):
        """Find how many rows the file can have at most: a byte for each cell."""
        return self.path.stat().st_size // len(self.columns)

    def _place(self, rows, times, step, n_before):
        """Rows of the chunk that are wanted, and their places in the table."""
        offset = times - rows.index[0]
        places = np.asarray(offset // step)
        odd = np.flatnonzero(np.asarray(offset % step != pd.Timedelta(0)))
        if len(odd):
            raise ValueError(
                f"{self.path}, row {n_before + int(odd[0])}, is at {times[odd[0]]}, "
                f"which is no multiple of {step.total_seconds():g} s after its first "
                "row; give the step that the file was made with."
            )
        wanted = np.flatnonzero((places >= 0) & (places < len(rows.index)))
        return wanted, places[wanted]

    def _fill(self, rows, names, chunk, wanted, places):
        """Write values of a chunk."""
        for name in names:
            rows.fill(name, chunk[name][wanted], places)
        self._seen[places] = True
        self._n_read += len(places)

    def _count(self):
        """Count the rows that the file lacks or repeats."""
        for problem, count in (
            ("row missing", (~self._seen).sum()),
            ("row repeated, the last one kept", self._n_read - self._seen.sum()),
        ):
            if count:
                self.repairs[self.path.name, problem] = int(count)


class _Widened(io.RawIOBase):
    """A CSV file with one more column.

    pandas drops the cells that a row has beyond the columns, if only some are read: the
    others may then be in the wrong place. Here the first of them can be read.
    """

    def __init__(self, file):
        super().__init__()
        self._file = file
        self._head = file.readline().rstrip(b"\r\n") + f",{_MORE}\n".encode()

    def readable(self):
        return True

    def readinto(self, buffer):
        if not self._head:
            return self._file.readinto(buffer)
        count = min(len(buffer), len(self._head))
        buffer[:count] = self._head[:count]
        self._head = self._head[count:]
        return count


class CsvExport(_Export):
    """A CSV file as the benchmark prepares it, with labels for each channel."""

    key = "timestamp"
    labelled = True

    def _header(self):
        try:
            # Not as a header, in which pandas renames what comes twice.
            head = pd.read_csv(
                self.path, nrows=1, header=None, dtype=str, keep_default_na=False
            )
            return head.iloc[0].tolist()
        except ValueError as error:
            raise ValueError(
                f"{self.path} cannot be read as a table: {error}"
            ) from error

    def read(self, names, commands, targets, period, step, coded=()):
        """Read the rows of a period, in chunks."""
        marked = [n for n in names if n in {*targets, *coded}]
        lacking = [n for n in marked if f"is_anomaly_{n}" not in self.columns]
        if lacking:
            raise ValueError(f"{self.path} lacks the column 'is_anomaly_{lacking[0]}'.")
        labels = [f"is_anomaly_{name}" for name in marked]
        rows = Rows([*names, *commands], targets, coded)
        first, last = self._ends()
        self._begin(rows, first, last, period, step)
        numbers = [*names, *commands, *labels]
        n_before, before = 0, first
        for chunk in self._chunks(numbers):
            times = self._times(chunk[self.key], n_before)
            self._check_rows(chunk[_MORE], times, before, n_before)
            before = times[-1]
            wanted, places = self._place(rows, times, step, n_before)
            table = {name: chunk[name].to_numpy() for name in numbers}
            self._fill(rows, rows.names, table, wanted, places)
            for name, label in zip(marked, labels, strict=True):
                rows.mark(
                    name, self._codes(table[label][wanted], label, n_before), places
                )
            n_before += len(chunk)
            if times[-1] >= rows.index[-1]:
                break
        self._count()
        return rows

    def _check_rows(self, more, times, before, n_before):
        """Refuse a chunk whose rows have more cells than columns, or go back."""
        too_long = more.notna().to_numpy()
        if too_long.any():
            raise ValueError(
                f"{self.path}, row {n_before + int(np.argmax(too_long))}, has more "
                f"cells than the {len(self.columns)} columns; correct it."
            )
        earlier = times.insert(0, before)
        back = times < earlier[:-1]
        if back.any():
            row = int(np.argmax(back))
            raise ValueError(
                f"{self.path}, row {n_before + row}, is at {times[row]}, before the "
                f"row above it, at {earlier[row]}; sort the file by {self.key}."
            )

    def _chunks(self, numbers):
        types = {**dict.fromkeys(numbers, np.float32), self.key: str, _MORE: str}
        columns = [self.key, *numbers, _MORE]
        try:
            with (
                self.path.open("rb") as file,
                pd.read_csv(
                    io.BufferedReader(_Widened(file)),
                    usecols=columns,
                    dtype=types,
                    chunksize=_CHUNK,
                    index_col=False,
                ) as chunks,
            ):
                yield from chunks
        except ValueError as error:
            self._refuse_text(numbers, error)

    def _refuse_text(self, numbers, error):
        """Tell which cell is no number."""
        cells = pd.read_csv(
            self.path, usecols=numbers, dtype=str, chunksize=_CHUNK, index_col=False
        )
        with cells as chunks:
            for number, chunk in enumerate(chunks):
                for name in numbers:
                    read = pd.to_numeric(chunk[name], errors="coerce")
                    wrong = (chunk[name].notna() & read.isna()).to_numpy()
                    if wrong.any():
                        row = int(np.argmax(wrong))
                        raise ValueError(
                            f"{self.path}, row {number * _CHUNK + row}, has "
                            f"{chunk[name].iloc[row]!r} in column {name!r}, which is "
                            "no number."
                        ) from error
        raise ValueError(f"{self.path} cannot be read: {error}") from error

    def _times(self, text, n_before):
        times = pd.to_datetime(text, format="ISO8601", errors="coerce", utc=True)
        wrong = times.isna()
        if wrong.any():
            row = int(np.argmax(wrong))
            raise ValueError(
                f"{self.path}, row {n_before + row}, has the timestamp "
                f"{text.iloc[row]!r}, which is no time."
            )
        return pd.DatetimeIndex(times).tz_localize(None).as_unit("us")

    def _codes(self, values, column, n_before):
        wrong = ~np.isin(values, [0, 1, 2, 3, 4])
        if wrong.any():
            raise ValueError(
                f"{self.path} has {values[wrong][0]:g} in column {column!r} after row "
                f"{n_before}; labels are 0 to 4."
            )
        return values.astype(np.int8)

    def _ends(self):
        """Find the first and the last time without reading all of a large file."""
        head = pd.read_csv(
            self.path, usecols=[self.key], dtype=str, nrows=1, index_col=False
        )
        if len(head) == 0:
            raise ValueError(f"{self.path} has no rows.")
        with self.path.open("rb") as file:
            size = file.seek(0, io.SEEK_END)
            file.seek(max(size - _LAST_BYTES, 0))
            line = file.read().rstrip().rsplit(b"\n", 1)[-1].decode("utf-8", "replace")
        cells = pd.read_csv(io.StringIO(line), header=None, dtype=str).iloc[0].tolist()
        if len(cells) != len(self.columns):
            raise ValueError(
                f"{self.path} ends in a line of {len(cells)} cells, but it has "
                f"{len(self.columns)} columns; download or make it again."
            )
        tail = pd.Series([cells[self.columns.index(self.key)]])
        first, last = self._times(head[self.key], 0)[0], self._times(tail, 0)[0]
        if first > last:
            raise ValueError(
                f"{self.path} begins at {first} and ends before that, at {last}; sort "
                f"the file by {self.key}."
            )
        return first, last


class ParquetExport(_Export):
    """A Parquet file of the Kaggle edition, whose rows have a number and one label."""

    key = "id"
    labelled = False

    def _header(self):
        try:
            import pyarrow
            from pyarrow import parquet
        except ImportError as error:
            raise ImportError(
                f"reading {self.path} needs pyarrow: pip install skdsn[parquet]"
            ) from error
        try:
            # Unbuffered, it would keep every row group read until it is closed.
            options = {"pre_buffer": False, "buffer_size": 1 << 20}
            self._file = parquet.ParquetFile(self.path, **options)
        except (pyarrow.ArrowException, OSError) as error:
            raise ValueError(f"{self.path} is no Parquet file: {error}") from error
        return self._file.schema_arrow.names

    def read(self, names, commands, targets, period, step, coded=()):
        """Read the rows of a period, in batches."""
        if coded:
            raise ValueError(
                f"{self.path} has one label for all channels; leave out "
                "return_channel_labels."
            )
        label = "is_anomaly"
        columns = [*names, *commands, *([label] if label in self.columns else [])]
        rows = Rows([*names, *commands], targets)
        ends = self._ends()
        self._begin(rows, *(_ORIGIN + int(i) * step for i in ends), period, step)
        n_before = 0
        for batch in self._file.iter_batches(_CHUNK, columns=[self.key, *columns]):
            ids = batch.column(self.key).to_numpy(zero_copy_only=False)
            times = _ORIGIN + pd.to_timedelta(ids * step.to_timedelta64())
            wanted, places = self._place(rows, times, step, n_before)
            table = {
                name: batch.column(name).to_numpy(zero_copy_only=False)
                for name in columns
            }
            if len(wanted):
                self._fill(rows, rows.names, table, wanted, places)
                if label in table:
                    codes = self._codes(table[label][wanted])
                    rows.mark_rows(codes, places)
            n_before += len(ids)
        self._count()
        return rows

    def _most_rows(self):
        return self._file.metadata.num_rows

    def _ends(self):
        from pyarrow import compute

        low = high = None
        for batch in self._file.iter_batches(1 << 20, columns=[self.key]):
            ids = batch.column(self.key)
            if ids.null_count or not np.issubdtype(
                ids.type.to_pandas_dtype(), np.integer
            ):
                raise ValueError(f"{self.path} must have an integer 'id' in every row.")
            ends = compute.min_max(ids).as_py()
            low = ends["min"] if low is None else min(low, ends["min"])
            high = ends["max"] if high is None else max(high, ends["max"])
        if low is None:
            raise ValueError(f"{self.path} has no rows.")
        if low < 0 or high > _LAST_ID:
            raise ValueError(
                f"{self.path} has {low if low < 0 else high} in column 'id', which is "
                "no number of a row."
            )
        return low, high

    def _codes(self, values):
        wrong = ~np.isin(values, [0, 1])
        if wrong.any():
            raise ValueError(
                f"{self.path} has {values[wrong][0]} in column 'is_anomaly'; labels "
                "are 0 and 1."
            )
        return values.astype(np.int8)
