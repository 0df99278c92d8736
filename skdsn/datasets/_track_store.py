"""A folder of tracks: one Parquet file each, and a manifest that lists them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from skdsn.datasets._store_files import FILES, LABEL, read_manifest, read_parquet, unify
from skdsn.datasets._store_writer import StoreWriter


class TrackStore(Mapping):
    """Tracks and their labels in a folder, read one by one when asked for.

    A mapping of track id to a Bunch of ``X`` and ``y``. ``manifest.json`` lists the
    tracks; each is a file ``data_files/track_<id>.parquet``, whose column ``anomaly``
    holds its labels.

    Parameters
    ----------
    folder : str or path-like
        Of a finished store; :meth:`write` or
        :func:`skdsn.preparation.prepare_tracks` makes one.

    Attributes
    ----------
    folder : pathlib.Path
    tracks : DataFrame of shape (n_tracks, ...)
        Indexed by track id, in the order in which they were written: ``split``,
        ``n_rows``, ``n_anomalous``, ``start``, ``end`` and what else was told of them,
        such as ``pass_id``.
    columns : dict of str to {"numeric", "categorical"}
        Channels of all tracks. Where a track lacks one, it is read as missing.
    info : dict
        What was told of the store when it was written.
    source : dict
        What it was made from.

    Raises
    ------
    FileNotFoundError
        If the folder holds no finished store.
    ValueError
        If its manifest is broken, or of another version of the schema.

    Examples
    --------
    >>> import tempfile
    >>> import pandas as pd
    >>> from skdsn.datasets import TrackStore
    >>> X = pd.DataFrame({"SNR": [9.0, 2.0]}, pd.RangeIndex(2, name="time"))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = TrackStore.write(folder, [("P-1", X, [0, 1])])
    ...     print(store["P-1"].y.tolist(), store.frame().X.shape)
    [0, 1] (2, 1)
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        manifest = read_manifest(self.folder)
        table = pd.DataFrame(manifest.pop("tracks"))
        for column in ("start", "end"):
            if manifest["dates"]:
                table[column] = pd.to_datetime(table[column], format="ISO8601")
            elif not pd.api.types.is_numeric_dtype(table[column].dtype):
                table[column] = pd.to_timedelta(table[column])
        self.tracks = table.set_index("track")
        self.columns = manifest.pop("columns")
        self.info = manifest.pop("info")
        self.source = manifest.pop("source")

    @classmethod
    def open(cls, folder):
        """Open a finished store; nothing but its manifest is read.

        Parameters
        ----------
        folder : str or path-like

        Returns
        -------
        TrackStore
        """
        return cls(folder)

    @classmethod
    def write(cls, folder, tracks, *, splits=None, info=None):
        """Write tracks to a new store.

        Parameters
        ----------
        folder : str or path-like
            Made if it is not there. A store in it is replaced if it was not finished.
        tracks : iterable of (track id, X, y)
            Ids are str or int. X is a DataFrame of shape (n_rows, n_channels) indexed
            by time, or by (track, time) with this one track; y array-like of shape
            (n_rows,) with labels 0, 1 or -1, or None: unlabelled. Only one track is
            held at a time. Numbers are read back as float64, all else as text, and
            times with a zone in UTC.
        splits : mapping of track id to str, default=None
            Such as ``"train"`` and ``"test"``; ``"train"`` when None.
        info : dict, default=None
            Anything that JSON can hold, to be kept with the tracks.

        Returns
        -------
        TrackStore

        Raises
        ------
        FileExistsError
            If there is a finished store in `folder`.
        ValueError
            If a track breaks the row contract, its id occurs twice, or `splits` names
            one that is not there.
        """
        writer = StoreWriter(folder, {"written by": "TrackStore.write"}, restart=True)
        for track, X, y in tracks:
            writer.add(track, X, y)
        writer.commit("tracks")
        chosen = {} if splits is None else dict(splits)
        records = writer.records()
        unknown = set(chosen) - {record["track"] for record in records}
        if unknown:
            raise ValueError(
                f"splits names the track {min(unknown, key=str)!r}, which is not among "
                f"the {len(records)} tracks given."
            )
        for record in records:
            record["split"] = chosen.get(record["track"], "train")
        writer.finish(records, info)
        return cls(folder)

    def __getitem__(self, track):
        if track not in self.tracks.index:
            known = list(self.tracks.index[:5])
            raise KeyError(f"The store has no track {track!r}; it begins with {known}.")
        path = self.folder / FILES / self.tracks.loc[track, "file"]
        frame = read_parquet(path)
        told = self.tracks.loc[track]
        own = (len(frame), *(frame.index[[0, -1]] if len(frame) else (None, None)))
        if LABEL not in frame or own != (told["n_rows"], told["start"], told["end"]):
            raise ValueError(
                f"{path} is not what the manifest says of track {track!r}: "
                f"{told['n_rows']} labelled rows from {told['start']} to "
                f"{told['end']}; make the store anew."
            )
        y = frame.pop(LABEL)
        frame = unify(frame, self.columns)
        index = pd.MultiIndex.from_arrays(
            [np.repeat(pd.Index([track]), len(frame)), frame.index],
            names=["track", "time"],
        )
        return Bunch(X=frame.set_axis(index), y=y.astype("int64").set_axis(index))

    def __iter__(self):
        return iter(self.tracks.index)

    def __len__(self):
        return len(self.tracks)

    def __repr__(self):
        counts = self.tracks["split"].value_counts(sort=False).to_dict()
        return f"TrackStore({str(self.folder)!r}, {counts})"

    def frame(self, split=None, *, tracks=None):
        """Read the tracks of a split into one frame.

        Parameters
        ----------
        split : str, default=None
            One of ``store.tracks["split"]``; None takes all tracks.
        tracks : iterable of track id, default=None
            These ones only, in the order of the store.

        Returns
        -------
        Bunch
            ``X``, a DataFrame indexed by (track, time), ``y``, a Series of int64, and
            ``groups``, a Series of what each row must stay together with: the ``group``
            that was told of its track, else its ``pass_id``, else the track.

        Raises
        ------
        ValueError
            If no track is of that split.
        """
        chosen = self.tracks
        if split is not None:
            chosen = chosen[chosen["split"] == split]
        if tracks is not None:
            tracks = list(tracks)
            unknown = [track for track in tracks if track not in self.tracks.index]
            if unknown:
                raise ValueError(f"The store has no track {unknown[0]!r}.")
            chosen = chosen[chosen.index.isin(tracks)]
        if len(chosen) == 0:
            known = ", ".join(sorted(map(str, self.tracks["split"].unique())))
            raise ValueError(
                f"The store has no track to read of split {split!r}; its splits are "
                f"{known or 'none'}."
            )
        read = {track: self[track] for track in chosen.index}
        X = pd.concat([part.X for part in read.values()])
        y = pd.concat([part.y for part in read.values()])
        units = chosen.index.to_series()
        for told in ("pass_id", "group"):
            units = chosen.get(told, units)
        groups = np.repeat(units.to_numpy(), chosen["n_rows"].to_numpy())
        return Bunch(X=X, y=y, groups=pd.Series(groups, X.index, name="group"))
