"""``skdsn report``."""

from skdsn.cli._print import counted
from skdsn.cli._read import read_telemetry
from skdsn.report import window_report, write_report


def run(args):
    """Sum up a table of scores in blocks of rows.

    Parameters
    ----------
    args : argparse.Namespace
    """
    scores = read_telemetry(args.scores)
    report = window_report(scores, args.window, extended=args.extended)
    write_report(args.out, report)
    print_windows(report)
    print(f"Wrote {args.out}")


def print_windows(report, most=10):
    """Print how many blocks are anomalous, and the first of them.

    Parameters
    ----------
    report : DataFrame
        As :func:`skdsn.report.window_report` returns it.
    most : int, default=10
    """
    bad = report[report["status"] == "ANOMALY"]
    print(f"{len(bad):,} of {counted(len(report), 'block')} are anomalous.")
    for line in bad.head(most).itertuples():
        rows = line.indices if len(line.indices) < 60 else line.indices[:57] + "..."
        print(f"  {line.range}: {rows}")
    if len(bad) > most:
        print(f"  ... and {len(bad) - most:,} more")
