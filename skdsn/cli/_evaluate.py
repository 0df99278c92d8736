"""``skdsn evaluate``."""

from pathlib import Path

from skdsn.cli._detectors import load_detector
from skdsn.cli._print import print_report
from skdsn.cli._read import need_labels, read_data, read_telemetry
from skdsn.cli._targets import check_targets
from skdsn.metrics import event_report
from skdsn.report import write_metrics


def run(args):
    """Print, and perhaps write, the figures of a saved detector.

    Parameters
    ----------
    args : argparse.Namespace
    """
    if Path(args.detector).is_dir():
        from skdsn.cli import _evaluate_store

        _evaluate_store.run(args)
        return
    if args.telemetry is None:
        raise ValueError("Name the telemetry to compare with labels: TELEMETRY.")
    inputs = {
        "detector": args.detector,
        "telemetry": args.telemetry,
        "table of incidents": args.incidents,
        "telemetry of --train": args.train,
    }
    check_targets({"--json": args.json}, inputs)
    detector, columns = load_detector(args.detector)
    data = read_data(args, columns)
    need_labels(args, data.y, learn=False)
    tested = ~data.X.index.get_level_values(0).isin(data.train_only)
    X = data.X[tested]
    X_train = None
    if args.train:
        X_train = read_telemetry(args.train, data.track, data.time)
        known = [column for column in X.columns if column in X_train.columns]
        X_train = X_train[known]
    report = event_report(detector, X, data.y[tested], X_train=X_train)
    if not data.timed:
        report.loc["false_alarms_per_day"] = float("nan")
    print_report(report)
    if args.json:
        write_metrics(args.json, report)
        print(f"Wrote {args.json}")
