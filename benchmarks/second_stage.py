"""What it costs a forest to learn from errors of rows that the network has seen.

Run ``python benchmarks/second_stage.py [leak] [incidents]``; both take some fifteen
minutes on one core. A network makes smaller errors on rows that it was trained on. If a
forest learns from these, it learns "seen by the network"; with a `fit_share` below 1 it
learns from other tracks than the network.

``leak`` labels stretches at random in passes without an incident. There is nothing to
learn, so what a forest finds in the errors of its training rows is a leak.
``incidents`` has simulated incidents. Both run the recipe as it is, and with a network
that is trained far too long.
"""

import platform
import sys
import time
from itertools import pairwise

import numpy as np
import pandas as pd
import sklearn
import torch

import skdsn
from skdsn.datasets import make_dsn_passes
from skdsn.detectors import make_dsn_detector
from skdsn.metrics import (
    average_precision,
    best_threshold,
    chance_level,
    event_f1,
    roc_auc,
    score_report,
)
from skdsn.tracks import read_tracks

SEEDS = (31, 32, 33, 34, 35)
SHARES = (1.0, 0.7, 0.5, 0.3)
TOO_LONG = {
    "max_epochs": 200,
    "encode__hidden_size": 128,
    "encode__validation_fraction": 0,
    "encode__patience": 200,
}
# Training passes and options: of the recipe as it is, and of one that overfits.
SETTINGS = {"as it is": (40, {}), "trained too long": (16, TOO_LONG)}
# Passes as in the examples: a third as long, most of them with an incident.
SHORT = {"n_rows": 200, "incident_fraction": 0.8}
WITH_INCIDENTS = {
    **{name: (*setting, {}) for name, setting in SETTINGS.items()},
    "as it is, short passes": (27, {}, SHORT),
}


def split(passes, labels, sizes, seed):
    """Cut passes at random into parts of so many, as pairs of rows and labels."""
    tracks = read_tracks(passes.X)
    part = np.repeat(np.arange(len(sizes)), sizes)
    part = np.random.default_rng(seed).permutation(part)[tracks.of_rows()]
    return [(passes.X[part == i], labels[part == i]) for i in range(len(sizes))]


def painted(X, seed):
    """Label a stretch of 15 to 60 rows in half of the tracks, at random places."""
    rng = np.random.default_rng(seed)
    y = pd.Series(0, index=X.index, name="anomaly")
    bounds = read_tracks(X).bounds
    for begin, end in pairwise(bounds):
        length = int(rng.integers(15, 61))
        first = int(rng.integers(begin, end - length))
        if rng.random() < 0.5:
            y.iloc[first : first + length] = 1
    return y


def leak():
    """Look for what there cannot be: stretches painted at random."""
    figures = []
    for setting, (n_tracks, options) in SETTINGS.items():
        for seed in SEEDS[:3]:
            passes = make_dsn_passes(
                n_tracks + 60, incident_fraction=0, random_state=seed
            )
            labels = painted(passes.X, seed)
            (X, y), (X_new, y_new) = split(passes, labels, (n_tracks, 60), seed)
            seen = []
            for share in ("0.5", "1.0", "1.0, forest on the tracks of 0.5"):
                detector = make_dsn_detector(
                    fit_share=float(share[:3]),
                    smote="passthrough",
                    random_state=seed,
                    **options,
                )
                # What has no label trains the network and not the forest.
                left_out = seen if "," in share else []
                detector.fit(X, y.mask(X.index.isin(left_out, level=0), -1))
                seen = seen or detector["encode"].learnt_tracks_
                rows = detector["label"].sample_indices_
                encoded = detector[:-3].transform(X).iloc[rows]
                learnt = detector["classify"].predict_proba(encoded)[:, 1]
                new = detector.predict_proba(X_new)[:, 1]
                truth = y.iloc[rows]
                figures.append(
                    {
                        "network": setting,
                        "fit_share": share,
                        "ROC-AUC of the error, learnt rows": roc_auc(
                            truth, encoded["error"]
                        ),
                        "base rate": truth.mean(),
                        "AP, learnt rows": average_precision(truth, learnt),
                        "mean score of new rows / base rate": new.mean() / truth.mean(),
                        "AP, new rows": average_precision(y_new, new),
                        "base rate, new rows": y_new.mean(),
                    }
                )
                print(seed, figures[-1], flush=True)
    table(figures, ["network", "fit_share"])


def incidents():
    """Detect simulated incidents in new passes."""
    figures = []
    for setting, (n_tracks, options, kind) in WITH_INCIDENTS.items():
        for seed in SEEDS if not options else SEEDS[:3]:
            passes = make_dsn_passes(n_tracks + 120, random_state=seed, **kind)
            (X, y), (X_choice, y_choice), (X_test, y_test) = split(
                passes, passes.y, (n_tracks, 40, 80), seed
            )
            for share in SHARES:
                detector = make_dsn_detector(
                    fit_share=share, random_state=seed, **options
                )
                begin = time.process_time()
                detector.fit(X, y)
                seconds = time.process_time() - begin
                choice, test = (
                    detector.predict_proba(part)[:, 1] for part in (X_choice, X_test)
                )
                threshold = best_threshold("event_f1", y_choice, choice).threshold
                chosen = test >= threshold
                at_half = score_report(
                    y_test,
                    (test > 0.5).astype(int),
                    metrics=["event_f1", "false_alarms_per_day", "fraction_flagged"],
                    n_random=1,
                )["detector"]
                figures.append(
                    {
                        "network": setting,
                        "fit_share": share,
                        "AP": average_precision(y_test, test),
                        "base rate": y_test.mean(),
                        "event F1": event_f1(y_test, chosen.astype(int)),
                        "chance F1": chance_level(
                            "event_f1", y_test, flagged=chosen.mean(), n_random=10
                        ).value,
                        "event F1 at 0.5": at_half["event_f1"],
                        "false alarms a day at 0.5": at_half["false_alarms_per_day"],
                        "rows flagged at 0.5": at_half["fraction_flagged"],
                        "fit CPU s": seconds,
                    }
                )
                print(seed, figures[-1], flush=True)
    table(figures, ["network", "fit_share"])


def table(figures, by):
    """Print mean over seeds and, where there are several, their standard error."""
    groups = pd.DataFrame(figures).groupby(by, sort=False)
    print(groups.mean().round(3).T.to_string())
    print("standard error over seeds")
    print(groups.sem().round(3).T.to_string())


def main():
    print(
        f"Python {platform.python_version()}, skdsn {skdsn.__version__}, torch "
        f"{torch.__version__}, scikit-learn {sklearn.__version__}, seeds {SEEDS}"
    )
    parts = {"leak": leak, "incidents": incidents}
    for part in sys.argv[1:] or parts:
        parts[part]()


if __name__ == "__main__":
    main()
