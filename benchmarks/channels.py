"""Detectors without labels on the channels of SMAP and MSL, one clone per channel.

Run ``python benchmarks/channels.py cost quality choice`` with ``SKDSN_DATA`` naming the
folder of data sets. Each channel is fitted on its training part, without labels, and
flagged on its test part. Events and alarms are matched by overlap, without correction,
as telemanom does, so beside them stand scores of single rows, pooled over all channels,
the share of rows flagged, and as chance the same alarms at random places (mean of 20
draws). What depends on the seed runs with ``--seeds`` of them; its figures are those of
the seed with the median F1.

``cost`` times the recommended detector and tells its memory; give it first, for memory
is the highest of the run. ``choice`` chooses the parameters of that detector on groups
of linked channels and counts on those left out, and lets all settings vote. ``paper``
runs telemanom as published on the channels that ``--channels`` names.
"""

import argparse
import os
import resource
import time
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from skdsn.base import anomaly_flags
from skdsn.datasets import load_smap_msl, stack_smap_msl
from skdsn.detectors import (
    DynamicThresholdDetector,
    ErrorSmoother,
    SubsequenceDistances,
    make_channel_detector,
    make_telemanom_detector,
)
from skdsn.forecasters import PersistenceForecaster, RidgeForecaster
from skdsn.metrics import (
    affiliation_scores,
    alarm_rates,
    event_wise_scores,
    row_wise_scores,
    training_range_scores,
)

GRID = list(product((70, 105, 140), (0.1, 0.13, 0.2, 0.3), (0.0, 0.3, 0.5, 0.7, 1.0)))


def peak():
    """Most memory so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


IMPORTED = peak()


def load():
    """Give each channel, its spacecraft and its group of linked channels."""
    path = Path(os.environ["SKDSN_DATA"]) / "smap_msl" / "smap_msl_dev.tar.xz"
    for spacecraft in ("SMAP", "MSL"):
        channels = load_smap_msl(path, spacecraft=spacecraft)
        groups = stack_smap_msl(channels)["groups"]
        groups = groups.groupby(level=0, sort=False).first()
        for name, channel in channels.items():
            if channel.labelled:
                yield name, spacecraft, groups[f"{name}/test"], channel


def count(y, flags):
    """Count events and alarms by overlap, and the rows flagged."""
    if not flags.any():
        events = event_wise_scores(y, np.ones_like(flags), corrected=False)
        n_events = events.true_positives + events.false_negatives
        return np.array([0, 0, n_events, 0, len(y)])
    found = event_wise_scores(y, flags, corrected=False)
    hits, false = found.true_positives, found.false_positives
    return np.array([hits, false, found.false_negatives, flags.sum(), len(y)])


def f1(counts):
    return 2 * counts[0] / (2 * counts[0] + counts[1] + counts[2])


def chance(answers, seed, n_random=20):
    """Average F1 of the same alarms at random places, moved round within a channel."""
    random = np.random.default_rng(seed)
    moved = [
        [count(y, np.roll(flags, random.integers(len(y)))) for y, flags in answers]
        for _ in range(n_random)
    ]
    return np.mean([f1(sum(counts)) for counts in moved])


def tell(name, counts, spacecraft, extra=""):
    """Print the figures of a detector."""
    total = sum(counts.values())
    parts = []
    for craft in ("SMAP", "MSL"):
        part = sum(v for k, v in counts.items() if spacecraft[k] == craft)
        if np.any(part):
            parts.append(f"{craft} {part[0]}/{part[1]}/{part[2]} {f1(part):.3f}")
    print(
        f"{name:<28} F1 {f1(total):.3f}  {'  '.join(parts)}  flagged "
        f"{total[3] / total[4]:.3f}{extra}",
        flush=True,
    )


def flag_limits(X_train, X_test, seed):
    """Flag what leaves the training range by more than 5 %."""
    return training_range_scores(X_test[["value"]], X_train[["value"]]) > 0.05


def of_recipe(make):
    """Fit a recipe on the training part and flag the test part."""
    return lambda X_train, X_test, seed: anomaly_flags(make(seed).fit(X_train), X_test)


def telemanom(seed, **options):
    """Make the telemanom recipe for a channel."""
    return make_telemanom_detector(target="value", random_state=seed, **options)


def with_forecaster(kind):
    """Put another forecaster into it."""
    forecaster = kind(targets=["value"], passthrough=True)
    return of_recipe(lambda seed: telemanom(seed, forecast=forecaster))


DETECTORS = {
    "flag everything": lambda X_train, X_test, seed: np.ones(len(X_test)),
    "training range": flag_limits,
    "persistence": with_forecaster(PersistenceForecaster),
    "ridge": with_forecaster(RidgeForecaster),
    "channel detector": of_recipe(
        lambda seed: make_channel_detector(channels=["value"])
    ),
    "telemanom, one pass": of_recipe(telemanom),
}
PAPER = {"telemanom, published": of_recipe(lambda seed: telemanom(seed, mode="paper"))}
SEEDED = {"telemanom, one pass", *PAPER}


def run(flag, channels, seed):
    """Flag the test part of every channel."""
    answers = {}
    for name, _, _, channel in channels:
        flags = flag(channel.X_train, channel.X_test, seed)
        answers[name] = channel.y_test.to_numpy(), np.asarray(flags, dtype=np.int64)
    return answers


def compare_detectors(options, channels, detectors=DETECTORS):
    """Print the figures of every detector."""
    spacecraft = {name: craft for name, craft, _, _ in channels}
    for title, flag in detectors.items():
        n_seeds = options.seeds if title in SEEDED else 1
        begin, runs = time.process_time(), []
        for seed in range(options.seed, options.seed + n_seeds):
            answers = run(flag, channels, seed)
            counts = {name: count(*answer) for name, answer in answers.items()}
            runs.append((f1(sum(counts.values())), seed, counts, answers))
        seconds = (time.process_time() - begin) / len(channels) / n_seeds
        runs.sort(key=lambda run: run[:2])
        _, seed, counts, answers = runs[(n_seeds - 1) // 2]
        y, flags = map(np.concatenate, zip(*answers.values(), strict=True))
        rows = row_wise_scores(y, flags)
        flagged = [answer for answer in answers.values() if answer[1].any()]
        near = pd.DataFrame(affiliation_scores(*answer) for answer in flagged).mean()
        delays = [alarm_rates(*answer).mean_delay for answer in flagged]
        extra = (
            f"  rows {rows.precision:.3f} {rows.recall:.3f} {rows.f:.3f}"
            f"  chance {chance(answers.values(), options.seed):.3f}"
            f"  affiliation {near.precision:.2f} {near.recall:.2f}"
            f"  delay {np.nanmean(delays):.0f} rows  {seconds:.2f} CPU s a channel"
        )
        if n_seeds > 1:
            extra += f"\n  seed {seed}; F1 {runs[0][0]:.3f} to {runs[-1][0]:.3f}"
        tell(title, counts, spacecraft, extra)


def run_published(options, channels):
    """Print the figures of telemanom as published, on a few channels."""
    named = [channel for channel in channels if channel[0] in options.channels]
    compare_detectors(options, named, PAPER)


def measure_cost(options, channels):
    """Print time and memory of the recommended detector over all channels."""
    loaded, begin = peak(), time.perf_counter()
    answers = run(DETECTORS["channel detector"], channels, options.seed)
    seconds = time.perf_counter() - begin
    print(
        f"channel detector: {seconds:.1f} s for {len(answers)} channels; peak "
        f"{peak():.0f} MB, {IMPORTED:.0f} after imports, {loaded:.0f} with the data"
    )


def folds_of(groups, seed, n_folds=5):
    """Deal groups to folds at random, the large ones first, to the smallest fold."""
    sizes = groups.value_counts(sort=False).sample(frac=1, random_state=seed)
    fold, size = {}, np.zeros(n_folds, dtype=int)
    for group, n_channels in sizes.sort_values(ascending=False, kind="stable").items():
        fold[group] = size.argmin()
        size[fold[group]] += n_channels
    return groups.map(fold)


def choose(options, channels):
    """Choose parameters on groups of channels and count on the others; then vote."""
    spacecraft = {name: craft for name, craft, _, _ in channels}
    counts, votes = {}, {}
    for name, _, _, channel in channels:
        stage = SubsequenceDistances(channels=["value"])
        train = stage.fit_transform(channel.X_train)
        test = stage.transform(channel.X_test)
        flags = []
        for span, p, guard in GRID:
            smoother = ErrorSmoother(span=span)
            threshold = DynamicThresholdDetector(p=p, error_guard=guard)
            threshold.fit(smoother.fit_transform(train))
            flags.append(anomaly_flags(threshold, smoother.transform(test)))
            counts[name, span, p, guard] = count(channel.y_test, flags[-1])
        votes[name] = count(channel.y_test, (np.mean(flags, axis=0) > 0.5) * 1)
    groups = pd.Series({name: f"{craft} {group}" for name, craft, group, _ in channels})
    for seed in range(options.seed, options.seed + 3):
        folds, left_out, chosen = folds_of(groups, seed), {}, []
        for number in range(5):
            others = groups.index[folds != number]
            best = max(GRID, key=lambda o: f1(sum(counts[n, *o] for n in others)))
            chosen.append(best)
            for name in groups.index[folds == number]:
                left_out[name] = counts[name, *best]
        tell(f"chosen on other groups, {seed}", left_out, spacecraft, f"\n  {chosen}")
    tell(f"majority of all {len(GRID)}", votes, spacecraft)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    sections = {"cost": measure_cost, "quality": compare_detectors}
    sections |= {"choice": choose, "paper": run_published}
    parser.add_argument("sections", nargs="+", choices=list(sections))
    parser.add_argument("--channels", nargs="+", default=[], metavar="CHANNEL")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    if "paper" in options.sections and not options.channels:
        parser.error("name the channels of the section paper with --channels")
    channels = list(load())
    groups = {(craft, group) for _, craft, group, _ in channels}
    print(f"{len(channels)} channels in {len(groups)} groups, seed {options.seed}")
    for section in options.sections:
        sections[section](options, channels)


if __name__ == "__main__":
    main()
