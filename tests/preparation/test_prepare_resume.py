"""A preparation that is killed goes on, and comes to the same files."""

import gzip
import io
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pandas as pd
import pytest
from raw_tracks import (
    END,
    TOY,
    content_of,
    jwst_frame,
    recorded,
    toy_frame,
    write_jwst,
)

from skdsn.datasets import RawTracks, TrackStore, convert_raw, read_jwst_chunks
from skdsn.preparation import prepare_tracks

TESTS = Path(__file__).parents[1]
# As many as an undisturbed run writes: 7 tracks, 3 parts, source, 3 reports, manifest;
# the last place is where the manifest is there, and what led to it is being removed.
PLACES = 16


def run(code, **environment):
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(TESTS), **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    prepare_tracks(recorded(), folder, random_state=1)
    return content_of(folder)


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """Folders of runs that were killed at each place where a file is put."""
    folder = tmp_path_factory.mktemp("killed")
    code = f"""
        import os, signal, sys
        from raw_tracks import recorded
        from skdsn.preparation import prepare_tracks
        import pyarrow.parquet

        def kill_at(place):
            seen = 0
            def watch(event, args):
                nonlocal seen
                renamed = event == "os.rename"
                if not renamed and event != "shutil.rmtree":
                    return
                seen += 1
                if seen == place:
                    if renamed and place % 2:
                        os.truncate(args[0], os.stat(args[0]).st_size // 2)
                    os.kill(os.getpid(), signal.SIGKILL)
            sys.addaudithook(watch)

        for place in range(1, {PLACES} + 1):
            child = os.fork()
            if child == 0:
                kill_at(place)
                prepare_tracks(
                    recorded(), f"{folder}/{{place}}", random_state=1
                )
                os._exit(0)
            _, status = os.waitpid(child, 0)
            print(os.WTERMSIG(status))
        """
    signals = run(code).split()
    assert signals == [str(int(signal.SIGKILL))] * PLACES
    return folder


@pytest.mark.parametrize("place", range(1, PLACES + 1))
def test_a_killed_run_goes_on_to_the_same_files(killed, undisturbed, place):
    folder = killed / str(place)
    if place < PLACES:
        with pytest.raises(FileNotFoundError, match="its store was not finished"):
            TrackStore.open(folder)
    raw, asked = recorded(), []

    def read(name):
        asked.append(name)
        return raw.read_chunk(name).tracks

    n_done = len(list((folder / "unfinished").glob("part_*")))
    again = RawTracks(TOY, raw.incidents, raw.chunks, read)
    prepare_tracks(again, folder, random_state=1)
    finished = place == PLACES
    assert asked == ([] if finished else list(raw.chunks[n_done:]))
    assert content_of(folder) == undisturbed


def test_the_places_are_all_there_are(undisturbed):
    others = ["source", *["part"] * 3, "quality before the split", "removal"]
    assert len(undisturbed) + len(others) == PLACES


def test_the_run_that_is_killed_has_twins(undisturbed):
    quality = pd.read_csv(io.BytesIO(undisturbed["quality.csv"]))
    assert quality.loc[quality["step"] == "chunk", "reason"].tolist() == [
        "same as an earlier track",
        "id occurs before, kept as P1~2",
    ]


def test_the_hash_seed_changes_nothing(undisturbed):
    code = """
        import hashlib, tempfile
        from pathlib import Path
        from raw_tracks import content_of, recorded
        from skdsn.preparation import prepare_tracks
        for split in ("random", "forward"):
            with tempfile.TemporaryDirectory() as folder:
                prepare_tracks(
                    recorded(), folder, split=split, max_train_rows=20, random_state=1
                )
                for name, data in content_of(Path(folder)).items():
                    print(name, hashlib.sha256(data).hexdigest())
        """
    one, other = (run(code, PYTHONHASHSEED=seed) for seed in ("1", "2"))
    assert one.count("\n") == 2 * len(undisturbed)
    assert one == other


# -- What may change between a stop and the next run --


def stop_after(number):
    def progress(chunk, done, n_chunks):
        if done == number:
            raise KeyboardInterrupt

    return progress


@pytest.mark.parametrize(
    ("options", "difference"),
    [
        ({"min_rows": 4}, "options.min_rows: None instead of 4"),
        ({"bands": ["S"]}, r"options.bands: None instead of \['S'\]"),
        ({"repair": False}, "options.repair: True instead of False"),
        ({"open_end": "drop"}, "options.open_end: 'track' instead of 'drop'"),
        ({"padding": 2.0}, "options.padding: 0.0 instead of 2.0"),
    ],
)
def test_other_options_are_refused_by_name(tmp_path, options, difference):
    with pytest.raises(KeyboardInterrupt):
        prepare_tracks(recorded(), tmp_path, progress=stop_after(1))
    before = content_of(tmp_path)
    with pytest.raises(ValueError, match=rf"unfinished store .*\({difference}\); fini"):
        prepare_tracks(recorded(), tmp_path, **options)
    assert content_of(tmp_path) == before


def test_a_split_that_cannot_be_is_chosen_anew_without_starting_over(tmp_path):
    raw = recorded()
    with pytest.raises(ValueError, match="lower the gap"):
        prepare_tracks(raw, tmp_path / "one", split="forward", gap="10 days")
    assert (tmp_path / "one" / "quality.csv").is_file()

    def read(name):
        raise AssertionError(name)

    done = RawTracks(TOY, raw.incidents, raw.chunks, read)
    prepare_tracks(done, tmp_path / "one", split="forward", gap=30)
    prepare_tracks(raw, tmp_path / "other", split="forward", gap=30)
    assert content_of(tmp_path / "one") == content_of(tmp_path / "other")


def test_what_another_run_left_of_no_part_is_not_in_the_way(tmp_path, undisturbed):
    def broken():
        yield "A", toy_frame().set_index("T").rename(int), None
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        TrackStore.write(tmp_path, broken())
    prepare_tracks(recorded(), tmp_path, random_state=1)
    assert content_of(tmp_path) == undisturbed


def test_a_broken_chunk_can_be_replaced_and_one_that_is_done_cannot(tmp_path):
    def passes(name):
        return [(f"{name}{i}", jwst_frame(6, 90.0 * i)) for i in range(3)]

    folder = write_jwst(tmp_path / "raw", passes("A"), passes("B"))
    broken = folder / "chunk_002_mon_JWST.pkl.gz"
    whole = broken.read_bytes()
    broken.write_bytes(whole[:-40])
    raw = read_jwst_chunks(folder, allow_pickle=True)
    with pytest.raises(ValueError, match=r"chunk_002_mon_JWST.pkl.gz is no complete"):
        prepare_tracks(raw, tmp_path / "out", min_rows=3)
    first = folder / "chunk_001_mon_JWST.pkl.gz"
    good = first.read_bytes()
    first.write_bytes(whole[:-40])
    with pytest.raises(ValueError, match=r"chunk_001_mon_.* is not what it was when"):
        prepare_tracks(raw, tmp_path / "out", min_rows=3)
    first.write_bytes(good)
    broken.write_bytes(whole)
    store = prepare_tracks(raw, tmp_path / "out", min_rows=3)
    assert len(store) == 6
    again = prepare_tracks(raw, tmp_path / "out", min_rows=3)
    assert again.source == store.source
    write_jwst(folder, passes("A"), passes("C")[:2])
    with pytest.raises(FileExistsError, match="already holds a finished store"):
        prepare_tracks(raw, tmp_path / "out", min_rows=3)


def test_options_may_change_while_no_part_is_done(tmp_path, undisturbed):
    raw = recorded()

    def stop(name):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare_tracks(
            RawTracks(TOY, raw.incidents, raw.chunks, stop), tmp_path, min_rows=1
        )
    prepare_tracks(raw, tmp_path, random_state=1)
    assert content_of(tmp_path) == undisturbed


def test_corrected_incidents_are_noticed(tmp_path):
    raw = recorded()
    table = raw.incidents.copy()
    table.loc[0, END] += 1.0
    corrected = RawTracks(TOY, table, raw.chunks, raw._read)
    with pytest.raises(KeyboardInterrupt):
        prepare_tracks(raw, tmp_path / "stopped", progress=stop_after(1))
    with pytest.raises(
        ValueError, match=r"unfinished store of another .*\(incidents: "
    ):
        prepare_tracks(corrected, tmp_path / "stopped")
    prepare_tracks(raw, tmp_path / "done")
    with pytest.raises(FileExistsError, match="already holds a finished store"):
        prepare_tracks(corrected, tmp_path / "done")


@pytest.mark.parametrize("converted", [False, True])
def test_corrected_files_of_the_same_size_are_noticed(tmp_path, converted):
    def write(place, value):
        tracks = [(f"A{i}", jwst_frame(6, 90.0 * i)) for i in range(6)]
        tracks[place][1].loc[0, "SNR"] = value
        write_jwst(tmp_path / "raw", tracks[:3], tracks[3:])
        # As if there were no compression, whose size depends on the values.
        for path in (tmp_path / "raw").glob("*.gz"):
            data = gzip.decompress(path.read_bytes())
            path.write_bytes(gzip.compress(data, 0, mtime=0))
        raw = read_jwst_chunks(tmp_path / "raw", allow_pickle=True)
        if not converted:
            return raw
        home = tmp_path / f"parquet-{place}-{value}"
        convert_raw(raw, home)
        return read_jwst_chunks(home)

    def sizes():
        return [path.stat().st_size for path in (tmp_path / "raw").iterdir()]

    raw = write(0, 5.0)
    before = sizes()
    with pytest.raises(KeyboardInterrupt):
        prepare_tracks(raw, tmp_path / "out", min_rows=3, progress=stop_after(1))
    changed = write(0, 6.0)
    assert sizes() == before
    with pytest.raises(ValueError, match=r"chunk_001_mon_.* is not what it was when"):
        prepare_tracks(changed, tmp_path / "out", min_rows=3)
    raw = write(0, 5.0)
    prepare_tracks(raw, tmp_path / "out", min_rows=3)
    (tmp_path / "raw" / "notes.txt").write_text("what is no data may change")
    prepare_tracks(raw, tmp_path / "out", min_rows=3)
    with pytest.raises(FileExistsError, match="already holds a finished store"):
        prepare_tracks(write(3, 6.0), tmp_path / "out", min_rows=3)
