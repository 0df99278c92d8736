"""Telemetry that comes piece by piece, written as one table."""

import gzip
from contextlib import ExitStack

import pandas as pd

_PARQUET = (".parquet", ".pq")
_SUFFIXES = (*_PARQUET, ".csv", ".csv.gz")


def check_suffix(path):
    """Refuse a name that no table can be written to.

    Parameters
    ----------
    path : str

    Raises
    ------
    ValueError
        If its suffix is none of those known.
    ImportError
        If it needs a package that is not installed.
    """
    name = path.lower()
    if not name.endswith(_SUFFIXES):
        raise ValueError(f"--out takes {', '.join(_SUFFIXES)} files; got {path}.")
    if name.endswith(_PARQUET):
        try:
            import pyarrow  # noqa: F401
        except ImportError as error:
            raise ImportError(
                "Writing Parquet needs pyarrow; install skdsn with the extra "
                "'parquet', or write a .csv.gz file."
            ) from error


class TelemetryParts:
    """Pieces of telemetry on disk, to be written spacecraft by spacecraft.

    The rows of a track stand together in a telemetry file, but those of two spacecraft
    come in turn.

    Parameters
    ----------
    folder : pathlib.Path
        An empty folder; who made it removes it.

    Attributes
    ----------
    n_rows : int
    tracks : set of str
    first, last : pandas.Timestamp or None
        Times of the rows.
    """

    def __init__(self, folder):
        self._folder = folder
        self._parts = {}  # spacecraft: paths
        self._used = {}  # column: whether it has a value
        self.n_rows, self.tracks = 0, set()
        self.first = self.last = None

    def add(self, frame):
        """Take a piece; its columns are always the same.

        Parameters
        ----------
        frame : DataFrame
            Indexed by ``(track, time)``, where tracks begin with the spacecraft.
        """
        if len(frame) == 0:
            return
        tracks, times = frame.index.get_level_values(0), frame.index.get_level_values(1)
        self.n_rows += len(frame)
        self.tracks |= set(tracks.unique())
        self.first = min(filter(None, (self.first, times.min())))
        self.last = max(filter(None, (self.last, times.max())))
        for name, used in frame.notna().any().items():
            self._used[name] = self._used.get(name, False) or bool(used)
        spacecraft = tracks.str.rpartition("-").get_level_values(0)
        for name, rows in frame.groupby(spacecraft.astype(int), sort=True):
            paths = self._parts.setdefault(name, [])
            paths.append(self._folder / f"{name}-{len(paths)}.pkl")
            rows.to_pickle(paths[-1])

    @property
    def n_empty(self):
        """How many columns have no value."""
        return sum(not used for used in self._used.values())

    def write(self, path, *, drop_empty=False):
        """Write everything to one table.

        Parameters
        ----------
        path : pathlib.Path
            Its suffix chooses between CSV and Parquet.
        drop_empty : bool, default=False
            Leave columns without any value out.

        Returns
        -------
        int
            The number of columns of values.
        """
        columns = [name for name, used in self._used.items() if used or not drop_empty]
        parquet = path.name.lower().endswith(_PARQUET)
        with (_ParquetFile if parquet else _CsvFile)(path) as table:
            for _, paths in sorted(self._parts.items()):
                for part in paths:
                    table.write(pd.read_pickle(part)[columns].reset_index())
        return len(columns)


def _bytes_columns(frame):
    dtypes = frame.dtypes.items()
    return [name for name, dtype in dtypes if pd.api.types.is_object_dtype(dtype)]


class _ParquetFile(ExitStack):
    """A Parquet file that grows by a row group at a time."""

    def __init__(self, path):
        super().__init__()
        self._path, self._file = path, None

    def write(self, frame):
        import pyarrow as pa
        from pyarrow.parquet import ParquetWriter

        if self._file is None:
            schema = pa.Schema.from_pandas(frame, preserve_index=False)
            for name in _bytes_columns(frame):  # which may hold none yet
                place = schema.get_field_index(name)
                schema = schema.set(place, pa.field(name, pa.binary()))
            self._file = self.enter_context(ParquetWriter(self._path, schema))
        table = pa.Table.from_pandas(
            frame, schema=self._file.schema, preserve_index=False
        )
        self._file.write_table(table)


class _CsvFile(ExitStack):
    """A CSV file that grows."""

    def __init__(self, path):
        super().__init__()
        opener = gzip.open if path.name.lower().endswith(".gz") else open
        self._file = self.enter_context(
            opener(path, "wt", encoding="utf-8", newline="")
        )
        self._header = True

    def write(self, frame):
        for name in _bytes_columns(frame):
            frame[name] = frame[name].map(bytes.hex, na_action="ignore")
        frame.to_csv(self._file, index=False, header=self._header, lineterminator="\n")
        self._header = False
