"""The missions of the ESA Anomaly Detection Benchmark."""

import re
from numbers import Integral
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from skdsn._sklearn import MAX_GAP, NAMES, Interval, StrOptions, validate_params
from skdsn.datasets._esa_adb_archive import Archive
from skdsn.datasets._esa_adb_exports import open_export
from skdsn.datasets._esa_adb_missions import (
    get_mission,
    number_of,
    read_period,
    read_step,
)
from skdsn.datasets._esa_adb_tables import (
    CATEGORIES,
    clip_labels,
    read_channels,
    read_events,
    read_labels,
    read_telecommands,
)
from skdsn.resampling import ResampleHold

__all__ = ["load_esa_adb"]

_CODES = {"Anomaly": 1, "Rare Event": 2, "Communication Gap": -1, "Invalid Segment": -1}
_FOR_LEARNING = 3  # priority of the telecommands that were chosen for it
_PARTS = {"train", "validation", "train+validation", "test"}


@validate_params(
    {
        "fold": [str, Integral, dict, None],
        "part": [StrOptions(_PARTS), None],
        "channels": [str, *NAMES, None],
        "telecommands": [
            "boolean",
            Interval(Integral, 0, 3, closed="both"),
            str,
            *NAMES,
            None,
        ],
        "categories": [dict, None],
        "step": MAX_GAP,
        "counters": [StrOptions({"difference", "raw"})],
        "vocabularies": [dict, None],
        "rescue": ["boolean"],
        "return_channel_labels": ["boolean"],
        "allow_pickle": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def load_esa_adb(
    folder,
    mission="Mission1",
    *,
    fold=None,
    part=None,
    channels=None,
    telecommands=None,
    start=None,
    end=None,
    step=None,
    max_hold=None,
    rescue=True,
    counters="difference",
    categories=None,
    vocabularies=None,
    metadata=None,
    return_channel_labels=False,
    allow_pickle=False,
):
    r"""Load a mission of the ESA Anomaly Detection Benchmark at regular times.

    Parameters
    ----------
    folder : str or path-like
        One of

        * a mission as it was published: ``channels/``, ``telecommands/``,
          ``channels.csv``, ``labels.csv``, ...;
        * what the benchmark prepares from it: ``84_months.train.csv``, ...;
        * the Kaggle edition of Mission1: ``train.parquet`` and ``test.parquet``;

        or the path of such a CSV or Parquet file.
    mission : {"Mission1", "Mission2", "Mission3"}, default="Mission1"
    fold : str, int or dict, default=None
        Training part of the benchmark, such as ``"84_months"`` or 84, or what
        :func:`esa_adb_folds` has for one. None loads the time from `start` to `end`.
    part : {"train", "validation", "train+validation", "test"}, default=None
        Part of the fold; None is ``"train"``. Without a fold, ``"train"`` or ``"test"``
        chooses between files that are resampled already.
    channels : {"targets", "lightweight"}, str or list of str, default=None
        All channels when None; the benchmark's lightweight subset is channels 41-46 of
        Mission1 and 18-28 of Mission2.
    telecommands : bool, int, str or list of str, default=None
        True: those of priority 3; an integer: of this priority or above; False: none.
        None is True, but False with ``channels="lightweight"``.
    start, end : time, default=None
        First and last row, both included; by default those of the fold, or of the
        telemetry, beyond which there are no rows.
    step : float, str or timedelta, default=None
        Time between rows, in seconds; None is 30 for Mission1 and 18 for Mission2.
    max_hold : float, str or timedelta, default=None
        See :class:`skdsn.resampling.ResampleHold`.
    rescue : bool, default=True
        Whether an anomaly or rare event on a sample that no row would show is shown
        instead of a nominal sample that follows, as in the benchmark.
    counters : {"difference", "raw"}, default="difference"
        What to make of the counters, channels 4-11 of Mission1 and 29-46 of Mission2;
        see :func:`skdsn.resampling.difference_counter`.
    categories : dict of str to int, default=None
        Row label of some categories of events instead of ``{"Anomaly": 1, "Rare
        Event": 2, "Communication Gap": -1, "Invalid Segment": -1}``.
    vocabularies : dict of str to list of str, default=None
        Texts of some channels, in the order of their codes, as loaded before. By
        default they are learnt from the training part of the fold, without one from
        the time up to `end`. Other texts have the code -1.
    metadata : str or path-like, default=None
        Folder of ``channels.csv``, ``labels.csv``, ...; None is `folder`.
    return_channel_labels : bool, default=False
    allow_pickle : bool, default=False
        Reading a pickle, as missions are published, can run code: give True only for
        files that you trust.

    Returns
    -------
    Bunch
        X : DataFrame of float32, shape (n_rows, n_columns)
            Indexed by ``time`` (UTC). Channels in the order of their numbers, then
            telecommands: 1 where one was executed since the row before. NaN before the
            first sample of a channel.
        y : Series of int8
            1 = anomaly, 2 = rare nominal event, -1 = communication gap, invalid, or no
            target channel has a sample yet, 0 = nominal: the first of these that a
            target channel among those loaded has.
        labels : DataFrame
            ``ID, Channel, StartTime, EndTime, Category`` and what else is told of the
            event, a row for each interval on a loaded channel that meets the rows; as
            :func:`skdsn.metrics.esa_adb_scores` takes it. Not cut to the rows, but
            an end after 2262, of an event that is still open, is 2262-04-11. Empty
            where `metadata` has no labels.
        channel_labels : DataFrame of int8, shape (n_rows, n_channels)
            With `return_channel_labels`: the label of the sample shown, coded as `y`.
        targets, commands : list of str
            Target channels and telecommands among the columns.
        subsystems : dict of str to str
            Of the loaded channels.
        vocabularies : dict of str to list of str
            Of the loaded channels of text.
        channels, telecommands, events : DataFrame or None
            Tables of the mission.
        report : DataFrame
            ``name, problem, count``: what was dropped or repaired.

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    ValueError
        If an argument names what there is not, or a file holds something else.
    ImportError
        If Parquet is to be read without pyarrow.

    See Also
    --------
    esa_adb_folds : The parts of the benchmark.
    skdsn.metrics.esa_adb_scores : Its scores.

    Notes
    -----
    What is resampled here differs from what the benchmark prepares, so that nothing
    is known before its time: counters are differenced backwards, nothing is filled
    backwards, and the codes of texts are learnt from the training part. Rows of a part
    follow those of the part before: the benchmark repeats the last training row as the
    first test row. Of labels of a channel that overlap, the worst counts, there the
    last. Rows in a gap or an invalid segment are labelled so by their time also. CSV
    and Parquet files are read as they are, with forward differences.

    Channels are read one after another: memory is that of ``X``, of one byte for each
    row, and of one channel as it was recorded. Rows of the Kaggle edition have no time
    but a number: row 0 is taken for 2000-01-01.

    References
    ----------
    .. [1] K. Kotowski et al., "European Space Agency benchmark for anomaly detection
       in satellite telemetry", arXiv:2406.17826, 2024.
    .. [2] G. De Canio et al., "ESA Anomaly Dataset", Zenodo, 2024,
       doi:10.5281/zenodo.12528696.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skdsn.datasets import load_esa_adb
    >>> rows = ["timestamp,channel_12,is_anomaly_channel_12",
    ...         "2000-01-01 00:00:00,0.5,0", "2000-01-01 00:00:30,0.9,1"]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "3_months.train.csv").write_text("\n".join(rows))
    ...     mission = load_esa_adb(folder, fold="3_months")
    >>> mission.X
                         channel_12
    time
    2000-01-01 00:00:00         0.5
    2000-01-01 00:00:30         0.9
    >>> mission.y.tolist()
    [0, 1]
    """
    rules = get_mission(mission)
    step = _read_step(rules, step)
    code_of = _read_categories(categories)
    folder = _find_folder(Path(folder), mission)
    tables = folder if folder.is_dir() else folder.parent
    tables = tables if metadata is None else Path(metadata)
    export = None
    if not (folder / "channels").is_dir():
        export = open_export(folder, rules, fold, part)
        if export is None:
            raise FileNotFoundError(
                f"{folder} holds no mission: neither channels/, nor *.train.csv, nor "
                "train.parquet."
            )
    elif not allow_pickle:
        raise ValueError(
            f"{folder} holds pickles, and reading a pickle can run code; if you trust "
            "its origin, give allow_pickle=True."
        )
    elif fold is None and part is not None:
        raise ValueError(f"part={part!r} is a part of a fold; give fold too.")
    period = read_period(mission, fold, part, start, end, step)

    listed = read_channels(tables, required=export is None)
    all_labels = read_labels(tables, listed, required=export is None)
    known = listed.index.tolist() if export is None else export.channels
    targets = _targets(listed, rules, known)
    names = _choose_channels(channels, known, targets, rules)
    if telecommands is None:
        telecommands = not (isinstance(channels, str) and channels == "lightweight")
    asked = telecommands is not False
    commanded = read_telecommands(tables, required=export is None and asked)
    commands = []
    if asked:
        available = commanded.index.tolist() if export is None else export.commands
        commands = _choose_commands(telecommands, available, commanded)
    targets = [name for name in names if name in targets]
    coded = names if return_channel_labels else []
    if export is None:
        learn_until = None
        if fold is not None:
            learn_until = read_period(mission, fold, "train", None, None, step)[1]
        source = Archive(
            folder,
            counters=rules.counters if counters == "difference" else (),
            vocabularies=vocabularies or {},
            learn_until=learn_until,
            texts=_texts(listed, rules),
        )
        hold = ResampleHold(
            step,
            max_hold=max_hold,
            rescue=[CATEGORIES["Anomaly"], CATEGORIES["Rare Event"]] if rescue else (),
        )
        rows = source.read(names, commands, all_labels, targets, period, hold, coded)
        learnt = source.learnt
    else:
        source, learnt = export, {}
        rows = source.read(names, commands, targets, period, step, coded)
    result = Bunch(
        X=rows.X(),
        y=rows.y(code_of),
        labels=clip_labels(all_labels, names, rows.index),
        targets=targets,
        commands=commands,
        subsystems=_subsystems(listed, names),
        vocabularies=learnt,
        channels=listed,
        telecommands=commanded,
        events=read_events(tables),
        report=_report(source.repairs),
    )
    if return_channel_labels:
        result.channel_labels = rows.channel_labels(code_of)
    return result


def _find_folder(folder, mission):
    """Go into the folder of the mission, as its archive unpacks."""
    if not folder.exists():
        raise FileNotFoundError(f"There is no file or folder {folder}.")
    inner = folder / f"ESA-{mission}"
    if inner.is_dir():
        return inner
    home = folder.absolute() if folder.is_dir() else folder.absolute().parent
    named = re.fullmatch(r"(?:ESA-)?(Mission\d+)", home.name)
    if named and named[1] != mission:
        raise ValueError(
            f"{folder} is of {named[1]} by its name, but mission is {mission!r}; give "
            f"mission={named[1]!r}, or rename the folder."
        )
    return folder


def _read_step(rules, step):
    step = rules.step if step is None else step
    if step is None:
        raise ValueError(
            f"The benchmark has no step of {rules.name}; give one, such as step=30."
        )
    return read_step(step)


def _read_categories(categories):
    categories = {} if categories is None else categories
    for name, code in categories.items():
        if name not in _CODES:
            raise ValueError(
                f"categories may name {', '.join(map(repr, _CODES))}; got {name!r}."
            )
        if not isinstance(code, Integral) or not -128 <= code <= 127:
            raise ValueError(
                f"categories must give {name!r} an integer from -128 to 127; got "
                f"{code!r}."
            )
    return _CODES | categories


def _targets(listed, rules, known):
    """Channels whose events are to be found."""
    if listed is not None:
        return set(listed.index[listed["Target"] == "YES"])
    if not rules.targets:
        return set(known)
    return {f"channel_{number}" for number in rules.targets}


def _texts(listed, rules):
    """Channels that may hold text; None is all, where nobody tells."""
    if "Categorical" in listed:
        return set(listed.index[listed["Categorical"] == "YES"])
    return set() if rules.name == "Mission1" else None


def _choose_channels(channels, known, targets, rules):
    if channels is None:
        return known
    if isinstance(channels, str) and channels == "targets":
        names = [name for name in known if name in targets]
    elif isinstance(channels, str) and channels == "lightweight":
        if not rules.lightweight:
            raise ValueError(
                f"The benchmark has no lightweight subset of {rules.name}; name "
                "channels instead."
            )
        names = [f"channel_{number}" for number in rules.lightweight]
    else:
        names = channels
    return _known_names(names, known, "channels")


def _choose_commands(telecommands, known, table):
    if isinstance(telecommands, Integral | np.bool_):
        lowest = _FOR_LEARNING if telecommands is True else int(telecommands)
        if table is None:  # files that are resampled already have only those
            return known
        return [n for n in known if n in table.index and table.Priority[n] >= lowest]
    return _known_names(telecommands, known, "telecommands")


def _known_names(names, known, kind):
    """Put names in the order of their numbers."""
    names = [names] if isinstance(names, str) else list(dict.fromkeys(names))
    unknown = [name for name in names if name not in known]
    if unknown:
        shown = ", ".join(known[:5]) + (", ..." if len(known) > 5 else "")
        raise ValueError(
            f"There is no {unknown[0]!r} among the {kind} of the mission, which are "
            f"{shown or 'none'}."
        )
    if not names and kind == "channels":
        raise ValueError("channels names none; name at least one, or leave it out.")
    return sorted(names, key=number_of)


def _subsystems(listed, names):
    if listed is None:
        return {}
    return listed["Subsystem"].reindex(names).dropna().to_dict()


def _report(repairs):
    rows = [(name, problem, count) for (name, problem), count in repairs.items()]
    table = pd.DataFrame(rows, columns=["name", "problem", "count"])
    return table.astype({"name": "str", "problem": "str", "count": "int64"})
