"""What the stages of a telemanom-like detector cost, as ratios measured in one run.

``python benchmarks/telemanom.py threshold`` times the choice of thresholds and the
judgement of all rows against the same procedure in plain loops, over one window and
over a track of 10,000 errors, on errors that vary and on constant ones.

``python benchmarks/telemanom.py forecasts --channels E-1 C-1``, with ``SKDSN_DATA``
naming the folder of data sets, fits and scores channels of SMAP and MSL with the
published telemanom, windows and 35 epochs, with ours in one pass, and with the detector
we recommend, and tells the memory that the latter two take above the imports.

``python benchmarks/telemanom.py fleet`` trains the forecasters of 64 generated channels
at once and one by one.
"""

import argparse
import os
import platform
import resource
import time
from pathlib import Path

import numpy as np
import pandas as pd
import sklearn
import torch
from channels import count
from sklearn.base import clone

import skdsn
from skdsn._core.dynamic_threshold import Rule, choose_z, measure
from skdsn._core.ewma import ewma
from skdsn._core.threshold_windows import fresh_past, judge_batches
from skdsn.base import anomaly_flags
from skdsn.datasets import load_smap_msl
from skdsn.detectors import make_channel_detector, make_telemanom_detector
from skdsn.encoders import FleetForecaster, LSTMForecaster

WINDOW, BATCH, BUFFER, N_ERRORS = 2100, 70, 100, 10_000
Z_GRID = np.arange(2.5, 11.6, 0.5)
P = 0.13


def cpu(function, n_repeats):
    """Least CPU seconds of a call."""
    seconds = []
    for _ in range(n_repeats):
        begin = time.process_time()
        function()
        seconds.append(time.process_time() - begin)
    return min(seconds)


def smoothed_errors(seed):
    """Make errors as a forecaster leaves them, an event in every 1500 rows."""
    rng = np.random.default_rng(seed)
    errors = np.abs(rng.normal(scale=0.05, size=N_ERRORS))
    for begin in range(1000, N_ERRORS, 1500):
        errors[begin : begin + 60] += rng.uniform(0.3, 1.0)
    return ewma(errors, np.array([0, N_ERRORS]), 2 / 106)[0]


# The procedure as one would write it down: a loop over z, over exceedances, over rows.


def widen_in_a_loop(hits, n_rows):
    """Group the rows close to a hit."""
    rows = set()
    for hit in hits:
        for row in range(max(hit - BUFFER, 0), min(hit + BUFFER, n_rows - 1) + 1):
            rows.add(row)
    return runs_in_a_loop(rows)


def runs_in_a_loop(rows):
    runs = []
    for row in sorted(rows):
        if runs and row == runs[-1][-1] + 1:
            runs[-1].append(row)
        else:
            runs.append([row])
    return runs


def choose_in_a_loop(errors, mean, std):
    """Choose the best z of the grid, or 12."""
    best, chosen = -1e7, 12.0
    for z in Z_GRID:
        above = errors >= mean + z * std
        runs = widen_in_a_loop(np.flatnonzero(above).tolist(), len(errors))
        if not runs or above.all():
            continue
        n_rows = sum(len(run) for run in runs)
        kept = errors[~above]
        gain = (mean - kept.mean()) / mean + (std - kept.std()) / std
        score = gain / (len(runs) ** 2 + n_rows)
        if score >= best and len(runs) <= 5 and n_rows < 0.5 * len(errors):
            best, chosen = score, z
    return chosen


def prune_in_a_loop(runs, errors, nominal):
    """Keep the runs whose peaks come before the last large drop."""
    runs = sorted(runs, key=lambda run: -max(errors[row] for row in run))
    peaks = [max(errors[row] for row in run) for run in runs] + [nominal]
    removed = []
    for place, run in enumerate(runs):
        if (peaks[place] - peaks[place + 1]) / peaks[place] < P:
            removed.append(run)
        else:
            removed = []
    return [run for run in runs if run not in removed]


def judge_in_a_loop(errors):
    """Flag rows, batch by batch."""
    flags = np.zeros(len(errors), dtype=bool)
    for begin in range(0, len(errors), BATCH):
        end = min(begin + BATCH, len(errors))
        first = max(end - WINDOW, 0)
        window = errors[first:end]
        mean, std = window.mean(), window.std()
        batch = range(max(begin, WINDOW // 4) - first, end - first)
        found = []
        for side in (window, 2 * mean - window):
            limit = mean + choose_in_a_loop(side, mean, std) * std
            hits = np.flatnonzero(side >= limit).tolist()
            widened = {row for run in widen_in_a_loop(hits, len(side)) for row in run}
            rows = widened.intersection(batch)
            nominal = [
                error
                for row, error in enumerate(side)
                if row not in rows and not flags[first + row]
            ]
            runs = prune_in_a_loop(runs_in_a_loop(rows), side, max(nominal, default=0))
            found += [first + row for run in runs for row in run]
        flags[found] = True
    return flags


def time_thresholds(options):
    """Print what loops cost, in units of ours."""
    rule = Rule(Z_GRID, buffer=BUFFER, search_buffer=BUFFER, p=P)
    settings = {"window": WINDOW, "batch": BATCH, "warm_up": WINDOW // 4}

    def judge(errors):
        past = fresh_past(np.empty(0))
        return judge_batches(errors, past, rule, floor=-np.inf, **settings)[0] > 0

    errors = smoothed_errors(options.seed)
    flags = judge(errors)
    if not np.array_equal(flags, judge_in_a_loop(errors)):
        raise AssertionError("The loops flag other rows.")
    print(f"{flags.sum()} of {N_ERRORS} rows flagged, by both")
    ours = cpu(lambda: judge(errors), 9)
    loops = cpu(lambda: judge_in_a_loop(errors), 2)
    constant = cpu(lambda: judge(np.full(N_ERRORS, 0.1)), 9)

    window = errors[5000 : 5000 + WINDOW]
    mean, std = window.mean(), window.std()
    measured = [measure(window, np.zeros(0, bool), rule)] * 100
    single = cpu(lambda: choose_z(measured, rule), 9)
    looped = cpu(lambda: choose_in_a_loop(window, mean, std), 3)
    # What a loop meets that does not look for constant errors first: all exceed.
    flat = np.full(WINDOW, 0.1)
    with np.errstate(invalid="ignore"):
        trap = cpu(lambda: choose_in_a_loop(flat, flat.mean(), 0.0), 1)
    print(
        f"one choice of z, {WINDOW} errors: {1e4 * single:.0f} us, loops "
        f"{1e6 * looped:.0f} us: {100 * looped / single:.0f} x"
    )
    print(
        f"all of {N_ERRORS} errors: {1e3 * ours:.1f} ms, loops {1e3 * loops:.0f} ms: "
        f"{loops / ours:.0f} x"
    )
    print(
        f"constant errors: {1e3 * constant:.1f} ms, {constant / ours:.2f} x varied; "
        f"one choice of z in loops {1e3 * trap:.0f} ms, {trap / looped:.0f} x"
    )


def peak():
    """Most memory so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def time_forecasts(options):
    """Print what windows cost, in units of one pass."""
    path = Path(os.environ["SKDSN_DATA"]) / "smap_msl" / "smap_msl_dev.tar.xz"
    channels = load_smap_msl(path, channels=options.channels)
    recipes = {
        "channel detector": lambda: make_channel_detector(channels=["value"]),
        "one pass": lambda: make_telemanom_detector(
            target="value", random_state=options.seed
        ),
        "paper": lambda: make_telemanom_detector(
            target="value", mode="paper", random_state=options.seed
        ),
    }
    seconds = pd.DataFrame(index=options.channels, columns=list(recipes), dtype=float)
    before = peak()
    for title, make in recipes.items():
        for name in options.channels:
            channel = channels[name]
            begin = time.process_time()
            detector = make().fit(channel.X_train)
            flags = anomaly_flags(detector, channel.X_test)
            seconds.loc[name, title] = time.process_time() - begin
            found = "/".join(str(n) for n in count(channel.y_test, flags)[:3])
            epochs = ""
            if title != "channel detector":
                epochs = f", {len(detector[0].history_)} epochs"
            print(
                f"{name}, {title}: {seconds.loc[name, title]:.2f} CPU s, TP/FP/FN "
                f"{found}, {flags.mean():.3f} of the rows flagged{epochs}",
                flush=True,
            )
        print(f"{title}: peak {peak() - before:.0f} MB above data and imports")
    ratio = seconds["paper"].sum() / seconds["one pass"].sum()
    print(f"windows / one pass: {ratio:.0f} x")


def time_fleet(options):
    """Print what a fleet costs, trained at once and one by one."""
    rng = np.random.default_rng(options.seed)
    t = np.arange(2800)
    names = [f"channel_{i}" for i in range(64)]
    X = pd.DataFrame(
        {name: np.sin(t / (5 + i)) for i, name in enumerate(names)}
    ) + 0.1 * rng.normal(size=(len(t), len(names)))
    shared = [f"command_{i}" for i in range(4)]
    X[shared] = (rng.random((len(t), len(shared))) < 0.1).astype(float)
    print(f"64 channels and {len(shared)} commands, {len(t)} rows, 5 epochs")
    for hidden_size, batch_size in [(8, 4), (16, 16), (80, 16)]:
        one = LSTMForecaster(
            hidden_size=hidden_size,
            batch_size=batch_size,
            max_epochs=5,
            device=options.device,
        )
        fleet = FleetForecaster(one, shared=shared, random_state=options.seed)
        clocks = time.perf_counter(), time.process_time()
        fleet.fit(X)
        clocks = time.perf_counter() - clocks[0], time.process_time() - clocks[1]
        begin = time.perf_counter(), time.process_time()
        furthest = 0.0
        for name, member in fleet.forecasters_.items():
            alone = clone(member).fit(X[[name, *shared]])
            pairs = zip(
                member.net_.module_.parameters(),
                alone.net_.module_.parameters(),
                strict=True,
            )
            with torch.no_grad():
                furthest = max(
                    [furthest, *((a - b).abs().max().item() for a, b in pairs)]
                )
        singles = time.perf_counter() - begin[0], time.process_time() - begin[1]
        print(
            f"{hidden_size} units, batches of {batch_size}: at once {clocks[1]:.1f} "
            f"CPU s ({clocks[0]:.1f} s), one by one {singles[1]:.1f} ({singles[0]:.1f} "
            f"s): {singles[1] / clocks[1]:.2f} x; weights differ by {furthest:.0e}",
            flush=True,
        )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    sections = {
        "threshold": time_thresholds,
        "forecasts": time_forecasts,
        "fleet": time_fleet,
    }
    parser.add_argument("sections", nargs="+", choices=list(sections))
    parser.add_argument("--channels", nargs="+", default=["E-1", "C-1"])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(
        f"skdsn {skdsn.__version__}, numpy {np.__version__}, "
        f"scikit-learn {sklearn.__version__}, Python {platform.python_version()}, "
        f"{platform.machine()}, seed {options.seed}"
    )
    for section in options.sections:
        sections[section](options)


if __name__ == "__main__":
    main()
