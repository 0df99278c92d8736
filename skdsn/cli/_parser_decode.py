"""The command for raw downlink, and its options."""

import math

from skdsn.cli._options import add_json

_DECODE = """\
Decode transfer frames, or space packets, to telemetry that every other command takes.

FRAMES are files of frames, in the order of time: raw ones (.u8, .raw, .bin, ...), KISS
(.kiss) or CSV with hex digits, each also with .gz. SPEC is a YAML file with the managed
parameters of the frames, DEFS a folder with packets.yaml and a CSV file per kind of
packet, one CSV file of fields, or an XTCE file. --mission takes both from a mission
that skdsn knows. Without --spec, FRAMES hold space packets one after another.

Rows are times, columns the fields of all kinds of packets; a pass without packets for
longer than --max-gap ends a track. All columns of the kinds wanted are written, so a
day without packets of a kind has the columns of any other. Labels and text (but see
--labels), bytes, fields that tell kinds or times, and arrays whose length differs from
packet to packet are left out, and named. What was not used is counted, by reason.

Raw and KISS files are read piece by piece, in constant memory; a CSV file is held as a
whole, since its frames must be sorted by time.
"""


def add_decode(add):
    """Add the command ``decode``.

    Parameters
    ----------
    add : callable
        Takes a name, a summary and a description; returns the parser of the command.
    """
    decode = add("decode", "decode CCSDS frames or packets to telemetry", _DECODE)
    decode.add_argument("frames", metavar="FRAMES", nargs="+")
    decode.add_argument("--spec", metavar="SPEC", help="YAML file of the frames")
    decode.add_argument("--packets", metavar="DEFS", help="definitions of the packets")
    decode.add_argument(
        "--mission", metavar="NAME", help="in place of --spec and --packets"
    )
    decode.add_argument(
        "--out",
        required=True,
        metavar="FILE",
        help="telemetry to write, .parquet, .csv or .csv.gz",
    )
    decode.add_argument(
        "--format",
        choices=["raw", "kiss", "csv"],
        help="of FRAMES (default: by the suffix)",
    )
    decode.add_argument(
        "--kind",
        action="append",
        metavar="KIND",
        help="take packets of this kind only; may be given more than once",
    )
    decode.add_argument(
        "--time",
        choices=["received", "onboard"],
        help="which time the rows get (default: on board, where a definition says how)",
    )
    decode.add_argument(
        "--start", metavar="TIME", help="UTC of the first frame, if FRAMES do not say"
    )
    decode.add_argument(
        "--period",
        type=_seconds,
        metavar="T",
        help="time from frame to frame: seconds, or with a unit such as 800ms",
    )
    decode.add_argument(
        "--copies",
        choices=["station_count", "majority", "first"],
        help="which copy of a frame that came more than once: of the station with the "
        "most frames, what most copies say, or the first (default: station_count)",
    )
    decode.add_argument(
        "--prefix",
        type=int,
        default=0,
        metavar="N",
        help="bytes before each packet, in FRAMES that hold packets (default: 0)",
    )
    decode.add_argument(
        "--on-error",
        choices=["raise", "stop"],
        default="raise",
        help="where no packet can begin, in FRAMES that hold packets: refuse the file, "
        "or use what came before (default: %(default)s)",
    )
    decode.add_argument(
        "--labels",
        action="store_true",
        help="keep labels, text and bytes too (bytes as hex digits in CSV)",
    )
    decode.add_argument(
        "--drop-empty",
        action="store_true",
        help="leave columns without any value out",
    )
    decode.add_argument(
        "--import",
        dest="modules",
        action="append",
        default=[],
        metavar="MODULE",
        help="Python module to import first, such as one that registers calibrations; "
        "may be given more than once",
    )
    decode.add_argument(
        "--max-gap",
        type=_seconds,
        default="1h",
        metavar="GAP",
        help="longest time without packets within a track: seconds, or with a unit "
        "(default: %(default)s)",
    )
    decode.add_argument(
        "--hold",
        type=_seconds,
        default="1min",
        metavar="T",
        help="how much older than those before it a packet may be, where times are "
        "those on board; what comes in this time is held in memory (default: "
        "%(default)s)",
    )
    add_json(decode)


def _seconds(text):
    """Read a plain number as seconds; leave the rest to who knows units."""
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else text
