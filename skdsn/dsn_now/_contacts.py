"""Which contacts belong together, and who is in a beam."""

import numpy as np
import pandas as pd

from skdsn.tracks import read_tracks


def contact_groups(X):
    """Give every row the number of its contact; overlapping ones of a dish are one.

    Two receivers on one signal, and several spacecraft in one beam, are nearly copies
    of each other: what belongs to training and what to test must not part them.

    Parameters
    ----------
    X : DataFrame of shape (n_rows, n_columns)
        Indexed by (track, time), with the column ``DSS``; without it the dish is the
        first part of the track id.

    Returns
    -------
    Series of int64 of shape (n_rows,)
        Group of each row, the same throughout a track.

    Notes
    -----
    Dishes of an array are apart, though they hear the same spacecraft.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdsn.dsn_now import contact_groups
    >>> tracks = ["DSS14/MRO/0001", "DSS14/MVN/0001", "DSS25/MRO/0001"]
    >>> index = pd.MultiIndex.from_product([tracks, [0, 5]])
    >>> contact_groups(pd.DataFrame({"rtlt": 1.0}, index)).to_list()
    [0, 0, 0, 0, 1, 1]
    """
    tracks = read_tracks(X)
    if "DSS" in X.columns:
        dish = X["DSS"].to_numpy()[tracks.bounds[:-1]]
    else:
        dish = tracks.names.astype("str").str.split("/").str[0]
    frame = pd.DataFrame(
        {
            "dish": np.asarray(dish, dtype=object),
            "start": tracks.seconds[tracks.bounds[:-1]],
            "end": tracks.seconds[tracks.bounds[1:] - 1],
        }
    ).sort_values(["dish", "start"], kind="stable")
    latest = frame.groupby("dish", dropna=False)["end"].cummax()
    same_dish = frame["dish"] == frame["dish"].shift()
    begins = ~(same_dish & (frame["start"] <= latest.shift()))
    group = begins.cumsum().sort_index().to_numpy()
    codes, _ = pd.factorize(group)
    return pd.Series(codes[tracks.of_rows()], index=X.index, name="contact")


def add_beam_counts(X):
    """Add how many spacecraft a dish has in its beam, and dishes a spacecraft.

    Parameters
    ----------
    X : DataFrame of shape (n_rows, n_columns)
        As :func:`to_telemetry` gives it, with all contacts of a snapshot.

    Returns
    -------
    DataFrame of shape (n_rows, n_columns + 2)
        With ``n_targets``, spacecraft on the dish at that time, and ``n_dishes``,
        dishes on the spacecraft at that time, as float64; NaN where the dish or the
        spacecraft is unknown.

    Raises
    ------
    ValueError
        If `X` lacks the column ``DSS``, or both ``name_target`` and
        ``spacecraft_downsignal``.

    See Also
    --------
    LinkStateFeatures : Makes use of both columns.

    Notes
    -----
    A row depends on the other rows of its snapshot, and on nothing else, so this is
    done once before contacts are parted, not by a stage of a Pipeline.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdsn.dsn_now import add_beam_counts
    >>> tracks = ["DSS14/MRO/0001", "DSS14/MVN/0001", "DSS25/MRO/0001"]
    >>> index = pd.MultiIndex.from_product([tracks, [0]])
    >>> X = pd.DataFrame({"DSS": ["DSS14", "DSS14", "DSS25"]}, index)
    >>> X = add_beam_counts(X.assign(name_target=["MRO", "MVN", "MRO"]))
    >>> X[["n_targets", "n_dishes"]].to_numpy().tolist()
    [[2.0, 2.0], [2.0, 1.0], [1.0, 2.0]]
    """
    craft = who_is_tracked(X)
    if craft is None or "DSS" not in X.columns:
        raise ValueError(
            "X needs the columns 'DSS' and 'name_target' (or 'spacecraft_downsignal') "
            f"to count who is in a beam; its columns are {list(X.columns)[:10]}."
        )
    rows = pd.DataFrame(
        {
            "time": read_tracks(X).seconds,
            "dish": X["DSS"].to_numpy(dtype=object),
            "craft": craft.to_numpy(dtype=object),
        }
    )
    pairs = rows.dropna().drop_duplicates()
    counts = {}
    for name, key in {"n_targets": "dish", "n_dishes": "craft"}.items():
        n = pairs.groupby(["time", key]).size().rename(name).reset_index()
        found = rows.merge(n, on=["time", key], how="left")[name]
        counts[name] = found.to_numpy(dtype=np.float64)
    return X.assign(**counts)


def who_is_tracked(X):
    """Name the spacecraft of each row: the target, else that of the signal."""
    names = [
        X[name].astype(object)
        for name in ("name_target", "spacecraft_downsignal")
        if name in X.columns
    ]
    return names[0].fillna(names[-1]) if names else None
