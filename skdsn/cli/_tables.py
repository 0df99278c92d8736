"""Tables in CSV and Parquet files, whole or piece by piece."""

import csv
import gzip
import warnings
import zlib
from contextlib import contextmanager
from operator import methodcaller
from pathlib import Path

import pandas as pd

_CSV = (".csv", ".csv.gz")
_PARQUET = (".parquet", ".pq")
_BEYOND = "beyond the last column"


def read_table(path, text=None):
    """Read a CSV or Parquet file, the column `text` of a CSV file as text.

    Parameters
    ----------
    path : str or path-like
    text : str, default=None

    Returns
    -------
    DataFrame
    """
    with _told_as_table(path) as parquet:
        if parquet:
            frame = pd.read_parquet(path)
        else:
            with _CsvReader(path, {text: "str"}) as reader:
                frame = reader.read()
    if frame is None or len(frame) == 0:
        raise ValueError(f"{path} holds no rows.")
    return frame


def read_names(path):
    """Read the names of the columns of a CSV file, or None of a Parquet file.

    Parameters
    ----------
    path : str or path-like

    Returns
    -------
    list of str or None
    """
    with _told_as_table(path) as parquet:
        return None if parquet else _csv_names(path)


def read_pieces(path, size, text=None):
    """Read a table piece by piece; its columns have the types of the whole file.

    The file is read twice: whether a column is text, say, may show in its last row.

    Parameters
    ----------
    path : str or path-like
    size : int
        Rows of a piece.
    text : str, default=None
        As for :func:`read_table`.

    Yields
    ------
    DataFrame
        Its rows are numbered from 0.
    """
    types = _common_types(path, size, text)
    as_read = {name: kind for name, kind in types.items() if kind == "str"}
    later = {name: kind for name, kind in types.items() if kind != "str"}
    # As the value of a loop, a piece would stay while the next is read.
    yield from map(methodcaller("astype", later), _pieces(path, size, as_read))


def _common_types(path, size, text):
    """Tell the types of the columns that differ from piece to piece."""
    found, n_rows = {}, 0
    for piece in _pieces(path, size, {text: "str"}):
        n_rows += len(piece)
        for name in piece.columns:
            found.setdefault(name, set()).add(_kind(piece[name]))
    if n_rows == 0:
        raise ValueError(f"{path} holds no rows.")
    types = {name: _common_type(kinds) for name, kinds in found.items()}
    if text in types:
        types[text] = "str" if "text" in found[text] else types[text]
    return {name: kind for name, kind in types.items() if kind is not None}


def _kind(column):
    if isinstance(column.dtype, pd.StringDtype):
        return "text"
    if column.dtype.kind in "fO" and column.isna().all():
        return "empty"
    return {"i": "number", "u": "number", "f": "float", "b": "bool"}.get(
        column.dtype.kind, "other"
    )


def _common_type(kinds):
    """Give the type that pandas finds for all pieces together; None for their own."""
    known = kinds - {"empty"}
    if len(kinds) == 1 or not known:
        return None
    if known <= {"number", "float"}:
        return "float64"
    if known <= {"bool", "other"}:
        return "object"
    return "str"


def _pieces(path, size, dtype):
    with _told_as_table(path) as parquet:
        if parquet:
            from pyarrow.parquet import ParquetFile

            # Unbuffered, it would keep every row group read until it is closed.
            with ParquetFile(path, pre_buffer=False, buffer_size=1 << 20) as file:
                batches = file.iter_batches(batch_size=size)
                yield from map(methodcaller("to_pandas"), batches)
        else:
            with _CsvReader(path, dtype) as reader:
                while (piece := reader.read(size)) is not None:
                    yield piece
                    del piece  # before the next one is read


class _CsvReader:
    """Read rows of a CSV file, and refuse those longer than the header.

    pandas takes the first column for an index where all rows are longer, and drops the
    last cells where the first row of a chunk is.
    """

    def __init__(self, path, dtype):
        self.path = path
        self.names = _csv_names(path)
        # One more column tells of longer rows; with a header pandas would refuse it.
        names = [*self.names, _BEYOND]
        self.file = pd.read_csv(
            path,
            header=None,
            skiprows=_n_skipped(path),
            names=names,
            index_col=False,
            dtype=dtype,
            low_memory=False,  # a column of one type throughout
            float_precision="round_trip",  # numbers exactly as written
            iterator=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.file.close()

    def read(self, size=None):
        """Give the next rows, numbered from 0; None after the last."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", pd.errors.ParserWarning)
            try:
                frame = self.file.read(size)
            except StopIteration:
                return None
        beyond = frame.pop(_BEYOND).notna().to_numpy()
        if beyond.any():
            row = frame.index[beyond.argmax()]
            raise ValueError(
                f"row {row} has more cells than the first line has names, "
                f"{len(self.names)}; name every column."
            )
        return frame.reset_index(drop=True)


def _n_skipped(path):
    """Count the header, and blank lines before it."""
    opened = gzip.open if str(path).lower().endswith(".gz") else open
    with opened(path, "rt", encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.reader(file), start=1):
            if any(cell.strip() for cell in row):
                return number
    return 0


def _csv_names(path):
    return list(pd.read_csv(path, nrows=0, index_col=False).columns)


@contextmanager
def _told_as_table(path):
    """Tell what is wrong with a file in one sentence; gives whether it is Parquet."""
    path = Path(path)
    name = path.name.lower()
    if path.is_dir():
        raise ValueError(
            f"{path} is a folder; name a file, or give --spacecraft if it is the "
            "SMAP/MSL set."
        )
    if not name.endswith(_CSV + _PARQUET):
        raise ValueError(
            f"{path} is neither CSV (.csv, .csv.gz) nor Parquet (.parquet) by its name."
        )
    try:
        yield name.endswith(_PARQUET)
    except pd.errors.EmptyDataError as error:
        raise ValueError(f"{path} is empty.") from error
    except ImportError as error:
        raise ImportError(
            f"reading {path} needs pyarrow: pip install skdsn[parquet]"
        ) from error
    except (ValueError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path} cannot be read as a table: {error}") from error
