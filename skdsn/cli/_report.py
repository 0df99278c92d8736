"""``skdsn report``."""

import pandas as pd

from skdsn.cli._print import counted
from skdsn.cli._read import read_telemetry
from skdsn.cli._tables import read_names
from skdsn.cli._targets import check_targets
from skdsn.report import window_report, write_report
from skdsn.report._files import check_suffix


def run(args):
    """Sum up a table of scores in blocks of rows.

    Parameters
    ----------
    args : argparse.Namespace
    """
    check_targets({"--out": args.out}, {"table of scores": args.scores})
    check_suffix(args.out)
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
    for name in ("score", "anomaly"):
        _refuse_text(scores[name], path)
    return scores


def _refuse_text(column, path):
    if pd.api.types.is_numeric_dtype(column.dtype):
        return
    known = column.notna().to_numpy()
    strange = known & pd.to_numeric(column, errors="coerce").isna().to_numpy()
    if strange.any():
        row = int(strange.argmax())
        raise ValueError(
            f"Column {column.name!r} of {path} holds {column.iloc[row]!r} in row "
            f"{row}, which is no number; mend that row."
        )


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
