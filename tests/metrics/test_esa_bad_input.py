"""What the scores of the benchmark refuse, what they read, and what they warn of."""

import datetime

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import UndefinedMetricWarning

from skdsn.metrics import esa_adb_scores

COLUMNS = ["ID", "Channel", "StartTime", "EndTime", "Category"]
DAYS = pd.date_range("2000-01-01", periods=5, tz="UTC")
FLAGS = {
    "c1": pd.Series([0, 1, 0, 0, 0], index=DAYS),
    "c2": pd.Series([0, 0, 1, 0, 0], index=DAYS),
}
LABELS = pd.DataFrame(
    [
        ["a", "c1", "2000-01-02", "2000-01-02T12", "Anomaly"],
        ["b", "c2", "2000-01-03", "2000-01-03T12", "Rare Event"],
    ],
    columns=COLUMNS,
)
IN_SECONDS = LABELS.assign(StartTime=[1, 2], EndTime=[1.5, 2.5])
FLAGS_IN_SECONDS = {name: flags.set_axis(range(5)) for name, flags in FLAGS.items()}


def refusal(kind, *args, **options):
    """Give the words of the error: one sentence of ours."""
    with pytest.raises(kind) as caught:
        esa_adb_scores(*args, **options)
    words = str(caught.value)
    assert "\n" not in words
    assert words.endswith(".")
    assert "errors=" not in words
    return words


def same(one, other):
    np.testing.assert_allclose(list(one.values()), list(other.values()))


@pytest.mark.parametrize(
    "text",
    [
        *["", "NaT", "nan", " ", "now", "today", "soon", "5", "2000-13-01"],
        *["02/03/2000", "2016-12-31T23:59:60Z", "10000-01-01"],
    ],
)
def test_text_that_is_no_time_is_refused_where_it_stands(text):
    expected = f"cannot be read as a time in row 1 (got {text!r}); write it as 2000-"
    words = refusal(ValueError, LABELS.assign(EndTime=["2000-01-03", text]), FLAGS)
    assert f"EndTime of labels {expected}" in words

    index = pd.Index(["2000-01-01", text, "2000-01-03"])
    flags = {"c1": pd.Series([0, 1, 0], index=index)}
    assert f"channel 'c1' {expected}" in refusal(ValueError, LABELS, flags)

    for name in ("start", "end"):
        words = refusal(ValueError, LABELS, FLAGS, **{name: text})
        assert words.startswith(f"{name} cannot be read as a time (got {text!r});")


@pytest.mark.parametrize("value", [None, pd.NaT, np.nan])
def test_a_missing_time_is_refused_where_it_stands(value):
    labels = LABELS.assign(StartTime=["2000-01-02", value])
    words = refusal(ValueError, labels, FLAGS)
    assert words.startswith("StartTime of labels is missing in row 1")
    if value is not None:
        words = refusal(ValueError, LABELS, FLAGS, end=value)
        assert words.startswith("end is missing (got")


@pytest.mark.parametrize("value", [True, pd.Period("2000"), 1 + 2j])
def test_what_tells_no_time_is_refused(value):
    words = refusal(ValueError, LABELS, FLAGS, start=value)
    assert "start cannot be read as a time" in words
    words = refusal(TypeError, LABELS, FLAGS, start=["2000-01-01"])
    assert words == "start must be one time; got list."


@pytest.mark.parametrize(
    ("labels", "flags", "far"),
    [
        (LABELS, FLAGS, "1600-01-01"),
        (LABELS, FLAGS, "9999-12-31T23:59:59Z"),
        (LABELS, FLAGS, datetime.datetime(3000, 1, 1)),
        (LABELS, FLAGS, np.datetime64("3000-01-01", "s")),
        (IN_SECONDS, FLAGS_IN_SECONDS, np.timedelta64(10**12, "s")),
        (IN_SECONDS, FLAGS_IN_SECONDS, np.timedelta64(-(10**12), "s")),
    ],
)
def test_times_too_far_away_are_refused(labels, flags, far):
    words = refusal(ValueError, labels, flags, end=far)
    assert words.startswith("end is too far away (got")
    assert "291 years of 1970" in words
    words = refusal(ValueError, labels.assign(EndTime=pd.Series([far, far])), flags)
    assert words.startswith("EndTime of labels is too far away in row 0")


@pytest.mark.parametrize(
    "far", [946_684_800_000, -(10**10), 2**63, np.inf, -np.inf, 1e300]
)
def test_numbers_that_are_no_seconds_are_refused(far):
    words = refusal(ValueError, IN_SECONDS, FLAGS_IN_SECONDS, end=far)
    assert words.startswith("end is no number of seconds up to 9.2e9 (got")
    assert 'pandas.to_datetime(..., unit="ms")' in words
    labels = IN_SECONDS.assign(EndTime=[1.5, far])
    assert "labels is no number of seconds up to 9.2e9 in row 1" in refusal(
        ValueError, labels, FLAGS_IN_SECONDS
    )
    flags = {"c1": pd.Series([0, 1], index=[0, far])}
    assert "channel 'c1' is no number of seconds up to 9.2e9 in row 1" in refusal(
        ValueError, IN_SECONDS, flags
    )


def test_seconds_since_1970_are_read():
    later = {"StartTime": [1, 2], "EndTime": [1.5, 2.5]}
    labels = IN_SECONDS.assign(**{k: np.add(v, 9e9) for k, v in later.items()})
    flags = {
        name: flags.set_axis(np.arange(5) + 9_000_000_000)
        for name, flags in FLAGS_IN_SECONDS.items()
    }
    same(
        esa_adb_scores(labels, flags),
        esa_adb_scores(IN_SECONDS, FLAGS_IN_SECONDS),
    )


@pytest.mark.parametrize("before", [0, 10**9, 9 * 10**9])
def test_nothing_depends_on_when_the_clock_began(before):
    labels = pd.DataFrame(
        [["a", "c", 20, 30, "Anomaly"], ["b", "c", 60, 60, "Anomaly"]], columns=COLUMNS
    )
    flags = pd.Series([0, 1, 0, 1, 0, 0], index=[0, 23, 25, 55, 62, 100])
    moved = labels.assign(
        StartTime=labels["StartTime"] - before, EndTime=labels["EndTime"] - before
    )
    found = esa_adb_scores(moved, {"c": flags.set_axis(flags.index - before)})
    same(found, esa_adb_scores(labels, {"c": flags}))
    assert found.adtqc == pytest.approx(1 / (1 + (3 / 7) ** np.e) / 2)


@pytest.mark.parametrize("at", ["2000-01-01", "2010-01-01", "2020-01-01"])
@pytest.mark.parametrize("flags", [[1, 1, 1], [0, 1, 0]])
def test_instants_have_an_affiliation_in_a_span_of_many_years(at, flags):
    index = pd.to_datetime(["2000-01-01", "2010-01-01", "2020-01-01"])
    labels = LABELS.assign(Channel="c1", StartTime=at, EndTime=at)
    found = esa_adb_scores(labels, {"c1": pd.Series(flags, index=index)})
    if sum(flags) == 3 or at == "2010-01-01":
        assert found.affiliation_recall == pytest.approx(1)
    assert 0 < found.affiliation_precision <= 1
    assert 0 <= found.affiliation_recall <= 1


def test_events_that_start_together_are_judged_alike():
    rows = [
        ["a", "c", 10, 20, "Anomaly"],
        ["b", "c", 50, 60, "Anomaly"],
        ["d", "c", 50, 60, "Anomaly"],
    ]
    flags = {"c": pd.Series([0, 1, 0, 0], index=[0, 55, 58, 100])}
    found = esa_adb_scores(pd.DataFrame(rows, columns=COLUMNS), flags)
    # Half of the length late is worth one half, whichever of the two comes first.
    assert (found.true_positives, found.adtqc) == (2, pytest.approx(0.5))


@pytest.mark.parametrize(
    "ids", [[1, "b"], [("a", 1), "b"], [1.5, datetime.date(2000, 1, 1)]]
)
def test_ids_may_be_of_any_kind(ids):
    labels = LABELS.assign(ID=pd.Series(ids, dtype=object))
    same(esa_adb_scores(labels, FLAGS), esa_adb_scores(LABELS, FLAGS))


@pytest.mark.parametrize("times", ["int", "timedelta", "date", "category", "Int64"])
def test_times_are_read_whatever_holds_them(times):
    seconds = np.array([1, 2])
    held = {
        "int": pd.Series(seconds, dtype=object),
        "timedelta": pd.Series(list(pd.to_timedelta(seconds, unit="s")), dtype=object),
        "date": pd.Series([datetime.date(2000, 1, day) for day in (2, 3)]),
        "category": pd.Series(["2000-01-02", "2000-01-03"], dtype="category"),
        "Int64": pd.Series(seconds, dtype="Int64"),
    }[times]
    flags = FLAGS
    if times in ("int", "Int64"):
        flags = FLAGS_IN_SECONDS
    if times == "timedelta":
        index = pd.Index(list(pd.to_timedelta(range(5), unit="s")), dtype=object)
        flags = {name: series.set_axis(index) for name, series in FLAGS.items()}
    found = esa_adb_scores(LABELS.assign(StartTime=held, EndTime=held), flags)
    plain, plain_flags = LABELS, FLAGS
    if flags is not FLAGS:
        plain, plain_flags = IN_SECONDS, FLAGS_IN_SECONDS
    plain = plain.assign(EndTime=plain["StartTime"])
    assert found.true_positives == 2
    same(found, esa_adb_scores(plain, plain_flags))


def test_labels_with_a_column_twice_are_refused():
    labels = pd.concat([LABELS, LABELS[["Channel"]]], axis=1)
    words = refusal(ValueError, labels, FLAGS)
    assert words.startswith("labels has more than one column 'Channel'")
    others = pd.concat([LABELS.assign(Note=1), LABELS.assign(Note=2)[["Note"]]], axis=1)
    same(esa_adb_scores(others, FLAGS), esa_adb_scores(LABELS, FLAGS))


@pytest.mark.parametrize(
    "predictions",
    [
        {"c1": [0, 1]},
        {"c1": np.array([0, 1])},
        {"c1": pd.DataFrame({"x": [0, 1]})},
        [0, 1],
        FLAGS["c1"],
        None,
    ],
    ids=["list", "array", "frame", "a list", "a Series", "None"],
)
def test_predictions_of_another_kind_are_refused(predictions):
    words = refusal(TypeError, LABELS, predictions)
    inner = predictions["c1"] if isinstance(predictions, dict) else predictions
    assert "Series of 0 and 1 indexed by time" in words
    assert words.endswith(f"got {type(inner).__name__}.")


@pytest.mark.parametrize("channels", ["c1", 5])
def test_channels_that_are_no_sequence_are_refused(channels):
    words = refusal(TypeError, LABELS, FLAGS, channels=channels)
    assert words.endswith(f"as ['c1', 'c2']; got {channels!r}.")


def test_no_channels_are_refused():
    words = refusal(ValueError, LABELS, FLAGS, channels=[])
    assert words.startswith("channels is empty")


def test_labels_on_other_channels_only_are_refused():
    words = refusal(ValueError, LABELS.iloc[1:], FLAGS, channels=["c1"])
    assert "labels are on 'c2', but scored are 'c1'" in words
    assert "spell the names alike in both, or score channels that have labels" in words
    words = refusal(ValueError, LABELS.assign(Channel=1), FLAGS)
    assert "labels are on 1, but scored are 'c1', 'c2'" in words


@pytest.mark.parametrize("lost", [None, np.nan, pd.NA])
def test_a_channel_without_a_subsystem_is_named(lost):
    for subsystems in ({"c1": "a", "c2": lost}, pd.Series({"c1": "a", "c2": lost})):
        words = refusal(ValueError, LABELS, FLAGS, subsystems=subsystems)
        assert words.startswith("subsystems has no subsystem for channel 'c2'")


def test_a_channel_of_two_subsystems_is_named():
    for subsystems in (
        {"a": ["c1", "c2"], "b": ["c2"]},
        {"c2": "a", "b": ["c1", "c2"]},
    ):
        words = refusal(ValueError, LABELS, FLAGS, subsystems=subsystems)
        assert words.startswith("Channel 'c2' is in two subsystems, 'a' and 'b'")


@pytest.mark.parametrize("subsystems", ["a", 5, ["c1", "c2"]])
def test_subsystems_that_are_no_mapping_are_refused(subsystems):
    words = refusal(TypeError, LABELS, FLAGS, subsystems=subsystems)
    assert words.startswith("subsystems must map channels to subsystems")
    assert words.endswith(f"got {subsystems!r}.")


def test_subsystems_may_be_a_series():
    flags = {"c1": FLAGS["c1"], "c2": FLAGS["c2"] * 0, "c3": FLAGS["c2"]}
    groups = {"c1": "x", "c2": "y", "c3": "y"}
    found = esa_adb_scores(LABELS, flags, subsystems=pd.Series(groups))
    same(found, esa_adb_scores(LABELS, flags, subsystems=groups))
    assert found.channel_aware_recall == 0.5
    assert found.subsystem_aware_recall == 1
    mixed = {"c1": ("x", 1), "y": ["c2", "c3"]}  # a tuple lists channels
    words = refusal(ValueError, LABELS, flags, subsystems=mixed)
    assert "no subsystem for channel 'c1'" in words


def test_no_categories_are_refused():
    words = refusal(ValueError, LABELS, FLAGS, categories=())
    assert words.startswith("categories is empty")


@pytest.mark.parametrize("categories", ["anomaly", ["Anomaly", "RareEvent"]])
def test_a_category_that_no_label_has_draws_a_warning(categories):
    last = categories if isinstance(categories, str) else categories[-1]
    words = f"No label is of category '{last}'; labels are of 'Anomaly', 'Rare Event'"
    with pytest.warns(UndefinedMetricWarning, match=words) as caught:
        found = esa_adb_scores(LABELS, FLAGS, categories=categories)
    assert caught[0].filename == __file__
    assert found.n_events == (0 if isinstance(categories, str) else 1)
    assert np.isnan(found.event_wise_f) == isinstance(categories, str)


def test_one_of_the_default_categories_may_be_absent_in_silence():
    assert esa_adb_scores(LABELS.iloc[:1], FLAGS).n_events == 1
    gaps = LABELS.assign(Category="Communication Gap")
    with pytest.warns(
        UndefinedMetricWarning, match="No label is of category 'Anomaly'"
    ):
        assert esa_adb_scores(gaps, FLAGS).n_events == 0


def test_input_of_any_kind_is_left_alone():
    labels = LABELS.assign(Channel=LABELS["Channel"].astype("category"), Note=[1, 2])
    frame = pd.DataFrame(FLAGS).set_axis(pd.Index(DAYS.strftime("%Y-%m-%d")))
    groups, names = pd.Series({"c1": 1, "c2": 2}), ["c1", "c2"]
    given = labels.copy(), frame.copy(), groups.copy()
    esa_adb_scores(
        labels, frame, subsystems=groups, channels=names, end=DAYS[3], cut_events="drop"
    )
    pd.testing.assert_frame_equal(labels, given[0])
    pd.testing.assert_frame_equal(frame, given[1])
    pd.testing.assert_series_equal(groups, given[2])
    assert names == ["c1", "c2"]


def test_many_overlapping_events_and_alarms_take_little_time():
    # Every event meets every alarm: 10**9 pairs, were they listed.
    index, n_events = np.arange(200_001), 10_000
    flags = pd.DataFrame(dict.fromkeys(("c1", "c2"), index % 2), index=index)
    flags.iloc[-1] = 0
    labels = pd.DataFrame(
        {
            "ID": np.arange(n_events),
            "Channel": "c1",
            "StartTime": np.arange(n_events) / n_events,
            "EndTime": 200_000,
            "Category": "Anomaly",
        }
    )
    found = esa_adb_scores(labels, flags)
    assert found.true_positives == n_events
    assert found.redundant_alarms == n_events * (100_000 - 1)
