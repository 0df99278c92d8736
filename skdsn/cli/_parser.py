"""The commands and their options, in words."""

import argparse

from skdsn import __version__
from skdsn.cli._options import (
    add_folds,
    add_json,
    add_labels,
    add_recipe,
    add_telemetry,
    add_threshold,
)
from skdsn.cli._parser_decode import add_decode
from skdsn.cli._parser_missions import EVALUATE_STORE, add_mission_commands
from skdsn.cli._parser_watch import add_watch

_DESCRIPTION = """\
Anomaly detection for spacecraft telemetry.

Telemetry is a table, one row per time step: CSV (.csv, .csv.gz) or Parquet
(.parquet). One column names the track of a row, such as a station pass, and one its
time; all others are channels, numbers or text. The rows of a track stand together,
in the order of time; a file in another order is refused, never sorted.
"""

_EPILOG = """\
start here:
  skdsn demo                            one minute, on simulated passes
  skdsn COMMAND --help                  options of a command

with your own files:
  skdsn cross-validate passes.csv --incidents incidents.csv
  skdsn fit passes.csv --incidents incidents.csv --out detector.skops
  skdsn evaluate detector.skops later.csv --incidents incidents.csv
  skdsn score detector.skops new.csv --report report.csv

with raw downlink, frames or packets:
  skdsn decode pass.u8 --spec spec.yaml --packets defs/ --out passes.parquet

with the raw files of a mission, each command going on where it was stopped:
  skdsn prepare --mission jwst RAW OUT
  skdsn train OUT
  skdsn evaluate OUT

exit status: 0 done; 2 wrong input; 75 no space, no memory or a locked file: run it
again; 130 or 143 stopped: run it again.
"""

_PICKLE = """\
A detector file *.skops holds data only, and reading it runs no code; it needs the
package skops. With any other suffix it is a Python pickle, and reading a pickle can run
any code that is in it: use only detector files that you trust.
"""

_DEMO = """\
Simulate station passes with incidents, fit the detector on two thirds of them, and
show what it finds in the others, beside what chance finds.

OUT then holds the passes and incidents as CSV files, to try the other commands on;
report.csv, a score per row; metrics.json; and, if matplotlib is installed, figures.
"""

_FIT = f"""\
Fit a detector on telemetry, labelled or quiet, and save it.

Labels come from a column of the file (1 = anomalous, 0 = normal, -1 = unlabelled,
2 = rare but normal, such as a manoeuvre), or from a table of incidents with a start
and an end time, and a track if it is known. The alarm threshold is chosen on tracks
that are held out in turn.

Without labels, --recipe housekeeping learns what is normal from quiet telemetry,
channel by channel, and --recipe esa from all channels at once.

The file remembers the names given with --track, --time, --drop and --labels, so that
score and evaluate need not be told again.

{_PICKLE}"""

_SCORE = f"""\
Score every row and flag those above the threshold of the detector.

The table has a row for each row of the telemetry: track, time, score (higher = more
anomalous) and anomaly (0 or 1). --report writes a shorter one, of blocks of rows: OK
or ANOMALY, and which rows. For a detector of skdsn train, TELEMETRY may also be a
folder of raw files as skdsn prepare takes it.

{_PICKLE}"""

_REPORT = """\
Sum up the scores of rows, as skdsn score writes them, in blocks of rows: whether one is
anomalous, and which rows are, counted from 0.
"""

_EVALUATE = f"""\
Compare what a detector flags with labels, beside what chance and rules without
learning reach. Use tracks that the detector was not fitted on.

{EVALUATE_STORE}
{_PICKLE}"""

_CROSS_VALIDATE = """\
Fit a detector on some of the tracks, test it on the others, in turn, and report on
all of them, beside what chance and rules without learning reach. The threshold is
chosen within each training set.

With --spacecraft, TELEMETRY is the SMAP/MSL set. Every fold learns from the training
parts of all channels and from the labelled test parts of the channels outside the
fold; the test parts of its own channels are tested. Row numbers are no input then,
since in this set they hint at where the anomalies are.
"""


def make_parser():
    """Make the parser of the whole command line.

    Returns
    -------
    argparse.ArgumentParser
    """
    parser = argparse.ArgumentParser(
        prog="skdsn",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"skdsn {__version__}")
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND", title="commands"
    )

    def add(name, summary, description):
        return commands.add_parser(
            name,
            help=summary,
            description=description,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    demo = add("demo", "see it work on simulated passes", _DEMO)
    demo.add_argument(
        "--out", default="skdsn-demo", help="folder to write (default: %(default)s)"
    )
    demo.add_argument("--mission", choices=["MRO", "JWST"], default="MRO")
    demo.add_argument(
        "--n-tracks", type=int, default=40, metavar="N", help="default: %(default)s"
    )
    demo.add_argument(
        "--n-rows",
        type=int,
        default=600,
        metavar="N",
        help="average rows of a track (default: %(default)s)",
    )
    add_recipe(demo, epochs=10)

    fit = add("fit", "fit a detector and save it", _FIT)
    fit.add_argument("telemetry", metavar="TELEMETRY")
    fit.add_argument(
        "--out", required=True, metavar="FILE", help="where to save the detector"
    )
    add_telemetry(fit)
    add_labels(fit)
    add_recipe(fit, unlabelled=True)
    add_folds(fit)
    add_threshold(fit)
    fit.add_argument(
        "--tune",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="choose the threshold on held-out tracks; without it rows are flagged "
        "where the detector's own threshold is passed (default: --tune)",
    )

    score = add("score", "score telemetry with a saved detector", _SCORE)
    score.add_argument("detector", metavar="DETECTOR")
    score.add_argument("telemetry", metavar="TELEMETRY")
    score.add_argument(
        "--out",
        metavar="FILE",
        help="CSV file of scores to write (default: report.csv, or none with --report)",
    )
    score.add_argument(
        "--report", metavar="FILE", help="CSV file of blocks of rows to write"
    )
    _add_window(
        score, "; with the channels, for a detector that tells errors by channel"
    )
    score.add_argument(
        "--chunk-rows",
        type=int,
        metavar="N",
        help="read and score N rows after the other, as they would come in from a "
        "station: for files larger than the memory; the scores are the same, and the "
        "file is read twice",
    )
    score.add_argument(
        "--allow-pickle",
        action="store_true",
        help="read raw files that are pickles, restricted to tables",
    )
    add_telemetry(score, remembered=True)

    report = add("report", "sum up a table of scores in blocks of rows", _REPORT)
    report.add_argument("scores", metavar="SCORES")
    report.add_argument(
        "--out",
        default="window_report.csv",
        metavar="FILE",
        help="CSV file to write (default: %(default)s)",
    )
    _add_window(report, "")

    evaluate = add("evaluate", "compare a saved detector with labels", _EVALUATE)
    evaluate.add_argument(
        "detector", metavar="DETECTOR", help="or the folder that skdsn prepare made"
    )
    evaluate.add_argument("telemetry", metavar="TELEMETRY", nargs="?")
    evaluate.add_argument(
        "--split",
        default="test",
        help="of a prepared folder, the tracks to use (default: %(default)s)",
    )
    evaluate.add_argument(
        "--train",
        metavar="FILE",
        help="telemetry that the detector was fitted on; adds the baseline that flags "
        "what leaves its range",
    )
    add_telemetry(evaluate, remembered=True)
    add_labels(evaluate)
    add_json(evaluate)

    cross = add("cross-validate", "test a recipe on held-out tracks", _CROSS_VALIDATE)
    cross.set_defaults(command="cross_validate")
    cross.add_argument("telemetry", metavar="TELEMETRY")
    add_telemetry(cross)
    add_labels(cross)
    add_recipe(cross)
    add_folds(cross)
    add_threshold(cross)
    add_json(cross)
    cross.add_argument(
        "--out", metavar="FILE", help="also write the held-out scores to a CSV file"
    )
    add_decode(add)
    add_watch(add)
    add_mission_commands(add)
    return parser


def _add_window(command, more):
    command.add_argument(
        "--window",
        type=int,
        default=1000,
        metavar="N",
        help="rows of a block (default: %(default)s)",
    )
    command.add_argument(
        "--extended",
        action="store_true",
        help=f"tell of each block its times, flagged rows and highest score too{more}",
    )
