"""The commands and their options, in words."""

import argparse

from skdsn import __version__

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
  skdsn fit passes.csv --incidents incidents.csv --out detector.pkl
  skdsn evaluate detector.pkl later.csv --incidents incidents.csv
  skdsn score detector.pkl new.csv --out report.csv
"""

_PICKLE = """\
A detector file is a Python pickle, and reading a pickle can run any code that is in
it: use only detector files that you trust.
"""

_DEMO = """\
Simulate station passes with incidents, fit the detector on two thirds of them, and
show what it finds in the others, beside what chance finds.

OUT then holds the passes and incidents as CSV files, to try the other commands on;
report.csv, a score per row; metrics.json; and, if matplotlib is installed, figures.
"""

_FIT = f"""\
Fit a detector on telemetry, labelled or quiet, and save it.

Labels come from a 0/1 column of the file (1 = anomalous, -1 = unlabelled), or from a
table of incidents with a start and an end time, and a track if it is known. The
alarm threshold is chosen on tracks that are held out in turn. Without labels,
--recipe housekeeping learns what is normal from quiet telemetry, channel by channel.

The file remembers the names given with --track, --time, --drop and --labels, so that
score and evaluate need not be told again.

{_PICKLE}"""

_SCORE = f"""\
Score every row and flag those above the threshold of the detector.

The report has a row for each row of the telemetry: track, time, score (higher = more
anomalous) and anomaly (0 or 1).

{_PICKLE}"""

_EVALUATE = f"""\
Compare what a detector flags with labels, beside what chance and rules without
learning reach. Use tracks that the detector was not fitted on.

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
    _add_recipe(demo, epochs=10)

    fit = add("fit", "fit a detector and save it", _FIT)
    fit.add_argument("telemetry", metavar="TELEMETRY")
    fit.add_argument(
        "--out", required=True, metavar="FILE", help="where to save the detector"
    )
    _add_telemetry(fit)
    _add_labels(fit)
    _add_recipe(fit, unlabelled=True)
    _add_threshold(fit)
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
        default="report.csv",
        metavar="FILE",
        help="CSV file to write (default: %(default)s)",
    )
    score.add_argument(
        "--chunk-rows",
        type=int,
        metavar="N",
        help="score N rows after the other, as they would come in from a station; the "
        "scores are the same",
    )
    _add_telemetry(score, remembered=True)

    evaluate = add("evaluate", "compare a saved detector with labels", _EVALUATE)
    evaluate.add_argument("detector", metavar="DETECTOR")
    evaluate.add_argument("telemetry", metavar="TELEMETRY")
    evaluate.add_argument(
        "--train",
        metavar="FILE",
        help="telemetry that the detector was fitted on; adds the baseline that flags "
        "what leaves its range",
    )
    _add_telemetry(evaluate, remembered=True)
    _add_labels(evaluate)
    _add_json(evaluate)

    cross = add("cross-validate", "test a recipe on held-out tracks", _CROSS_VALIDATE)
    cross.set_defaults(command="cross_validate")
    cross.add_argument("telemetry", metavar="TELEMETRY")
    _add_telemetry(cross)
    _add_labels(cross)
    _add_recipe(cross)
    _add_threshold(cross)
    _add_json(cross)
    cross.add_argument(
        "--out", metavar="FILE", help="also write the held-out scores to a CSV file"
    )
    return parser


def _add_telemetry(parser, remembered=False):
    group = parser.add_argument_group("telemetry")
    track = "track, if there is one; without, the file is one track"
    kept = "as given to fit, else " if remembered else ""
    group.add_argument(
        "--track",
        metavar="COLUMN",
        help=f"column of the track id (default: {kept}{track})",
    )
    group.add_argument(
        "--time",
        metavar="COLUMN",
        help=f"column of the time: dates (UTC), or seconds (default: {kept}time)",
    )
    group.add_argument(
        "--drop",
        metavar="COLUMN",
        action="append",
        default=[],
        help="leave a column out; may be repeated"
        + (", and adds to those given to fit" if remembered else ""),
    )
    group.add_argument(
        "--spacecraft",
        choices=["SMAP", "MSL"],
        help="TELEMETRY is the SMAP/MSL set as published with telemanom, a folder or "
        "an archive; take the channels of this spacecraft, with their labels",
    )
    group.add_argument(
        "--channels",
        metavar="A-1,B-1,...",
        help="with --spacecraft: only these channels",
    )


def _add_labels(parser):
    group = parser.add_argument_group("labels")
    either = group.add_mutually_exclusive_group()
    either.add_argument(
        "--labels", metavar="COLUMN", help="column of the telemetry with 0 and 1"
    )
    either.add_argument(
        "--incidents", metavar="FILE", help="table of incidents, CSV or Parquet"
    )
    group.add_argument(
        "--incident-start",
        metavar="COLUMN",
        default="INCIDENT_START_TIME_DT",
        help="column of the incidents' first instant (default: %(default)s)",
    )
    group.add_argument(
        "--incident-end",
        metavar="COLUMN",
        default="INCIDENT_END_TIME_DT",
        help="column of their last instant (default: %(default)s)",
    )
    group.add_argument(
        "--incident-track",
        metavar="COLUMN",
        default="track",
        help="column of their track; an incident without one concerns all tracks at "
        "its time (default: %(default)s)",
    )
    for side in ("start", "end"):
        group.add_argument(
            f"--open-{side}",
            choices=["raise", "drop", "track"],
            default="raise",
            help=f"what an incident without {side} means: an error, no label, or the "
            "border of the track (default: raise)",
        )


def _add_recipe(parser, epochs=None, *, unlabelled=False):
    group = parser.add_argument_group("detector")
    also = "; housekeeping, which learns from quiet telemetry without labels"
    group.add_argument(
        "--recipe",
        choices=["dsn", "mro", "jwst", *(["housekeeping"] if unlabelled else [])],
        default="dsn",
        help="dsn, for any mission; mro and jwst, as published for these missions "
        f"(slower){also if unlabelled else ''} (default: %(default)s)",
    )
    group.add_argument(
        "--epochs",
        type=int,
        default=epochs,
        metavar="N",
        help="at most so many rounds of training of the network (default: "
        f"{epochs or 'of the recipe'})",
    )
    group.add_argument(
        "--set",
        dest="overrides",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="parameter of the recipe (fit_stride=5) or of one of its steps "
        "(encode__hidden_size=32, smote=passthrough); may be repeated",
    )
    group.add_argument(
        "--seed", type=int, default=0, metavar="N", help="default: %(default)s"
    )
    group.add_argument(
        "--jobs",
        type=int,
        default=1,
        metavar="N",
        help="cores for the forest; -1 takes all (default: %(default)s)",
    )


def _add_threshold(parser):
    group = parser.add_argument_group("threshold and folds")
    group.add_argument(
        "--folds",
        type=int,
        default=3,
        metavar="N",
        help="parts that the tracks are dealt into (default: %(default)s)",
    )
    group.add_argument(
        "--objective",
        choices=["event", "overlap", "point_adjusted", "row", "false_alarms"],
        default="event",
        help="choose the threshold for the best F1 of this kind, or for at most "
        "--max-false-alarms (default: %(default)s)",
    )
    group.add_argument(
        "--max-false-alarms",
        type=float,
        default=1.0,
        metavar="N",
        help="false alarms per day of telemetry, for --objective false_alarms "
        "(default: %(default)s)",
    )


def _add_json(parser):
    parser.add_argument(
        "--json", metavar="FILE", help="also write the figures to a JSON file"
    )
