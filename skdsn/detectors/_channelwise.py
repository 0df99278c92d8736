"""A detector for each channel, and what they say of the spacecraft."""

from copy import copy
from numbers import Integral

from sklearn.utils.validation import check_is_fitted

from skdsn._sklearn import NAMES, HasMethods, Interval, fit_context
from skdsn.base import pick_channels
from skdsn.detectors._confirm import KEYS, check_nominal, read_table
from skdsn.detectors._parts import SeverityParts, kth_largest
from skdsn.tracks import is_categorical


class ChannelwiseDetector(SeverityParts):
    """Fit a clone of a detector to every channel.

    A row is flagged if so many clones flag it. Their scores have no common unit, so
    each is told as its severity: 0 at the threshold of the clone, -1 where a usual
    training row is.

    Parameters
    ----------
    detector : detector
        Classifier or outlier detector, Pipelines included; a clone of it sees one
        channel and the `shared` columns.
    channels : list of str or None, default=None
        Columns to watch; None takes all numeric ones that are not `shared`.
    shared : list of str, default=()
        Columns that every clone gets behind its channel, for detectors that make use of
        them, such as commands for a forecast. One that compares all columns, such as
        that of :func:`make_channel_detector`, should not see them.
    min_channels : int, default=1
        Channels that must agree for a row to be flagged.
    n_jobs : int or None, default=None
        Channels fitted in parallel, by joblib.

    Attributes
    ----------
    detectors_ : dict of str to fitted detector
        By channel.
    levels_ : dict of str to tuple
        Threshold of a channel, and by how much a usual row is below it.
    offset_ : float
        0: ``decision_function`` is ``score_samples``.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)

    See Also
    --------
    AlarmFilter : What to put around the detector of a channel for ``confirm``.
    DetectorEnsemble : Several detectors on the same columns.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from skdsn.detectors import ChannelwiseDetector, SubsequenceNeighborsDetector
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame(rng.normal(size=(600, 3)), columns=["volt", "amp", "temp"])
    >>> neighbours = SubsequenceNeighborsDetector(length=5)
    >>> fleet = ChannelwiseDetector(neighbours).fit(X[:400])
    >>> X.loc[500:509, ["volt", "amp"]] += 9
    >>> events = fleet.events(X[400:])
    >>> events[["start", "channels"]].to_dict("list")
    {'start': [500], 'channels': [['volt', 'amp']]}
    """

    _parameter_constraints: dict = {
        "detector": [HasMethods(["fit", "predict"])],
        "channels": [None, *NAMES],
        "shared": NAMES,
        "min_channels": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [None, Integral],
    }

    def __init__(
        self, detector, *, channels=None, shared=(), min_channels=1, n_jobs=None
    ):
        self.detector = detector
        self.channels = channels
        self.shared = shared
        self.min_channels = min_channels
        self.n_jobs = n_jobs

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None):
        """Fit a clone to every channel.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)
            Telemetry indexed by (track, time) or time; an array is one track.
        y : array-like of shape (n_rows,), default=None
            1 = anomalous, 0 = normal, -1 = unlabelled; handed to every clone.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If a channel is no column of `X`, or there are fewer than `min_channels`.
        """
        return self._fit_parts(X, y)

    _part = "channel"

    def _detectors(self):
        return [self.detector]

    def _parts(self, frame):
        names, shared = list(frame.columns), list(self.shared)
        numeric = frame.columns[~is_categorical(frame)]
        channels = pick_channels(names, self.channels, shared, numeric)
        if len(channels) < self.min_channels:
            raise ValueError(
                f"min_channels={self.min_channels} channels must agree, but there are "
                f"{len(channels)} to watch."
            )
        return {name: (self.detector, [name, *shared]) for name in channels}

    def _combine(self, table):
        return kth_largest(table, self.min_channels)

    def confirm(self, events, X, *, nominal=True):
        """Tell the responsible channels what an operator has found out about events.

        Parameters
        ----------
        events : DataFrame of shape (n_events, n_columns)
            Rows of the table of ``events``.
        X : DataFrame or array-like of shape (n_rows, n_features)
            Telemetry that holds them.
        nominal : bool, default=True
            Whether they were nominal; see :meth:`AlarmFilter.confirm`.

        Returns
        -------
        self : object

        Raises
        ------
        TypeError
            If the detector of a channel has no ``confirm``.
        ValueError
            If a channel or an event is not there, or a channel refuses it. Then none
            is confirmed.
        """
        check_is_fitted(self)
        check_nominal(nominal)
        events = read_table(events, [*KEYS, "channels"])
        for named in events["channels"]:
            if not isinstance(named, list) or not named:
                raise ValueError(
                    "Column 'channels' of events must hold lists of names; got "
                    f"{named!r}. Pass rows of the table that events(X) returns; a "
                    "file keeps such lists as text."
                )
        if X is None:
            raise TypeError("confirm needs X, the telemetry that holds the events.")
        frame, _ = self._read(X, None, reset=False)
        confirmed = {}
        for name in events["channels"].explode().unique():
            if name not in self.detectors_:
                raise ValueError(
                    f"An event names the channel {name!r}, but those watched are "
                    f"{list(self.detectors_)[:10]}."
                )
            detector = copy(self.detectors_[name])
            if not hasattr(detector, "confirm"):
                raise TypeError(
                    f"The {type(detector).__name__} of channel {name!r} cannot be told "
                    "of events; wrap the detector in AlarmFilter before it is fitted."
                )
            own = events[[name in named for named in events["channels"]]]
            rows = frame[self.columns_[name]]
            confirmed[name] = detector.confirm(own, rows, nominal=nominal)
        self.detectors_ = {**self.detectors_, **confirmed}
        return self
