"""From the raw files of a mission to a track store."""

import shutil
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from skdsn._files import replacing
from skdsn.datasets import TrackStore
from skdsn.datasets._digest import digest_frame
from skdsn.datasets._raw_parquet import chunk_fingerprint
from skdsn.datasets._store_files import PARTS, as_json, is_store
from skdsn.datasets._store_writer import StoreWriter
from skdsn.preparation._chunk import cut_chunk
from skdsn.preparation._cut import check_bands
from skdsn.preparation._groups import join_passes
from skdsn.preparation._incidents import IncidentTable, incident_report
from skdsn.preparation._report import as_report, drop_report, join_reports
from skdsn.preparation._tracks import (
    UNUSED,
    check_budget,
    read_fractions,
    read_wait,
    sample_tracks,
    split_tracks,
    split_tracks_by_time,
)

QUALITY, INCIDENTS = "quality.csv", "incidents.csv"


def prepare_tracks(
    raw,
    folder,
    *,
    bands=None,
    trim=False,
    min_rows=None,
    repair=True,
    open_start="track",
    open_end="track",
    padding=0.0,
    split="random",
    fractions=None,
    gap=0,
    max_train_rows=None,
    anomalous_share=None,
    random_state=0,
    progress=None,
):
    """Prepare the raw files of a mission for training: select, label, split, store.

    One chunk is in memory at a time. A run that was stopped goes on with the chunk
    that it was at, if it is called again with the same files and options; those of the
    split may be others, and so may a chunk that was not done, such as a broken one.

    Parameters
    ----------
    raw : RawTracks
        As :func:`skdsn.datasets.read_raw` opens it.
    folder : str or path-like
        Of the store to be made.
    bands : sequence of str, default=None
        Bands to keep; all when None.
    trim : bool, default=False
        Take out the rows of a parked antenna, and cut the tracks there.
    min_rows : int, default=None
        Shorter tracks are left out; None is that of the mission.
    repair : bool, default=True
        Mend, count and report what is wrong in single tracks and incidents; False
        raises at the first of it. An incident that matches no rows is only reported.
    open_start, open_end : {"raise", "drop", "track"}, default="track"
        What a missing time of an incident means: an error, no label, or the border of
        the track.
    padding : float, default=0.0
        Seconds by which each incident is widened on both sides.
    split : {"random", "forward"}, default="random"
        :func:`split_tracks` or, with the latest passes for the test,
        :func:`split_tracks_by_time`.
    fractions : mapping of str to float, default=None
        0.7 ``"train"``, 0.15 ``"val"``, 0.15 ``"test"`` when None.
    gap : float, str or timedelta, default=0
        Time between two parts, with ``split="forward"``.
    max_train_rows : int, default=None
        Budget of rows for training, filled with whole tracks at random; the others
        stay in the store as ``"unused"``. See :func:`sample_tracks`.
    anomalous_share : float, default=None
        Share of that budget for tracks with incidents.
    random_state : int, default=0
        Of the split and the sample.
    progress : callable, default=None
        Called with (name of the chunk, number done, number in all) after each chunk.

    Returns
    -------
    TrackStore
        Its ``tracks`` have also ``pass_id``, ``band`` and ``group``, which is one for
        passes that share an incident. Beside the manifest stand
        ``quality.csv``, all that was left out, mended or missed, and
        ``incidents.csv``, what became of each incident; see :func:`read_quality`.

    Raises
    ------
    ValueError
        If nothing is left, there are too few passes to split, a file cannot be read,
        or the folder holds an unfinished store of something else; without `repair` also
        for what is wrong in a track or incident.
    FileExistsError
        If the folder holds another finished store.

    Notes
    -----
    An incident that names a track labels this track (both bands of it), any other all
    tracks at its time; passes that share one come into the same part. A second track
    of the same id is kept as ``<id>~2``, of the same pass; if all its values are the
    same, it is left out. A channel that a track lacks is read as missing, and reported.

    Examples
    --------
    >>> import tempfile
    >>> from skdsn.datasets import make_dsn_raw_files, read_mro
    >>> from skdsn.preparation import prepare_tracks
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     made = make_dsn_raw_files(
    ...         f"{folder}/raw", mission="mro", n_tracks=12, n_rows=40, random_state=0
    ...     )
    ...     raw = read_mro(f"{folder}/raw", allow_pickle=True)
    ...     store = prepare_tracks(raw, f"{folder}/store")
    ...     store.tracks["split"].value_counts().to_dict()
    {'train': 8, 'val': 2, 'test': 2}
    """
    folder = Path(folder)
    mission = raw.mission
    # Before anything is written.
    if split not in ("random", "forward"):
        raise ValueError(f"split must be 'random' or 'forward'; got {split!r}.")
    check_bands(bands, mission)
    read_fractions(fractions)
    read_wait(gap, "gap")
    check_budget(1 if max_train_rows is None else max_train_rows, anomalous_share)
    incidents = IncidentTable(
        raw.incidents,
        mission,
        open_start=open_start,
        open_end=open_end,
        padding=padding,
        repair=repair,
    )
    select = {"bands": bands, "trim": trim, "min_rows": min_rows, "repair": repair}
    assign = {
        "split": split,
        "fractions": None if fractions is None else dict(fractions),
        "gap": gap,
        "max_train_rows": max_train_rows,
        "anomalous_share": anomalous_share,
        "random_state": random_state,
    }
    source = {
        "mission": mission.name,
        "format": asdict(mission),
        "options": {**select, **incidents.policies, "padding": padding},
        "incidents": digest_frame(raw.incidents),
    }
    files = {chunk: chunk_fingerprint(raw, chunk) for chunk in raw.chunks}
    writer = _begin(folder, source, assign, files)
    if writer is None:
        return TrackStore(folder)
    for number, chunk in enumerate(raw.chunks, 1):
        if chunk not in writer.done:
            found = _prepare_chunk(
                raw.read_chunk(chunk), writer, incidents, mission, select
            )
            writer.commit(chunk, {**found, "file": files[chunk]})
        if progress is not None:
            progress(chunk, number, len(raw.chunks))
    notes = [part["notes"] for part in writer.done.values()]
    # Of a track that was left out, the name of a band of it is known as well.
    known = {
        name + band
        for note in notes
        for id_, _, own in note["ids"]
        for name in (id_, own)
        for band in ("", *(f"_{band}" for band in mission.bands))
    }
    records = writer.records()
    known |= {str(record["track"]) for record in records}
    matches = [record.pop("incidents") for record in records]
    told = incidents.report(matches, known)
    quality = join_reports(
        [
            *(as_report(note["report"]) for note in notes),
            _report_columns(records),
            incident_report(told),
        ]
    )
    # Before the split, which may refuse what is left.
    _write_csv(folder / QUALITY, quality)
    _write_csv(folder / INCIDENTS, told)
    if not records:
        shutil.rmtree(folder / PARTS)
        raise ValueError(
            f"There is no track to keep in {folder}: {_sum_up(quality)}; see {QUALITY} "
            "in it."
        )
    reports = _assign(records, matches, assign)
    _write_csv(folder / QUALITY, join_reports([quality, *reports]))
    writer.source = as_json(_full_source(source, assign, files))
    writer.finish(
        records,
        {"mission": source["mission"], "format": source["format"]}
        | as_json({**source["options"], **assign}),
    )
    return TrackStore(folder)


def read_quality(store):
    """Read what a store says of the data that it was prepared from.

    Parameters
    ----------
    store : TrackStore
        Made by :func:`prepare_tracks`.

    Returns
    -------
    quality : DataFrame
        ``track``, ``step``, ``reason``, ``n_rows``, ``kept`` of what was left out,
        mended or missed. An entry of no track concerns the whole set. ``kept`` tells
        that these rows are in the store all the same; those that are not, together
        with those of ``store.tracks``, are all rows of the files.
    incidents : DataFrame
        The table of incidents with ``n_tracks`` and ``n_rows`` that each has labelled,
        and ``reason``.
    """
    quality = pd.read_csv(
        store.folder / QUALITY,
        dtype={"track": "str"},
        # A track may well be called "NA".
        keep_default_na=False,
        na_values={"track": [""]},
    )
    return quality, pd.read_csv(store.folder / INCIDENTS, dtype={"track": "str"})


def _begin(folder, source, assign, files):
    """Give a writer, or None if the store is there already, of the same source."""
    if is_store(folder):
        full = as_json(_full_source(source, assign, files))
        if TrackStore(folder).source == full:
            # What a run leaves that is stopped at its very last step.
            shutil.rmtree(folder / PARTS, ignore_errors=True)
            return None
    writer = StoreWriter(folder, source)
    for name, part in writer.done.items():
        if name not in files or part["notes"]["file"] != files[name]:
            raise ValueError(
                f"{name} is not what it was when {folder} was begun with it; bring it "
                "back, or remove the folder."
            )
    return writer


def _full_source(source, assign, files):
    """Tell all that a finished store was made from."""
    return {**source, "options": {**source["options"], **assign}, "files": files}


def _prepare_chunk(chunk, writer, incidents, mission, select):
    """Write the tracks of a chunk, each let go as soon as it is written."""
    seen = [entry for part in writer.done.values() for entry in part["notes"]["ids"]]
    n_before, reports = len(seen), []
    for parts, report in cut_chunk(chunk, mission, seen=seen, **select):
        reports.append(report)
        for part in parts:
            id_ = part.pass_id
            names = {id_, str(part.track), f"{id_}_{part.band}"}
            y, matches = incidents.label(part.X.index, names)
            told = {"pass_id": id_, "band": part.band, "incidents": matches}
            writer.add(part.track, part.X, y, **told)
    report = join_reports(reports).to_dict("records")
    return {"report": report, "ids": seen[n_before:]}


def _report_columns(records):
    """Tell which tracks lack channels that others have."""
    columns = [record["columns"] for record in records]
    everything = dict.fromkeys(name for own in columns for name in own)
    lost = [[name for name in everything if name not in own] for own in columns]
    found = [
        (record["track"], f"lacks {_name_some(names)}", record["n_rows"])
        for record, names in zip(records, lost, strict=True)
        if names
    ]
    blank = [name for name in everything if not any(own.get(name) for own in columns)]
    kinds = {
        name: Counter(own[name] for own in columns if own.get(name))
        for name in everything
    }
    for name, n_tracks in kinds.items():
        if len(n_tracks) > 1:
            told = ", ".join(f"{kind} in {n}" for kind, n in n_tracks.items())
            found.append((None, f"{name} is text throughout: {told} tracks", 0))
    if blank:
        found.append((None, f"no track has a value of {_name_some(blank)}", 0))
    return drop_report("columns", found, kept=True)


def _name_some(names, most=5):
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _sum_up(quality):
    """Name the reasons that took most rows."""
    counts = quality[~quality["kept"]].groupby("reason")["n_rows"].sum()
    told = [f"{n} rows: {reason}" for reason, n in counts.nlargest(3).items()]
    return ", ".join(told) or "the files hold none"


def _assign(records, matches, options):
    """Give each record its group and its split, within the budget; return reports."""
    tracks = pd.DataFrame(records).set_index("track")
    tracks["group"], joined = join_passes(tracks["pass_id"], matches)
    told = {"fractions": options["fractions"], "group": "group"}
    if options["split"] == "random":
        split, report = split_tracks(
            tracks, **told, random_state=options["random_state"]
        )
    else:
        tracks["start"] = pd.to_datetime(tracks["start"], format="ISO8601")
        tracks["end"] = pd.to_datetime(tracks["end"], format="ISO8601")
        split, report = split_tracks_by_time(tracks, **told, gap=options["gap"])
    reports = [joined, report]
    first = next(iter(options["fractions"] or {"train": 1}))
    if options["max_train_rows"] is not None:
        chosen, report = sample_tracks(
            tracks[split == first],
            options["max_train_rows"],
            anomalous_share=options["anomalous_share"],
            random_state=options["random_state"],
        )
        reports.append(report)
        left = (split == first) & ~split.index.isin(chosen)
        split = split.mask(left, UNUSED)
    for record in records:
        record["group"] = tracks.loc[record["track"], "group"]
        record["split"] = split[record["track"]]
    return reports


def _write_csv(path, frame):
    with replacing(path) as draft:
        frame.to_csv(draft, index=False)
