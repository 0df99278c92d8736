"""The command for the feed of DSN Now, and its options."""

_WATCH = """\
Watch NASA's public feed of the stations of the Deep Space Network, "DSN Now": what each
dish does, and when links come and go.

In a terminal the table is drawn anew with each answer; elsewhere only what changes is
printed, a line each. --folder also records the answers: the raw documents first, and
tables beside them. A recording goes on where it was stopped, also by force. The package
requests is needed, but for --replay.

--detector scores each link as it goes, and prints alarms. It must have been fitted on
telemetry as skdsn.dsn_now.to_telemetry makes it of a recording. A detector file that
does not end in .skops is a Python pickle, and reading a pickle can run any code that is
in it: use only detector files that you trust.
"""


def add_watch(add):
    """Add the command ``watch``.

    Parameters
    ----------
    add : callable
        Takes a name, a summary and a description; returns the parser of the command.
    """
    watch = add("watch", "watch and record the DSN Now feed", _WATCH)
    watch.add_argument("--folder", metavar="RECORDING", help="record into this folder")
    watch.add_argument(
        "--interval",
        type=float,
        default=30.0,
        metavar="S",
        help="seconds between questions, at least 5 (default: %(default)s)",
    )
    watch.add_argument(
        "--detector", metavar="FILE", help="score the links with a saved detector"
    )
    watch.add_argument(
        "--replay",
        metavar="FOLDER",
        help="take a recording in place of the feed, as fast as it goes",
    )
    watch.add_argument("--once", action="store_true", help="ask once, show the table")
    watch.add_argument(
        "--debounce",
        default="60s",
        metavar="T",
        help="how long a new state must hold to count (default: %(default)s)",
    )
    watch.add_argument(
        "--url", metavar="URL", help="address of the feed (default: that of NASA)"
    )
