"""Time and memory of the commands for raw files of a mission.

Makes raw files of more than two million rows in the original formats, runs
``skdsn prepare``, ``tune`` (10 trials), ``train`` and ``evaluate`` on them, each in a
process of its own, and prints seconds and peak memory as ``run.log`` has them. Then
``prepare`` on as many chunks again, which must not need more memory.

Usage: python benchmarks/missions.py [FOLDER] [--only jwst|mro] [--n-tracks N]
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from skdsn.datasets import make_dsn_raw_files

SEED = 0
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
    made = make_dsn_raw_files(raw, mission=mission, n_tracks=n_tracks, random_state=SEED)
    run("prepare", raw, out, "--mission", mission, "--allow-pickle")
    what = f"prepare, {made.n_rows:,} rows"
    show(what, last_note(out), "n_tracks")
    return out


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
