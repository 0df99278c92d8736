"""Groups of options that commands share."""

import math
from pathlib import Path


def add_telemetry(parser, remembered=False):
    """Add the options of telemetry files."""
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


def add_labels(parser):
    """Add the options of labels."""
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
    add_open(group)


def add_open(parser, default="raise"):
    """Add the options of open incidents."""
    for side in ("start", "end"):
        parser.add_argument(
            f"--open-{side}",
            choices=["raise", "drop", "track"],
            default=default,
            help=f"what an incident without {side} means: an error, no label, or the "
            "border of the track (default: %(default)s)",
        )


def add_recipe(parser, epochs=None, *, unlabelled=False):
    """Add the options of the recipe."""
    group = parser.add_argument_group("detector")
    also = "; housekeeping, which needs no labels either, channel by channel"
    group.add_argument(
        "--recipe",
        choices=["dsn", "mro", "jwst", "esa"]
        + (["housekeeping"] if unlabelled else []),
        default="dsn",
        help="dsn, for any mission; mro and jwst, as published for these missions "
        "(slower); esa, for housekeeping telemetry, which learns from quiet telemetry "
        f"where it has no labels{also if unlabelled else ''} (default: %(default)s)",
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


def add_folds(parser):
    """Add the option of the folds."""
    parser.add_argument(
        "--folds",
        type=int,
        default=3,
        metavar="N",
        help="parts that the tracks are dealt into (default: %(default)s)",
    )


def add_threshold(parser):
    """Add the options of the threshold."""
    group = parser.add_argument_group("threshold")
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


def add_smooth(parser):
    """Add the option of smoothing."""
    parser.add_argument(
        "--smooth",
        type=float,
        default=60.0,
        metavar="S",
        help="half-life in seconds of the mean that scores are smoothed by; 0 for none "
        "(default: %(default)s)",
    )


def add_json(parser):
    """Add the options of a JSON file."""
    parser.add_argument(
        "--json", metavar="FILE", help="also write the figures to a JSON file"
    )


# Lowest and highest value of options that a command would otherwise find wrong late.
_RANGES = {
    "anomalous_share": (0, 1),
    "chunk_rows": (1, 1e9),
    "epochs": (1, math.inf),
    "max_false_alarms": (0, math.inf),
    "max_rows": (1, math.inf),
    "max_train_rows": (1, math.inf),
    "min_rows": (1, math.inf),
    "padding": (0, 1e9),
    "search_seed": (0, 2**32 - 1),
    "seed": (0, 2**32 - 1),
    "smooth": (0, 1e9),
    "timeout": (0, math.inf),
    "train_rows": (1, math.inf),
    "trials": (1, math.inf),
    "window": (1, math.inf),
}


def check_numbers(args):
    """Refuse numbers that make no sense before any work is done.

    Parameters
    ----------
    args : argparse.Namespace
    """
    for name, (lowest, highest) in _RANGES.items():
        value = getattr(args, name, None)
        if value is not None and not lowest <= value <= highest:
            upper = "" if math.isinf(highest) else f" and at most {highest:g}"
            given = value if isinstance(value, int) else f"{value:g}"
            raise ValueError(
                f"--{name.replace('_', '-')} must be at least {lowest:g}{upper}; got "
                f"{given}."
            )
    if getattr(args, "jobs", None) == 0:
        raise ValueError("--jobs must be a number of cores, or -1 for all; got 0.")
    if getattr(args, "channels", None) and not args.spacecraft:
        raise ValueError("--channels goes with --spacecraft; see --drop for columns.")
    if args.command == "score" and args.extended and not args.report:
        raise ValueError("--extended goes with --report.")
    if getattr(args, "gap", 0) and args.split != "forward":
        raise ValueError("--gap goes with --split forward.")
    share = getattr(args, "anomalous_share", None)
    if share is not None and args.max_train_rows is None:
        raise ValueError("--anomalous-share goes with --max-train-rows.")
    if hasattr(args, "raw") and Path(args.raw).resolve() == Path(args.out).resolve():
        raise ValueError(f"OUT must be another folder than RAW, {args.raw}.")
