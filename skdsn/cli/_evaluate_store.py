"""``skdsn evaluate`` on a track store."""

import json

import numpy as np
import pandas as pd

from skdsn._files import replacing
from skdsn.base import inner_estimator
from skdsn.cli._detectors import load_detector
from skdsn.cli._print import counted, print_report
from skdsn.cli._runs import logged, store_digest
from skdsn.cli._train import DETECTOR
from skdsn.datasets import TrackStore
from skdsn.metrics import (
    persistence_scores,
    score_report,
    training_range_scores,
)
from skdsn.metrics._report import RANGE_MARGIN, flag_highest
from skdsn.report import (
    event_table,
    incident_table,
    plot_confusion,
    plot_curves,
    plot_heatmap,
    plot_importances,
    plot_point_adjusted,
    plot_roc,
    plot_timeline,
    score_table,
    stage_output,
    write_metrics,
    write_report,
)

# What an encoder emits of single channels; the total is no channel.
_ERRORS = r"^error_"
# Splits whose rows the detector knows.
_SEEN = {
    "train": "the detector was trained on these rows",
    "val": "the threshold was chosen on these rows",
}


def run(args):
    """Score the tracks of a split one by one, and report on them.

    Parameters
    ----------
    args : argparse.Namespace
    """
    store = TrackStore.open(args.detector)
    name = "evaluation" if args.split == "test" else f"evaluation_{args.split}"
    out = store.folder / name
    with logged(store.folder, args) as result:
        detector, columns = load_detector(store.folder / DETECTOR)
        if columns.get("store") != store_digest(store):
            raise ValueError(
                f"{store.folder / DETECTOR} was trained on other tracks or splits than "
                "are in the folder now; run skdsn train again."
            )
        chosen = store.tracks[store.tracks["split"] == args.split]
        if not len(chosen):
            raise ValueError(
                f"{store.folder} has no track of split {args.split!r}; its splits are "
                f"{', '.join(sorted(store.tracks['split'].unique()))}."
            )
        _begin(out, store, args.split)
        parts = []
        for number, track in enumerate(chosen.index, 1):
            path = out / "scores" / f"{number:05d}.parquet"
            scored = _read_scores(path)
            if scored is None:
                _score(detector, store[track], path)
                scored = pd.read_parquet(path)
                print(f"{track} ({number} of {counted(len(chosen), 'track')})")
            parts.append(scored)
        table = pd.concat(parts)
        # A rare event, 2, is none to be found.
        y, scores = table["label"].replace(2, 0), table[["score", "anomaly"]]
        report = score_report(
            y,
            scores["anomaly"],
            scores["score"],
            tracks=y,
            baselines=_baselines(store, table),
        )
        report.attrs["split"] = args.split
        if args.split in _SEEN:
            report.attrs["oracle"] = _SEEN[args.split]
            print(f"Oracle: {_SEEN[args.split]}, so expect less elsewhere.")
        print_report(report)
        hit = y.groupby(level=0, sort=False).transform("max") == 1
        hit |= not hit.any()  # without incidents the table is empty
        errors = table[hit].filter(regex=_ERRORS)
        errors = errors if errors.shape[1] else None
        incidents = incident_table(y[hit], scores[hit], errors)
        write_report(out / "report.csv", scores)
        write_metrics(out / "metrics.json", report)
        _write_csv(out / "incidents.csv", incidents)
        _write_csv(out / "alarms.csv", event_table(scores, y))
        try:
            _draw(out / "figures", detector, y, scores)
        except ImportError as error:
            print(f"No figures: {error}")
        result |= report["detector"].round(6).to_dict()
    found = incidents["detected"].sum()
    print(f"\nDetected {found} of {counted(len(incidents), 'incident')}. Wrote {out}.")


def _begin(out, store, split):
    """Drop scores of another detector or split; those of this one need no repeat."""
    scores = out / "scores"
    scores.mkdir(parents=True, exist_ok=True)
    own = (store.folder / DETECTOR).stat()
    source = {"split": split, "detector": [own.st_mtime_ns, own.st_size]}
    note = scores / "source.json"
    try:
        known = json.loads(note.read_text()) == source
    except (OSError, ValueError):
        known = False
    if not known:
        for path in scores.glob("*.parquet"):
            path.unlink()
        with replacing(note) as draft:
            draft.write_text(json.dumps(source))
    for draft in scores.glob(".draft-*"):
        draft.unlink()


def _read_scores(path):
    """Read what an earlier run has scored, or None if it has not, or not in full."""
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError):
        return None


def _score(detector, rows, path):
    """Write the scores of a track, its labels, and the errors of its channels."""
    table = score_table(detector, rows.X)
    table["label"] = rows.y
    table["jump"] = persistence_scores(rows.X)
    # Only of incidents is asked which channels tell of them.
    if rows.y.eq(1).any() and "encode" in inner_estimator(detector).named_steps:
        errors = stage_output(detector, rows.X, "encode").filter(regex=_ERRORS)
        table = table.join(errors)
    with replacing(path) as draft:
        table.to_parquet(draft)


def _baselines(store, table):
    """Flag rows as rules without learning do, as many as the detector does."""
    n_flagged = int(table["anomaly"].sum())
    jumps = table["jump"].to_numpy()
    baselines = {"persistence": (flag_highest(jumps, n_flagged), jumps)}
    lowest, highest = None, None
    for track in store.tracks.index[store.tracks["split"] == "train"]:
        rows = store[track]
        numeric = rows.X[(rows.y < 1).to_numpy()].select_dtypes("number")
        low, high = numeric.min(), numeric.max()
        lowest = low if lowest is None else np.fmin(lowest, low)
        highest = high if highest is None else np.fmax(highest, high)
    if lowest is not None:
        # The range of the training rows is that of their extremes.
        extremes = pd.DataFrame([lowest, highest])
        tested = table.index.get_level_values(0).unique()
        excess = np.concatenate(
            [
                training_range_scores(store[track].X[extremes.columns], extremes)
                for track in tested
            ]
        )
        baselines["training range"] = (excess > RANGE_MARGIN, excess)
    return baselines


def _draw(out, detector, y, scores):
    out.mkdir(exist_ok=True)
    # Scores of an outlier detector are what it has above its threshold.
    threshold = detector.threshold_ if hasattr(detector, "predict_proba") else 0.0
    if threshold > scores["score"].max():  # out of sight
        threshold = None
    figures = {
        "confusion": plot_confusion(y, scores),
        "timeline": plot_timeline(scores, y=y, threshold=threshold),
        "heatmap": plot_heatmap(scores, y=y),
    }
    if y.eq(1).any() and scores["score"].min() < scores["score"].max():
        figures["roc"] = plot_roc(y, scores)
        figures["precision_recall"] = plot_curves(y, scores)
        figures["point_adjusted"] = plot_point_adjusted(y, scores)
    else:
        print("No curves: there is no incident in these tracks, or all score alike.")
    if hasattr(inner_estimator(detector)[-1], "feature_importances_"):
        figures["importances"] = plot_importances(detector)
    for name, ax in figures.items():
        ax.figure.savefig(out / f"{name}.png")


def _write_csv(path, frame):
    with replacing(path) as draft:
        frame.to_csv(draft, index=False)
