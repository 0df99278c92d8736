"""The tables of a recording: a part per stretch of a day's raw file.

A part is called after the stretch of bytes whose answers it holds. The table of feeds
is written last, and only what it lists counts: what a kill leaves beside it is written
anew from the raw file, which always comes first.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from skdsn import __version__
from skdsn._files import replacing
from skdsn.dsn_now._order import FeedOrder
from skdsn.dsn_now._parse_feed import FeedUnavailable, parse_feed
from skdsn.dsn_now._raw_log import SUFFIX, raw_files, read_records
from skdsn.dsn_now._tables import TABLES, concat_feeds

__all__ = ["TableWriter"]

_COMMIT = "feeds"  # the table written last
_SCHEMA = 1
SUFFIXES = (".parquet", ".csv.gz")


class TableWriter:
    """Write the tables of feeds beside their raw files, by date.

    Parameters
    ----------
    folder : pathlib.Path
        Of the recording.
    suffix : {".parquet", ".csv.gz"}
    max_rows : int, default=5000
        Rows of all tables of a day that are held back at most.
    """

    def __init__(self, folder, suffix, *, max_rows=5000):
        self.folder, self.suffix, self.max_rows = folder, suffix, max_rows
        self._held = {}  # day to feeds
        self._ends = {}  # day to where its parts, and what is held, end
        self._begins = {}  # day to where its parts end

    def resume(self):
        """Write the parts that a recording lacks; drop what was not finished."""
        for path in raw_files(self.folder):
            day = path.name.removesuffix(SUFFIX)
            begin, order = self._begin(day), FeedOrder()
            if begin == path.stat().st_size:
                continue
            for record, end in read_records(path):
                late = record.time is not None and order.is_late(record.time)
                if end > begin:
                    self.add(day, end, _parse(record, late))
        self.flush()

    def add(self, day, end, feed):
        """Take the feed whose record ends at a byte of the file of a day.

        Parameters
        ----------
        day : str
        end : int
        feed : Bunch or None
            None for a record that could not be read.
        """
        self._begin(day)
        self._ends[day] = end
        if feed is None:
            return
        held = self._held.setdefault(day, [])
        held.append(feed)
        if sum(len(feed[name]) for feed in held for name in TABLES) >= self.max_rows:
            self._flush_day(day)

    def flush(self):
        """Write everything that is held back."""
        for day in list(self._held):
            self._flush_day(day)

    def _flush_day(self, day):
        feeds = self._held.pop(day)
        begin, end = self._begins[day], self._ends[day]
        tables = concat_feeds(feeds)
        index = {feed.time: feed for feed in reversed(feeds)}
        first = [index[time] for time in tables.forms.index]
        listed = pd.DataFrame(
            {
                "time": tables.forms.index.to_numpy(),
                "received": np.array([each.received for each in first], "M8[ms]"),
                "form": tables.forms.to_numpy(),
                "late": np.array([each.late for each in first], bool),
            }
        )
        for name in TABLES:
            if name == "extra" and not len(tables[name]):
                continue
            self._write(name, day, f"{begin:012d}-{end:012d}", tables[name])
        self._write(_COMMIT, day, f"{begin:012d}-{end:012d}", listed)
        self._begins[day] = end

    def _write(self, name, day, part, table):
        folder = self._folder(name, day)
        folder.mkdir(parents=True, exist_ok=True)
        table.attrs["skdsn"] = {"version": __version__, "schema": _SCHEMA}
        with replacing(folder / (part + self.suffix)) as draft:
            if self.suffix == ".parquet":
                table.to_parquet(draft, compression="zstd", index=False)
            else:
                table.to_csv(draft, index=False, date_format="%Y-%m-%dT%H:%M:%S.%f")

    def _begin(self, day):
        """Find where the parts of a day end; drop those that were not finished."""
        if day not in self._begins:
            done = {_stretch(path): path for path in self._parts(_COMMIT, day)}
            for name in (*TABLES, _COMMIT):
                for path in self._folder(name, day).glob(".draft-*"):
                    path.unlink()
                for path in self._parts(name, day):
                    if _stretch(path) not in done:
                        path.unlink()
            self._begins[day] = max((end for _, end in done), default=0)
        return self._begins[day]

    def _folder(self, name, day):
        return self.folder / name / f"date={day}"

    def _parts(self, name, day):
        # The kind of files may have changed since.
        found = self._folder(name, day).glob("[0-9]*-[0-9]*.*")
        return [path for path in found if path.name.endswith(SUFFIXES)]


def table_suffix(tables):
    """Choose the kind of files; None for no tables.

    Parameters
    ----------
    tables : {"auto", "parquet", "csv"} or None

    Returns
    -------
    str or None

    Raises
    ------
    ImportError
        If Parquet is asked for and pyarrow is missing.
    """
    if tables not in ("auto", "parquet", "csv", None):
        raise ValueError(
            f"tables must be 'auto', 'parquet', 'csv' or None; got {tables!r}."
        )
    if tables in ("auto", "parquet"):
        try:
            import pyarrow  # noqa: F401
        except ImportError as error:
            if tables == "parquet":
                raise ImportError(
                    "tables='parquet' needs pyarrow: pip install skdsn[parquet]"
                ) from error
            tables = "csv"
    return {"auto": ".parquet", "parquet": ".parquet", "csv": ".csv.gz"}.get(tables)


def _stretch(path):
    """Read the stretch of bytes in the name of a part."""
    begin, _, end = Path(path).name.partition(".")[0].partition("-")
    return int(begin), int(end)


def _parse(record, late):
    """Parse a record that was written before; None for what could not be read."""
    if record.time is None:
        return None
    try:
        feed = parse_feed(record.content)
    except (FeedUnavailable, ValueError):
        return None
    feed.received = np.datetime64(record.received, "ms")
    feed.late = late
    return feed
