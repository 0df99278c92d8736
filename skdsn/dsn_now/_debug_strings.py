"""The grammar of ``signalTypeDebug``, as far as it can be told from outside.

NASA publishes no definition. The reading here rests on the strings that the feed has
shown up to 2021, and on the signal type that stood beside each of them.
"""

import re
from numbers import Real

import numpy as np
import pandas as pd

_STAGES = ("OUT OF LOCK", "WAIT FOR LOCK", "IN LOCK")
_DOWN = re.compile(
    rf"(IDLE|{'|'.join(_STAGES)}|) (OFF|{'|'.join(_STAGES)}|) (0|1|-1|) ([A-Z0-9]*)"
)
_UP = re.compile(r"(ON|OFF|) (1|0|-1|) ([A-Z]*)")
# Outer blanks stand for empty fields, but tables and editors lose them.
_LOST_BLANKS = {
    "down": [(before, after) for before in ("", " ", "  ") for after in ("", " ")],
    "up": [("", ""), ("", " "), (" ", ""), (" ", " ")],
}
_NOTHING = {"none", "null", "nan", "n/a"}

LINK_STATES = (
    "unassigned",
    "idle",
    "carrier",
    "acquiring",
    "locked",
    "stale_lock",
    "lost",
    "partial",
)
DECODERS = ("IDLE", "OUT OF LOCK", "WAIT FOR LOCK", "IN LOCK")
STAGES = ("OFF", "OUT OF LOCK", "WAIT FOR LOCK", "IN LOCK")
CODES = ("MCD2", "MCD3", "TURBO", "UNC")
RANGINGS = ("IDLE", "CAL", "TRK")
TYPES = ("none", "carrier", "data")

# Column to its levels, in order; None for a flag.
FIELDS: dict[str, dict[str, tuple[str, ...] | None]] = {
    "down": {
        "decoder": DECODERS,
        "stage": STAGES,
        "carrier_lock": None,
        "code": CODES,
        "telemetry_lock": None,
    },
    "up": {"transmitter": None, "modulation": None, "ranging": RANGINGS},
}
STATES: dict[str, dict[str, tuple[str, ...] | None]] = {
    "down": {"link_state": LINK_STATES, "implied_type": TYPES},
    "up": {"implied_type": TYPES},
}
# Levels that the grammar leaves open.
OPEN = ("code", "ranging")


def read_debug(strings, direction):
    """Take debug strings apart, each different one once.

    Parameters
    ----------
    strings : Series or array-like of shape (n_rows,)
        As the feed has them; missing ones give missing fields.
    direction : {"down", "up"}

    Returns
    -------
    codes : int64 ndarray of shape (n_rows,)
        Row of `table` for each string; -1 for a missing one.
    table : DataFrame of shape (n_strings, n_fields)
        Text, True, False and None, indexed by string.
    known : bool ndarray of shape (n_strings,)
        Whether the string obeys the grammar.

    Examples
    --------
    >>> _, table, _ = read_debug(["IN LOCK OFF 1 MCD2", "  -1 "], "down")
    >>> table[["decoder", "carrier_lock", "link_state"]].to_numpy().tolist()
    [['IN LOCK', True, 'locked'], [None, None, 'unassigned']]
    """
    codes, found = pd.factorize(pd.Series(strings, dtype=object), use_na_sentinel=True)
    read = _read_down if direction == "down" else _read_up
    names = [*FIELDS[direction], *STATES[direction]]
    values = [read(_as_text(string)) for string in found]
    # What is understood by nobody is a state of its own, not the lack of one.
    unknown = {"link_state": "partial"}
    rows = [unknown if value is None else value for value in values]
    table = pd.DataFrame(
        [[row.get(name) for name in names] for row in rows],
        index=pd.Index(found, dtype=object),
        columns=names,
        dtype=object,
    )
    known = np.array([value is not None for value in values], dtype=bool)
    return codes, table, known


def _as_text(value):
    """Give a table's ``-1`` back as text: it reads ``"  -1 "`` as a number."""
    if isinstance(value, Real) and not isinstance(value, bool | np.bool_):
        return f"{value:g}"
    return str(value)


def _match(string, pattern, direction):
    """Split into fields: exactly, or else as if outer blanks had been lost."""
    found = pattern.fullmatch(string)
    stripped = string.strip()
    if found is None and stripped in RANGINGS and direction == "up":
        return "", "", stripped
    if found is None and stripped:
        for before, after in _LOST_BLANKS[direction]:
            found = pattern.fullmatch(before + stripped + after)
            if found:
                break
    return None if found is None else found.groups()


def _is_nothing(string):
    return not string.strip() or string.strip().lower() in _NOTHING


def _read_down(string):
    fields = _match(string, _DOWN, "down")
    if fields is None:
        return {} if _is_nothing(string) else None
    decoder, stage, heard, code = fields
    locked = decoder == "IN LOCK" and stage in ("OFF", "IN LOCK")
    state = _link_state(decoder, heard, locked)
    return {
        "decoder": decoder or None,
        "stage": stage or None,
        "carrier_lock": {"1": True, "0": False}.get(heard),
        "code": code or None,
        "telemetry_lock": locked if decoder else None,
        "link_state": state,
        "implied_type": "data"
        if state == "locked" and code != "UNC"
        else ("carrier" if heard == "1" else "none"),
    }


def _link_state(decoder, heard, locked):
    if not decoder and heard in ("", "-1"):
        return "unassigned"
    if locked and heard == "1":
        return "locked"
    waiting = decoder in ("OUT OF LOCK", "WAIT FOR LOCK")
    kind = "WAITING" if waiting else decoder
    return {
        ("IN LOCK", "0"): "stale_lock",
        ("IDLE", "0"): "idle",
        ("IDLE", "1"): "carrier",
        ("WAITING", "1"): "acquiring",
        ("WAITING", "0"): "lost",
    }.get((kind, heard), "partial")


def _read_up(string):
    if string.strip().lower() == "none":  # the placeholder: no uplink assigned
        return {"implied_type": "none"}
    fields = _match(string, _UP, "up")
    if fields is None:
        return {} if _is_nothing(string) else None
    transmitter, modulation, ranging = fields
    radiates = {"ON": True, "OFF": False}.get(transmitter)
    modulated = {"1": True, "0": False}.get(modulation)
    kind = "none"
    if radiates and modulated is not None:
        kind = "data" if modulated else "carrier"
    return {
        "transmitter": radiates,
        "modulation": modulated,
        "ranging": ranging or None,
        "implied_type": kind,
    }
