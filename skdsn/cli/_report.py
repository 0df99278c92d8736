"""``skdsn report``."""

from skdsn._files import check_target
from skdsn.cli._print import counted
from skdsn.cli._read import read_telemetry
from skdsn.cli._tables import read_names
from skdsn.report import window_report, write_report


def run(args):
    """Sum up a table of scores in blocks of rows.

    Parameters
    ----------
    args : argparse.Namespace
    """
    check_target(args.out)
    scores = _read_scores(args.scores)
    report = window_report(scores, args.window, extended=args.extended)
    write_report(args.out, report)
    print_windows(report)
    print(f"Wrote {args.out}")


def _read_scores(path):
    """Read a table of scores; the columns before the score are track and time."""
    names = read_names(path)
    before = names[: names.index("score")] if names and "score" in names else []
    track, time = [None, None, *before][-2:]
    known = names is None or (len(before) in (1, 2) and "anomaly" in names)
    scores = read_telemetry(path, track, time) if known else None
    if scores is None or not {"score", "anomaly"} <= set(scores.columns):
        raise ValueError(
            f"{path} is no table of scores, with the columns time, score and anomaly, "
            "and perhaps a track before; skdsn score writes one."
        )
    return scores


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
