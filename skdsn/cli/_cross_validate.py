"""``skdsn cross-validate``."""

from skdsn.cli._detectors import folds, make_recipe, naming_options, tune
from skdsn.cli._print import counted, print_report
from skdsn.cli._read import need_labels, read_data
from skdsn.cli._targets import check_targets
from skdsn.model_selection import WithinTrackChronologicalSplit, cross_val_report
from skdsn.report import write_metrics, write_report
from skdsn.report._files import check_suffix
from skdsn.tracks import read_tracks


def run(args):
    """Cross-validate a recipe and print the pooled figures.

    Parameters
    ----------
    args : argparse.Namespace
    """
    inputs = {"telemetry": args.telemetry, "table of incidents": args.incidents}
    check_targets({"--json": args.json, "--out": args.out}, inputs)
    if args.out:
        check_suffix(args.out)
    data = read_data(args)
    need_labels(args, data.y, learn=True)
    n_tracks = len(read_tracks(data.X))
    single = n_tracks == 1  # which is split in time
    inner = args.folds if single else folds(data, args.folds)
    detector = tune(make_recipe(args), args, inner)
    print(
        f"Testing {counted(n_tracks - len(data.train_only), 'track')} "
        f"in {args.folds} folds, {counted(len(data.X), 'row')} in all; the detector is "
        f"fitted {args.folds * (args.folds + 1)} times ...",
        flush=True,
    )
    shuffled = args.seed if args.spacecraft else None
    cv = (
        WithinTrackChronologicalSplit(args.folds)
        if single
        else folds(data, args.folds, random_state=shuffled)
    )
    with naming_options():
        report, scores = cross_val_report(
            detector,
            data.X,
            data.y,
            cv=cv,
            range_from=data.range_from,
            return_scores=True,
        )
    if not data.timed:
        report.loc["false_alarms_per_day"] = float("nan")
    print_report(report)
    if args.json:
        write_metrics(args.json, report)
        print(f"Wrote {args.json}")
    if args.out:
        write_report(args.out, scores)
        print(f"Wrote {args.out}")
