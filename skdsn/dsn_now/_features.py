"""What may be known of a link when its state is to be told."""

import numpy as np
import pandas as pd

from skdsn._core.segments import last_valid_row, segment_ids
from skdsn._sklearn import MAX_GAP, StrOptions
from skdsn.base import MemoryTransformer
from skdsn.dsn_now._contacts import who_is_tracked
from skdsn.dsn_now._debug_strings import read_debug
from skdsn.dsn_now._labels import DEBUG
from skdsn.tracks import as_seconds

_ANGLES = {"azimuthAngle": "azimuth", "elevationAngle": "elevation"}
_NUMBERS = {
    "windSpeed": "wind",
    "isArray": "is_array",
    "isDDOR": "is_ddor",
    "isMSPA": "is_mspa",
    "n_targets": "n_targets",
    "n_dishes": "n_dishes",
    "power_upsignal": "uplink_power",
}
_LOGS = {
    "downlegRange": "log_downleg_range",
    "uplegRange": "log_upleg_range",
    "rtlt": "log_rtlt",
    "frequency_upsignal": "log_uplink_frequency",
    "dataRate_upsignal": "log_uplink_rate",
}
_TEXTS = {
    "location": "location",
    "DSS": "dish",
    "signalType_upsignal": "uplink_type",
}
_MISSING = "missing"


class LinkStateFeatures(MemoryTransformer):
    """Turn rows of the feed into features that do not give the state away.

    Parameters
    ----------
    own_signal : {"drop", "previous", "same"}, default="drop"
        What to use of the downlink whose state is asked for: nothing, the row before,
        or the row itself. The signal type of a row, its rate, its power and its debug
        string tell its state; so the row itself is for states ahead only.
    max_gap : float, str or pandas.Timedelta, default="10min"
        After a longer step in time, in seconds or as ``"10min"``, the past is
        forgotten.

    Attributes
    ----------
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
    fitted_on_tracks_, fitted_on_dates_ : bool

    Raises
    ------
    ValueError
        In ``fit``, if `X` has none of the columns that features are made of.

    See Also
    --------
    make_link_state_classifier : A Pipeline that begins with this stage.

    Notes
    -----
    Columns that are absent give no feature; those of :func:`add_beam_counts` are taken
    as they are, others than those of :func:`to_telemetry` are left alone. Of the
    pointing there are sines and cosines; of ranges, light time, uplink rate and
    frequency decimal logarithms; of the seconds since the configuration was created and
    since the contact began ``log1p``; of the uplink the fields of its debug string;
    names of complex, dish and spacecraft as text, ``"missing"`` where there is none. Of
    the own signal there are state, the state before that one, seconds in the state
    (``log1p``), code, power, and logarithm of the rate.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdsn.dsn_now import LinkStateFeatures
    >>> times = pd.date_range("2019-02-09", periods=2, freq="5s")
    >>> index = pd.MultiIndex.from_product([["DSS14/VGR1/0001"], times])
    >>> X = pd.DataFrame(
    ...     {
    ...         "elevationAngle": 30.0,
    ...         "power_downsignal": -161.0,
    ...         "signalTypeDebug_downsignal": ["IDLE OFF 1 MCD2", "IN LOCK OFF 1 MCD2"],
    ...     },
    ...     index,
    ... )
    >>> LinkStateFeatures().fit_transform(X).columns.to_list()
    ['elevation_sin', 'elevation_cos', 'log_seconds_since_start']
    >>> previous = LinkStateFeatures(own_signal="previous").fit_transform(X)
    >>> previous["own_state"].to_list()
    ['missing', 'carrier']
    """

    _parameter_constraints: dict = {
        "own_signal": [StrOptions({"drop", "previous", "same"})],
        "max_gap": MAX_GAP,
    }
    _text = True
    _missing = True
    _uses_time = True

    def __init__(self, *, own_signal="drop", max_gap="10min"):
        self.own_signal = own_signal
        self.max_gap = max_gap

    def _read(self, X, *, reset):
        if not isinstance(X, pd.DataFrame):
            raise TypeError(
                "LinkStateFeatures finds columns by name, so it takes a frame as "
                f"to_telemetry gives it; got {type(X).__name__}."
            )
        dates = X.select_dtypes(["datetime", "datetimetz"]).columns
        seconds = {name: as_seconds(X[name]) for name in dates}
        return super()._read(X.assign(**seconds), reset=reset)

    def _fit(self, rows, y):
        first = rows.data.iloc[:1]
        own = () if self.own_signal == "drop" else self._own(first, *_one_row())[0]
        context = self._context(first, np.zeros(1))
        if not context and not own:
            raise ValueError(
                "X has none of the columns that LinkStateFeatures knows, such as "
                f"'elevationAngle'; its columns are {list(first.columns)[:10]}."
            )
        self._names = [*context, "log_seconds_since_start", *own]

    def _names_out(self, names):
        return self._names

    def _stream(self, data, tracks, bounds, memories):
        # Memory: seconds of the first row, and what _own remembers.
        start = tracks.seconds[bounds[:-1]]
        for i, memory in enumerate(memories):
            if memory is not None:
                start[i] = memory[0]
        columns = self._context(data, tracks.seconds)
        elapsed = tracks.seconds - start[segment_ids(bounds)]
        columns["log_seconds_since_start"] = np.log1p(elapsed)
        remember_own = None
        if self.own_signal != "drop":
            past = [None if memory is None else memory[1] for memory in memories]
            own, remember_own = self._own(data, tracks.seconds, bounds, past)
            columns |= own

        def remember(i):
            return float(start[i]), remember_own and remember_own(i)

        return pd.DataFrame(columns, index=data.index), remember

    def _context(self, data, seconds):
        columns = {}
        for name, short in _ANGLES.items():
            if name in data:
                angle = np.deg2rad(_floats(data[name]))
                columns[f"{short}_sin"] = np.sin(angle)
                columns[f"{short}_cos"] = np.cos(angle)
        for name, short in _NUMBERS.items():
            if name in data:
                columns[short] = _floats(data[name])
        for name, short in _LOGS.items():
            if name in data:
                columns[short] = _log10(_floats(data[name]))
        if "created" in data:
            since = seconds - _floats(data["created"])
            columns["log_seconds_since_created"] = np.log1p(np.maximum(since, 0))
        for name, short in _TEXTS.items():
            if name in data:
                columns[short] = _texts(data[name])
        craft = who_is_tracked(data)
        if craft is not None:
            columns["spacecraft"] = _texts(craft)
        if "signalTypeDebug_upsignal" in data:
            codes, table, _ = read_debug(data["signalTypeDebug_upsignal"], "up")
            for field in ("transmitter", "modulation"):
                flags = table[field].astype("float64").array
                columns[f"uplink_{field}"] = flags.take(codes, allow_fill=True)
            columns["uplink_ranging"] = _take_text(table["ranging"], codes)
        return columns

    def _own(self, data, seconds, bounds, memories):
        """Features of the own signal; memory: its last row, and the run it ends."""
        columns, state = {}, np.full(len(data), _MISSING, dtype=object)
        if DEBUG in data:
            codes, table, _ = read_debug(data[DEBUG], "down")
            state = _take_text(table["link_state"], codes).to_numpy(dtype=object)
            columns["own_code"] = _take_text(table["code"], codes)
        elif "signalType_downsignal" in data:
            state = _texts(data["signalType_downsignal"]).to_numpy(dtype=object)
        first = bounds[:-1]
        before = np.empty(len(data), dtype=object)
        before[1:] = state[:-1]
        before[first] = [_MISSING if m is None else m["state"] for m in memories]
        changed = state != before
        changed[first] |= [m is None for m in memories]
        # The row at which the present state began, if that was in this chunk.
        began = last_valid_row(changed, bounds)
        ids = segment_ids(bounds)
        old = np.array([np.nan if m is None else m["since"] for m in memories])
        since = np.where(began >= 0, seconds[began], old[ids])
        former = np.array(
            [_MISSING if m is None else m["former"] for m in memories], dtype=object
        )
        former = np.where(began >= 0, before[began], former[ids])
        columns["own_state"] = state
        columns["own_state_before"] = former
        columns["own_log_seconds_in_state"] = np.log1p(seconds - since)
        if "power_downsignal" in data:
            columns["own_power"] = _floats(data["power_downsignal"])
        if "dataRate_downsignal" in data:
            columns["own_log_rate"] = _log10(_floats(data["dataRate_downsignal"]) + 1)
        table = pd.DataFrame(columns, index=data.index)
        for name in ("own_state", "own_state_before"):
            table[name] = table[name].astype("str")

        def remember(i):
            row = bounds[i + 1] - 1
            return {
                "state": state[row],
                "since": float(since[row]),
                "former": former[row],
                "row": tuple(table.iloc[row]),
            }

        out = table
        if self.own_signal == "previous":
            out = _previous(table, bounds, memories)
        return dict(out.items()), remember


def _previous(table, bounds, memories):
    """Give each row what the row before it had."""
    out = {}
    for number, (name, column) in enumerate(table.items()):
        text = not pd.api.types.is_numeric_dtype(column.dtype)
        values = column.to_numpy(dtype=object if text else np.float64)
        nothing = _MISSING if text else np.nan
        shifted = np.empty_like(values)
        shifted[1:] = values[:-1]
        shifted[bounds[:-1]] = [
            nothing if m is None else m["row"][number] for m in memories
        ]
        out[name] = pd.Series(
            shifted, index=table.index, dtype="str" if text else np.float64
        )
    return pd.DataFrame(out, index=table.index)


def _one_row():
    return np.zeros(1), np.array([0, 1]), [None]


def _floats(column):
    return column.to_numpy(dtype=np.float64, na_value=np.nan)


def _log10(values):
    return np.log10(np.where(values > 0, values, np.nan))


def _texts(column):
    return column.astype(object).where(column.notna(), _MISSING).astype("str").array


def _take_text(levels, codes):
    """Levels of each row as text, by the number of its string."""
    texts = np.array([*_texts(levels), _MISSING], dtype=object)
    return pd.Series(texts[codes], dtype="str").array
