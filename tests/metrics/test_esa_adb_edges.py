"""What the benchmark's code fails at, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from metrics.naive import flagged_tracks, quietly
from sklearn.exceptions import UndefinedMetricWarning

from skdsn.metrics import esa_adb_scores, event_wise_scores, find_events
from skdsn.metrics._event_wise import event_wise
from skdsn.tracks import read_tracks

COLUMNS = ["ID", "Channel", "StartTime", "EndTime", "Category"]
FIGURES = ("event_wise", "affiliation", "channel_aware", "subsystem_aware")


def table(*rows):
    return pd.DataFrame(list(rows), columns=COLUMNS)


def on(*alarms, first=0, last=100):
    """Flags in seconds, on during [start, stop) of each alarm."""
    steps = {first: 0, last: 0}
    for start, stop in alarms:
        steps |= {start: 1, stop: 0}
    return pd.Series(steps).sort_index()


LABELS = table(
    ("a", "c1", 20, 30, "Anomaly"),
    ("b", "c2", 60, 65, "Rare Event"),
    ("b", "c1", 62, 70, "Rare Event"),
    ("g", "c2", 80, 90, "Communication Gap"),
)
LATER = table(("z", "c1", 130, 140, "Invalid Segment"))
LABELS_AND_MORE = pd.concat([LABELS, LATER], ignore_index=True)
FLAGS = {"c1": on((22, 24), (63, 64), (75, 77)), "c2": on((10, 12), (61, 62))}
GROUPS = {"c1": "s1", "c2": "s2"}


def same(one, other):
    assert list(one) == list(other)
    np.testing.assert_allclose(list(one.values()), list(other.values()))


def test_without_any_alarm_precision_is_0_and_timing_unknown():
    found = esa_adb_scores(LABELS, {"c1": on(), "c2": on()}, subsystems=GROUPS)
    for name in ("event_wise", "channel_aware", "subsystem_aware"):
        assert [found[f"{name}_{f}"] for f in ("precision", "recall", "f")] == [0, 0, 0]
    affiliation = [found[f"affiliation_{f}"] for f in ("precision", "recall", "f")]
    assert affiliation == [0.5, 0, 0]
    assert found.alarming_precision == 0
    assert np.isnan([found.adtqc, found.adtqc_after_rate]).all()
    assert (found.adtqc_before, found.adtqc_after) == (0, 0)


@pytest.mark.parametrize(
    ("labels", "categories", "specificity"),
    [
        (LABELS_AND_MORE, ["Invalid Segment"], 1 - 6 / (100 - 10 - 10 - 10)),
        (LABELS[:0], ["Anomaly"], 1 - 8 / 100),
        (table(), "Anomaly", 1 - 8 / 100),
    ],
    ids=["none selected", "no rows", "no rows of any dtype"],
)
def test_without_a_selected_event_what_needs_one_is_nan(
    labels, categories, specificity
):
    flags = {"c1": on((22, 24), (75, 77)), "c2": on((10, 12), (30, 32))}
    how = {"categories": categories, "subsystems": GROUPS}
    found = quietly(esa_adb_scores, labels, flags, **how)
    assert found.n_events == found.true_positives == found.n_affiliation_zones == 0
    for name in FIGURES:
        assert np.isnan(
            [found[f"{name}_{f}"] for f in ("precision", "recall", "f")]
        ).all()
    assert np.isnan([found.alarming_precision, found.adtqc]).all()
    assert found.specificity == pytest.approx(specificity)


def test_a_category_that_no_label_has_is_told():
    with pytest.warns(
        UndefinedMetricWarning, match=r"category 'Anomalie'.*'Rare Event'"
    ):
        esa_adb_scores(LABELS, FLAGS, categories=["Anomalie"])


def test_without_nominal_time_nothing_is_taken_off():
    labels = table(("a", "c1", 0, 100, "Anomaly"))
    found = esa_adb_scores(labels, {"c1": on((40, 50))})
    assert (found.specificity, found.event_wise_precision) == (1, 1)


def test_always_on_is_worth_nothing():
    flags = pd.Series([1, 1], index=[0, 100])
    found = esa_adb_scores(LABELS, {"c1": flags, "c2": flags})
    assert (found.specificity, found.event_wise_f, found.event_wise_recall) == (0, 0, 1)


@pytest.mark.parametrize("at", [0, 100])
@pytest.mark.parametrize("alarms", [[], [(40, 50)], [(0, 1), (99, 100)], [(0, 100)]])
def test_an_instant_at_the_end_of_time_has_figures_from_0_to_1(at, alarms):
    flags = on(*alarms)
    flags.iloc[-1] = int(alarms == [(0, 100)])
    found = esa_adb_scores(table(("a", "c1", at, at, "Anomaly")), {"c1": flags})
    for name in ("event_wise", "affiliation", "channel_aware"):
        values = [found[f"{name}_{f}"] for f in ("precision", "recall", "f")]
        assert ((np.array(values) >= 0) & (np.array(values) <= 1)).all(), name
    hit = bool(alarms) and (alarms[0][1] == 100 or (at == 0 and alarms[0][0] == 0))
    assert found.true_positives == hit
    if alarms == [(0, 100)]:
        assert found.affiliation_recall == pytest.approx(1)


def test_alarms_of_a_microsecond_count_but_not_for_affiliation():
    labels = table(("a", "c1", 20.0, 30.0, "Anomaly"))
    flags = pd.Series([0, 1, 0, 0], index=[0.0, 25.0, 25.000001, 100.0])
    found = esa_adb_scores(labels, {"c1": flags})
    assert (found.true_positives, found.event_wise_f) == (1, 1)
    assert (found.affiliation_precision, found.affiliation_recall) == (0.5, 0)


@pytest.mark.parametrize(("cut", "n_events"), [("clip", 3), ("drop", 1)])
def test_events_that_reach_beyond_the_time_are_clipped_or_dropped(cut, n_events):
    labels = table(
        ("early", "c1", -10, 5, "Anomaly"),
        ("inside", "c1", 20, 30, "Anomaly"),
        ("late", "c1", 95, 120, "Anomaly"),
        ("late", "c1", 50, 55, "Anomaly"),
        ("out", "c1", 130, 140, "Anomaly"),
    )
    flags = {"c1": on((0, 1), (20, 30), (50, 55))}
    found = esa_adb_scores(labels, flags, cut_events=cut)
    assert found.n_events == n_events
    kept = ["early", "inside", "late"] if cut == "clip" else ["inside"]
    within = {"StartTime": [0, 20, 95, 50], "EndTime": [5, 30, 100, 55]}
    clipped = labels.iloc[:4].assign(**within)
    same(found, esa_adb_scores(clipped[clipped["ID"].isin(kept)], flags))


def test_the_time_to_score_is_that_of_the_predictions_or_told():
    inner = {"start": 15, "end": 68}
    found = esa_adb_scores(LABELS, FLAGS, **inner)
    assert (found.n_events, found.false_positives) == (2, 0)
    held = {"c1": pd.Series([1], index=[50]), "c2": pd.Series([0], index=[55])}
    found = esa_adb_scores(LABELS, held, start=0, end=100)  # held to either side
    assert found.specificity == 0


def test_a_channel_without_predictions_is_never_flagged():
    labels = pd.concat([LABELS, table(("z", "c9", 40, 45, "Anomaly"))])
    found = esa_adb_scores(labels, FLAGS, channels=["c1", "c2", "c9"])
    assert found.n_events == 3
    same(
        found,
        esa_adb_scores(labels, FLAGS | {"c9": on()}),
    )
    # Channels that are not asked for do not count, nor do their labels.
    one = esa_adb_scores(labels, FLAGS, channels=["c1"])
    same(one, esa_adb_scores(LABELS, {"c1": FLAGS["c1"]}, start=0, end=100))


def test_input_is_left_alone():
    labels, flags = LABELS.copy(), {name: flags.copy() for name, flags in FLAGS.items()}
    esa_adb_scores(labels, flags, start=15, end=68, subsystems=GROUPS)
    pd.testing.assert_frame_equal(labels, LABELS)
    for name, before in FLAGS.items():
        pd.testing.assert_series_equal(flags[name], before)


@given(st.permutations(range(4)), st.permutations(["c1", "c2"]))
@settings(deadline=None, max_examples=20)
def test_the_order_of_labels_and_channels_does_not_matter(rows, channels):
    whole = esa_adb_scores(LABELS, FLAGS, subsystems=GROUPS)
    flags = {name: FLAGS[name] for name in channels}
    labels = LABELS.iloc[list(rows)][COLUMNS[::-1]]
    same(esa_adb_scores(labels, flags, subsystems=GROUPS), whole)


def test_samples_that_change_nothing_do_not_matter():
    often = {
        name: flags.reindex(range(101)).ffill().astype(int)
        for name, flags in FLAGS.items()
    }
    whole = esa_adb_scores(LABELS, FLAGS, subsystems=GROUPS)
    same(esa_adb_scores(LABELS, often, subsystems=GROUPS), whole)
    same(esa_adb_scores(LABELS, pd.DataFrame(often), subsystems=GROUPS), whole)


@given(flagged_tracks(max_tracks=1, max_rows=20))
@settings(deadline=None, max_examples=40)
def test_events_on_one_channel_are_counted_as_rows_are(case):
    truth, flags, _ids = case
    assume(len(truth) > 1)
    events = find_events(truth, timestamps=np.arange(len(truth)) * 10)
    labels = pd.DataFrame(
        {
            "ID": events.index.astype(str),
            "Channel": "c1",
            "StartTime": events["start"] * 10,
            "EndTime": (events["stop"] - 1) * 10,
            "Category": "Anomaly",
        }
    )
    flags_in_time = pd.Series(flags, index=np.arange(len(flags)) * 10)
    found = esa_adb_scores(labels, {"c1": flags_in_time})
    rows = quietly(event_wise_scores, truth, flags)
    for name in ("true_positives", "false_positives", "redundant_alarms"):
        assert found[name] == rows[name]


def test_subsystems_may_be_told_either_way():
    whole = esa_adb_scores(LABELS, FLAGS, subsystems=GROUPS)
    for groups in (
        {"s1": ["c1"], "s2": ("c2",)},
        pd.Series(GROUPS),
        {"c1": 1, "c2": 2},
    ):
        same(esa_adb_scores(LABELS, FLAGS, subsystems=groups), whole)
    one = esa_adb_scores(LABELS, FLAGS, subsystems={"s": ["c1", "c2", "c3"]})
    assert one.subsystem_aware_f == 1
    without = esa_adb_scores(LABELS, FLAGS)
    assert np.isnan(without.subsystem_aware_f)
    assert without.channel_aware_f == whole.channel_aware_f
    with pytest.raises(ValueError, match="no subsystem for channel 'c2'"):
        esa_adb_scores(LABELS, FLAGS, subsystems={"s1": ["c1"]})


def test_one_category_may_be_told_as_text():
    one = esa_adb_scores(LABELS, FLAGS, categories="Anomaly")
    same(one, esa_adb_scores(LABELS, FLAGS, categories=["Anomaly"]))
    assert one.n_events == 1


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"ID": [None, "b", "b", "g"]}, "Label 0 has no ID"),
        ({"Channel": ["c1", np.nan, "c1", "c2"]}, "Label 1 has no Channel"),
        ({"Category": ["Anomaly", "x", "x", None]}, "Label 3 has no Category"),
        ({"EndTime": [30, 65, 61, 90]}, "Label 2 .ID 'b'. ends before it starts"),
        (
            {"StartTime": [20, np.nan, 62, 80]},
            "StartTime of labels is missing in row 1",
        ),
        (
            {"Channel": ["C1", "C2", "C1", "C2"]},
            "labels are on 'C1', 'C2', but scored are 'c1', 'c2'; spell the names "
            "alike in both, or score channels that have labels",
        ),
    ],
)
def test_bad_labels_are_refused(change, match):
    with pytest.raises(ValueError, match=match):
        esa_adb_scores(LABELS.assign(**change), FLAGS)


@pytest.mark.parametrize("column", COLUMNS)
def test_a_missing_column_is_named(column):
    with pytest.raises(ValueError, match=f"no column '{column}'; it needs ID, Channel"):
        esa_adb_scores(LABELS.drop(columns=column), FLAGS)


@pytest.mark.parametrize(
    "options", [{"beta": -1}, {"cut_events": "keep"}, {"variant": "as is"}]
)
def test_options_are_checked(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        esa_adb_scores(LABELS, FLAGS, **options)


def test_the_specificity_is_that_of_rows():
    truth, flags = np.repeat([0, 1, 0], 10) == 1, np.arange(30) % 7 == 0
    rows = event_wise(truth, flags, read_tracks(np.empty(30)))
    labels = table(("a", "c1", 10, 20 - 1e-9, "Anomaly"))
    flags = pd.Series([*flags.astype(int), 0], index=np.arange(31.0))
    found = esa_adb_scores(labels, {"c1": flags})
    assert found.specificity == pytest.approx(rows["specificity"])
    assert found.event_wise_precision == pytest.approx(rows["precision"])


def test_the_last_instant_alone_is_an_alarm():
    labels = table(("a", "c1", 100, 100, "Anomaly"))
    found = esa_adb_scores(labels, {"c1": pd.Series([0, 1], index=[0, 100])})
    assert (found.true_positives, found.event_wise_f, found.adtqc) == (1, 1, 1)
    assert found.affiliation_precision == pytest.approx(1)
    assert found.affiliation_recall == pytest.approx(1)
