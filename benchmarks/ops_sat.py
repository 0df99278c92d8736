"""Segments of OPS-SAT: classifiers and outlier detectors beside the published ones.

Run ``python benchmarks/ops_sat.py supervised unsupervised neighbours`` with
``SKDSN_DATA`` naming the folder of data sets; some twenty-five minutes on one core.

``supervised`` cross-validates every configuration of ``ops_sat_models.py`` on the
training segments only, and chooses the one with the highest average precision, before
it looks at the test segments; it then evaluates all of them, each once per seed. The
threshold is the best one for F1 on the held-out training scores of that seed; F1 at a
probability of one half stands beside it. ``unsupervised`` fits outlier detectors on all
training segments without labels, as the published ones were, and on the normal ones
only, which takes labels; the threshold is exceeded by as large a share of held-out
training scores as is anomalous in training. ``neighbours`` asks, of the training
segments, how much a random split flatters. Intervals are percentiles over test segments
drawn with replacement; mean over seeds of their limits.
"""

import argparse
import os
import platform
from pathlib import Path

import imblearn
import numpy as np
import pandas as pd
import sklearn
from ops_sat_models import configurations, detectors
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.metrics import matthews_corrcoef
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

import skdsn
from skdsn.base import anomaly_scores
from skdsn.datasets import load_ops_sat_ad
from skdsn.metrics import (
    average_precision,
    best_threshold,
    bootstrap_interval,
    chance_level,
    roc_auc,
    row_wise_scores,
)


def seeded(model, seed):
    """Clone a model, with the seed wherever it takes one."""
    names = [name for name in model.get_params() if name.endswith("random_state")]
    return clone(model).set_params(**dict.fromkeys(names, seed))


def held_out(model, X, y, splits, learn="labels"):
    """Score each training segment by a model that has not seen it."""
    scores = np.empty(len(X))
    for train, test in splits:
        part = learnt(model, X.iloc[train], y.iloc[train], learn)
        scores[test] = anomaly_scores(part, X.iloc[test])
    return scores


def learnt(model, X, y, learn):
    """Fit a clone with labels, or without: on all segments, or on the normal ones."""
    if learn == "labels":
        return clone(model).fit(X, y)
    return clone(model).fit(X if learn == "all" else X[y == 0])


def folds(X, y, seed):
    return StratifiedKFold(5, shuffle=True, random_state=seed).split(X, y)


def between(threshold, scores):
    """Go half way down to the next lower score, as TunedThresholdDetector does."""
    return (threshold + scores[scores < threshold].max(initial=-np.inf)) / 2


def figures(y, scores, threshold):
    """Score one fitted model on the test segments, with intervals."""
    flags = (scores > threshold).astype(int)
    rows = row_wise_scores(y, flags)
    f1 = bootstrap_interval(
        "row_f1", y, flags, n_bootstrap=1000, tracks=np.arange(len(y))
    )
    area = bootstrap_interval(
        "average_precision", y, scores, n_bootstrap=1000, tracks=np.arange(len(y))
    )
    chance = chance_level("row_f1", y, flagged=rows.fraction_flagged)
    return {
        "accuracy": (flags == y).mean(), "precision": rows.precision,
        "recall": rows.recall, "f1": rows.f, "f1_low": f1.low, "f1_high": f1.high,
        "mcc": matthews_corrcoef(y, flags), "auc_pr": area.value,
        "auc_pr_low": area.low, "auc_pr_high": area.high,
        "auc_roc": roc_auc(y, scores), "f1 by chance": chance.value,
    }  # fmt: skip


def load(part):
    """Load the training or the test segments; nothing else sees the latter."""
    ops_sat = load_ops_sat_ad(
        Path(os.environ["SKDSN_DATA"]) / "ops_sat_ad",
        as_features=["channel", "sampling"],
    )
    rows = ops_sat.train if part == "train" else ~ops_sat.train
    return ops_sat.X[rows], ops_sat.y[rows], ops_sat.channel[rows]


def supervised(seeds):
    """Choose by cross-validation on the training segments; then test everything."""
    X, y, _ = load("train")
    validated, thresholds = {}, {}
    for name, model in configurations().items():
        runs = []
        for seed in seeds:
            scores = held_out(seeded(model, seed), X, y, folds(X, y, seed))
            best = best_threshold("row_f1", y, scores)
            thresholds[name, seed] = between(best.threshold, scores)
            runs.append((average_precision(y, scores), best.value))
        validated[name] = np.mean(runs, axis=0)
        spread = np.std(runs, axis=0, ddof=1)
        print(f"{name}: AP {validated[name][0]:.4f} ± {spread[0]:.4f}, best F1 "
              f"{validated[name][1]:.4f} ± {spread[1]:.4f}", flush=True)  # fmt: skip
    chosen = max(validated, key=lambda name: validated[name][0])
    print(f"\nChosen by cross-validated average precision: {chosen}\n")
    X_test, y_test, _ = load("test")
    rows = []
    for name, model in configurations().items():
        for seed in seeds:
            fitted = seeded(model, seed).fit(X, y)
            scores = anomaly_scores(fitted, X_test)
            found = figures(y_test, scores, thresholds[name, seed])
            found["f1 at .5"] = row_wise_scores(y_test, (scores > 0.5).astype(int)).f
            rows.append({"algorithm": name, **found})
    table = summary(rows)
    table.insert(0, "cv_ap", {name: value[0] for name, value in validated.items()})
    table.insert(1, "cv_f1", {name: value[1] for name, value in validated.items()})
    print(table.round(3).to_string())
    print(f"\nThe chosen one, {chosen}:\n{table.loc[chosen].round(4).to_string()}")
    beside(table.loc[[chosen]], "supervised")


def unsupervised(seeds):
    """Test outlier detectors, none of them chosen."""
    X, y, _ = load("train")
    X_test, y_test, _ = load("test")
    rows = []
    for learn in ("all", "normal"):
        for name, model in detectors().items():
            drawn = seeds if "forest" in name else seeds[:1]
            for seed in drawn:
                model = seeded(model, seed)
                scores = held_out(model, X, y, folds(X, y, seed), learn)
                threshold = np.quantile(scores, 1 - y.mean())
                fitted = learnt(model, X, y, learn)
                found = figures(y_test, anomaly_scores(fitted, X_test), threshold)
                known = {
                    "algorithm": f"{name}; {learn}",
                    "cv_ap": average_precision(y, scores),
                }
                rows.append(known | found)
    table = summary(rows)
    print(table.round(3).to_string())
    beside(table, "unsupervised")


def neighbours(seeds):
    """Compare random folds with folds of neighbouring segments, and of channels."""
    X, y, channel = load("train")
    model = configurations()["+ per channel, extra trees"]
    kind = channel + X["sampling"].astype(str)
    # The table numbers the segments channel by channel, and has no times.
    place = kind.groupby(kind).cumcount() / kind.groupby(kind).transform("size")
    groups = {
        f"{n} blocks a channel": kind + (place * n).astype(int).astype(str)
        for n in (20, 10, 5)
    }
    groups["channels"] = channel
    rows = {}
    for name in ("single segments", *groups):
        runs = []
        for seed in seeds:
            splits = folds(X, y, seed)
            if name in groups:
                splitter = StratifiedGroupKFold(5, shuffle=True, random_state=seed)
                splits = splitter.split(X, y, groups[name])
            scores = held_out(seeded(model, seed), X, y, splits)
            best = best_threshold("row_f1", y, scores).value
            runs.append((average_precision(y, scores), best))
        rows[f"held out: {name}"] = np.mean(runs, axis=0)
    kinds = X.filter(like="channel_").assign(sampling=X["sampling"])
    timing = X[["duration", "len", "gaps_squared"]]
    for name, part in {
        "channel and sampling period": kinds,
        "these and timing": kinds.join(timing),
        "these and number of the segment": kinds.assign(number=X.index),
    }.items():
        model, runs = ExtraTreesClassifier(300), []
        for seed in seeds:
            scores = held_out(seeded(model, seed), part, y, folds(X, y, seed))
            best = best_threshold("row_f1", y, scores).value
            runs.append((average_precision(y, scores), best))
        rows[f"learnt from nothing but: {name}"] = np.mean(runs, axis=0)
    table = pd.DataFrame(rows, index=["average precision", "best F1"]).T
    print(table.round(3).to_string())
    print(f"by chance: {y.mean():.3f}")


def summary(rows):
    """Average over seeds, with the range of F1 and average precision."""
    groups = pd.DataFrame(rows).groupby("algorithm", sort=False)
    table = groups.mean()
    for name in ("f1", "auc_pr"):
        table[f"{name}_least"] = groups[name].min()
        table[f"{name}_most"] = groups[name].max()
    return table


def beside(ours, kind):
    """Print the published rows of a kind, ours among them."""
    path = Path(os.environ["SKDSN_DATA"]) / "ops_sat_ad"
    published = pd.read_csv(path / "published_benchmark_arxiv.csv", index_col=0)
    published = published[published["kind"] == kind].drop(columns="kind")
    figures = ["accuracy", "precision", "recall", "f1", "mcc", "auc_pr", "auc_roc"]
    table = pd.concat([published, ours.rename("skdsn: {}".format)])[figures]
    print(table.sort_values("f1", ascending=False).round(3).to_string())
    flagged = load("test")[1]
    print(f"by chance: AP {flagged.mean():.3f}, F1 of flagging everything "
          f"{row_wise_scores(flagged, np.ones_like(flagged)).f:.3f}\n")  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parts = {
        "supervised": supervised,
        "unsupervised": unsupervised,
        "neighbours": neighbours,
    }
    parser.add_argument("parts", nargs="*", metavar="|".join(parts))
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    print(
        f"Python {platform.python_version()}, skdsn {skdsn.__version__}, scikit-learn "
        f"{sklearn.__version__}, imbalanced-learn {imblearn.__version__}, "
        f"{options.seeds} seeds from 0"
    )
    for part in options.parts or parts:
        print(f"\n{part}")
        parts[part](range(options.seeds))


if __name__ == "__main__":
    main()
