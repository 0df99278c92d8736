"""``skdsn demo``."""

from pathlib import Path
from time import perf_counter

import numpy as np
from sklearn.utils import Bunch

from skdsn._core.runs import reduce_runs
from skdsn._files import replacing
from skdsn.cli._detectors import add_up_in_order, folds, make_recipe
from skdsn.cli._print import counted, print_alarms, print_report
from skdsn.datasets import make_dsn_passes
from skdsn.detectors import TunedThresholdDetector
from skdsn.metrics import event_report, find_events
from skdsn.report import (
    event_table,
    plot_curves,
    plot_track,
    score_table,
    write_metrics,
    write_report,
)
from skdsn.tracks import read_tracks

_NEXT = """\
Wrote the passes, incidents.csv, report.csv, metrics.json and figures to {out}.

Try next, and then with your own files:
  skdsn fit {out}/passes.csv --incidents {out}/incidents.csv \
{options} --out {out}/detector.pkl
  skdsn evaluate {out}/detector.pkl {out}/new_passes.csv \
--incidents {out}/incidents.csv
  skdsn score {out}/detector.pkl {out}/new_passes.csv --out {out}/new_report.csv"""


def run(args):
    """Simulate passes, fit, report, and write everything to a folder.

    Parameters
    ----------
    args : argparse.Namespace
    """
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    passes = make_dsn_passes(
        args.n_tracks,
        mission=args.mission,
        n_rows=args.n_rows,
        random_state=args.seed,
    )
    # The time is in the index; as a channel it always leaves its training range.
    of_time = passes.columns.index[passes.columns["kind"] == "time"]
    X, y = passes.X.drop(columns=of_time), passes.y
    print(
        f"Simulated {counted(args.n_tracks, 'track')} of {args.mission} passes: "
        f"{counted(len(X), 'row')}, {counted(X.shape[1], 'column')}, "
        f"{counted(len(passes.incidents), 'incident')}."
    )
    # Both bands of a pass stay on one side.
    data = Bunch(groups=passes.tracks.set_index("track")["pass_id"], train_only=())
    train, test = next(folds(data, 3, random_state=args.seed).split(X, y))
    _write_table(out / "passes.csv", X.iloc[train])
    _write_table(out / "new_passes.csv", X.iloc[test])
    _write_table(out / "incidents.csv", passes.incidents, index=False)

    print(
        f"Fitting on {counted(len(read_tracks(X.iloc[train])), 'track')}, the "
        "threshold on parts of them held out in turn ...",
        flush=True,
    )
    begin = perf_counter()
    detector = TunedThresholdDetector(make_recipe(args), cv=folds(data, 3))
    add_up_in_order(detector.fit(X.iloc[train], y.iloc[train]))
    print(f"Fitted in {perf_counter() - begin:.0f} s.\n")

    X_test, y_test = X.iloc[test], y.iloc[test]
    print("On the tracks that were not used for fitting:\n")
    report = event_report(detector, X_test, y_test, X_train=X.iloc[train])
    print_report(report)
    scores = score_table(detector, X_test)
    print("\nAlarms:\n")
    print_alarms(event_table(scores, y_test))
    write_report(out / "report.csv", scores)
    write_metrics(out / "metrics.json", report)
    print()
    try:
        _draw(out, X_test, y_test, scores, passes.incidents)
    except ImportError as error:
        print(f"No figures: {error}")
    options = f"--recipe {args.recipe} --epochs {args.epochs}"
    print(_NEXT.format(out=out, options=options))


def _write_table(path, frame, **options):
    with replacing(path) as draft:
        frame.to_csv(draft, **options)


def _draw(out, X, y, scores, incidents):
    """Draw a detected incident, a missed one, and the curve of all rows."""
    plot_curves(y, scores).figure.savefig(out / "precision_recall.png")
    events = find_events(y)
    hit = reduce_runs(
        scores["anomaly"].to_numpy(), events["start"], events["stop"], np.maximum
    )
    for name, value in (("detected", 1), ("missed", 0)):
        if not (hit == value).any():
            print(f"No figure of a {name} incident: there is none.")
            continue
        event = events[hit == value].iloc[0]
        incident = incidents[
            (incidents["track"] == event["track"])
            & (incidents["INCIDENT_START_TIME_DT"] <= event["end_time"])
            & (incidents["INCIDENT_END_TIME_DT"] >= event["start_time"])
        ].iloc[0]
        figure = plot_track(
            X, scores, event["track"], y=y, channels=incident["channels"].split()[:4]
        )
        figure.suptitle(f"{name}: {incident['kind'].replace('_', ' ')}")
        figure.savefig(out / f"{name}.png")
