"""The recipes without labels beside spaceai 0.2.0, on the same channels, in one run.

Run ``OMP_NUM_THREADS=1 python benchmarks/spaceai_peer.py --python PYTHON``, with
``SKDSN_DATA`` naming the folder of data sets and PYTHON an interpreter that has
spaceai (``pip install -c constraints.txt torch spaceai==0.2.0``; it names no torch).
That one runs this very file as a worker, which reads the channels in telemanom's
layout, sees no labels, and gives back intervals. spaceai's detectors are
those of its NASA examples: 10 steps ahead from 250 rows, then telemanom's thresholds;
the LSTM trains for at most 35 epochs, the echo state network has a ridge readout.
Events and alarms are matched by overlap as in ``channels.py``, so the share of rows
flagged stands beside. CPU seconds cover fit and prediction, without imports.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType

import numpy as np

# Every eighth labelled SMAP channel and every fourth of MSL, in the order of the
# label file: chosen by place, before any result was seen.
SUBSET = ["E-1", "E-10", "D-4", "A-5", "S-2", "M-3", "C-1", "D-14"]
PEERS = ["lstm", "esn"]


# What runs under the other interpreter, which has no skdsn.


def work(folder, kind, names, seed):
    """Let spaceai detect anomalies, and leave its answers in the folder."""
    import torch
    import torch._dynamo  # an optimiser would import it, at its expense

    # torchdyno, which spaceai builds on, imports data sets of images on its way, and
    # so torchvision, which neither of the two asks for.
    sys.modules["torchdyno.data"] = ModuleType("torchdyno.data")
    from spaceai.benchmark import NASABenchmark
    from spaceai.models.anomaly import Telemanom
    from spaceai.models.predictors import ESN, LSTM

    class Benchmark(NASABenchmark):
        def compute_classification_metrics(self, true_anomalies, pred_anomalies):
            # Its results hold counts, not the intervals we count by our own rule.
            self.intervals = [[int(a), int(b)] for a, b in pred_anomalies]
            return {}

    def make_lstm(n_features):
        predictor = LSTM(
            n_features, [80, 80], 10, reduce_out="first", dropout=0.3, washout=249
        )
        predictor.build()
        adam = torch.optim.Adam(predictor.model.parameters(), lr=0.001)
        limits = {"epochs": 35, "patience_before_stopping": 10, "min_delta": 0.0003}
        return predictor, {"optimizer": adam, "restore_best": False, **limits}

    def make_esn(n_features):
        predictor = ESN(n_features, [80, 80], 10, reduce_out="mean", washout=200)
        predictor.build()
        return predictor, {}

    make = {"lstm": make_lstm, "esn": make_esn}[kind]
    for name in names:
        n_features = np.load(folder / "NASA/data/train" / f"{name}.npy").shape[1]
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002 - what spaceai shuffles by
        benchmark = Benchmark(kind, str(folder), 250, 10, str(folder))
        begin = time.process_time()
        predictor, options = make(n_features)
        benchmark.run(
            name,
            predictor,
            Telemanom(pruning_factor=0.13),
            fit_predictor_args={"criterion": torch.nn.MSELoss(), **options},
        )
        seconds = time.process_time() - begin
        history = folder / kind / f"train_history-{name}.csv"
        epochs = len(history.read_text().splitlines()) - 1
        answer = json.dumps([benchmark.intervals, seconds, epochs])
        (folder / f"{kind}-{name}.json").write_text(answer)


# What runs under ours.


def write_channels(folder, channels):
    """Write channels as spaceai reads them, without labels."""
    for part in ("train", "test"):
        (folder / "NASA/data" / part).mkdir(parents=True)
    header = "chan_id,spacecraft,anomaly_sequences,class,num_values\n"
    (folder / "NASA/data/test/anomalies.csv").write_text(header)
    for name, _, _, channel in channels:
        np.save(folder / f"NASA/data/train/{name}.npy", channel.X_train.to_numpy())
        np.save(folder / f"NASA/data/test/{name}.npy", channel.X_test.to_numpy())


def run_peer(kind, folder, channels, options):
    """Give flags, CPU seconds and epochs of a detector of spaceai."""
    command = [options.python, __file__, "--worker", str(folder), "--peers", kind]
    command += ["--seed", str(options.seed), "--channels", *(c[0] for c in channels)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"spaceai failed:\n{done.stderr[-2000:]}")
    for name, _, _, channel in channels:
        answer = (folder / f"{kind}-{name}.json").read_text()
        intervals, seconds, epochs = json.loads(answer)
        flags = np.zeros(len(channel.X_test), dtype=np.int64)
        for first, last in intervals:  # some lie behind the last row
            flags[first : last + 1] = 1
        yield flags, seconds, epochs


def run_ours(make, channels):
    """Give flags and CPU seconds of a recipe."""
    from skdsn.base import anomaly_flags

    for _, _, _, channel in channels:
        begin = time.process_time()
        flags = anomaly_flags(make().fit(channel.X_train), channel.X_test)
        yield np.asarray(flags, dtype=np.int64), time.process_time() - begin, None


def compare(options):
    """Print the figures of both libraries."""
    import torch._dynamo  # an optimiser would import it, at our expense
    from channels import count, f1, load

    import skdsn
    from skdsn.detectors import make_channel_detector, make_telemanom_detector

    loaded = {row[0]: row for row in load()}
    channels = [loaded[name] for name in (loaded if options.all else options.channels)]
    recipes = {
        "make_channel_detector": lambda: make_channel_detector(channels=["value"]),
        "make_telemanom_detector": lambda: make_telemanom_detector(
            target="value", random_state=options.seed
        ),
    }
    answers = {k: list(run_ours(make, channels)) for k, make in recipes.items()}
    with tempfile.TemporaryDirectory() as folder:
        write_channels(Path(folder), channels)
        for kind in options.peers:
            runs = run_peer(kind, Path(folder), channels, options)
            answers[f"spaceai {kind.upper()}"] = list(runs)

    print(
        f"skdsn {skdsn.__version__}, torch {torch.__version__}, seed {options.seed}, "
        f"{len(channels)} channels: {' '.join(row[0] for row in channels)}\n"
        f"{'':<24} {'SMAP':>8} {'MSL':>8} {'F1':>6} flagged  CPU s a channel"
        "   x channel, x telemanom  epochs"
    )
    ours = [np.mean([run[1] for run in answers[title]]) for title in recipes]
    for title, runs in answers.items():
        pairs = zip(channels, runs, strict=True)
        counts = {row[0]: count(row[3].y_test, run[0]) for row, run in pairs}
        parts = {"SMAP": np.zeros(5, dtype=int), "MSL": np.zeros(5, dtype=int)}
        for name, craft, _, _ in channels:
            parts[craft] += counts[name]
        total = sum(parts.values())
        flagged, seconds = total[3] / total[4], np.mean([run[1] for run in runs])
        figures = [f"{'/'.join(map(str, part[:3])):>8}" for part in parts.values()]
        epochs = [run[2] for run in runs] if title.endswith("LSTM") else ""
        print(
            f"{title:<24} {' '.join(figures)} {f1(total):6.3f} {flagged:7.3f}"
            f"  {seconds:15.2f}   {seconds / ours[0]:9.1f}, {seconds / ours[1]:11.1f}"
            f"  {epochs}"
        )
        if options.verbose:
            for name, run in zip(counts, runs, strict=True):
                print(f"  {name:<5} {counts[name][:4]} rows, {run[1]:.2f} CPU s")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--python", help="an interpreter that has spaceai")
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=PEERS)
    parser.add_argument("--channels", nargs="+", default=SUBSET)
    parser.add_argument("--all", action="store_true", help="all labelled channels")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--verbose", action="store_true", help="figures by channel")
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not (options.worker or options.python):
        parser.error("--python must name an interpreter that has spaceai.")
    if options.worker:
        work(options.worker, *options.peers, options.channels, options.seed)
    else:
        compare(options)


if __name__ == "__main__":
    main()
