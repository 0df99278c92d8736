"""``skdsn fit``."""

from time import perf_counter

from skdsn.cli._detectors import (
    LABEL_FREE,
    UNLABELLED,
    add_up_in_order,
    check_detector_target,
    folds,
    make_recipe,
    naming_options,
    save_detector,
    tune,
)
from skdsn.cli._print import counted
from skdsn.cli._read import need_labels, read_data, telemetry_columns
from skdsn.cli._targets import check_targets
from skdsn.tracks import read_tracks


def run(args):
    """Fit a detector and save it.

    Parameters
    ----------
    args : argparse.Namespace
    """
    inputs = {"telemetry": args.telemetry, "table of incidents": args.incidents}
    check_targets({"--out": args.out}, inputs)
    check_detector_target(args.out)
    data = read_data(args)
    if args.recipe not in UNLABELLED:
        need_labels(args, data.y, learn=True)
    anomalous = data.y is not None and (data.y == 1).any()
    tuned = args.tune and anomalous and args.recipe not in LABEL_FREE
    n_tracks = len(read_tracks(data.X))
    detector = make_recipe(args)
    if tuned:
        # A single track is split in time, which a splitter of tracks cannot do.
        cv = args.folds if n_tracks == 1 else folds(data, args.folds)
        detector = tune(detector, args, cv)
    known = "no labels"
    if data.y is not None:
        known = f"{(data.y == 1).mean():.2%} of the rows are anomalous"
    if not anomalous and args.recipe not in LABEL_FREE:
        known += ", so whatever is unusual will be flagged"
    print(
        f"Fitting on {counted(len(data.X), 'row')} of {counted(n_tracks, 'track')}, "
        f"{counted(data.X.shape[1], 'column')}; {known} ...",
        flush=True,
    )
    begin = perf_counter()
    with naming_options("--no-tune"):
        detector.fit(data.X, data.y)
    print(f"Fitted in {perf_counter() - begin:.0f} s.")
    if tuned:
        print(f"Rows are flagged where the score exceeds {detector.threshold_:.6g}.")
    save_detector(args.out, add_up_in_order(detector), telemetry_columns(args))
    print(f"Saved {args.out}. Next: skdsn score {args.out} TELEMETRY")
