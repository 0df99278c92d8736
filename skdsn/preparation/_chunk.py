"""Cut a chunk of recorded tracks, and tell its faults."""

from collections import Counter

from skdsn.datasets._digest import digest_frame
from skdsn.preparation._cut import cut_track
from skdsn.preparation._report import drop_report, join_reports


def cut_chunk(chunk, mission, *, seen=None, **options):
    """Cut the tracks of a chunk one by one.

    Parameters
    ----------
    chunk : Bunch
        As :meth:`skdsn.datasets.RawTracks.read_chunk` gives it. Its list of tracks is
        emptied, so that each can be let go.
    mission : MissionFormat
    seen : list, default=None
        What is known of the tracks of earlier chunks, to be extended by those of this
        one: (id, digest of the rows, id that it has got). None begins anew.
    **options : dict
        ``bands``, ``trim``, ``min_rows`` and ``repair`` of :func:`cut_track`. With
        `repair`, the default, a second track of an id is called ``<id>~2``, or left
        out if its rows are the same; without, it raises, as any fault of the chunk.

    Yields
    ------
    parts : list of Bunch
        What :func:`cut_track` makes of a track, with ``pass_id``, the id that it was
        recorded under, as text.
    report : DataFrame
        ``track``, ``step``, ``reason``, ``n_rows``, ``kept`` of what was left out or
        mended. The first is of the chunk, without parts.

    Raises
    ------
    ValueError
        Without `repair`, at the first fault.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdsn.datasets import RawTracks
    >>> from skdsn.preparation import cut_chunk
    >>> one = pd.DataFrame({"AOJE": ["2026-03-01T08:00"], "NPCG": [-150.0]})
    >>> tracks = [(7, one), (7, one.assign(NPCG=-140.0)), (7, one)]
    >>> raw = RawTracks("mro", pd.DataFrame(), ["a"], lambda name: tracks)
    >>> for parts, report in cut_chunk(raw.read_chunk("a"), raw.mission):
    ...     print([part.track for part in parts], report["reason"].tolist())
    [] []
    [7] []
    ['7~2'] ['id occurs before, kept as 7~2']
    [] ['same as an earlier track']
    """
    repair = options.get("repair", True)
    seen = [] if seen is None else seen
    counts = Counter(name for name, _, _ in seen)
    digests = {(name, digest) for name, digest, _ in seen}
    taken = {own for _, _, own in seen}
    faults = [
        (entry.track, f"{entry.problem} in {chunk.name}", entry.n_rows)
        for entry in chunk.problems.itertuples()
    ]
    if faults and not repair:
        raise ValueError(f"Track {faults[0][0]!r}: {faults[0][1]}.")
    yield [], drop_report("chunk", faults)
    tracks = list(reversed(chunk.tracks))
    chunk.tracks.clear()
    while tracks:
        track, frame = tracks.pop()
        name, digest = str(track), digest_frame(frame, ordered=False)
        if counts[name] and not repair:
            raise ValueError(
                f"{chunk.name} has a second track of the id {track!r}; rename or drop "
                "one."
            )
        if (name, digest) in digests:
            again = [(track, "same as an earlier track", len(frame))]
            yield [], drop_report("chunk", again)
            continue
        counts[name] += 1
        own, number = track, max(counts[name], 2)
        while str(own) in taken:
            own, number = f"{track}~{number}", number + 1
        twin = [(track, f"id occurs before, kept as {own}", len(frame))]
        told = drop_report("chunk", twin if own != track else (), kept=True)
        taken.add(str(own))
        digests.add((name, digest))
        seen.append((name, digest, str(own)))
        parts, report = cut_track(own, frame, mission, **options)
        del frame
        for part in parts:
            part.pass_id = name
        yield parts, join_reports([told, report])
