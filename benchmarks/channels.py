"""Detectors without labels on the channels of SMAP and MSL, one clone per channel.

Run ``python benchmarks/channels.py quality choice`` with ``SKDSN_DATA`` naming the
folder of data sets. Each channel is fitted on its training part, without labels, and
flagged on its test part; events and alarms are matched by overlap, without correction,
as telemanom does, so the share of rows flagged stands beside, and as chance the same
alarms at random places (mean of 20 draws). ``choice`` chooses the parameters of the
recommended detector on channel groups and counts on those left out.
"""

import argparse
import os
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
    training_range_scores,
)

COUNTS = ["true_positives", "false_positives", "false_negatives"]
GRID = list(product((70, 105, 140), (0.1, 0.13, 0.2, 0.3), (0.0, 0.3, 0.5, 0.7, 1.0)))


def load():
    """Give each channel, its spacecraft and its group of linked channels."""
    path = Path(os.environ["SKDSN_DATA"]) / "smap_msl" / "smap_msl_dev.tar.xz"
    for spacecraft in ("SMAP", "MSL"):
        channels = load_smap_msl(path, spacecraft=spacecraft)
        groups = stack_smap_msl(channels)["groups"]
        groups = groups.groupby(level=0, sort=False).first()
        for name, channel in channels.items():
            if channel.labelled:
                yield name, spacecraft, groups.get(f"{name}/test", name), channel


def count(y, flags):
    """Count events and alarms by overlap, and the rows flagged."""
    if not flags.any():
        events = event_wise_scores(y, np.ones_like(flags), corrected=False)
        n_events = events.true_positives + events.false_negatives
        return np.array([0, 0, n_events, 0, len(y)])
    found = event_wise_scores(y, flags, corrected=False)
    return np.array([*(found[name] for name in COUNTS), flags.sum(), len(y)])


def f1(counts):
    """F1 of counts."""
    return 2 * counts[0] / (2 * counts[0] + counts[1] + counts[2])


def chance(answers, seed, n_random=20):
    """Average F1 of the same alarms at random places, moved round within a channel."""
    random = np.random.default_rng(seed)
    figures = []
    for _ in range(n_random):
        moved = [
            count(y, np.roll(flags, random.integers(len(flags))))
            for y, flags in answers
        ]
        figures.append(f1(sum(moved)))
    return np.mean(figures)


def tell(name, counts, spacecraft, extra=""):
    """Print the figures of a detector."""
    total = sum(counts.values())
    parts = []
    for craft in ("SMAP", "MSL"):
        part = sum(v for k, v in counts.items() if spacecraft[k] == craft)
        parts.append(f"{craft} {part[0]}/{part[1]}/{part[2]} {f1(part):.3f}")
    print(
        f"{name:<28} F1 {f1(total):.3f}  {'  '.join(parts)}  flagged "
        f"{total[3] / total[4]:.3f}{extra}",
        flush=True,
    )


def flag_all(X_train, X_test, seed):
    """Flag every row."""
    return np.ones(len(X_test), dtype=np.int8)


def flag_limits(X_train, X_test, seed):
    """Flag what leaves the training range by more than 5 %."""
    return training_range_scores(X_test[["value"]], X_train[["value"]]) > 0.05


def of_recipe(make):
    """Fit a recipe on the training part and flag the test part."""

    def flag(X_train, X_test, seed):
        return anomaly_flags(make(seed).fit(X_train), X_test)

    return flag


def telemanom(seed, **options):
    """Make the telemanom recipe for a channel."""
    return make_telemanom_detector(target="value", random_state=seed, **options)


def forecast_by(kind, **options):
    """Put another forecaster into it."""
    forecaster = kind(targets=["value"], passthrough=True, **options)
    return lambda seed: telemanom(seed, forecast=forecaster)


DETECTORS = {
    "flag everything": flag_all,
    "training range": flag_limits,
    "persistence": of_recipe(forecast_by(PersistenceForecaster)),
    "ridge": of_recipe(forecast_by(RidgeForecaster)),
    "channel detector": of_recipe(
        lambda seed: make_channel_detector(channels=["value"])
    ),
    "telemanom, one pass": of_recipe(telemanom),
}


def compare_detectors(options, channels):
    """Print the figures of every detector."""
    spacecraft = {name: craft for name, craft, _, _ in channels}
    for title, flag in DETECTORS.items():
        begin, counts, figures, answers = time.process_time(), {}, [], []
        for name, _, _, channel in channels:
            flags = np.asarray(
                flag(channel.X_train, channel.X_test, options.seed), dtype=np.int64
            )
            counts[name] = count(channel.y_test, flags)
            answers.append((channel.y_test, flags))
            if flags.any():
                near = affiliation_scores(channel.y_test, flags)
                rates = alarm_rates(channel.y_test, flags)
                figures.append([near.precision, near.recall, rates.mean_delay])
        seconds = (time.process_time() - begin) / len(channels)
        near = pd.DataFrame(figures).mean()
        extra = (
            f"  chance {chance(answers, options.seed):.3f}"
            f"  affiliation {near[0]:.2f} {near[1]:.2f}  delay {near[2]:.0f} rows"
            f"  {seconds:.2f} CPU s a channel"
        )
        tell(title, counts, spacecraft, extra)


def choose(options, channels):
    """Choose parameters on groups of channels, and count on the others."""
    spacecraft = {name: craft for name, craft, _, _ in channels}
    counts = {}
    for name, _, _, channel in channels:
        stage = SubsequenceDistances(channels=["value"])
        train = stage.fit_transform(channel.X_train)
        test = stage.transform(channel.X_test)
        for span, p, guard in GRID:
            smoother = ErrorSmoother(span=span)
            threshold = DynamicThresholdDetector(p=p, error_guard=guard)
            threshold.fit(smoother.fit_transform(train))
            flags = anomaly_flags(threshold, smoother.transform(test))
            counts[name, span, p, guard] = count(channel.y_test, flags)
    groups = sorted({(craft, group) for _, craft, group, _ in channels})
    for seed in range(options.seed, options.seed + 3):
        order = np.random.default_rng(seed).permutation(len(groups))
        fold = {groups[i]: number % 5 for number, i in enumerate(order)}
        left_out, chosen = {}, []
        for number in range(5):
            others = [n for n, c, g, _ in channels if fold[c, g] != number]
            best = max(GRID, key=lambda o: f1(sum(counts[n, *o] for n in others)))
            chosen.append(best)
            for name, craft, group, _ in channels:
                if fold[craft, group] == number:
                    left_out[name] = counts[name, *best]
        tell(f"chosen on other groups, {seed}", left_out, spacecraft)
        print(f"  span, p, error_guard: {chosen}")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    sections = {"quality": compare_detectors, "choice": choose}
    parser.add_argument("sections", nargs="+", choices=list(sections))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    channels = list(load())
    n_groups = len({(craft, group) for _, craft, group, _ in channels})
    print(f"{len(channels)} channels in {n_groups} groups, seed {options.seed}")
    for section in options.sections:
        sections[section](options, channels)


if __name__ == "__main__":
    main()
