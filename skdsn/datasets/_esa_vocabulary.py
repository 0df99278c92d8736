"""The three missions of the ESA Anomaly Dataset: channels, their levels, commands.

Published, and kept here as constants: the channels of Mission1 with subsystem, unit,
group and target flag; median, interquartile range, mean and standard deviation of its
columns over the nominal rows of its first three months; the sizes of all missions, and
the numbers and priorities of the telecommands of Mission1 that were chosen for machine
learning. Steps, targets, counters and lightweight subsets of Mission1 and Mission2 are
those of :mod:`skdsn.datasets._esa_adb_missions`. All else is made up: which channels of
Mission2 and Mission3 form a group, their levels, which hold text, and the numbers of
all other commands. [1]_

References
----------
.. [1] European Space Agency; De Canio G., Kotowski K., Haskamp C., Ruszczak B.,
   Andrzejewski J., Nalepa J. et al., "ESA Anomaly Dataset", Zenodo,
   DOI 10.5281/zenodo.12528696, 2024. CC BY 3.0 IGO. Figures rounded and rearranged;
   ESA does not endorse it.
"""

from dataclasses import dataclass
from math import gamma, pi, sqrt

import numpy as np

from skdsn.datasets._esa_adb_missions import get_mission

# Priority of the telecommands that were chosen for machine learning.
CHOSEN = 3


@dataclass(frozen=True)
class Channel:
    """One column of telemetry, and what it does while all is well."""

    number: int
    subsystem: int
    unit: int
    group: int
    target: bool
    kind: str  # smooth, switch, constant, counter or text
    period: float  # s between samples
    level: float = 0.0  # mean; of a switch, the usual value
    spread: float = 0.0  # standard deviation; of a switch, the size of the jump
    bend: float = 1.0  # exponent: above 1, heavier tails than a normal distribution
    share: float = 0.0  # of the time that a switch is not at its usual value
    quantum: float = 0.0  # step of the converter
    interval: float = np.inf  # mean s between two counts
    modulus: int = 16  # a counter returns to zero here

    @property
    def name(self):
        """Column of the channel."""
        return f"channel_{self.number}"


@dataclass(frozen=True)
class Mission:
    """What a mission has aboard, and how often something happens to it."""

    name: str
    step: float  # s, the usual time between samples
    orbit: float  # s
    channels: tuple
    lightweight: tuple  # empty where none is published
    priorities: dict  # number of a telecommand -> 0 to 3
    rate: float  # executions per day of a telecommand of priority 0 to 2
    triggers: tuple  # telecommands that precede rare events, and nothing else
    responses: dict  # other telecommand of priority 3 -> group that responds
    per_month: tuple  # anomalies, rare events, gaps and invalid segments in 30 days


_RULES_1, _RULES_2 = get_mission("Mission1"), get_mission("Mission2")

# group: (subsystem, unit, channels, step of the converter, s between samples). The
# steps are what the interquartile ranges of a group are multiples of. All edges of the
# published label rows in groups 3 to 5 are multiples of 90 s apart.
_GROUPS_1 = {
    1: (1, 1, (1, 2, 3), 0, 30),
    2: (1, 2, range(4, 12), 0, 30),
    3: (6, 3, (12, 13, 19, 20, 27, 28, 36, 37), 1.56e-3, 90),
    4: (6, 3, (14, 21, 29, 30, 38), 4.525e-3, 90),
    5: (6, 3, (17, 18, 25, 26, 34, 35), 1.508e-3, 90),
    6: (6, 3, (16, 24, 32, 33, 40), 1.839e-3, 30),
    7: (6, 3, (15, 22, 23, 31, 39), 1.4e-3, 30),
    8: (5, 4, range(41, 47), 7e-4, 30),
    9: (6, 3, (47, 48, 49), 2.53e-6, 30),
    10: (6, 3, (50, 51, 52), 1.063e-3, 30),
    11: (3, 5, (53, 55), 0, 30),
    12: (3, 5, (54, 56), 0, 30),
    13: (6, 3, range(57, 61), 9.16e-4, 30),
    14: (1, 6, (61, 62, 63), 1e-3, 30),
    15: (6, 3, (64, 65), 0, 30),
    16: (6, 3, (66,), 5.2e-5, 30),
    17: (1, 5, (67, 68, 69), 5.2e-5, 30),
    18: (3, 4, range(70, 77), 4.55e-4, 30),
}

# Mission1, nominal rows of the first three months on a grid of 30 s: median,
# interquartile range, mean - median, standard deviation.
_STATISTICS_1 = {
    1: (0.13791, 0, 7.08e-09, 1.045e-06),
    2: (0.126334, 0, 0, 0),
    3: (0.126334, 0, 1.21e-05, 0.000212),
    12: (0.314055, 0.00624, -0.00017, 0.004276),
    13: (0.376441, 0.004678, -0.0011, 0.003293),
    14: (0.277592, 0.03168, -0.00448, 0.01751),
    15: (0.133979, 0.00258, 0.000517, 0.002693),
    16: (0.770447, 0.003677, 0.00178, 0.004292),
    17: (0.353997, 0.009045, -0.000323, 0.005737),
    18: (0.37058, 0.01055, -0.00125, 0.008769),
    19: (0.306256, 0.02651, -0.00146, 0.0132),
    20: (0.378001, 0.006238, -0.00168, 0.004774),
    21: (0.283627, 0.03168, -0.00317, 0.01784),
    22: (0.356449, 0.002888, 0.000263, 0.002515),
    23: (0.14042, 0.001287, -0.000163, 0.002353),
    24: (0.76493, 0.003677, 0.000136, 0.00407),
    25: (0.304243, 0.01508, -0.00179, 0.008411),
    26: (0.40978, 0.009045, 0.000691, 0.006276),
    27: (0.292218, 0.009358, -0.00265, 0.005561),
    28: (0.225152, 0.02028, -0.00175, 0.01059),
    29: (0.292677, 0.0181, -0.00154, 0.01306),
    30: (0.153881, 0.01811, -0.00498, 0.009805),
    31: (0.355007, 0.002888, 0.000302, 0.002483),
    32: (0.77964, 0.005517, 0.000857, 0.003819),
    33: (0.814577, 0.003677, 8.29e-05, 0.003502),
    34: (0.198708, 0.004524, -0.000777, 0.002595),
    35: (0.233385, 0.0196, 0.00193, 0.01),
    36: (0.295338, 0.01872, 0.00109, 0.0101),
    37: (0.33433, 0.01404, -0.00026, 0.007706),
    38: (0.153881, 0.01659, -0.00547, 0.009809),
    39: (0.360784, 0.001447, -0.000539, 0.002688),
    40: (0.818255, 0.003678, -3.72e-05, 0.003478),
    41: (0.813363, 0.008633, 8.03e-05, 0.004837),
    42: (0.786344, 0.01125, 0.000472, 0.006803),
    43: (0.775064, 0.008705, 9.56e-05, 0.004795),
    44: (0.799177, 0.01023, 0.00027, 0.005815),
    45: (0.815159, 0.009327, 0.00043, 0.005483),
    46: (0.771206, 0.01098, 0.00014, 0.006766),
    47: (0.00176834, 1.012e-05, 1.27e-06, 5.512e-06),
    48: (0.00182654, 7.585e-06, 3.14e-06, 5.769e-06),
    49: (0.00178099, 5.06e-06, 1.12e-06, 5.114e-06),
    50: (0.743804, 0.004252, 0.000533, 0.002305),
    51: (0.768254, 0.003187, 0.00131, 0.002426),
    52: (0.749117, 0.002126, 0.000473, 0.002138),
    53: (0.858232, 0, -0.0212, 0.1552),
    54: (0.800162, 0, -0.0296, 0.08266),
    55: (0.571646, 0, -0.041, 0.1157),
    56: (0.900081, 0.09992, -0.0486, 0.09744),
    57: (0.786615, 0.003665, 0.000168, 0.002406),
    58: (0.718845, 0.002747, 0.000266, 0.002377),
    59: (0.888272, 0.003665, -0.000104, 0.00227),
    60: (0.71701, 0.002747, 0.000453, 0.002532),
    61: (0.0354527, 0.05546, 0.00937, 0.02882),
    62: (0.340601, 0.1195, -0.00867, 0.0609),
    63: (0.43652, 0.05131, -0.00374, 0.02616),
    64: (0.967074, 0, -1.33e-07, 1.61e-05),
    65: (0.968015, 0, -1.19e-06, 2.469e-05),
    66: (0.993197, 0.0003092, -0.000111, 0.0001484),
    67: (0.996389, 0.0002577, -0.000125, 0.0001288),
    68: (0.709386, 0, 1.46e-05, 5.954e-05),
    69: (0.211964, 0, 2.43e-07, 7.911e-06),
    70: (0.7795, 0.005465, 0.00106, 0.004512),
    71: (0.813666, 0.006837, -0.000113, 0.004036),
    72: (0.823233, 0.007742, 0.000822, 0.004574),
    73: (0.938043, 0.007742, 0.000213, 0.004647),
    74: (0.984053, 0.00638, 0.000308, 0.004717),
    75: (0.909342, 0.004098, 0.000903, 0.003051),
    76: (0.969474, 0.003645, -0.00014, 0.002758),
}

# group: (subsystem, channels, kind); made up, but that groups 8 to 10 are the counters.
_GROUPS_2 = {
    1: (1, (1, 3), "smooth"),
    2: (1, (4, 8), "switch"),
    3: (2, (9, 13), "smooth"),
    4: (2, (14, 17), "smooth"),
    5: (3, (18, 21), "smooth"),
    6: (3, (22, 25), "smooth"),
    7: (3, (26, 28), "smooth"),
    8: (1, (29, 34), "counter"),
    9: (1, (35, 40), "counter"),
    10: (1, (41, 46), "counter"),
    11: (4, (47, 49), "text"),
    12: (4, (50, 52), "text"),
    13: (4, (53, 54), "switch"),
    14: (4, (55, 57), "smooth"),
    15: (5, (58, 59), "smooth"),
    16: (4, (60, 62), "constant"),
    17: (4, (63, 65), "smooth"),
    18: (4, (66, 69), "switch"),
    19: (5, (70, 73), "smooth"),
    20: (5, (74, 77), "smooth"),
    21: (5, (78, 81), "smooth"),
    22: (5, (82, 85), "smooth"),
    23: (5, (86, 88), "smooth"),
    24: (5, (89, 91), "smooth"),
    25: (4, (92, 93), "switch"),
    26: (4, (94, 95), "constant"),
    27: (2, (96, 98), "smooth"),
    28: (4, (99, 99), "smooth"),
    29: (4, (100, 100), "smooth"),
}
_KINDS_3 = ("smooth", "smooth", "switch") + ("smooth",) * 7 + ("counter", "constant")
_GROUPS_3 = {
    k: ((k + 2) // 3, (4 * k - 3, 4 * k), kind) for k, kind in enumerate(_KINDS_3, 1)
}


def _channels_of_mission1():
    """Channels with the published levels and spreads."""
    made = []
    for group, (subsystem, unit, numbers, quantum, period) in _GROUPS_1.items():
        for number in numbers:
            place = (number, subsystem, unit, group, number in _RULES_1.targets)
            if number in _RULES_1.counters:
                # Published: 8 to 11 never count while all is well, and 4 to 7 did
                # not in three months; here they do every ten days.
                interval = 864_000 if number < 8 else np.inf
                channel = Channel(*place, "counter", period, interval=interval)
            else:
                median, iqr, shift, deviation = _STATISTICS_1[number]
                if not deviation:
                    channel = Channel(*place, "constant", period, median)
                elif iqr == 0 or group == 12:
                    # Two values that have this mean and this variance.
                    share = shift**2 / (deviation**2 + shift**2)
                    jump = np.clip(shift / share, -median, 1 - median)
                    channel = Channel(
                        *place, "switch", period, median, float(jump), share=share
                    )
                else:
                    channel = Channel(
                        *place,
                        "smooth",
                        period,
                        median + shift,
                        deviation,
                        _bend(iqr / deviation),
                        quantum=quantum,
                    )
            made.append(channel)
    return tuple(sorted(made, key=lambda channel: channel.number))


def _bend(ratio):
    """Find k so that sign(z) |z|**k has this ratio of quartile range and deviation."""
    bends = np.linspace(0.6, 2, 141)
    ratios = [2 * 0.67449**k / sqrt(power_variance(k)) for k in bends]
    return float(np.interp(ratio, ratios[::-1], bends[::-1]))


def power_variance(bend):
    """Variance of sign(z) |z|**bend where z is standard normal."""
    return 2**bend * gamma(bend + 0.5) / sqrt(pi)


def _made_up_channels(groups, targets, step, seed):
    """Channels whose levels are drawn once and for all."""
    made = []
    for group, (subsystem, (first, last), kind) in groups.items():
        rng = np.random.default_rng((seed, group))
        base, size = rng.uniform(0.15, 0.85), 10 ** rng.uniform(-2.8, -1.8)
        period = step / 2 if kind == "text" and group % 2 else step
        for number in range(first, last + 1):
            level = base + 0.03 * rng.standard_normal()
            spread = size * np.exp(0.3 * rng.standard_normal())
            own = {
                "smooth": {"spread": spread, "quantum": size / 6},
                "switch": {"spread": rng.uniform(0.05, 0.15), "share": 0.06},
                "counter": {
                    "level": 0.0,
                    "interval": 60.0 * rng.integers(1, 20),
                    "modulus": 256,
                },
            }.get(kind, {})
            place = (number, subsystem, 1 + group % 8, group, number in targets)
            made.append(Channel(*place, kind, period, **{"level": level, **own}))
    return tuple(made)


def _priorities(counts, chosen):
    """Priority of each command: those chosen for learning, the others at random."""
    others = [number for number in range(1, sum(counts) + 1) if number not in chosen]
    drawn = np.repeat([0, 1, 2], counts[:CHOSEN])
    drawn = np.random.default_rng(len(others)).permutation(drawn).tolist()
    found = {**dict(zip(others, drawn, strict=True)), **dict.fromkeys(chosen, CHOSEN)}
    return dict(sorted(found.items()))


MISSIONS = {
    "Mission1": Mission(
        name="Mission1",
        step=float(_RULES_1.step),
        orbit=5_900.0,
        channels=_channels_of_mission1(),
        lightweight=_RULES_1.lightweight,
        priorities=_priorities(
            (345, 323, 19, 11), (36, 38, 39, 40, 244, *range(350, 355), 376)
        ),
        rate=0.447,
        # Published: never executed in nominal data.
        triggers=(244, 350, 352, 353, 354, 376),
        responses={36: 3, 38: 8, 39: 13, 40: 18, 351: 8},
        per_month=(8, 10, 1, 0),
    ),
    "Mission2": Mission(
        name="Mission2",
        step=float(_RULES_2.step),
        orbit=5_400.0,
        channels=_made_up_channels(
            _GROUPS_2, _RULES_2.targets, float(_RULES_2.step), 2
        ),
        lightweight=_RULES_2.lightweight,
        priorities=_priorities((0, 0, 119, 4), (12, 47, 81, 105)),
        rate=12.2,
        triggers=(12, 47),
        responses={81: 6, 105: 20},
        per_month=(4, 14, 0, 0),
    ),
    "Mission3": Mission(
        name="Mission3",
        step=30.0,
        orbit=6_600.0,
        channels=_made_up_channels(_GROUPS_3, range(13, 37), 30.0, 3),
        lightweight=(),
        priorities=_priorities((10, 10, 6, 4), (5, 11, 17, 23)),
        rate=1.0,
        triggers=(5, 11),
        responses={17: 5, 23: 8},
        per_month=(4, 6, 4, 3),
    ),
}
