"""Chunks of recorded tracks: twins, faults, and what stays in memory."""

import weakref

import pandas as pd
import pytest
from raw_tracks import TOY, toy_frame, toy_raw

from skdsn.preparation import cut_chunk


def cut(*chunks, **options):
    """Ids of the parts and all entries of the reports."""
    raw, seen, tracks, entries = toy_raw(*chunks), [], {}, []
    for name in raw.chunks:
        for parts, report in cut_chunk(raw.read_chunk(name), TOY, seen=seen, **options):
            tracks |= {part.track: part.pass_id for part in parts}
            entries += report[["track", "reason", "kept"]].to_numpy().tolist()
    return tracks, entries


def test_twins_are_found_over_all_chunks():
    first, other = toy_frame(), toy_frame(begin=90.0)
    tracks, entries = cut([("A", first), ("B", None)], [("A", other), ("A", first)], [])
    assert tracks == {"A_S": "A", "A~2_S": "A"}
    assert entries == [
        ["B", "not a DataFrame in chunk_0", False],
        ["A", "id occurs before, kept as A~2", True],
        ["A", "same as an earlier track", False],
        [None, "empty chunk in chunk_2", False],
    ]


def test_options_are_those_of_cut_track():
    tracks, entries = cut([("A", toy_frame(5)), ("B", toy_frame(9))], min_rows=6)
    assert tracks == {"B_S": "B"}
    assert entries == [["A_S", "less than 6 rows", False]]


@pytest.mark.parametrize(
    ("chunk", "message"),
    [
        ([("A", toy_frame()), ("A", toy_frame(7))], "a second track of the id 'A'"),
        ([("A", toy_frame(0))], "Track 'A': no rows in chunk_0"),
        ([("A", toy_frame(T=5.0))], "Track 'A_S' has 7 row"),
    ],
)
def test_without_repair_the_first_fault_is_raised(chunk, message):
    with pytest.raises(ValueError, match=message):
        cut(chunk, repair=False)


def test_each_track_is_let_go():
    frames = [toy_frame(8, 50.0 * i) for i in range(3)]
    alive = [weakref.ref(frame) for frame in frames]
    chunk = toy_raw(list(enumerate(frames))).read_chunk("chunk_0")
    # Held by the raw tracks no more.
    chunk.tracks[:] = [(i, pd.DataFrame(frame)) for i, frame in chunk.tracks]
    alive = [weakref.ref(frame) for _, frame in chunk.tracks]
    steps = cut_chunk(chunk, TOY)
    next(steps)
    for number in range(3):
        next(steps)
        left = [ref() is not None for ref in alive]
        assert left == [False] * (number + 1) + [True] * (2 - number)
