"""What our detectors find in missions like those of the ESA benchmark, and the cost.

Run ``python benchmarks/esa_adb.py [quality] [full] [memory] [stream]``.

``quality`` (some fifteen minutes on one core) generates missions with the lightweight
subset of channels, learns from the first half of each and prints the whole table of
metrics of the benchmark for the second half. ``full`` does the same with all channels
of one mission. The missions are generated: the figures compare detectors with each
other in one run, and not with published ones. ``memory`` trains the autoencoder on as
many rows and columns as the published system; ``stream`` scores files chunk by chunk.
"""

import argparse
import platform
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import sklearn
import torch
from sklearn.ensemble import IsolationForest

import skdsn
from skdsn.base import anomaly_flags
from skdsn.datasets import load_esa_adb, make_esa_adb
from skdsn.detectors import (
    ScoreSmoother,
    TunedThresholdDetector,
    make_esa_detector,
    make_telemanom_detector,
)
from skdsn.metrics import esa_adb_scores
from skdsn.report import affected_channels, channel_errors, score_table

SEEDS = (1, 2, 3)
DAYS = 90
SELECTIONS = {
    "anomalies and rare events": ("Anomaly", "Rare Event"),
    "anomalies": ("Anomaly",),
}
COLUMNS = {
    "event_wise_precision": "EW P",
    "event_wise_recall": "EW R",
    "event_wise_f": "EW F0.5",
    "channel_aware_f": "CA F0.5",
    "subsystem_aware_f": "SA F0.5",
    "alarming_precision": "AP",
    "adtqc": "ADTQC",
    "adtqc_after_rate": "after",
    "affiliation_f": "AFF F0.5",
    "n_events": "events",
    "false_positives": "false",
}


# Detectors: fit on X and y, flag the rows of T, channel by channel -------------------


def sigma(factor):
    """Flag what leaves the mean of nominal rows by some standard deviations."""

    def flag(X, y, T, data):
        nominal = X.loc[y == 0, data.targets]
        far = (T[data.targets] - nominal.mean()).abs() > factor * nominal.std()
        return far.astype(np.int8)

    return flag


def isolation(X, y, T, data):
    """Isolation forest on rows, with the share of labelled rows as contamination."""
    share = float(np.clip((y != 0).mean(), 1e-4, 0.5))
    forest = IsolationForest(contamination=share, random_state=0)
    return everywhere(anomaly_flags(forest.fit(filled(X, X)), filled(T, X)), T, data)


def windowed_isolation(X, y, T, data, width=17):
    """Isolation forest on the trailing windows of 17 rows, 200 trees."""
    share = float(np.clip((y != 0).mean(), 1e-4, 0.5))
    forest = IsolationForest(n_estimators=200, contamination=share, random_state=0)
    columns = data.targets
    forest.fit(windows(filled(X, X)[columns], width))
    flags = np.concatenate(
        [
            anomaly_flags(forest, part)
            for part in np.array_split(windows(filled(T, X)[columns], width), 20)
        ]
    )
    return everywhere(flags, T, data)


def windows(X, width):
    values = X.to_numpy()
    values = np.concatenate([np.repeat(values[:1], width - 1, axis=0), values])
    view = np.lib.stride_tricks.sliding_window_view(values, width, axis=0)
    return view.reshape(len(X), -1)


def filled(T, X):
    return T.ffill().fillna(X.median())


def everywhere(flags, T, data):
    """Flag all channels, for detectors that name none."""
    return pd.DataFrame(dict.fromkeys(data.targets, flags), index=T.index)


def telemanom(X, y, T, data):
    """One telemanom detector for each channel; commands are inputs."""
    X, T = filled(X, X), filled(T, X)
    flags = {}
    for channel in data.targets:
        columns = [channel, *data.commands]
        detector = make_telemanom_detector(
            target=channel,
            max_epochs=15,
            random_state=0,
        )
        # The rows before those of the test, so that the threshold knows what is usual.
        before = X[columns].iloc[-2100:]
        detector.fit(X[columns], y.where(y < 1, 1))
        given = anomaly_flags(detector, pd.concat([before, T[columns]]))
        flags[channel] = given[len(before) :]
    return pd.DataFrame(flags, index=T.index)


def ours(encoder, *, rare=True, smooth=None, tune=False, **options):
    """Use our detector; without `rare` such events are labelled anomalous.

    With a half-life its scores are smoothed; to `tune` is to choose the threshold on
    the last third of the training rows.
    """

    def flag(X, y, T, data):
        detector = make_esa_detector(
            encoder=encoder,
            commands=[c for c in X.columns if c not in data.targets],
            random_state=0,
            **options,
        )
        y = y if rare else y.replace(2, 1)
        if smooth is not None:
            detector = ScoreSmoother(detector, halflife=smooth)
        if tune:
            detector = TunedThresholdDetector(detector, beta=0.5, cv=3)
        detector.fit(X, y)
        usual = channel_errors(detector, X)[(y == 0).to_numpy()]
        return affected_channels(
            score_table(detector, T), channel_errors(detector, T), reference=usual
        )

    return flag


def unsupervised(X, y, T, data):
    """Use our detector without a label."""
    return ours("windowed", **WINDOWED)(X, 0 * y, T, data)


WINDOWED = {"max_epochs": 15, "fit_stride": 3}
ONE_PASS = {"max_epochs": 20}
DETECTORS = {
    "STD3": sigma(3),
    "STD5": sigma(5),
    "isolation forest": isolation,
    "windowed isolation forest": windowed_isolation,
    "telemanom": telemanom,
    "ours, no labels": unsupervised,
    "ours, two classes": ours("windowed", rare=False, **WINDOWED),
    "ours": ours("windowed", **WINDOWED),
    "ours, one-pass": ours("one-pass", **ONE_PASS),
    "ours, smoothed": ours("windowed", smooth="90s", **WINDOWED),
    "ours, one-pass, smoothed": ours("one-pass", smooth="90s", **ONE_PASS),
    "ours, tuned": ours("windowed", smooth="5min", tune=True, **WINDOWED),
    "ours, one-pass, tuned": ours("one-pass", smooth="5min", tune=True, **ONE_PASS),
}


# Figures ------------------------------------------------------------------------


def chance(flags, data, span, rng):
    """Move the alarms of a detector to another time, all by the same step."""
    step = int(rng.integers(len(flags)))
    return pd.DataFrame(
        np.roll(flags.to_numpy(), step, axis=0), flags.index, flags.columns
    )


def figures(flags, data, span):
    """Scores of both selections, and the share of rare events that raise an alarm."""
    row = {}
    for selection, categories in SELECTIONS.items():
        scores = esa_adb_scores(
            data.labels,
            flags,
            categories=categories,
            subsystems={c: data.subsystems[c] for c in data.targets},
            start=span[0],
            end=span[1],
        )
        row[selection] = {name: scores[key] for key, name in COLUMNS.items()}
    rare = esa_adb_scores(
        data.labels, flags, categories=["Rare Event"], start=span[0], end=span[1]
    )
    row["rare events that raise an alarm"] = {"EW R": rare["event_wise_recall"]}
    return row


def quality(days, seeds, channels, names):
    tables = {name: [] for name in names}
    by_chance = {name: [] for name in names}
    seconds = dict.fromkeys(names, 0.0)
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "mission")
            make_esa_adb(path, days=days, channels=channels, random_state=seed)
            data = load_esa_adb(path, allow_pickle=True)
        half = len(data.X) // 2
        X, T, y = data.X.iloc[:half], data.X.iloc[half:], data.y.iloc[:half]
        span = T.index[0], T.index[-1]
        print(
            f"Seed {seed}: {len(data.X):,} rows x {data.X.shape[1]} columns, "
            f"{len(data.targets)} targets; training labels "
            f"{ {k: int(v) for k, v in y.value_counts().items()} }",
            flush=True,
        )
        for name in names:
            begin = time.process_time()
            flags = DETECTORS[name](X, y, T, data)
            seconds[name] += time.process_time() - begin
            tables[name].append(figures(flags, data, span))
            rng = np.random.default_rng(seed)
            by_chance[name] += [
                figures(chance(flags, data, span, rng), data, span) for _ in range(10)
            ]
    for selection in [*SELECTIONS, "rare events that raise an alarm"]:
        print(f"\n{selection}, mean of {len(seeds)} missions")
        table = {name: mean(rows, selection) for name, rows in tables.items()}
        moved = {name: mean(rows, selection) for name, rows in by_chance.items()}
        frame = pd.DataFrame(table).T
        chance_column = "EW F0.5" if "EW F0.5" in frame else "EW R"
        frame["chance"] = pd.DataFrame(moved).T[chance_column]
        frame["CPU s"] = pd.Series(seconds) / len(seeds)
        print(frame.to_string(float_format="{:.3f}".format), flush=True)


def mean(rows, selection):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ADTQC without a detected event
        return pd.DataFrame([row[selection] for row in rows]).mean()


# Cost ---------------------------------------------------------------------------


def peak_mib():
    """Peak of this process so far, in MiB."""
    text = Path("/proc/self/status").read_text()
    line = next(line for line in text.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def telemetry(n_rows, n_columns, dtype, seed=0):
    """Sines and noise, column by column."""
    rng = np.random.default_rng(seed)
    X = np.empty((n_rows, n_columns), dtype=dtype)
    t = np.arange(n_rows)
    for i in range(n_columns):
        X[:, i] = np.sin(t / (50 + i)) + 0.1 * rng.normal(size=n_rows)
    return X


def train_once(dtype):
    """Train one epoch on 260,000 x 87 rows; in a process of its own."""
    from skdsn.encoders import GRUAttentionEncoder

    encoder = GRUAttentionEncoder(max_epochs=1, batch_size=256, random_state=0)
    encoder.fit(telemetry(2_000, 87, dtype))
    base = peak_mib()
    X = telemetry(260_000, 87, dtype)
    y = np.zeros(len(X), dtype=int)
    y[50_000:80_000] = 1
    begin = time.process_time()
    encoder.fit(X, y)
    seconds = time.process_time() - begin
    size = X.nbytes / 2**20
    print(
        f"{np.dtype(dtype)}: input {size:.0f} MiB; input, training and network "
        f"{peak_mib() - base:.0f} MiB above a network of the same size = "
        f"{(peak_mib() - base) / size:.2f} x; {seconds:.0f} CPU s per epoch"
    )


def memory():
    for dtype in ("float64", "float32"):
        subprocess.run([sys.executable, __file__, "train-once", dtype], check=True)


def stream(sizes=(100_000, 200_000, 400_000), columns=87):
    """Score Parquet files of growing length with ``skdsn score --chunk-rows``."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        names = [f"channel_{i + 1}" for i in range(columns)]
        X = pd.DataFrame(telemetry(20_000, columns, "float32"), columns=names)
        X.index = pd.date_range("2000-01-01", periods=len(X), freq="30s", name="time")
        X["anomaly"] = 0
        X.reset_index().to_parquet(folder / "train.parquet")
        run = [sys.executable, "-m", "skdsn"]
        fit = [
            "fit",
            folder / "train.parquet",
            "--labels",
            "anomaly",
            "--recipe",
            "esa",
        ]
        small = ["--epochs", "1", "--out", folder / "d.pkl"]
        subprocess.run([*run, *fit, *small], check=True, stdout=subprocess.DEVNULL)
        for size in sizes:
            write_long(folder / "long.parquet", size, names)
            begin = time.perf_counter()
            script = (
                "import sys; from skdsn.cli import main; main(sys.argv[1:]); "
                "print(next(l for l in open('/proc/self/status') if 'VmHWM' in l))"
            )
            done = subprocess.run(
                [
                    *(sys.executable, "-c", script, "score", folder / "d.pkl"),
                    *(folder / "long.parquet", "--report", folder / "report.csv"),
                    *("--chunk-rows", "50000"),
                ],
                check=True,
                capture_output=True,
                text=True,
            )
            seconds = time.perf_counter() - begin
            peak = int(done.stdout.split("VmHWM:")[1].split()[0]) / 1024
            on_disk = size * columns * 4 / 2**20
            print(
                f"{size:>9,} rows ({on_disk:.0f} MiB): {seconds:.0f} s, "
                f"{1e6 * seconds / size:.0f} s per million rows, peak {peak:.0f} MiB",
                flush=True,
            )


def write_long(path, n_rows, names):
    import pyarrow as pa
    import pyarrow.parquet as pq

    writer = None
    for first in range(0, n_rows, 50_000):
        size = min(50_000, n_rows - first)
        values = telemetry(size, len(names), "float32", seed=first)
        frame = pd.DataFrame(values, columns=names)
        start = pd.Timestamp("2000-01-01") + first * pd.Timedelta("30s")
        frame.insert(0, "time", pd.date_range(start, periods=size, freq="30s"))
        table = pa.Table.from_pandas(frame, preserve_index=False)
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    writer.close()


def main():
    if sys.argv[1:2] == ["train-once"]:
        return train_once(sys.argv[2])
    parser = argparse.ArgumentParser(description=__doc__)
    parts = ["quality", "full", "memory", "stream"]
    parser.add_argument("parts", nargs="*", choices=[*parts, []], default="quality")
    parser.add_argument(
        "--rows", type=int, nargs="*", default=[100_000, 200_000, 400_000]
    )
    args = parser.parse_args()
    chosen = [args.parts] if isinstance(args.parts, str) else args.parts
    torch.set_num_threads(1)
    print(
        f"skdsn {skdsn.__version__}, scikit-learn {sklearn.__version__}, torch "
        f"{torch.__version__}, Python {platform.python_version()}\n"
    )
    if "quality" in chosen:
        quality(DAYS, SEEDS, "lightweight", list(DETECTORS))
    if "full" in chosen:
        quality(45, SEEDS[:1], None, [n for n in DETECTORS if n != "telemanom"])
    if "memory" in chosen:
        memory()
    if "stream" in chosen:
        stream(args.rows)
    return None


if __name__ == "__main__":
    main()
