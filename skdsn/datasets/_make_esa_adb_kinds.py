"""Kinds of event in the three missions, and how common each is.

The counts are those of the published tables of anomaly types (see
:mod:`skdsn.datasets._esa_vocabulary` for the source). Which channels a class disturbs
is known from published label rows for class_7 and class_11 of Mission1, and from the
number of events on channels 41 to 46 for the univariate ones and the rare events of
Mission1; all else about the channels, and every shape, is made up.
"""

from dataclasses import dataclass

ANOMALY, RARE = "Anomaly", "Rare Event"
GAP, INVALID = "Communication Gap", "Invalid Segment"
SHAPES = ("step", "ramp", "pulses", "wave", "decay")


@dataclass(frozen=True)
class Kind:
    """A subclass of events, which look alike."""

    label: str
    sublabel: str
    category: str
    univariate: bool = False
    n_global: int = 0
    n_local: int = 0
    n_point: int = 0  # of the former two
    channels: tuple = ()
    shape: str = ""

    @property
    def count(self):
        """Number of published events."""
        return self.n_global + self.n_local


# class, subclass (0 = unknown), global, local, of which points; U = univariate
_ANOMALIES = {
    "Mission1": """
        1 0 0 1 1 U; 2 2 1 0 0; 3 1 2 0 0; 3 2 27 1 10; 7 1 6 36 0; 7 2 1 2 0;
        9 1 2 0 0; 11 0 2 1 0; 13 1 0 1 0; 14 3 1 0 0; 14 4 1 0 0; 15 1 5 0 0;
        17 1 3 0 0; 18 0 0 1 0; 19 0 1 0 0; 20 0 4 0 0; 21 0 0 1 0; 22 1 7 3 0 U;
        22 3 5 1 0 U; 22 3 0 1 0; 22 4 1 0 0""",
    "Mission2": """
        2 0 7 4 0; 13 1 0 2 0 U; 13 2 0 1 0 U; 13 3 0 1 0 U; 13 4 0 1 0 U; 16 0 1 0 0;
        24 1 0 2 0 U; 24 2 0 1 0 U; 25 0 0 4 0; 31 0 0 2 0; 31 0 0 1 0 U; 0 0 1 3 0""",
    "Mission3": "1 1 3 0 0; 1 2 1 0 0; 1 3 1 0 0; 2 1 0 2 0; 2 2 0 1 0",
}
_RARE = {
    "Mission1": """
        2 1 1 0 0; 2 3 1 0 0; 2 4 1 0 0; 4 1 1 0 0; 4 0 4 0 0; 6 1 1 0 0; 6 2 1 0 0;
        8 1 1 7 0; 10 1 0 2 0; 10 0 0 1 0; 12 0 0 3 0; 14 1 18 7 0; 14 2 1 0 0;
        14 5 0 1 0; 14 6 0 1 0; 15 2 0 1 0; 16 1 1 0 0; 16 2 0 1 0; 16 3 0 1 1;
        16 0 1 6 0; 22 2 12 3 0 U""",
    "Mission2": """
        1 0 2 0 0; 3 0 4 0 0; 4 0 3 0 0; 5 0 1 0 0; 6 0 3 0 0; 7 0 1 0 0; 8 0 2 0 0;
        9 0 3 0 0; 10 0 3 0 0; 11 1 7 0 0; 11 0 1 0 0; 12 1 1 0 0; 14 0 5 7 0;
        15 0 1 0 0; 17 1 1 0 0; 17 2 1 0 0; 17 0 2 2 0; 18 0 28 9 0; 19 0 346 7 0;
        20 0 51 1 0; 21 0 7 0 0; 22 0 6 8 0; 23 0 1 1 0; 26 0 10 0 0; 27 0 1 0 0;
        28 0 1 1 0; 29 0 1 1 0; 30 0 83 0 0""",
    "Mission3": "3 1 1 1 0 U; 3 2 0 1 0 U; 5 1 22 0 3 U",
}
_OTHERS = {
    "Mission1": (Kind("class_5", "unknown", GAP),),
    "Mission2": (Kind("unknown", "unknown", GAP),),  # none is published
    "Mission3": (
        Kind("class_4", "subclass_1", GAP),
        Kind("class_6", "subclass_1", INVALID),
    ),
}

# class -> groups of channels
_GROUPS = {
    "Mission1": {
        1: (13,),
        2: (8, 5),
        3: (8, 6, 13),
        4: (8, 9, 10),
        6: (8, 14, 18),
        7: (4,),
        8: (8,),
        9: (8, 3),
        10: (8, 18),
        11: (3, 5, 9, 10),
        12: (8, 7),
        13: (4, 14),
        14: (8, 13, 16),
        15: (8, 6),
        16: (8, 7),
        17: (1, 14, 18),
        18: (6, 7),
        19: (2, 11, 12, 14),
        20: (2, 15, 16, 17),
        21: (14,),
        22: (8,),
    },
    "Mission2": {
        0: (12, 15, 27),
        2: (5, 7, 8, 11),
        13: (6,),
        16: (13, 18, 24, 27),
        24: (20,),
        25: (19, 21, 22, 23),
        31: (3, 4),
    },
    "Mission3": {1: (4, 5, 6), 2: (7, 8), 3: (9,), 5: (4,), 6: range(4, 10)},
}
# Rare events of Mission2 disturb its lightweight subset, and two groups more.
_ALWAYS, _ALSO = (5, 6, 7), (3, 4, 15, 19, 20, 21, 22, 23, 24, 27)
_CLASS_7 = (14, 21, 29)


def list_kinds(mission):
    """List the kinds of event of a mission, most with counts.

    Parameters
    ----------
    mission : Mission

    Returns
    -------
    list of Kind
    """
    kinds = [
        _read_kind(row.split(), category, mission)
        for category, table in ((ANOMALY, _ANOMALIES), (RARE, _RARE))
        for row in table[mission.name].split(";")
    ]
    for kind in _OTHERS[mission.name]:
        groups = _GROUPS[mission.name].get(6) if kind.category == INVALID else None
        kinds.append(Kind(**{**vars(kind), "channels": _members(mission, groups)}))
    return kinds


def _read_kind(row, category, mission):
    """Make a kind from one entry of a table."""
    number, sub, n_global, n_local, n_point = map(int, row[:5])
    if mission.name == "Mission2" and category == RARE:
        groups = (*_ALWAYS, _ALSO[number % 10], _ALSO[(3 * number + 1) % 10])
    else:
        groups = _GROUPS[mission.name][number]
    channels = _members(mission, groups)
    if (mission.name, number) == ("Mission1", 7):
        channels = _CLASS_7
    return Kind(
        f"class_{number}" if number else "unknown",
        f"subclass_{sub}" if sub else "unknown",
        category,
        "U" in row,
        n_global,
        n_local,
        n_point,
        channels,
        SHAPES[(number + sub) % len(SHAPES)],
    )


def _members(mission, groups):
    """Numbers of the channels in some groups, in all of them for None."""
    return tuple(
        channel.number
        for channel in mission.channels
        if groups is None or channel.group in groups
    )
