"""Time of day, day of week and other cycles as points on a circle."""

import numpy as np
import pandas as pd

from skdsn._sklearn import NAMES
from skdsn.base import MemoryTransformer
from skdsn.tracks import gap_seconds

_DAY = 86_400.0
# Period and the phase of 1970-01-01T00:00 UTC, a Thursday; weeks begin on Monday.
_NAMED = {"hour": (_DAY, 0.0), "dayofweek": (7 * _DAY, 3 * _DAY)}


class CyclicalTimeEncoder(MemoryTransformer):
    """Add the sine and cosine of periodic times, continuous over midnight.

    Parameters
    ----------
    periods : sequence or mapping, default=("hour", "dayofweek")
        Names of cycles: ``"hour"`` is the UTC time of day, ``"dayofweek"`` the UTC
        time of the week from Monday on. A mapping names others and gives their
        length, in seconds or as a timedelta, such as ``{"orbit": "112min"}``; they
        count from 1970-01-01 UTC.

    Attributes
    ----------
    periods_ : dict of str to tuple of float
        Length and phase of each cycle, in seconds.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
    fitted_on_tracks_, fitted_on_dates_ : bool

    See Also
    --------
    TrackAligner : Seconds since the start of the track.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdsn.preprocessing import CyclicalTimeEncoder
    >>> times = pd.to_datetime(["2026-03-02T00:00", "2026-03-02T06:00"])
    >>> X = pd.DataFrame({"SNR": [7.0, 8.0]}, index=times)
    >>> CyclicalTimeEncoder(periods=["hour"]).fit_transform(X).round(3)
                         SNR  hour_sin  hour_cos
    2026-03-02 00:00:00  7.0       0.0       1.0
    2026-03-02 06:00:00  8.0       1.0       0.0
    """

    _parameter_constraints: dict = {"periods": [*NAMES, dict]}
    _text = True
    _missing = True
    _uses_time = True

    def __init__(self, *, periods=("hour", "dayofweek")):
        self.periods = periods

    def _fit(self, rows, y):
        if isinstance(self.periods, dict):
            self.periods_ = {
                name: (gap_seconds(period, f"period {name!r}"), 0.0)
                for name, period in self.periods.items()
            }
        else:
            unknown = [name for name in self.periods if name not in _NAMED]
            if unknown:
                raise ValueError(
                    f"periods must be among {tuple(_NAMED)} or a mapping of name to "
                    f"length; got {unknown[0]!r} in CyclicalTimeEncoder."
                )
            self.periods_ = {name: _NAMED[name] for name in self.periods}
        clash = [name for name in self._added() if name in rows.data.columns]
        if clash:
            raise ValueError(
                f"The telemetry already has a column {clash[0]!r}; drop it before "
                "CyclicalTimeEncoder."
            )

    def _added(self):
        return [f"{name}_{wave}" for name in self.periods_ for wave in ("sin", "cos")]

    def _stream(self, data, tracks, bounds, memories):
        waves = []
        for period, phase in self.periods_.values():
            # Reduced before scaling: seconds since 1970 leave few digits for the angle.
            angle = 2 * np.pi * (np.mod(tracks.seconds + phase, period) / period)
            waves += [np.sin(angle), np.cos(angle)]
        added = pd.DataFrame(
            dict(zip(self._added(), waves, strict=True)), index=data.index
        )
        return pd.concat([data, added], axis=1), lambda i: None

    def _names_out(self, names):
        return [*names, *self._added()]
