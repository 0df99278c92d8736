"""Paper mode against what the published code of telemanom returned."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline

from skdsn._core.runs import find_runs
from skdsn._core.threshold_windows import judge_published
from skdsn.detectors import DynamicThresholdDetector, ErrorSmoother

GOLDEN = json.loads(Path(__file__).with_name("golden_telemanom.json").read_text())
# The formulas of the file: rows, and (begin, end, step) on top of the errors.
STREAMS = {
    "A_one_event": (6020, [(4000, 4040, 0.6)]),
    "B_event_in_hole": (6055, [(5951, 5980, 0.6)]),
    "B1_same_event_no_hole": (6090, [(5951, 5980, 0.6)]),
    "C_single_window_three": (
        1900,
        [(300, 340, 0.6), (900, 940, 0.5), (1500, 1540, 0.2)],
    ),
    "C1_no_warmup": (1700, [(300, 340, 0.6), (900, 940, 0.5), (1500, 1540, 0.2)]),
    "E_zero_error": (3000, []),
    "F_small_scale": (6020, [(4000, 4040, 0.6)]),
    "I_small_params": (1000, [(700, 720, 0.6)]),
    "K_pruned_by_warmup_event": (6020, [(300, 340, 0.6), (1200, 1240, 0.6)]),
    "K0_same_p0": (6020, [(300, 340, 0.6), (1200, 1240, 0.6)]),
    "M_low_second_pruned": (
        1900,
        [(700, 740, 0.6), (1200, 1240, 0.3), (1700, 1740, 0.28)],
    ),
}
SCALES = {"E_zero_error": 0.0, "F_small_scale": 0.01}
every_case = pytest.mark.parametrize("name", GOLDEN["cases"])


def telemetry(name):
    n_rows, steps = STREAMS[name]
    t = np.arange(n_rows)
    errors = 0.02 + 0.01 * np.sin(2 * np.pi * t / 37)
    for begin, end, step in steps:
        errors[begin:end] += step
    errors *= SCALES.get(name, 1.0)
    return pd.DataFrame({"error": errors, "value": np.sin(2 * np.pi * t / 200)})


def pipeline_of(name):
    given = GOLDEN["defaults"] | GOLDEN["cases"][name]["params"]
    window = given["batch_size"] * given["window_size"]
    smoother = ErrorSmoother(
        span=int(window * given["smoothing_perc"]),
        columns=["error"],
        startup="mean",
        startup_rows=given["l_s"],
    )
    detector = DynamicThresholdDetector(
        mode="paper",
        value="value",
        window_size=window,
        batch_size=given["batch_size"],
        error_buffer=given["error_buffer"],
        p=given["p"],
    )
    pipeline = make_pipeline(smoother, detector).set_output(transform="pandas")
    return pipeline.fit(telemetry(name))


def judgements_of(name):
    """First row, smoothed errors and judgement of each window."""
    pipeline = pipeline_of(name)
    smoothed = pipeline[0].transform(telemetry(name)).to_numpy()
    detector = pipeline[-1]
    *_, judgements = judge_published(
        smoothed[:, 0],
        smoothed[:, 1],
        detector._rule(),
        window=detector.window_size,
        batch=detector.batch_size,
        warm_up=250 * ((len(smoothed) >= 1800) + (len(smoothed) >= 2500)),
        min_error=0.05,
        value_guard=0.05,
    )
    return smoothed[:, 0], judgements


@every_case
def test_smoothed_errors_are_those_of_the_original(name):
    smoothed = pipeline_of(name)[0].transform(telemetry(name))["error"].to_numpy()
    for row, expected in GOLDEN["cases"][name]["e_s"].items():
        assert smoothed[int(row)] == pytest.approx(expected, rel=1e-12)


@every_case
def test_runs_are_those_of_the_original(name):
    events = pipeline_of(name)[-1].events(
        pipeline_of(name)[0].transform(telemetry(name))
    )
    runs = GOLDEN["cases"][name]["flagged_error_index_runs"]
    assert events[["start", "end"]].to_numpy().tolist() == runs
    flags = pipeline_of(name).predict(telemetry(name)) == -1
    assert np.flatnonzero(flags).tolist() == [
        row for begin, end in runs for row in range(begin, end + 1)
    ]


@every_case
def test_thresholds_are_those_of_the_original(name):
    case = GOLDEN["cases"][name]
    _, judgements = judgements_of(name)
    assert len(judgements) == case["n_windows"]
    found = [
        (number, side, z, judged.mean + z * judged.std)
        for number, (_, judged) in enumerate(judgements)
        for side, z in (("norm", judged.z), ("inv", judged.z_low))
        if not np.isnan(z)
    ]
    assert len(found) == case["n_thresholds_found"]
    for ours, (number, side, z, threshold) in zip(
        found, case["thresholds_found"], strict=False
    ):
        assert ours[:3] == (number, side, z)
        assert ours[3] == pytest.approx(threshold, rel=1e-12)


@every_case
def test_severities_of_the_original_follow_from_ours(name):
    # The original takes the larger distance to either threshold, fired or not, and
    # so adds about 12 deviations. Ours is the distance to the one that was exceeded.
    smoothed, judgements = judgements_of(name)
    stored = iter(GOLDEN["cases"][name]["window_scores"])
    for first, judged in judgements:
        scale = judged.mean + judged.std
        upper, lower = (12 if np.isnan(z) else z for z in (judged.z, judged.z_low))
        starts, stops = find_runs(judged.flags, np.array([0, len(judged.flags)]))
        for start, stop in zip(starts, stops, strict=True):
            distance = smoothed[first + start : first + stop] - judged.mean
            inflated = np.maximum(
                abs(distance - upper * judged.std), abs(-distance - lower * judged.std)
            )
            window = next(stored)
            assert (first + start, first + stop - 1) == (
                window["start_idx"],
                window["end_idx"],
            )
            assert inflated.max() / scale == pytest.approx(window["score"], rel=1e-12)
            intended = (distance.max() - upper * judged.std) / scale
            severity = judged.scores[start:stop].max()
            assert severity == pytest.approx(max(intended, 1e-9), rel=1e-9)
    assert next(stored, None) is None


def test_severity_of_one_event_is_the_intended_one():
    pipeline = pipeline_of("A_one_event")
    smoothed = pipeline[0].transform(telemetry("A_one_event"))
    severity = pipeline[-1].events(smoothed)["severity"]
    assert severity.round(2).tolist() == [3.42]


def test_corrected_mode_finds_the_event_in_the_hole():
    name = "B_event_in_hole"
    pipeline = pipeline_of(name)
    smoother, detector = pipeline[0], pipeline[-1]
    assert (pipeline.predict(telemetry(name)) == 1).all()
    X = smoother.set_params(startup="none").transform(telemetry(name))
    event = detector.set_params(mode="corrected").fit(X).events(X).squeeze()
    assert event["start"] <= 5955 and event["end"] >= 5980


def test_corrected_mode_asks_for_no_scale():
    X = pipeline_of("F_small_scale")[0].transform(telemetry("F_small_scale"))
    X = X.assign(value=0.01 * X["value"])
    events = DynamicThresholdDetector(value="value").fit(X).events(X)
    assert events["start"].tolist() == [3990]


def test_paper_mode_is_not_streamed():
    pipeline = pipeline_of("E_zero_error")
    X = pipeline[0].transform(telemetry("E_zero_error"))
    with pytest.raises(ValueError, match="use mode='corrected'"):
        pipeline[-1].stream_scores(X)


def test_paper_mode_survives_missing_errors_and_short_tracks():
    detector = pipeline_of("A_one_event")[-1]
    X = telemetry("A_one_event")
    assert (detector.predict(X.assign(error=np.nan)) == 1).all()
    assert (detector.predict(X.iloc[:1]) == 1).all()
    gap = X["error"].mask((X.index > 100) & (X.index < 300))
    assert (detector.predict(X.assign(error=gap)) == -1).any()
    assert (detector.predict(X.assign(value=np.nan)) == -1).any()
