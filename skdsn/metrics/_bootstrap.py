"""How sure a figure is: tracks drawn again and again."""

import warnings
from numbers import Integral, Real

import numpy as np
from sklearn.utils import Bunch, check_random_state

from skdsn._sklearn import Interval, validate_params
from skdsn.metrics._catalog import find_metric
from skdsn.metrics._inputs import read_pair
from skdsn.tracks import Tracks


@validate_params(
    {
        "n_bootstrap": [Interval(Integral, 2, None, closed="left")],
        "level": [Interval(Real, 0, 1, closed="neither")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def bootstrap_interval(
    metric,
    y_true,
    y_response,
    *,
    tracks=None,
    n_bootstrap=200,
    level=0.95,
    random_state=0,
    **options,
):
    """Tell how far a figure may be from what other tracks would give.

    Rows of a track depend on each other, tracks do not: so whole tracks are drawn, with
    replacement, as many as there are.

    Parameters
    ----------
    metric : str or callable
        One of :func:`metric_names`, or a metric of your own of labels and flags.
    y_true : Series or array-like of shape (n_rows,)
        1 = anomalous, 0 = normal.
    y_response : Series or array-like of shape (n_rows,)
        Flags, or scores for a metric of scores.
    tracks : array-like of shape (n_rows,), DataFrame, Series or Index, default=None
        As in :func:`event_wise_scores`; at least two tracks.
    n_bootstrap : int, default=200
        Draws.
    level : float, default=0.95
        Share of the draws that lie in the interval.
    random_state : int, RandomState instance or None, default=0
        Seeds the draws.
    **options
        Of the metric.

    Returns
    -------
    Bunch
        ``value`` of all tracks; ``low`` and ``high``, percentiles of the draws;
        ``level`` and ``n_tracks``; ``n_bootstrap`` and ``n_defined``, the draws in
        which the metric is defined.

    Raises
    ------
    ValueError
        If there is a single track.

    Notes
    -----
    The percentile bootstrap of [1]_, over tracks as clusters. With few tracks, or few
    with an event, the interval is too narrow.

    References
    ----------
    .. [1] B. Efron, R. J. Tibshirani, "An introduction to the bootstrap", 1993.

    Examples
    --------
    >>> import numpy as np
    >>> y_true = np.tile([0, 0, 1, 1, 0], 10)
    >>> y_pred = np.where(np.arange(50) < 25, y_true, 0)  # half of the events
    >>> tracks = np.repeat(np.arange(10), 5)
    >>> found = bootstrap_interval("event_recall", y_true, y_pred, tracks=tracks)
    >>> found.value, found.low < 0.5 < found.high
    (0.5, True)
    """
    metric = find_metric(metric, options)
    scores = metric.response == "scores"
    truth, response, found = read_pair(y_true, y_response, tracks=tracks, scores=scores)
    values = np.array(
        [
            metric(truth[rows], response[rows], drawn)
            for rows, drawn in draw_tracks(found, n_bootstrap, random_state)
        ]
    )
    low, high = map(float, percentiles(values, level))
    return Bunch(
        value=metric(truth, response, found),
        low=low,
        high=high,
        level=level,
        n_tracks=len(found),
        n_bootstrap=int(n_bootstrap),
        n_defined=int((~np.isnan(values)).sum()),
    )


def draw_tracks(found, n_bootstrap, random_state):
    """Draw as many tracks as there are, with replacement, again and again.

    Yields
    ------
    rows : int64 ndarray of shape (n_drawn_rows,)
    drawn : Tracks
    """
    if len(found) < 2:
        raise ValueError(
            "An interval over tracks needs at least two of them; all rows are one "
            "track. Tell tracks, or index the rows by (track, time)."
        )
    random = check_random_state(random_state)
    size = np.diff(found.bounds)
    for _ in range(n_bootstrap):
        drawn = random.randint(len(found), size=len(found))
        bounds = np.append(0, np.cumsum(size[drawn]))
        rows = np.arange(bounds[-1]) + np.repeat(
            found.bounds[drawn] - bounds[:-1], size[drawn]
        )
        times = None if found.times is None else found.times.take(rows)
        yield rows, Tracks(found.names.take(drawn), bounds, times)


def percentiles(values, level):
    """Limits between which the middle of the draws lies, NaN aside, in each column."""
    tail = (1 - level) / 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # all draws undefined: NaN
        return np.nanquantile(values, [tail, 1 - tail], axis=0)
