"""A detector for each channel, and what they say of the spacecraft."""

from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from skdsn._core.runs import find_runs
from skdsn._sklearn import NAMES, HasMethods, Interval, fit_context
from skdsn.detectors._parts import PARTS_CONSTRAINTS, DetectorParts
from skdsn.tracks import is_categorical, read_tracks


class ChannelwiseDetector(DetectorParts):
    """Fit a clone of a detector to every channel.

    A row is flagged if so many channels score higher than a normal row may. Scores of
    channels have no common unit: each is turned into how rare it is on that channel.

    Parameters
    ----------
    detector : detector
        Classifier or outlier detector, Pipelines included; a clone of it sees one
        channel and the `shared` columns.
    channels : list of str or None, default=None
        Columns to watch; None takes all numeric ones that are not `shared`.
    shared : list of str, default=()
        Columns that every clone gets behind its channel, such as commands.
    min_channels : int, default=1
        Channels that must agree for a row to be flagged.
    holdout : float, default=0.3
        Share of the rows of each track, its end, that scores are learnt from; the
        clones are then fitted on all rows. 0 learns from the rows of ``fit``, whose
        scores are too low.
    false_alarm_rate : float, default=1e-4
        Share of normal rows that may be flagged, going by the scale; all channels
        together.
    n_jobs : int or None, default=None
        Channels fitted in parallel, by joblib.

    Attributes
    ----------
    detectors_ : dict of str to fitted detector
        By channel.
    tails_ : dict of str to tuple
        How often the scores of a channel are exceeded.
    offset_ : float
        Decimal logarithm of `false_alarm_rate`.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)

    See Also
    --------
    DetectorEnsemble : Several detectors on the same columns.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from skdsn.detectors import ChannelwiseDetector, SubsequenceNeighborsDetector
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame(rng.normal(size=(600, 3)), columns=["volt", "amp", "temp"])
    >>> neighbours = SubsequenceNeighborsDetector(length=5)
    >>> fleet = ChannelwiseDetector(neighbours, false_alarm_rate=1e-6).fit(X[:400])
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
        **PARTS_CONSTRAINTS,
    }

    def __init__(
        self,
        detector,
        *,
        channels=None,
        shared=(),
        min_channels=1,
        holdout=0.3,
        false_alarm_rate=1e-4,
        n_jobs=None,
    ):
        self.detector = detector
        self.channels = channels
        self.shared = shared
        self.min_channels = min_channels
        self.holdout = holdout
        self.false_alarm_rate = false_alarm_rate
        self.n_jobs = n_jobs

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None):
        """Fit a clone to every channel, and learn how rare its scores are.

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

    def _detectors(self):
        return [self.detector]

    def _parts(self, frame):
        names, shared = list(frame.columns), list(self.shared)
        channels = self.channels
        if channels is None:
            numeric = frame.columns[~is_categorical(frame)]
            channels = [name for name in numeric if name not in shared]
        for name in [*channels, *shared]:
            if name not in names:
                raise ValueError(
                    f"{name!r} is no column of X; the columns are {names[:10]}."
                )
        if len(channels) < self.min_channels:
            raise ValueError(
                f"min_channels={self.min_channels} channels must agree, but there are "
                f"{len(channels)} to watch."
            )
        return {name: (self.detector, [name, *shared]) for name in channels}

    def _combine(self, rarities):
        # The least rare of so many channels; Bonferroni for the choice among all.
        kth = -np.partition(-rarities, self.min_channels - 1, axis=1)
        return kth[:, self.min_channels - 1] - np.log10(
            rarities.shape[1] / self.min_channels
        )

    def events(self, X):
        """List the events, with the channels that are responsible.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_features)

        Returns
        -------
        DataFrame of shape (n_events, 6)
            ``track``; ``start`` and ``end``, times of the first and the last row
            flagged; ``rarity``, the highest; ``channels``, those that reach the
            threshold within the event, the rarest first; ``n_channels``.
        """
        check_is_fitted(self)
        table = self.rarity(X)
        values = table.to_numpy()
        combined = self._combine(values)
        tracks = read_tracks(table if isinstance(X, pd.DataFrame) else values)
        starts, stops = find_runs(-combined < self.offset_, tracks.bounds)
        number = np.searchsorted(tracks.bounds, starts, side="right") - 1
        times = np.arange(len(values)) if tracks.times is None else tracks.times
        limit = -self.offset_ + np.log10(values.shape[1] / self.min_channels)
        rows = []
        for start, stop, track in zip(starts, stops, number, strict=True):
            peak = values[start:stop].max(axis=0)
            named = [i for i in np.argsort(-peak, kind="stable") if peak[i] > limit]
            rows.append(
                {
                    "track": tracks.names[track],
                    "start": times[start],
                    "end": times[stop - 1],
                    "rarity": combined[start:stop].max(),
                    "channels": [table.columns[i] for i in named],
                    "n_channels": len(named),
                }
            )
        columns = ["track", "start", "end", "rarity", "channels", "n_channels"]
        return pd.DataFrame(rows, columns=columns)
