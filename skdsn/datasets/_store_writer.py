"""Write a track store so that a run that was killed can go on."""

import json
import shutil
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pandas as pd

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
    told_time,
    write_json,
    write_parquet,
)
from skdsn.tracks import read_tracks


class StoreWriter:
    """Write a store part by part, so that a run that was killed can go on.

    A part is what is committed at once, such as the tracks of one chunk: tracks of a
    part that was not committed are written again. The manifest comes last, and
    without it there is no store to be opened.

    Parameters
    ----------
    folder : str or path-like
    source : dict
        What the store is made from. An unfinished one from another source is refused.
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
        for draft in [*files.glob(".draft-*"), *self._parts.glob(".draft-*")]:
            draft.unlink()
        begun = self._parts / "source.json"
        if not begun.exists():
            write_json(begun, self.source)
        known = json.loads(begun.read_text())
        if known != self.source:
            key = next(k for k in self.source if known.get(k) != self.source[k])
            raise ValueError(
                f"{self.folder} holds an unfinished store with another {key}: "
                f"{known.get(key)!r} instead of {self.source[key]!r}; finish it as it "
                "was begun, or remove it."
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
        if not isinstance(track, str | int | np.integer):
            raise TypeError(
                f"A track id must be str or int; got {track!r} of "
                f"{type(track).__name__}."
            )
        track = int(track) if isinstance(track, np.integer) else track
        if str(track) in self._written:
            raise ValueError(
                f"Track id {track!r} occurs twice; give every track its own id."
            )
        X, kinds = plain_frame(track, X)
        tracks = read_tracks(X)
        y = np.full(len(X), -1) if y is None else read_labels(y, unlabelled=True)
        if len(y) != len(X):
            raise ValueError(
                f"Track {track!r} has {len(X)} rows, but {len(y)} labels; give one "
                "label per row."
            )
        file = f"track_{quote(str(track), safe='')}.parquet"
        with replacing(self.folder / FILES / file) as draft:
            write_parquet(X.assign(**{LABEL: y.astype(np.int8)}), draft)
        self._written.add(str(track))
        self._records.append(
            {
                "track": track,
                "file": file,
                "n_rows": len(X),
                "n_anomalous": int((y == 1).sum()),
                "start": told_time(tracks.times, 0),
                "end": told_time(tracks.times, -1),
                "dates": isinstance(tracks.times, pd.DatetimeIndex),
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
            If there is no track, or some are indexed by dates and some by numbers.
        """
        if not records:
            raise ValueError(
                f"There is no track to keep in {self.folder}; see what was dropped, "
                "and why."
            )
        columns, dates = {}, {record.pop("dates") for record in records}
        for record in records:
            for name, kind in record.pop("columns").items():
                if columns.setdefault(name, kind) != kind:
                    columns[name] = common_kind(columns[name], kind)
        if len(dates) > 1:
            raise ValueError(
                "Some tracks are indexed by dates and some by numbers; give all the "
                "same clock."
            )
        # A channel without any value in any track.
        columns = {name: kind or "numeric" for name, kind in columns.items()}
        kept = {record["file"] for record in records}
        for path in (self.folder / FILES).glob("track_*.parquet"):
            if path.name not in kept:
                path.unlink()
        manifest = {
            "schema": SCHEMA,
            "dates": dates.pop(),
            "columns": columns,
            "info": info or {},
            "source": self.source,
            "tracks": records,
        }
        write_json(self.folder / MANIFEST, manifest)
        shutil.rmtree(self._parts)
