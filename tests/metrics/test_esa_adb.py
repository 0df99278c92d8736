"""The benchmark's scores against numbers of its own code, and worked examples."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from skdsn.metrics import esa_adb_scores

GOLDEN = json.loads((Path(__file__).parent / "golden_esa_adb.json").read_text())
SELECTIONS = {"anomaly+rare": ("Anomaly", "Rare Event"), "anomaly": ("Anomaly",)}
COLUMNS = ["ID", "Channel", "StartTime", "EndTime", "Category"]
NAMES = {
    "alarming_precision": "alarming_precision",
    "EW_precision": "event_wise_precision",
    "EW_recall": "event_wise_recall",
    "EW_F_0.50": "event_wise_f",
    "AFF_precision": "affiliation_precision",
    "AFF_recall": "affiliation_recall",
    "AFF_F_0.50": "affiliation_f",
    "Nb_Before": "adtqc_before",
    "Nb_After": "adtqc_after",
    "AfterRate": "adtqc_after_rate",
    "Total": "adtqc",
    "channel_precision": "channel_aware_precision",
    "channel_recall": "channel_aware_recall",
    "channel_F0.50": "channel_aware_f",
    "subsystem_precision": "subsystem_aware_precision",
    "subsystem_recall": "subsystem_aware_recall",
    "subsystem_F0.50": "subsystem_aware_f",
}
AS_IS = "_reference_as_is"
A, B = ("a", "c1", 20, 30, "Anomaly"), ("b", "c1", 60, 65, "Anomaly")


def hour(hours):
    return pd.Timestamp("2000-01-01") + pd.to_timedelta(hours, unit="h")


def table(*labels):
    labels = pd.DataFrame(labels, columns=COLUMNS)
    times = {name: hour(labels[name]) for name in ("StartTime", "EndTime")}
    return labels.assign(**times)


def on(*alarms, first=0):
    """Flags on during [start, stop) of each alarm, from 0 h on."""
    steps = {first: 0}
    for start, stop in alarms:
        steps |= {start: 1, stop: 0}
    return pd.Series(list(steps.values()), index=hour(np.array([*steps], float)))


def score(labels, flags, **options):
    predictions = flags if isinstance(flags, dict) else {"c1": flags}
    options = {"start": hour(0), "end": hour(100)} | options
    return esa_adb_scores(table(*labels), predictions, **options)


@pytest.mark.parametrize("selection", SELECTIONS)
@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: case["name"])
def test_all_figures_are_those_of_the_benchmark(case, selection):
    flags = {
        channel: pd.Series(
            [value for _, value in changes], index=hour([at for at, _ in changes])
        )
        for channel, changes in case["predictions"].items()
    }
    options = {
        "categories": SELECTIONS[selection],
        "subsystems": GOLDEN["subsystems"],
    }
    found = score(case["labels"], flags, **options)
    published = score(case["labels"], flags, variant="published", **options)
    n_compared = 0
    for group in case["expected"][selection].values():
        if "error" in group:
            group = dict.fromkeys([*NAMES][:7], 0.0) | {"AFF_precision": 0.5}
            assert np.isnan(found.adtqc)
        for name, expected in group.items():
            scores = published if name.endswith(AS_IS) else found
            value = scores[NAMES[name.removesuffix(AS_IS)]]
            expected = np.nan if expected is None else expected
            assert value == pytest.approx(expected, abs=1e-6, nan_ok=True), name
            n_compared += 1
    assert n_compared >= len(NAMES)


def test_the_golden_file_is_whole():
    assert len(GOLDEN["cases"]) == 38
    groups = [
        group
        for case in GOLDEN["cases"]
        for selection in SELECTIONS
        for group in case["expected"][selection].values()
    ]
    assert sum("error" in group for group in groups) == 2
    assert sum(name.endswith(AS_IS) for group in groups for name in group) == 2


@pytest.mark.parametrize(
    ("flags", "event_wise", "alarming", "affiliation"),
    [
        (on((20, 30), (60, 65)), (1, 1, 1), 1, (1, 1, 1)),
        (
            on((22, 24), (80, 85)),
            (0.470588, 0.5, 0.476190),
            1,
            (0.659091, 0.648737, 0.656994),
        ),
        (
            on((21, 22), (24, 25), (27, 28)),
            (1, 0.5, 0.833333),
            1 / 3,
            (0.75, 0.49, 0.678044),
        ),
        (on((10, 90)), (0.235294, 1, 0.277778), 1, (0.615440, 1, 0.666719)),
        (on((0, 101)), (0, 1, 0), 1, (0.514412, 1, 0.569744)),
        (on((15, 20)), (0, 0, 0), 0, (0.583333, 0.388889, 0.530303)),
        (on((30, 35)), (0.941176, 0.5, 0.8), 1, (0.583333, 0.388889, 0.530303)),
        (on((20, 30), (100, 101)), (0.5, 0.5, 0.5), 1, (0.5, 0.5, 0.5)),
    ],
    ids=[
        "exact",
        "hit and miss",
        "thrice",
        "over both",
        "on",
        "before",
        "after",
        "last",
    ],
)
def test_worked_examples(flags, event_wise, alarming, affiliation):
    found = score([A, B], flags)
    figures = ("precision", "recall", "f")
    for name, expected in (("event_wise", event_wise), ("affiliation", affiliation)):
        values = [found[f"{name}_{figure}"] for figure in figures]
        assert values == pytest.approx(expected, abs=1e-6), name
    assert found.alarming_precision == pytest.approx(alarming)


@pytest.mark.parametrize(
    ("alarm", "event_wise"),
    [((20, 21), (0.989474, 0.5, 0.827465)), ((19, 20), (0, 0, 0))],
)
def test_an_event_of_one_instant(alarm, event_wise):
    found = score([("a", "c1", 20, 20, "Anomaly"), B], on(alarm))
    values = [found[f"event_wise_{figure}"] for figure in ("precision", "recall", "f")]
    assert values == pytest.approx(event_wise, abs=1e-6)
    values = [found[f"affiliation_{figure}"] for figure in ("precision", "recall", "f")]
    assert values == pytest.approx((0.7375, 0.5, 0.673516), abs=1e-6)


def test_an_alarm_in_the_hole_of_an_event_misses_it():
    pieces = [("a", "c1", 20, 22, "Anomaly"), ("a", "c1", 26, 28, "Anomaly")]
    found = score(pieces, on((24, 25)))
    assert (found.n_events, found.true_positives, found.false_positives) == (1, 0, 1)


def test_an_alarm_in_a_gap_is_neither_a_hit_nor_false():
    gap = ("g", "c1", 70, 80, "Communication Gap")
    found = score([A, gap], on((72, 74)))
    assert (found.true_positives, found.false_positives) == (0, 0)
    assert (found.n_events, found.specificity) == (1, 1)


@pytest.mark.parametrize(
    ("labels", "flags", "adtqc", "before"),
    [
        ([A, B], on((20, 30), (60, 65)), 1, 0),
        ([A, B], on((15, 61)), 0.075978, 2),
        ([A, B], on((57, 61)), 0.082849, 1),
        (
            [("a", "c1", 20, 24, "Anomaly"), ("b", "c1", 27, 67, "Anomaly")],
            on((22, 30)),
            0.266597,
            1,
        ),
    ],
)
def test_timing_of_worked_examples(labels, flags, adtqc, before):
    found = score(labels, flags)
    assert found.adtqc == pytest.approx(adtqc, abs=1e-6)
    assert found.adtqc_before == before
    n_found = found.adtqc_before + found.adtqc_after
    assert n_found == found.true_positives
    assert found.adtqc_after_rate == found.adtqc_after / n_found


@pytest.mark.parametrize(
    ("delay", "quality"),
    [
        *[(-10, 0), (-5, 0.151955), (-1, 0.750962), (0, 1), (1, 0.997459)],
        *[(2, 0.977431), (5, 0.5), (7, 0.090859), (9, 0.002541), (9.9, 0.000004)],
        (10, 0),
    ],
)
def test_the_timing_of_an_event_of_ten_hours(delay, quality):
    found = score([A], on((20 + delay, 31)))
    assert found.adtqc == pytest.approx(quality, abs=1e-6)


def test_the_right_channels_count_in_the_time_of_the_event():
    labels = [("a", "c1", 20, 30, "Anomaly"), ("a", "c2", 20, 25, "Anomaly")]
    groups = {"s1": ["c1", "c2"], "s2": ["c3"]}

    def aware(**alarms):
        flags = {c: on(*alarms.get(c, [])) for c in ("c1", "c2", "c3")}
        found = score(labels, flags, subsystems=groups)
        return [
            round(found[f"{name}_aware_{figure}"], 6)
            for name in ("channel", "subsystem")
            for figure in ("precision", "recall", "f")
        ]

    assert aware(c1=[(21, 22)], c3=[(28, 29)]) == [0.5, 0.5, 0.5, 0.5, 1, 0.555556]
    assert aware(c1=[(21, 22)], c2=[(29, 30)]) == [1] * 6
    # What is flagged at another time is a false alarm, but not here.
    assert aware(c1=[(21, 22)], c3=[(50, 51)]) == [1, 0.5, 0.833333, 1, 1, 1]
