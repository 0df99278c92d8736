"""Errors by channel: which channels are out of the usual, and by how much."""

from numbers import Real

import numpy as np
import pandas as pd

from skdsn._sklearn import Interval, validate_params
from skdsn.report._inputs import read_values
from skdsn.report._tables import check_scores

_PREFIX = "error_"


@validate_params(
    {
        "scores": "no_validation",
        "errors": "no_validation",
        "reference": "no_validation",
        "share": [Interval(Real, 0, 1, closed="both")],
    },
    prefer_skip_nested_validation=True,
)
def affected_channels(scores, errors, *, reference=None, share=0.5):
    r"""Tell which channels each flagged row is flagged for.

    Parameters
    ----------
    scores : DataFrame
        Columns ``score`` and ``anomaly``, as :func:`score_table` returns them.
    errors : DataFrame
        With the index of `scores`: columns ``error_<channel>``, as encoders and
        forecasters emit them, see :func:`channel_errors`. Other columns are ignored.
    reference : DataFrame, default=None
        Errors of rows known to be usual, such as nominal training rows; None takes the
        rows of `errors` that are not flagged. To tell channels while telemetry comes
        in, give those of training.
    share : float, default=0.5
        A channel is affected if it is as far out as this share of the farthest one.

    Returns
    -------
    DataFrame of int8 of shape (n_rows, n_channels)
        1 where a row is flagged and the channel affected; with the index of `scores`.
        A row that is flagged has one affected channel at least, unless none is out of
        the usual.

    Raises
    ------
    ValueError
        If errors have other rows or columns, or are not finite.
    TypeError
        If a table is no DataFrame.

    See Also
    --------
    skdsn.metrics.esa_adb_scores : Scores such a table.

    Notes
    -----
    How far channel *c* is out is :math:`(e_c - m_c) / s_c`: its error less the median
    of usual rows, by their interquartile range; see :func:`incident_table`.

    Examples
    --------
    >>> import pandas as pd
    >>> scores = pd.DataFrame({"score": [0.1, 0.2, 0.9], "anomaly": [0, 0, 1]})
    >>> errors = {"error_AGC": [0.1, 0.2, 0.1], "error_SNR": [0.1, 0.3, 4.0]}
    >>> affected_channels(scores, pd.DataFrame(errors))
       AGC  SNR
    0    0    0
    1    0    0
    2    0    1
    """
    flags = read_score_table(check_scores(scores))[1]
    names, table = read_errors(errors, scores.index)
    if reference is None:
        usual = table[~flags]
    else:
        others, usual = read_errors(reference)
        if others != names:
            raise ValueError(
                f"reference has the channels {others[:5]}, but errors {names[:5]}; "
                "take both from the same step."
            )
    out = how_far_out(table[flags], usual)
    farthest = out.max(axis=1, initial=0.0)[:, None]
    affected = np.zeros(table.shape, dtype=np.int8)
    affected[flags] = (out > 0) & (out >= share * farthest)
    return pd.DataFrame(affected, index=scores.index, columns=names)


def read_errors(errors, index=None):
    """Read the errors by channel: their names, and a table."""
    if not isinstance(errors, pd.DataFrame):
        raise TypeError(
            f"errors must be a DataFrame with columns {_PREFIX}<channel>, such as "
            f"channel_errors(detector, X) gives; got {type(errors).__name__}."
        )
    if index is not None and not errors.index.equals(index):
        raise ValueError(
            "errors and scores have different indexes; align them with "
            "errors.loc[scores.index]."
        )
    columns = [name for name in errors.columns if str(name).startswith(_PREFIX)]
    if not columns:
        raise ValueError(
            f"errors has no column {_PREFIX}<channel>; take the output of an encoder "
            "or forecaster, such as channel_errors(detector, X)."
        )
    _refuse_twice(errors, columns, "errors")
    try:
        table = errors[columns].to_numpy(np.float64, na_value=np.nan)
    except (ValueError, TypeError):
        for name in columns:
            _as_numbers(errors, name, "errors")  # tells the cell
        raise
    if not np.isfinite(table).all():
        row, column = np.argwhere(~np.isfinite(table))[0]
        raise ValueError(
            f"Column {columns[column]!r} of errors holds {table[row, column]} in row "
            f"{row}; errors must be finite, so put 0 where none is known."
        )
    return [str(name).removeprefix(_PREFIX) for name in columns], table


def read_score_table(scores):
    """Read scores, flags, and probabilities or None, each a column of numbers."""
    columns = [
        name for name in ("score", "anomaly", "probability") if name in scores.columns
    ]
    _refuse_twice(scores, columns, "The table of scores")
    # Flags are compared with 0 and 1, which text is not.
    numbers = {
        name: _as_numbers(scores, name, "the table of scores")
        for name in columns
        if name != "anomaly"
    }
    values, flags = read_values(scores.assign(**numbers))
    probability = None
    if "probability" in columns:
        probability = read_values(numbers["probability"], "probabilities")[0]
    return values, flags, probability


def _refuse_twice(table, columns, whose):
    known = table.columns
    twice = [name for name in columns if (known == name).sum() > 1]
    if twice:
        raise ValueError(
            f"{whose} has more than one column {twice[0]!r}; give each just once."
        )


def _as_numbers(table, name, whose):
    """Give a column as float64, and refuse what is no number in one sentence."""
    column = table[name]
    try:
        return column.to_numpy(np.float64, na_value=np.nan)
    except (ValueError, TypeError) as error:
        known = column.notna().to_numpy()
        strange = known & pd.to_numeric(column, errors="coerce").isna().to_numpy()
        row = int(strange.argmax())
        raise ValueError(
            f"Column {name!r} of {whose} holds {column.iloc[[row]].tolist()[0]!r} in "
            f"row {row}, which is no number."
        ) from error


def how_far_out(errors, usual):
    """Errors less the usual, by its spread; as they are if nothing is usual.

    The spread is the interquartile range, which a few bad rows do not move; of an error
    that rests most of the time, the standard deviation.
    """
    if len(usual) == 0:
        return errors
    low, middle, high = np.percentile(usual, [25, 50, 75], axis=0)
    spread = np.where(high > low, high - low, usual.std(axis=0))
    rise = errors - middle
    # Constant columns: their spread may be no more than rounding in the mean.
    changes = np.ptp(usual, axis=0) > 0
    out = np.where(rise > 0, np.inf, 0.0)
    return np.divide(rise, spread, out=out, where=changes)


def name_channels(names, out, most):
    """Name the channels that are farthest out, for each row of a table."""
    order = np.argsort(-out, axis=1, kind="stable")[:, :most]
    return [
        ", ".join(names[i] for i in chosen if row[i] > 0)
        for row, chosen in zip(out, order, strict=True)
    ]
