"""Read and check row labels."""

import numpy as np
import pandas as pd


def read_labels(y, tracks=None, *, unlabelled=False, rare=False):
    """Check row labels.

    Parameters
    ----------
    y : array-like of shape (n_rows,), Series or None
        1 = anomalous, 0 = normal, 2 = a rare event that is normal all the same, such
        as a manoeuvre; with `unlabelled` also -1 = unknown.
    tracks : Tracks, optional
        Those of the rows that the labels belong to.
    unlabelled : bool, default=False
    rare : bool, default=False
        Keep rare events apart. Otherwise they are given as 0, for whoever asks only
        whether something is wrong.

    Returns
    -------
    int8 ndarray of shape (n_rows,) or None

    Raises
    ------
    ValueError
        If the labels have another length or index than the rows, or hold
        anything but the values allowed.
    """
    if y is None:
        return None
    values = np.asarray(y)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise ValueError(f"y has one label per row; got shape {values.shape}.")
    if tracks is not None:
        if len(values) != tracks.n_rows:
            raise ValueError(
                f"y has {len(values)} labels for {tracks.n_rows} rows of X; "
                "inconsistent numbers of samples."
            )
        _check_label_index(y, tracks.index)
    codes, found = pd.factorize(values, use_na_sentinel=False)
    allowed = {-1, 0, 1, 2} if unlabelled else {0, 1, 2}
    strange = next((i for i, value in enumerate(found) if value not in allowed), None)
    if strange is not None:
        value = found[strange]
        raise ValueError(
            "y must hold 0 (normal) and 1 (anomalous), or 2 (rare but normal)"
            + (" or -1 (unlabelled)" if unlabelled else "")
            + f"; got {value.item() if isinstance(value, np.generic) else value!r} in "
            f"row {int(np.argmax(codes == strange))}."
        )
    if unlabelled and set(found) == {-1, 1}:
        raise ValueError(
            "y holds 1 and -1 but no 0. In skdsn 1 = anomalous, 0 = normal and -1 = "
            "unlabelled; turn the labels of an outlier detector round with "
            "(y == -1).astype(int)."
        )
    labels = values.astype(np.int8)
    return labels if rare else np.where(labels == 2, np.int8(0), labels)


def _check_label_index(y, index):
    if not isinstance(y, pd.Series | pd.DataFrame):
        return
    if index is None:
        if y.index.nlevels == 2:
            raise ValueError(
                "X has no index but y is indexed by (track, time): an earlier step "
                "returned an array, so tracks would run into each other. Call "
                "set_output(transform='pandas') on the Pipeline."
            )
    elif not y.index.equals(index):
        different = np.flatnonzero(y.index.to_numpy() != index.to_numpy())
        row = int(different[0]) if len(different) else 0
        raise ValueError(
            f"y and X have different indexes, first at row {row}: {y.index[row]} and "
            f"{index[row]}; align them with y.loc[X.index]."
        )
