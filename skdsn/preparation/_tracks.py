"""Select tracks by a table of them: splits, and the budget of rows."""

from itertools import pairwise
from numbers import Real

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state

from skdsn.preparation._report import drop_report
from skdsn.tracks import gap_seconds

FRACTIONS = {"train": 0.7, "val": 0.15, "test": 0.15}
# The split of tracks that are kept and not used.
UNUSED = "unused"


def split_tracks(tracks, fractions=None, *, group="pass_id", random_state=None):
    """Deal the tracks out at random, incidents into every part.

    Passes with incidents and passes without are dealt apart, so that all parts have
    some of both; of fewer than there are parts, no part gets two. The tracks of a
    pass, such as its bands, stay together.

    Parameters
    ----------
    tracks : DataFrame
        Indexed by track id: ``n_anomalous`` rows and, where it is known, `group`.
        Such as ``TrackStore.tracks``; the order of its rows does not matter.
    fractions : mapping of str to float, default=None
        Part to its share of the passes; they add up to 1. None is 0.7 ``"train"``,
        0.15 ``"val"`` and 0.15 ``"test"``.
    group : str, default="pass_id"
        Column of the pass. Without such a column each track is one.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    split : Series of str
        Indexed as `tracks`.
    report : DataFrame
        ``track`` (None), ``step``, ``reason``, ``n_rows`` (0), ``kept``: an entry for
        each part that there are too few passes with incidents for.

    Raises
    ------
    ValueError
        If there are fewer passes than parts, or the fractions do not add up to 1.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdsn.preparation import split_tracks
    >>> tracks = pd.DataFrame({"n_anomalous": [0, 5] * 10}, index=range(20))
    >>> split, report = split_tracks(tracks, random_state=0)
    >>> split.groupby(tracks["n_anomalous"]).value_counts().tolist()
    [7, 2, 1, 7, 2, 1]
    """
    fractions = read_fractions(fractions)
    groups = _groups(tracks, group, ["n_anomalous"])
    hit = tracks["n_anomalous"].gt(0).groupby(groups).max()
    _need_groups(hit, fractions)
    rng = check_random_state(random_state)
    part, missing = {}, []
    wanted, sizes = np.array(list(fractions.values())), 0
    for value in (True, False):
        # Sorted, so that the order in which tracks came does not matter.
        names = sorted(hit.index[hit == value], key=str)
        sizes = _sizes(len(names), wanted / max(wanted.sum(), 1e-9), sizes)
        # What passes with incidents have too many of, the others make up for.
        wanted = np.maximum(wanted * len(hit) - sizes, 0) if value else wanted
        order = [names[i] for i in rng.permutation(len(names))]
        dealt = np.repeat(list(fractions), sizes)
        part |= dict(zip(order, dealt, strict=True))
        if value:
            missing = [name for name in fractions if name not in dealt]
    report = drop_report(
        "split",
        [(None, f"no pass with incidents for {name}", 0) for name in missing],
        kept=True,
    )
    return groups.map(part).astype("str").rename("split"), report


def split_tracks_by_time(tracks, fractions=None, *, group="pass_id", gap=0):
    """Deal the tracks out forward in time: the first to train, the last to test.

    Parameters
    ----------
    tracks : DataFrame
        Indexed by track id: ``start``, ``end``, ``n_rows``, ``n_anomalous`` and, where
        it is known, `group`.
    fractions : mapping of str to float, default=None
        As in :func:`split_tracks`, in the order of time.
    group : str, default="pass_id"
    gap : float, str or timedelta, default=0
        Time between the end of a part and the begin of the next, in seconds. A pass
        that ends later, or overlaps with the next part, is unused.

    Returns
    -------
    split : Series of str
        Indexed as `tracks`; ``"unused"`` between two parts.
    report : DataFrame
        ``track``, ``step``, ``reason``, ``n_rows``, ``kept`` (True, a store keeps
        them) of the tracks that are unused, and an entry without track for each part
        without incidents.

    Raises
    ------
    ValueError
        If there are fewer passes than parts, the fractions do not add up to 1, or the
        times leave nothing of a part.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdsn.preparation import split_tracks_by_time
    >>> begin = pd.date_range("2026-03-01", periods=4, freq="D")
    >>> tracks = pd.DataFrame({"start": begin, "end": begin + pd.Timedelta("8h")})
    >>> tracks = tracks.assign(n_rows=9, n_anomalous=1)
    >>> split_tracks_by_time(tracks, {"train": 0.5, "test": 0.5})[0].tolist()
    ['train', 'train', 'test', 'test']
    """
    fractions = read_fractions(fractions)
    needed = ["start", "end", "n_rows", "n_anomalous"]
    groups = _groups(tracks, group, needed)
    start = tracks["start"].groupby(groups).min()
    end = tracks["end"].groupby(groups).max()
    _need_groups(start, fractions)
    order = sorted(start.index, key=lambda name: (start[name], str(name)))
    dealt = np.repeat(
        list(fractions), _sizes(len(order), np.array(list(fractions.values())))
    )
    part = pd.Series(dealt, index=order, dtype=object)
    wait = read_wait(gap, "gap")
    wait = pd.Timedelta(seconds=wait) if hasattr(start, "dt") else wait
    names = list(fractions)
    for earlier, later in pairwise(names):
        first = start[part.index[part == later]].min()
        own = part.index[part == earlier]
        late = own[~((end[own] < first) & (end[own] + wait <= first)).to_numpy()]
        part[late] = UNUSED
        if not (part == earlier).any():
            raise ValueError(
                f"No pass of the part {earlier!r} ends long enough (gap={gap!r}) "
                f"before {later!r} begins at {first}; lower the gap or change the "
                "fractions."
            )
    split = groups.map(part).astype("str").rename("split")
    hit = split[tracks["n_anomalous"] > 0].unique()
    dropped = [
        (track, "too late for its part", tracks.loc[track, "n_rows"])
        for track in tracks.index[split == UNUSED]
    ]
    dropped += [
        (None, f"no pass with incidents for {name}", 0)
        for name in names
        if name not in hit
    ]
    return split, drop_report("split", dropped, kept=True)


def sample_tracks(tracks, max_rows, *, anomalous_share=None, random_state=None):
    """Choose whole tracks at random until there are rows enough.

    For training only: a test set of another mix has another base rate.

    Parameters
    ----------
    tracks : DataFrame
        Indexed by track id: ``n_rows`` and ``n_anomalous``.
    max_rows : int
        Rows to choose. The track that crosses the budget is still taken.
    anomalous_share : float, default=None
        Share of `max_rows` for the tracks with incidents, all their rows counted; a
        budget that they do not use up goes to nobody, and what they cross it by is
        taken from the others. None leaves the mix as it is.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    chosen : Index
        Track ids, in the order of `tracks`.
    report : DataFrame
        ``track``, ``step``, ``reason``, ``n_rows``, ``kept`` (True, a store keeps
        them) of the tracks left out.

    Raises
    ------
    ValueError
        If the budget is no positive number.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdsn.preparation import sample_tracks
    >>> counts = {"n_rows": 100, "n_anomalous": [0, 0, 0, 9]}
    >>> tracks = pd.DataFrame(counts, index=list("ABCD"))
    >>> chosen, report = sample_tracks(tracks, 200, anomalous_share=0.5, random_state=0)
    >>> len(chosen), "D" in chosen
    (2, True)
    """
    check_budget(max_rows, anomalous_share)
    rng = check_random_state(random_state)
    hit = tracks["n_anomalous"] > 0
    total = tracks["n_rows"].sum()
    share = anomalous_share
    if share is None:
        share = tracks.loc[hit, "n_rows"].sum() / total if total else 0.0
    chosen, taken = set(), 0
    for pool, part in ((hit, share), (~hit, 1 - share)):
        names = sorted(tracks.index[pool], key=str)
        # One budget, so that both pools together cross it by less than one track.
        limit = min(taken + part * max_rows, max_rows)
        for i in rng.permutation(len(names)):
            if taken >= limit:
                break
            chosen.add(names[i])
            taken += tracks.loc[names[i], "n_rows"]
    kept = tracks.index[tracks.index.isin(chosen)]
    left = tracks.index.difference(kept, sort=False)
    reasons = [
        (name, "beyond the row budget", tracks.loc[name, "n_rows"]) for name in left
    ]
    return kept, drop_report("sample", reasons, kept=True)


def _groups(tracks, group, needed):
    """Give the pass of each track, and refuse a table that lacks a column or a pass."""
    for name in needed:
        if name not in tracks.columns:
            raise ValueError(
                f"The table of tracks has no column {name!r}; its columns are "
                f"{list(tracks.columns[:10])}."
            )
    if group in tracks.columns:
        unknown = tracks[group].isna()
        if unknown.any():
            raise ValueError(
                f"Track {tracks.index[unknown][0]!r} has no {group!r}; name its pass, "
                "or leave the column out."
            )
        return tracks[group]
    return pd.Series(tracks.index, index=tracks.index)


def read_wait(time, name):
    """Read a time that may be none, in seconds."""
    return 0.0 if time in (0, "0s") else gap_seconds(time, name)


def check_budget(max_rows, anomalous_share):
    """Refuse a budget of rows that cannot be."""
    if not max_rows > 0:
        raise ValueError(f"max_rows must be positive; got {max_rows!r}.")
    if anomalous_share is not None and not 0 <= anomalous_share <= 1:
        raise ValueError(
            f"anomalous_share must be between 0 and 1; got {anomalous_share!r}."
        )


def read_fractions(fractions):
    """Read the share of each part; they add up to 1."""
    fractions = FRACTIONS if fractions is None else dict(fractions)
    shares = [
        share if isinstance(share, Real) else np.nan for share in fractions.values()
    ]
    # As it is written, NaN is refused too.
    if not (shares and min(shares) > 0 and abs(sum(shares) - 1) < 1e-6):
        raise ValueError(
            "fractions must be a dict of part to a positive share, which add up to 1; "
            f"got {fractions!r}."
        )
    return fractions


def _need_groups(groups, fractions):
    if len(groups) < len(fractions):
        raise ValueError(
            f"{len(groups)} pass(es) cannot be dealt into the {len(fractions)} parts "
            f"{', '.join(fractions)}; bring more, or ask for fewer parts; passes that "
            "share an incident count as one."
        )


def _sizes(n, shares, have=0):
    """Deal n out by largest remainder, but one to each part before a second one.

    If n are too few for that, those that the parts have already count as well.
    """
    exact = n * shares
    sizes = np.floor(exact + 1e-9).astype(np.int64)
    left = n - sizes.sum()
    sizes[np.argsort(sizes - exact, kind="stable")[:left]] += 1
    total = sizes + (have if n < len(sizes) else 0)
    while total.min() == 0 and total[sizes > 0].max(initial=0) > 1:
        giver = np.argmax(np.where(sizes > 0, total, 0))
        # The last first: a test without incidents tells nothing.
        taker = np.flatnonzero(total == 0)[-1]
        for counts in (sizes, total):
            counts[giver] -= 1
            counts[taker] += 1
    return sizes
