"""Receivers locked on another spacecraft of the same beam."""

from numbers import Real

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted, validate_data

from skdsn._sklearn import Interval, fit_context
from skdsn.base import ScoringDetector, read_labels
from skdsn.dsn_now._contacts import who_is_tracked
from skdsn.dsn_now._debug_strings import read_debug
from skdsn.dsn_now._labels import DEBUG
from skdsn.tracks import read_tracks

_LIGHT = 299_792.458  # km/s
_FREQUENCY, _POWER = "frequency_downsignal", "power_downsignal"
# More decibels beside the usual power tell no more: links fade for other reasons.
_MOST_SPREADS = 3.0
_LEAST_SPREAD = 1.0  # dB


class MislockDetector(ScoringDetector):
    """Flag downlinks whose carrier is that of another spacecraft in the beam.

    A dish that points at Mars hears several orbiters at once, and may lock on another
    one than the one it hunts for. Then the frequency, and mostly the power, are those
    usual for the other one.

    Parameters
    ----------
    doppler : float, default=10.0
        Radial velocity in km/s by which a carrier is apart from its usual frequency by
        one unit of distance. Spacecraft at one planet are shifted alike, so what counts
        is which of the usual frequencies is nearer.
    power_weight : float, default=0.25
        Weight of the power beside the frequency; 0 goes by frequency alone. The unit of
        distance of power is its usual spread, and no power counts for more than three.
    min_margin : float, default=0.2
        A row is flagged if its margin is larger: how much farther it is from its own
        usual signal than from that of another spacecraft, from -1 to 1.

    Attributes
    ----------
    carriers_ : DataFrame
        A row for each spacecraft and band: ``frequency_hz`` and ``power_dbm``, medians
        of the training rows in lock, ``power_spread_db`` and ``n_rows``.
    offset_ : float
        Minus `min_margin`.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)

    Raises
    ------
    ValueError
        If `X` lacks a column, or no training row is in lock.

    See Also
    --------
    link_state_labels : A lost lock, ahead of time.

    Notes
    -----
    It learns from the rows with a carrier and a frequency; a few rows on the wrong one
    do not move the medians. Bands are told by frequency. In the beam are all spacecraft
    that `X` has on the same dish at the same time, as target or as signal, so rows of
    one snapshot must come together. A row without a carrier, without an usual
    frequency, or alone in its beam and band has margin -1. Where two carriers are
    nearer than Doppler can shift them, power decides, and the margin stays small.

    The margin is :math:`(d_0 - d_1) / (1 + d_0 + d_1)` with the distances to the own
    and to the nearest other spacecraft. Frequencies are of use only in forms of the
    feed until 2022; later ones have none.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdsn.dsn_now import MislockDetector
    >>> times = pd.date_range("2019-02-09", periods=4, freq="5s")
    >>> tracks = ["DSS65/MRO/0001", "DSS65/NSYT/0001"]
    >>> index = pd.MultiIndex.from_product([tracks, times])
    >>> X = pd.DataFrame(
    ...     {
    ...         "DSS": "DSS65",
    ...         "spacecraft_downsignal": ["MRO"] * 4 + ["NSYT"] * 4,
    ...         "frequency_downsignal": [8439.4e6] * 4 + [8404.1e6] * 3 + [8439.4e6],
    ...         "power_downsignal": [-118.0] * 4 + [-149.0] * 3 + [-118.0],
    ...     },
    ...     index,
    ... )
    >>> detector = MislockDetector().fit(X)
    >>> detector.predict(X)
    array([ 1,  1,  1,  1,  1,  1,  1, -1])
    >>> detector.explain(X)["nearest"].iloc[-1]
    'MRO'
    """

    _parameter_constraints: dict = {
        "doppler": [Interval(Real, 0, None, closed="neither")],
        "power_weight": [Interval(Real, 0, None, closed="left")],
        "min_margin": [Interval(Real, -1, 1, closed="both")],
    }

    def __init__(self, *, doppler=10.0, power_weight=0.25, min_margin=0.2):
        self.doppler = doppler
        self.power_weight = power_weight
        self.min_margin = min_margin

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn the usual carrier of every spacecraft.

        Parameters
        ----------
        X : DataFrame of shape (n_rows, n_columns)
            As :func:`to_telemetry` gives it; at least ``DSS``,
            ``spacecraft_downsignal`` or ``name_target``, ``frequency_downsignal`` and
            ``power_downsignal``. Other columns are of no use, but for the debug string
            or ``signalType_downsignal``, which tell whether there is a carrier.
        y : array-like of shape (n_rows,), default=None
            Rows labelled 1 are left out.

        Returns
        -------
        self : object
        """
        rows = self._read(X, reset=True)
        labels = read_labels(y, read_tracks(X), unlabelled=True)
        heard = rows["heard"].to_numpy()
        if labels is not None:
            heard = heard & (labels != 1)
        if not heard.any():
            raise ValueError(
                f"None of the {len(X)} rows has a carrier, a frequency and a "
                "spacecraft, so no carrier is known to be usual; the feed gives "
                "frequencies in forms 1 and 2 only."
            )
        signals = rows[heard].groupby(["spacecraft", "band"])
        power = signals["power"]
        spread = (power.quantile(0.84) - power.quantile(0.16)) / 2
        self.carriers_ = pd.DataFrame(
            {
                "frequency_hz": signals["frequency"].median(),
                "power_dbm": power.median(),
                "power_spread_db": spread.clip(lower=_LEAST_SPREAD),
                "n_rows": signals.size(),
            }
        )
        self.offset_ = -float(self.min_margin)
        return self

    def explain(self, X):
        """Tell which spacecraft each row sounds like.

        Parameters
        ----------
        X : DataFrame of shape (n_rows, n_columns)

        Returns
        -------
        DataFrame of shape (n_rows, 4)
            With the index of `X`: ``spacecraft``; ``nearest`` other one in the beam,
            missing if there is none; ``offset_hz``, how far the carrier is from the
            usual one of the spacecraft; ``margin``.
        """
        check_is_fitted(self)
        rows = self._read(X, reset=False)
        usual = self.carriers_.reset_index()
        own = rows.merge(usual, on=["spacecraft", "band"], how="left")
        own["row"] = np.arange(len(own))
        own["distance"] = self._distance(own)
        table = pd.DataFrame(
            {
                "spacecraft": rows["spacecraft"],
                "nearest": pd.Series(np.nan, rows.index, "str"),
                "offset_hz": own["frequency"] - own["frequency_hz"],
                "margin": -1.0,
            }
        )
        known = own[own["heard"] & own["distance"].notna()]
        there = rows.loc[rows["spacecraft"].notna(), ["beam", "spacecraft"]]
        others = there.drop_duplicates().merge(usual, on="spacecraft")
        keep = ["row", "beam", "band", "spacecraft", "frequency", "power", "distance"]
        pairs = known[keep].merge(others, on=["beam", "band"], suffixes=("", "_other"))
        pairs = pairs[pairs["spacecraft"] != pairs["spacecraft_other"]]
        pairs = pairs.assign(other=self._distance(pairs))
        pairs = pairs.sort_values(["row", "other"], kind="stable")
        pairs = pairs.drop_duplicates("row").set_index("row")
        far, near = pairs["distance"], pairs["other"]
        table.loc[pairs.index, "margin"] = (far - near) / (1 + far + near)
        table.loc[pairs.index, "nearest"] = pairs["spacecraft_other"]
        return table.set_axis(X.index, axis=0)

    def score_samples(self, X):
        """Negated margins.

        Parameters
        ----------
        X : DataFrame of shape (n_rows, n_columns)

        Returns
        -------
        float64 ndarray of shape (n_rows,)
            From -1, surely on another spacecraft, to 1.
        """
        return -self.explain(X)["margin"].to_numpy()

    def _distance(self, rows):
        """Distance of signals from usual ones, NaN without a usual frequency."""
        unit = rows["frequency_hz"] * self.doppler / _LIGHT
        shift = ((rows["frequency"] - rows["frequency_hz"]) / unit) ** 2
        loud = ((rows["power"] - rows["power_dbm"]) / rows["power_spread_db"]).abs()
        loud = loud.fillna(0.0).clip(upper=_MOST_SPREADS)
        return np.sqrt(shift + (self.power_weight * loud) ** 2)

    def _read(self, X, *, reset):
        """Take what is needed of the rows, numbered from 0."""
        if not isinstance(X, pd.DataFrame):
            raise TypeError(
                "MislockDetector finds columns by name, so it takes a frame as "
                f"to_telemetry gives it; got {type(X).__name__}."
            )
        tracks = read_tracks(X)
        validate_data(self, X, reset=reset, skip_check_array=True)
        craft = who_is_tracked(X)
        lacking = [name for name in ("DSS", _FREQUENCY, _POWER) if name not in X]
        if lacking or craft is None:
            raise ValueError(
                f"X has no column {(lacking or ['spacecraft_downsignal'])[0]!r}, which "
                f"MislockDetector needs; its columns are {list(X.columns)[:10]}."
            )
        plain = X.reset_index(drop=True)
        frequency = plain[_FREQUENCY].astype("float64")
        rows = pd.DataFrame(
            {
                "spacecraft": craft.reset_index(drop=True).astype("str"),
                "band": _bands(frequency.to_numpy()),
                "frequency": frequency,
                "power": plain[_POWER].astype("float64"),
            }
        )
        beam = pd.DataFrame({"dish": plain["DSS"], "time": tracks.seconds})
        rows["beam"] = beam.groupby(["dish", "time"], dropna=False).ngroup()
        heard = _has_carrier(plain) & frequency.notna().to_numpy()
        return rows.assign(heard=heard & rows["spacecraft"].notna())


def _bands(frequency):
    """Band of a frequency in Hz, roughly: carriers of one band can be mistaken."""
    edges = np.array([1e9, 4e9, 12e9, 27.5e9, 40e9])
    names = np.array(["", "S", "X", "K", "Ka", ""], dtype=object)
    return names[np.searchsorted(edges, np.nan_to_num(frequency), side="right")]


def _has_carrier(rows):
    """Flag rows with a carrier: by debug string, signal type, or power."""
    heard = rows[_POWER].notna().to_numpy()
    if "signalType_downsignal" in rows:
        kind = rows["signalType_downsignal"]
        heard = np.where(kind.notna(), kind.isin(["carrier", "data"]), heard)
    if DEBUG in rows:
        codes, table, _ = read_debug(rows[DEBUG], "down")
        lock = (
            table["carrier_lock"].astype("boolean").array.take(codes, allow_fill=True)
        )
        known = np.asarray(~lock.isna())
        heard = np.where(known, lock.fillna(False).to_numpy(bool), heard)
    return heard.astype(bool)
