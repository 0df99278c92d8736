"""Time and memory of the commands for raw files of a mission.

Makes raw files of more than two million rows in the original formats, runs
``skdsn prepare``, ``tune`` (10 trials), ``train`` and ``evaluate`` on them, each in a
process of its own, and prints seconds and peak memory as ``run.log`` has them, and what
smoothing the scores in time is worth. Then
``prepare`` on as many chunks again, which must not need more memory.

Usage: python benchmarks/missions.py [FOLDER] [--only jwst|mro] [--n-tracks N]
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from skdsn._core.ewma import halflife_mean
from skdsn.base import anomaly_scores
from skdsn.cli._detectors import load_detector
from skdsn.datasets import TrackStore, make_dsn_raw_files
from skdsn.metrics import best_threshold, event_wise_scores
from skdsn.report._stages import inner_estimator
from skdsn.tracks import read_tracks

SEED = 0
HALF_LIVES = (0, 15, 30, 60, 120, 240)  # s
TRAIN = ["--epochs", "10"]
TUNE = ["--epochs", "5", "--trials", "10", "--train-rows", "400000"]


def run(*args):
    command = [sys.executable, "-m", "skdsn", *map(str, args)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def last_note(out):
    lines = (out / "run.log").read_text().splitlines()
    return json.loads(lines[-1])


def show(what, note, *figures):
    told = ", ".join(f"{name} {note[name]}" for name in figures if name in note)
    memory = note["peak_memory_mb"]
    print(f"  {what:<26}{note['seconds']:>8.0f} s {memory:>7,} MB  {told}", flush=True)


def prepare(folder, mission, n_tracks):
    raw, out = folder / f"{mission}_{n_tracks}", folder / f"{mission}_{n_tracks}_out"
    made = make_dsn_raw_files(
        raw, mission=mission, n_tracks=n_tracks, random_state=SEED
    )
    run("prepare", raw, out, "--mission", mission, "--allow-pickle")
    what = f"prepare, {made.n_rows:,} rows"
    show(what, last_note(out), "n_tracks")
    return out


def smoothing(out):
    """Choose a threshold on val and report on test, for several half-lives."""
    store = TrackStore.open(out)
    pipeline = inner_estimator(load_detector(out / "detector.pkl")[0])
    parts = {}
    for split in ("val", "test"):
        rows = store.frame(split)
        parts[split] = rows.y.to_numpy(), anomaly_scores(pipeline, rows.X), rows.y
    print("  half-life of the mean: event F1, precision, recall on test")
    for halflife in HALF_LIVES:
        smooth = {}
        for split, (_, scores, index) in parts.items():
            tracks = read_tracks(index)
            own = scores, tracks.seconds, tracks.bounds
            smooth[split] = halflife_mean(*own, halflife)[0] if halflife else scores
        y, _, index = parts["val"]
        tracks = read_tracks(index)
        best = best_threshold("event_f1", y, smooth["val"], tracks=tracks)
        y, _, index = parts["test"]
        flags = smooth["test"] >= best.threshold
        found = event_wise_scores(y, flags, tracks=read_tracks(index))
        told = " ".join(f"{found[name]:.3f}" for name in ("f", "precision", "recall"))
        print(f"    {halflife or 'none':>4} s: {told}", flush=True)


def benchmark(folder, mission, n_tracks):
    print(mission)
    out = prepare(folder, mission, n_tracks)
    figures = ("event_f1", "event_precision", "event_recall", "average_precision")
    run("train", out, *TRAIN)
    show("train", last_note(out), "n_train_rows")
    run("evaluate", out)
    show("evaluate", last_note(out), *figures, "base_rate")
    report = json.loads((out / "evaluation" / "metrics.json").read_text())["figures"]
    chance = {name: report["chance"][name] for name in figures}
    print("  by chance: " + ", ".join(f"{k} {v:.3f}" for k, v in chance.items()))
    smoothing(out)
    run("tune", out, *TUNE)
    note = last_note(out)
    show("tune, 10 trials, and train", note, "score")
    run("evaluate", out)
    show("evaluate the tuned one", last_note(out), *figures)
    if mission == "jwst":  # MRO is one file, hence one chunk
        prepare(folder, mission, 2 * n_tracks)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", help="kept; a temporary one if missing")
    parser.add_argument("--only", choices=["jwst", "mro"])
    parser.add_argument("--n-tracks", type=int, default=200)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(args.folder or temporary)
        for mission in [args.only] if args.only else ["jwst", "mro"]:
            benchmark(folder, mission, args.n_tracks)


if __name__ == "__main__":
    main()
