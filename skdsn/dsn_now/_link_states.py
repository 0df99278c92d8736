"""Debug strings as columns: decoder, carrier, code; transmitter, ranging; the state."""

import warnings

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from skdsn._sklearn import StrOptions
from skdsn.base import RowTransformer
from skdsn.dsn_now._debug_strings import FIELDS, OPEN, STATES, read_debug


class LinkStateParser(RowTransformer):
    """Turn the debug strings of signals into columns, and into the state of the link.

    Parameters
    ----------
    direction : {"down", "up"}, default="down"
        Whether the strings are those of downlinks or of uplinks.
    output : {"fields", "state", "both"}, default="fields"
        ``"fields"`` of a downlink are ``decoder`` (state of the telemetry decoder),
        ``stage`` (its second stage, of turbo codes), ``carrier_lock`` (whether the
        receiver hears the carrier), ``code`` (MCD2, MCD3, TURBO, UNC, ...) and
        ``telemetry_lock``; those of an uplink ``transmitter`` and ``modulation``
        (whether on) and ``ranging``. ``"state"`` gives ``link_state`` (downlinks only)
        and ``implied_type``, the signal type that goes with the string.
    errors : {"coerce", "raise", "ignore"}, default="coerce"
        What to make of a string that obeys no known grammar: its fields are missing
        and its state is ``"partial"``, with one warning or, under ``"ignore"``,
        without; or an error.
    encode : {"category", "ordinal"}, default="category"
        Categories and nullable booleans; or numbers that count the levels from 0 in the
        order in which they are listed below, NaN where a field is missing.

    Attributes
    ----------
    unknown_ : Series of int64
        How often each string that obeys no known grammar occurs in the rows of ``fit``.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
    fitted_on_tracks_ : bool

    Raises
    ------
    ValueError
        If a string obeys no known grammar, under ``errors="raise"``.

    Warns
    -----
    UserWarning
        Once per call, if there are such strings, under ``errors="coerce"``.

    See Also
    --------
    link_state_labels : States as labels, now or ahead.

    Notes
    -----
    Each input column gives all output columns, called ``<column>_<field>``. Levels are

    - decoder: IDLE, OUT OF LOCK, WAIT FOR LOCK, IN LOCK;
    - stage: OFF, OUT OF LOCK, WAIT FOR LOCK, IN LOCK;
    - code: MCD2, MCD3, TURBO, UNC, and others, which all are 4 as a number;
    - ranging: IDLE, CAL, TRK, and others, which all are 3;
    - link_state: unassigned (no receiver), idle (neither carrier nor decoder), carrier
      (carrier only), acquiring (decoder not in lock on a carrier), locked, stale_lock
      (decoder in lock without a carrier), lost (decoder out of lock without a
      carrier), partial (anything else);
    - implied_type: none, carrier, data.

    NASA publishes no definition of these strings: the meaning was told from the strings
    seen up to 2021 and the signal types beside them. Newer forms of the feed have none.
    An empty field is a missing one. A string that has lost its outer blanks, as in a
    table written by other tools, is read all the same.

    Nothing is learnt in ``fit``.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdsn.dsn_now import LinkStateParser
    >>> rows = pd.DataFrame({"down": ["IN LOCK OFF 1 MCD2", "IDLE OFF 0 TURBO", None]})
    >>> LinkStateParser(output="both").fit_transform(rows).T
                                 0      1     2
    down_decoder           IN LOCK   IDLE   NaN
    down_stage                 OFF    OFF   NaN
    down_carrier_lock         True  False  <NA>
    down_code                 MCD2  TURBO   NaN
    down_telemetry_lock       True  False  <NA>
    down_link_state         locked   idle   NaN
    down_implied_type         data   none   NaN
    """

    _parameter_constraints: dict = {
        "direction": [StrOptions({"down", "up"})],
        "output": [StrOptions({"fields", "state", "both"})],
        "errors": [StrOptions({"coerce", "raise", "ignore"})],
        "encode": [StrOptions({"category", "ordinal"})],
    }
    _text = True
    _missing = True

    def __init__(
        self, *, direction="down", output="fields", errors="coerce", encode="category"
    ):
        self.direction = direction
        self.output = output
        self.errors = errors
        self.encode = encode

    def count_unknown(self, X):
        """Count the strings that obey no known grammar.

        Parameters
        ----------
        X : DataFrame, Series or array-like of shape (n_rows, n_features)

        Returns
        -------
        Series of int64
            Indexed by string, the most frequent first.
        """
        check_is_fitted(self)
        return self._count_unknown(self._read(X, reset=False).data)

    def _read(self, X, *, reset):
        # A ColumnTransformer hands on a column named by text as a Series.
        X = X.to_frame() if isinstance(X, pd.Series) else X
        return super()._read(X, reset=reset)

    def _fit(self, rows, y):
        self.unknown_ = self._count_unknown(rows.data)

    def _count_unknown(self, data):
        counts = []
        for strings in data.to_dict("series").values():
            codes, table, known = read_debug(strings, self.direction)
            n = np.bincount(codes[codes >= 0], minlength=len(table))
            counts.append(pd.Series(n[~known], index=table.index[~known]))
        total = pd.concat(counts).groupby(level=0).sum()
        return total.sort_values(ascending=False, kind="stable").astype("int64")

    def _columns(self):
        fields, states = FIELDS[self.direction], STATES[self.direction]
        return {
            "fields": fields,
            "state": states,
            "both": fields | states,
        }[self.output]

    def _transform(self, data):
        out, unknown = {}, []
        for name, strings in data.items():
            codes, table, known = read_debug(strings, self.direction)
            unknown += [(name, string) for string in table.index[~known]]
            for field, levels in self._columns().items():
                values = self._encoded(table[field], field, levels)
                out[f"{name}_{field}"] = values.take(codes, allow_fill=True)
        if unknown and self.errors != "ignore":
            self._complain(unknown)
        return pd.DataFrame(out, index=data.index)

    def _encoded(self, column, field, levels):
        """Levels of a column, one per different string, ready to be taken."""
        if self.encode == "category":
            if levels is None:
                return pd.array(column, dtype="boolean")
            new = sorted(set(column.dropna()) - set(levels))
            return pd.Categorical(column, categories=[*levels, *new])
        levels = (False, True) if levels is None else levels
        order = {level: float(number) for number, level in enumerate(levels)}
        other = float(len(levels)) if field in OPEN else np.nan
        missing = column.isna()
        codes = [order.get(level, other) for level in column.where(~missing, None)]
        return pd.Series(np.where(missing, np.nan, codes), dtype=np.float64).array

    def _complain(self, unknown):
        listed = ", ".join(repr(string) for _, string in unknown[:10])
        more = f" and {len(unknown) - 10} more" if len(unknown) > 10 else ""
        message = (
            f"Column {unknown[0][0]!r} holds strings that are no known debug string of "
            f"a {self.direction}link: {listed}{more}"
        )
        if self.errors == "raise":
            raise ValueError(
                f"{message}; mend them, or set errors='coerce' to take them as missing."
            )
        warnings.warn(
            f"{message}. Their fields are missing; count_unknown tells how many.",
            UserWarning,
            stacklevel=4,
        )

    def _names_out(self, names):
        return [f"{name}_{field}" for name in names for field in self._columns()]
