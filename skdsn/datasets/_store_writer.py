"""Write a track store so that a run that was killed can go on."""

import hashlib
import json
import shutil
from pathlib import Path
from urllib.parse import quote

import numpy as np

from skdsn._files import replacing
from skdsn.base import read_labels
from skdsn.datasets._store_files import (
    FILES,
    LABEL,
    MANIFEST,
    PARTS,
    SCHEMA,
    as_json,
    common_kind,
    plain_frame,
    told_clock,
    told_time,
    write_json,
    write_parquet,
)
from skdsn.tracks import read_tracks

# Bytes of an id in a file name; most file systems allow 255 in all, drafts included.
_LONGEST = 180


class StoreWriter:
    """Write a store part by part, so that a run that was killed can go on.

    A part is what is committed at once, such as the tracks of one chunk: tracks of a
    part that was not committed are written again. The manifest comes last, and
    without it there is no store to be opened.

    Parameters
    ----------
    folder : str or path-like
    source : dict
        What the store is made from. An unfinished one from another source is refused,
        once a part of it is committed.
    restart : bool, default=False
        Begin anew, whatever was committed.

    Attributes
    ----------
    done : dict of str to dict
        Parts that are committed: ``records`` and ``notes`` of each.
    """

    def __init__(self, folder, source, *, restart=False):
        self.folder = Path(folder)
        self.source = as_json(source)
        if (self.folder / MANIFEST).exists():
            raise FileExistsError(
                f"{self.folder} already holds a finished store; name another folder, "
                "or remove it."
            )
        self._parts = self.folder / PARTS
        if restart:
            shutil.rmtree(self._parts, ignore_errors=True)
        self._parts.mkdir(parents=True, exist_ok=True)
        files = self.folder / FILES
        files.mkdir(exist_ok=True)
        for home in (self.folder, files, self._parts):
            for draft in home.glob(".draft-*"):
                draft.unlink()
        begun = self._parts / "source.json"
        if not begun.exists() or not any(self._parts.glob("part_*.json")):
            write_json(begun, self.source)
        known = json.loads(begun.read_text())
        if known != self.source:
            name, begun, asked = _difference(known, self.source)
            raise ValueError(
                f"{self.folder} holds an unfinished store of another source ({name}: "
                f"{begun!r} instead of {asked!r}); finish it as it was begun, or "
                "remove it."
            )
        self.done, self._records = {}, []
        for path in sorted(self._parts.glob("part_*.json")):
            part = json.loads(path.read_text())
            self.done[part["name"]] = part
        self._written = {str(record["track"]) for record in self.records()}

    def add(self, track, X, y=None, **told):
        """Write a track of the part that is under way.

        Parameters
        ----------
        track : str or int
        X : DataFrame of shape (n_rows, n_channels)
        y : array-like of shape (n_rows,), default=None
        **told : dict
            What else to list of it, such as ``pass_id``.
        """
        if not isinstance(track, str | int | np.integer) or isinstance(track, bool):
            raise TypeError(
                f"A track id must be str or int; got {track!r} of "
                f"{type(track).__name__}."
            )
        track = int(track) if isinstance(track, np.integer) else track
        if str(track) in self._written:
            raise ValueError(
                f"Track id {track!r} occurs twice; give every track its own id."
            )
        given = X
        X, kinds = plain_frame(track, given)
        times = X.index
        if y is None:
            y = np.full(len(X), -1)
        elif len(y) != len(X):
            raise ValueError(
                f"Track {track!r} has {len(X)} rows, but {len(y)} labels; give one "
                "label per row."
            )
        else:
            y = read_labels(y, read_tracks(given), unlabelled=True, rare=True)
        file = _file_name(str(track))
        with replacing(self.folder / FILES / file) as draft:
            write_parquet(X.assign(**{LABEL: y.astype(np.int8)}), draft)
        self._written.add(str(track))
        self._records.append(
            {
                "track": track,
                "file": file,
                "n_rows": len(X),
                "n_anomalous": int((y == 1).sum()),
                "start": told_time(times, 0),
                "end": told_time(times, -1),
                "clock": told_clock(times),
                "columns": kinds,
                **told,
            }
        )

    def commit(self, part, notes=None):
        """Note that all tracks of a part are written.

        Parameters
        ----------
        part : str
        notes : object, default=None
            What JSON can hold.
        """
        content = {"name": part, "records": self._records, "notes": notes}
        path = self._parts / f"part_{len(self.done):05d}.json"
        write_json(path, content)
        self.done[part] = content
        self._records = []

    def records(self):
        """List the tracks so far, as the manifest will: dicts of what is told."""
        parts = [part["records"] for part in self.done.values()]
        return [dict(record) for part in [*parts, self._records] for record in part]

    def finish(self, records, info=None):
        """Write the manifest, which makes the store complete.

        Parameters
        ----------
        records : list of dict
            As :meth:`records` gives them, each with a ``split``; tracks that are left
            out are removed from the folder.
        info : dict, default=None

        Raises
        ------
        ValueError
            If there is no track, or their clocks differ: dates, dates of a time zone,
            timedeltas or numbers.
        """
        if not records:
            raise ValueError(
                f"There is no track to keep in {self.folder}; see what was dropped, "
                "and why."
            )
        columns, clocks = {}, sorted({record.pop("clock") for record in records})
        for record in records:
            for name, kind in record.pop("columns").items():
                if columns.setdefault(name, kind) != kind:
                    columns[name] = common_kind(columns[name], kind)
        if len(clocks) > 1:
            raise ValueError(
                f"Some tracks are indexed by {clocks[0]} and some by {clocks[1]}; give "
                "all the same clock."
            )
        # A channel without any value in any track.
        columns = {name: kind or "numeric" for name, kind in columns.items()}
        kept = {record["file"] for record in records}
        for path in (self.folder / FILES).glob("track_*.parquet"):
            if path.name not in kept:
                path.unlink()
        manifest = {
            "schema": SCHEMA,
            "dates": clocks[0].startswith("dates"),
            "columns": columns,
            "info": info or {},
            "source": self.source,
            "tracks": records,
        }
        write_json(self.folder / MANIFEST, manifest)
        shutil.rmtree(self._parts)


def _file_name(track):
    """Name the file of a track, with a digest where the id is too long for one."""
    quoted = quote(track, safe="")
    if len(quoted) > _LONGEST:
        digest = hashlib.blake2b(track.encode(), digest_size=8).hexdigest()
        quoted = f"{quoted[:_LONGEST]}~{digest}"
    return f"track_{quoted}.parquet"


def _difference(begun, asked, name=""):
    """Find where two sources differ: its name, and what each has there."""
    if not (isinstance(begun, dict) and isinstance(asked, dict)):
        return name, begun, asked
    key = next(k for k in {**asked, **begun} if begun.get(k) != asked.get(k))
    return _difference(begun.get(key), asked.get(key), f"{name}.{key}".lstrip("."))
