"""Scale columns so that none of them can dominate the others."""

from numbers import Real

import numpy as np

from skdsn._sklearn import Interval
from skdsn.base import RowTransformer, read_labels


class RobustClipScaler(RowTransformer):
    """Centre by the median, divide by the interquartile range, limit what sticks out.

    As :class:`sklearn.preprocessing.RobustScaler`, for telemetry. A column that hardly
    ever changes has a tiny interquartile range, so that its slightest change would
    outweigh every other channel: the divisor has a floor, and scaled values a limit.
    The quartiles are those of the rows labelled normal or unlabelled.

    Parameters
    ----------
    floor : float, default=0.2
        Smallest divisor, as a share of the standard deviation of the column; the
        interquartile range of a normal distribution is 1.35 of it.
    clip : float or None, default=10.0
        Largest scaled value, on either side. None leaves values as they are.

    Attributes
    ----------
    center_ : float64 ndarray of shape (n_features_in_,)
        Medians.
    scale_ : float64 ndarray of shape (n_features_in_,)
        Divisors; 1 for a column that is constant in the training rows.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
    fitted_on_tracks_ : bool

    Notes
    -----
    Fitting holds a single column in addition to its input.

    Examples
    --------
    >>> import numpy as np
    >>> from skdsn.preprocessing import RobustClipScaler
    >>> X = np.column_stack([np.arange(8.0), [5.0] * 7 + [5.1], [3.0] * 8])
    >>> scaler = RobustClipScaler().fit(X)
    >>> scaler.scale_.round(4)
    array([3.5   , 0.0066, 1.    ])
    >>> scaler.transform([[7.0, 6.0, 4.0]])
    array([[ 1., 10.,  1.]])
    """

    _parameter_constraints: dict = {
        "floor": [Interval(Real, 0, None, closed="left")],
        "clip": [None, Interval(Real, 0, None, closed="neither")],
    }

    _dtype = (np.float64, np.float32)

    def __init__(self, *, floor=0.2, clip=10.0):
        self.floor = floor
        self.clip = clip

    def _fit(self, rows, y):
        labels = read_labels(y, rows.tracks, unlabelled=True, rare=True)
        normal = slice(None) if labels is None or (labels < 1).all() else labels < 1
        n_features = rows.data.shape[1]
        self.center_, self.scale_ = np.empty(n_features), np.empty(n_features)
        for i in range(n_features):
            column = rows.data[normal, i]
            if len(column) == 0:
                raise ValueError(
                    f"y labels none of n_samples={len(labels)} rows as normal, but "
                    "RobustClipScaler learns from normal or unlabelled rows."
                )
            low, self.center_[i], high = np.percentile(column, (25, 50, 75))
            self.scale_[i] = _divisor(column, low, high, self.floor)

    def _transform(self, data):
        out = (data - self.center_) / self.scale_
        if self.clip is not None:
            np.clip(out, -self.clip, self.clip, out=out)
        return out

    def _names_out(self, names):
        return names


def _divisor(column, low, high, floor):
    """Interquartile range or its floor, and 1 where nothing changes."""
    lowest, highest = float(column.min()), float(column.max())
    if lowest == highest:
        return 1.0
    size = max(abs(lowest), abs(highest))  # squares of anything else may overflow
    spread = float((column / size).std(dtype=np.float64)) * size
    return max(high - low, floor * spread, np.finfo(np.float64).tiny)
