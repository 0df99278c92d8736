"""The commands for the raw files of a mission, and their options."""

from skdsn.cli._options import (
    add_folds,
    add_open,
    add_recipe,
    add_smooth,
    add_threshold,
)

_RAW = """\
JWST: RAW holds chunk_*_mon_JWST.pkl.gz and all_dr_data.csv; MRO: mons.pkl and drs.pkl.
These are pickles, and reading a pickle can run code: --allow-pickle reads them, and
admits nothing but tables. skdsn convert writes them to Parquet once and for all.
"""

_CONVERT = f"""\
Convert the raw files of a mission to Parquet, which needs no trust to be read.

{_RAW}"""

_PREPARE = f"""\
Select, label and split the tracks in the raw files of a mission, one chunk after the
other, and write them to the folder OUT. A run that was stopped goes on where it was.

{_RAW}
OUT then holds
  manifest.json                  the tracks, their splits, the options
  data_files/track_ID.parquet    telemetry and labels (column anomaly) of a track
  quality.csv                    what was left out, mended or missed, and why
  incidents.csv                  the incidents, and how many rows each labelled
  run.log                        begin and end of every command on OUT, as JSON
"""

_TRAIN = """\
Fit a detector on the tracks of the split train, and choose its threshold on those of
the split val. Writes OUT/detector.pkl, which is all that skdsn score needs.

The network is kept in OUT/encoder.checkpoint until the detector is saved, so that a
run that was stopped need not train it again.
"""

_TUNE = """\
Search the parameters of a detector on parts of the split train held out in turn, and
then train it with the best ones, as skdsn train does.

The trials are kept in OUT/study.db: the same command goes on with them, and several
processes may search at a time (each with its own --search-seed). OUT/tuned.json has the
best parameters, which skdsn train takes from there. OUT/detector.pkl is replaced, and
--epochs goes for the search and for the detector.
"""

EVALUATE_STORE = """\
With a folder of skdsn prepare, the tracks of its split test are scored one by one. Its
folder evaluation then holds metrics.json, report.csv (a score per row), incidents.csv
(per incident: detected, delay, peak, responsible channels), alarms.csv and figures.
"""


def add_mission_commands(add):
    """Add the commands convert, prepare, train and tune.

    Parameters
    ----------
    add : callable
        (name, summary, description) to the parser of a new command.
    """
    convert = add("convert", "convert raw files of a mission to Parquet", _CONVERT)
    _add_raw(convert)

    prepare = add("prepare", "select, label and split raw files", _PREPARE)
    _add_raw(prepare)
    _add_selection(prepare)
    _add_splits(prepare)

    train = add("train", "train a detector on a prepared folder", _TRAIN)
    train.add_argument("store", metavar="OUT")
    train.add_argument(
        "--again", action="store_true", help="even if there is a detector already"
    )
    train.add_argument("--max-rows", type=int, metavar="N", help=_ROWS)
    add_recipe(train)
    add_smooth(train)
    add_threshold(train)

    tune = add("tune", "search the parameters of a detector", _TUNE)
    tune.add_argument("store", metavar="OUT")
    group = tune.add_argument_group("search")
    group.add_argument(
        "--trials",
        type=int,
        default=20,
        metavar="N",
        help="of the study in all (default: %(default)s)",
    )
    group.add_argument(
        "--timeout", type=float, metavar="S", help="seconds until the last begin"
    )
    group.add_argument(
        "--max-rows", type=int, default=200_000, metavar="N", help=f"search: {_ROWS}"
    )
    group.add_argument(
        "--train-rows", type=int, metavar="N", help=f"train the best: {_ROWS}"
    )
    group.add_argument(
        "--scoring",
        default="average_precision",
        metavar="METRIC",
        help="what to search for, such as point_adjusted_f1 (default: %(default)s)",
    )
    group.add_argument(
        "--search-seed",
        type=int,
        default=0,
        metavar="N",
        help="of the search; --seed is of the rows and the recipe (default: 0)",
    )
    group.add_argument(
        "--study", metavar="NAME", help="in OUT/study.db (default: the recipe)"
    )
    add_folds(group)
    add_recipe(tune)
    add_smooth(tune)
    add_threshold(tune)


_ROWS = "use whole tracks at random until there are N rows"


def _add_raw(parser):
    parser.add_argument("raw", metavar="RAW", help="folder of the raw files")
    parser.add_argument("out", metavar="OUT", help="folder to write")
    parser.add_argument("--mission", choices=["jwst", "mro"], required=True)
    parser.add_argument(
        "--allow-pickle", action="store_true", help="read pickles, restricted to tables"
    )


def _add_selection(parser):
    group = parser.add_argument_group("selection")
    group.add_argument(
        "--bands", metavar="A,B", help="bands to keep, such as low (default: all)"
    )
    group.add_argument(
        "--trim-elevation",
        action="store_true",
        help="take out the rows of a parked antenna (elevation 90), and cut there",
    )
    group.add_argument(
        "--min-rows",
        type=int,
        metavar="N",
        help="leave out shorter tracks (default: 2000 for jwst, 1 for mro)",
    )
    group.add_argument(
        "--strict",
        action="store_true",
        help="stop at the first thing wrong in a track or an incident, instead of "
        "mending and counting it",
    )
    add_open(group, default="track")
    group.add_argument(
        "--padding",
        type=float,
        default=0.0,
        metavar="S",
        help="widen incidents by S seconds on both sides (default: %(default)s)",
    )


def _add_splits(parser):
    group = parser.add_argument_group("splits")
    group.add_argument(
        "--split",
        choices=["random", "forward"],
        default="random",
        help="70 %% train, 15 %% val, 15 %% test of the passes: dealt out with "
        "incidents in every part, or in the order of time (default: %(default)s)",
    )
    group.add_argument(
        "--gap",
        default=0,
        metavar="TIME",
        help="time between two parts, such as 1D, for --split forward",
    )
    group.add_argument(
        "--max-train-rows",
        type=int,
        metavar="N",
        help="for training, use whole tracks at random until there are N rows; the "
        "others are kept as unused",
    )
    group.add_argument(
        "--anomalous-share",
        type=float,
        metavar="X",
        help="share of these rows for tracks with incidents (default: as it is)",
    )
    group.add_argument(
        "--seed", type=int, default=0, metavar="N", help="default: %(default)s"
    )
