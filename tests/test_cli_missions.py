"""The commands for the raw files of a mission."""

import gzip
import json
import pickle
import resource
import shutil
import signal
import subprocess
import sys
from itertools import chain

import numpy as np
import pandas as pd
import pytest
from passes import small_passes, tiny_detector
from sklearn.tree import DecisionTreeClassifier

from skdsn.base import inner_estimator
from skdsn.cli import main
from skdsn.cli._detectors import load_detector, save_detector
from skdsn.cli._runs import EncoderCheckpoint, store_digest
from skdsn.datasets import TrackStore, make_dsn_raw_files, read_raw
from skdsn.metrics import score_report
from skdsn.preparation import cut_track, read_quality
from skdsn.report import score_table
from skdsn.tracks import stack_tracks

TINY = [
    *("--epochs", "1", "--set", "encode__hidden_size=4"),
    *("--set", "classify__n_estimators=5"),
]
N_ROWS = {"jwst": 60, "mro": 90}


def run(*args):
    assert main([str(arg) for arg in args]) == 0


def error_of(capsys, *args, status=2):
    """What a command that must fail says, in one line."""
    capsys.readouterr()
    assert main([str(arg) for arg in args]) == status
    captured = capsys.readouterr().err
    assert captured.startswith("skdsn: error: ")
    assert captured.count("\n") == 1
    return captured


def make_raw(folder, mission, **options):
    made = {"n_tracks": 16, "incident_fraction": 0.9, "random_state": 3, **options}
    make_dsn_raw_files(
        folder, mission=mission, n_rows=N_ROWS[mission], chunk_tracks=3, **made
    )


def prepare(mission, raw, out, *options):
    trusted = ["--mission", mission, "--allow-pickle", "--min-rows", 20]
    run("prepare", raw, out, *trusted, *options)


def unwrap(detector):
    while detector is not None:
        yield detector
        detector = getattr(detector, "detector_", None)


@pytest.fixture(scope="module", params=["jwst", "mro"])
def mission(request):
    return request.param


@pytest.fixture(scope="module")
def trained(tmp_path_factory, mission):
    """Raw files, a prepared folder and a detector trained on it."""
    path = tmp_path_factory.mktemp(mission)
    make_raw(path / "raw", mission)
    prepare(mission, path / "raw", path / "out")
    run("train", path / "out", *TINY)
    return path


def test_pickles_are_refused_unless_they_are_trusted(tmp_path, mission, capsys):
    make_raw(tmp_path / "raw", mission)
    args = ["--mission", mission, tmp_path / "raw", tmp_path / "out"]
    for command in ("prepare", "convert"):
        told = error_of(capsys, command, *args)
        assert "--allow-pickle" in told or "allow_pickle" in told
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_converted_files_are_prepared_as_the_pickles_are(trained, mission, tmp_path):
    parquet = tmp_path / "parquet"
    args = ["--mission", mission]
    run("convert", trained / "raw", parquet, *args, "--allow-pickle")
    run("prepare", parquet, tmp_path / "out", *args, "--min-rows", 20)
    one, other = TrackStore.open(trained / "out"), TrackStore.open(tmp_path / "out")
    pd.testing.assert_frame_equal(one.tracks, other.tracks)
    for track in one:
        pd.testing.assert_frame_equal(one[track].X, other[track].X)
        pd.testing.assert_series_equal(one[track].y, other[track].y)


def test_the_quality_of_the_data_is_printed(mission, tmp_path, capsys):
    make_raw(tmp_path / "raw", mission)
    least = N_ROWS[mission]  # the average
    prepare(mission, tmp_path / "raw", tmp_path / "out", "--min-rows", least)
    quality, _ = read_quality(TrackStore.open(tmp_path / "out"))
    short = quality[quality["reason"] == f"less than {least} rows"]
    assert len(short)
    told = capsys.readouterr().out
    line = next(line for line in told.splitlines() if "less than" in line)
    assert line.split()[-2:] == [str(len(short)), str(short["n_rows"].sum())]


def test_evaluate_tells_what_the_library_does(trained, capsys):
    run("evaluate", trained / "out")
    out = trained / "out" / "evaluation"
    store = TrackStore.open(trained / "out")
    rows = store.frame("test")
    detector, _ = load_detector(trained / "out" / "detector.pkl")
    scores = score_table(detector, rows.X)
    written = pd.read_csv(out / "report.csv", float_precision="round_trip")
    np.testing.assert_array_equal(written["score"], scores["score"])
    np.testing.assert_array_equal(written["anomaly"], scores["anomaly"])
    expected = score_report(rows.y, scores["anomaly"], scores["score"])
    figures = json.loads((out / "metrics.json").read_text())["figures"]
    for name, value in expected["detector"].items():
        given = figures["detector"][name]
        assert given == pytest.approx(value) or (given is None and np.isnan(value))
    assert {"persistence", "training range", "chance"} <= set(figures)
    incidents = pd.read_csv(out / "incidents.csv")
    assert {"delay", "peak_score", "channels"} <= set(incidents)
    assert set(incidents["track"]) <= set(rows.X.index.get_level_values(0))
    drawn = {path.stem for path in (out / "figures").glob("*.png")}
    assert drawn == {
        *("roc", "precision_recall", "point_adjusted", "confusion"),
        *("timeline", "heatmap", "importances"),
    }


def test_evaluate_goes_on_where_it_was_stopped(trained, capsys):
    run("evaluate", trained / "out", "--split", "val")
    first = capsys.readouterr().out
    out = trained / "out" / "evaluation_val"
    report = (out / "report.csv").read_bytes()
    missing = sorted((out / "scores").glob("*.parquet"))[1]
    missing.unlink()
    run("evaluate", trained / "out", "--split", "val")
    again = capsys.readouterr().out
    assert (
        first.count(" tracks)")
        == TrackStore(trained / "out").tracks["split"].eq("val").sum()
    )
    assert again.count(" tracks)") == 1
    assert (out / "report.csv").read_bytes() == report


def test_a_later_pass_is_scored_from_the_detector_alone(
    trained, mission, tmp_path, capsys
):
    make_raw(tmp_path / "new", mission, n_tracks=2, start="2026-01-01", random_state=8)
    saved = shutil.copy(trained / "out" / "detector.pkl", tmp_path / "d.pkl")
    out = tmp_path / "report.csv"
    run("score", saved, tmp_path / "new", "--allow-pickle", "--out", out)
    detector, _ = load_detector(saved)
    raw = read_raw(tmp_path / "new", mission, allow_pickle=True)
    parts = {
        part.track: part.X
        for track, frame in raw
        for part in cut_track(track, frame, raw.mission, min_rows=1)[0]
    }
    scores = score_table(detector, stack_tracks(parts))
    written = pd.read_csv(out, float_precision="round_trip")
    assert written["track"].tolist() == list(scores.index.get_level_values(0))
    np.testing.assert_array_equal(written["score"], scores["score"])
    told = error_of(capsys, "score", saved, tmp_path / "new")
    assert "allow" in told


def later_passes(trained, mission, folder):
    """Chunks of (track id, frame), and a way to write them for score."""
    make_raw(folder, mission, n_tracks=3, start="2026-01-01", random_state=8)
    raw = read_raw(folder, mission, allow_pickle=True)
    tracks = list(raw)

    def write(*chunks):
        shutil.rmtree(folder)
        folder.mkdir()
        if mission == "mro":
            (folder / "mons.pkl").write_bytes(pickle.dumps([*chain(*chunks)]))
        for number, chunk in enumerate(chunks if mission == "jwst" else [], 1):
            data = gzip.compress(pickle.dumps(chunk))
            (folder / f"chunk_{number:03d}_mon_JWST.pkl.gz").write_bytes(data)

    return tracks, write


def test_what_is_wrong_in_a_chunk_is_told_and_its_twins_are_scored(
    trained, mission, tmp_path, capsys
):
    tracks, write = later_passes(trained, mission, tmp_path / "new")
    (one, first), (_, second), *_ = tracks
    # No incidents are there, or need to be.
    write([(one, first)], [(one, second), ("gone", None), (one, first)])
    capsys.readouterr()
    args = ["score", trained / "out" / "detector.pkl", tmp_path / "new"]
    run(*args, "--allow-pickle", "--out", tmp_path / "a.csv")
    told = capsys.readouterr().out
    assert "gone: 0 rows, not a DataFrame in " in told
    assert f"{one}: {len(second)} rows, id occurs before, kept as {one}~2." in told
    assert f"{one}: {len(first)} rows, same as an earlier track." in told
    report = pd.read_csv(tmp_path / "a.csv", float_precision="round_trip")
    scored = report["track"].str.replace("_(low|high)$", "", regex=True)
    assert set(scored) == {one, f"{one}~2"}
    write([("other", second)])
    run(*args, "--allow-pickle", "--out", tmp_path / "b.csv")
    alone = pd.read_csv(tmp_path / "b.csv", float_precision="round_trip")
    twin = report[report["track"].str.startswith(f"{one}~2")]
    np.testing.assert_array_equal(twin["score"], alone["score"])


def test_chunks_are_scored_one_by_one(trained, mission, tmp_path, capsys):
    if mission == "mro":
        pytest.skip("its files are one chunk")
    tracks, write = later_passes(trained, mission, tmp_path / "new")
    args = ["score", trained / "out" / "detector.pkl", tmp_path / "new"]
    args += ["--allow-pickle", "--out"]
    write(tracks)
    run(*args, tmp_path / "one.csv")
    one = capsys.readouterr().out.splitlines()[-3:-1]
    first, second = tracks[0], tracks[1:]
    write([first], [], second)
    for name, options in (("more", ()), ("stream", ("--chunk-rows", 17))):
        run(*args, tmp_path / f"{name}.csv", *options)
        out = capsys.readouterr().out
        assert "0 rows, empty chunk in chunk_002_mon_JWST.pkl.gz." in out
        assert out.splitlines()[-3:-1] == one
    report = (tmp_path / "one.csv").read_bytes()
    assert (tmp_path / "more.csv").read_bytes() == report
    write([("gone", None)])
    told = error_of(capsys, *args, tmp_path / "none.csv")
    assert "holds no track to score" in told


def test_later_passes_have_the_channels_of_training(trained, mission, tmp_path, capsys):
    tracks, write = later_passes(trained, mission, tmp_path / "new")
    (one, frame), (other, whole), *_ = tracks
    numeric = [*frame.select_dtypes("float")][-1]
    write([(one, frame.drop(columns=numeric).assign(NEW=1.0)), (other, whole)])
    args = ["score", trained / "out" / "detector.pkl", tmp_path / "new"]
    run(*args, "--allow-pickle", "--out", tmp_path / "a.csv")
    out = capsys.readouterr().out
    assert f": missing: {numeric}." in out
    assert ": not known to the detector, so left out: NEW." in out
    assert len(pd.read_csv(tmp_path / "a.csv")["track"].unique()) >= 2


def test_raw_files_need_a_detector_that_knows_their_format(trained, tmp_path, capsys):
    detector, columns = load_detector(trained / "out" / "detector.pkl")
    for told in ({}, {"mission": "mine"}):
        save_detector(tmp_path / "d.pkl", detector, {**columns, "mission": told})
        error = error_of(
            capsys, "score", tmp_path / "d.pkl", trained / "raw", "--allow-pickle"
        )
        assert "not made by skdsn prepare" in error


def test_train_keeps_a_detector_unless_told_again(trained, capsys):
    saved = trained / "out" / "detector.pkl"
    before = saved.stat().st_mtime_ns
    run("train", trained / "out", *TINY)
    assert "--again" in capsys.readouterr().out
    assert saved.stat().st_mtime_ns == before
    assert not (trained / "out" / "encoder.checkpoint").exists()


def test_every_command_is_noted_in_the_log(trained):
    lines = (trained / "out" / "run.log").read_text().splitlines()
    notes = [json.loads(line) for line in lines]
    assert [(note["command"], note["event"]) for note in notes[:4]] == [
        *(("prepare", "begin"), ("prepare", "done")),
        *(("train", "begin"), ("train", "done")),
    ]
    assert notes[0]["options"]["mission"] in ("jwst", "mro")
    assert notes[3]["peak_memory_mb"] > 10
    assert 0 < notes[3]["threshold"] < 1


def test_tune_searches_trains_and_is_resumed(tmp_path, capsys):
    make_raw(tmp_path / "raw", "mro", n_tracks=14)
    prepare("mro", tmp_path / "raw", tmp_path / "out")
    args = ["tune", tmp_path / "out", "--folds", 2, *TINY]
    run(*args, "--trials", 1)
    first = json.loads((tmp_path / "out" / "tuned.json").read_text())
    run(*args, "--trials", 2)
    tuned = json.loads((tmp_path / "out" / "tuned.json").read_text())
    assert (first["n_trials"], tuned["n_trials"]) == (1, 2)
    assert tuned["score"] >= first["score"]
    detector, _ = load_detector(tmp_path / "out" / "detector.pkl")
    fitted = next(step for step in unwrap(detector) if hasattr(step, "named_steps"))
    chosen = fitted.get_params()
    assert {name: chosen[name] for name in tuned["params"]} == tuned["params"]
    told = error_of(capsys, *args, "--trials", 2, "--max-rows", 300)
    assert "another" in told
    assert "study" in told


def test_a_folder_that_is_no_store_is_told(tmp_path, capsys):
    for command in ("train", "tune", "evaluate"):
        told = error_of(capsys, command, tmp_path)
        assert "skdsn prepare" in told
    told = error_of(capsys, "evaluate", tmp_path / "d.pkl")
    assert "TELEMETRY" in told


def test_an_encoder_is_not_trained_twice_for_the_same_rows(tmp_path):
    X, y = small_passes()
    checkpoint = EncoderCheckpoint(tmp_path / "encoder.checkpoint")

    def fit(labels, **options):
        detector = tiny_detector("dsn", memory=checkpoint).set_params(**options)
        return detector.fit(X, labels)

    first = fit(y)
    kept = checkpoint.path.stat().st_mtime_ns
    again = fit(y, classify=DecisionTreeClassifier(random_state=0))
    assert checkpoint.path.stat().st_mtime_ns == kept
    np.testing.assert_array_equal(
        first["encode"].net_.module_.lstm.weight_hh_l0.detach(),
        again["encode"].net_.module_.lstm.weight_hh_l0.detach(),
    )
    tree = DecisionTreeClassifier(random_state=0)
    plain = tiny_detector("dsn").set_params(classify=tree)
    np.testing.assert_array_equal(plain.fit(X, y).predict(X), again.predict(X))
    fit(1 - y)
    assert checkpoint.path.stat().st_mtime_ns != kept
    checkpoint.remove()
    assert not checkpoint.path.exists()


def test_a_full_disk_is_worth_another_try(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "skdsn", "demo", "--out", str(tmp_path / "demo")],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)),
    )
    assert done.returncode == 75, done.stderr
    assert done.stderr.startswith("skdsn: error: ")


def test_a_signal_of_a_scheduler_ends_a_command_in_order(tmp_path):
    make_raw(tmp_path / "raw", "mro")
    prepare("mro", tmp_path / "raw", tmp_path / "out")
    args = ["train", str(tmp_path / "out"), "--epochs", "10000"]
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "skdsn", *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while "Fitting" not in process.stdout.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 143, told
    last = (tmp_path / "out" / "run.log").read_text().splitlines()[-1]
    assert json.loads(last)["event"] == "stopped"
    assert not (tmp_path / "out" / "detector.pkl").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["train", "OUT", "--smooth", "-1"], "--smooth must be at least 0"),
        (["train", "OUT", "--smooth", "nan"], "--smooth must be at least 0"),
        (["train", "OUT", "--jobs", "0"], "--jobs must be a number of cores"),
        (["train", "OUT", "--max-rows", "0"], "--max-rows must be at least 1"),
        (["tune", "OUT", "--trials", "0"], "--trials must be at least 1"),
        (["prepare", "A", "A", "--mission", "mro"], "OUT must be another folder"),
        (["prepare", "A", "B", "--mission", "mro", "--gap", "1D"], "--split forward"),
        (
            ["prepare", "A", "B", "--mission", "mro", "--anomalous-share", ".2"],
            "goes with --max-train-rows",
        ),
        (["prepare", "A", "B", "--mission", "mro", "--padding", "inf"], "--padding"),
    ],
)
def test_numbers_without_sense_are_refused_at_once(options, message, capsys):
    assert message in error_of(capsys, *options)


def test_what_was_tuned_is_checked_and_what_is_asked_for_comes_first(
    trained, tmp_path, capsys
):
    out = shutil.copytree(trained / "out", tmp_path / "out")
    again = ["train", out, "--again", *TINY]
    for broken in ("{}", "[]", "no JSON"):
        (out / "tuned.json").write_text(broken)
        told = error_of(capsys, *again)
        assert "tuned.json is broken" in told
    tuned = {"store": "other", "recipe": "dsn", "params": {"encode__n_layers": 2}}
    (out / "tuned.json").write_text(json.dumps(tuned))
    run(*again)
    assert "left alone" in capsys.readouterr().out
    tuned["store"] = store_digest(TrackStore.open(out))
    tuned["params"]["encode__hidden_size"] = 9
    (out / "tuned.json").write_text(json.dumps(tuned))
    run(*again)
    detector, _ = load_detector(out / "detector.pkl")
    encoder = inner_estimator(detector)["encode"]
    assert (encoder.n_layers, encoder.hidden_size) == (2, 4)


def test_a_detector_of_other_tracks_is_not_evaluated(
    trained, mission, tmp_path, capsys
):
    prepare(mission, trained / "raw", tmp_path / "out", "--seed", 5)
    shutil.copy(trained / "out" / "detector.pkl", tmp_path / "out")
    told = error_of(capsys, "evaluate", tmp_path / "out")
    assert "was trained on other tracks or splits" in told
    run("train", tmp_path / "out", *TINY)
    assert "trained anew" in capsys.readouterr().out


def test_rows_that_the_detector_knows_are_called_an_oracle(trained, capsys):
    run("evaluate", trained / "out", "--split", "val")
    assert "Oracle: the threshold was chosen on these rows" in capsys.readouterr().out
    written = trained / "out" / "evaluation_val" / "metrics.json"
    assert "threshold was chosen" in json.loads(written.read_text())["oracle"]
    run("evaluate", trained / "out")
    assert "Oracle" not in capsys.readouterr().out


def test_broken_scores_are_made_again(trained, capsys):
    run("evaluate", trained / "out")
    out = trained / "out" / "evaluation"
    report = (out / "report.csv").read_bytes()
    (out / "scores" / "00001.parquet").write_bytes(b"PAR1")
    run("evaluate", trained / "out")
    (out / "scores" / "source.json").write_text("{")
    run("evaluate", trained / "out")
    assert (out / "report.csv").read_bytes() == report


def test_two_commands_do_not_write_to_one_folder(trained, capsys):
    fcntl = pytest.importorskip("fcntl")
    with (trained / "out" / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        told = error_of(capsys, "evaluate", trained / "out", status=75)
    assert "another skdsn command is writing to" in told


def test_a_broken_study_is_told_and_a_locked_one_worth_another_try(trained, capsys):
    study = trained / "out" / "study.db"
    study.write_text("no database" * 100)
    told = error_of(capsys, "tune", trained / "out", *TINY)
    assert "study.db cannot be opened" in told
    study.unlink()


def test_splits_without_incidents_are_told_before_any_training(tmp_path, capsys):
    X, y = small_passes()
    quiet = {"pass-1": "val", "pass-2": "test"}
    tracks = [
        (name, X.loc[name], 0 * y.loc[name] if name in quiet else y.loc[name])
        for name in X.index.unique(0)
    ]
    TrackStore.write(tmp_path / "out", tracks, splits=quiet)
    told = error_of(capsys, "train", tmp_path / "out", *TINY)
    assert "No track of split 'val' has an incident" in told
    budget = ["--objective", "false_alarms"]
    run("train", tmp_path / "out", *TINY, *budget)
    run("evaluate", tmp_path / "out")
    assert "No curves" in capsys.readouterr().out
    drawn = {p.stem for p in (tmp_path / "out/evaluation/figures").glob("*.png")}
    assert drawn == {"confusion", "timeline", "heatmap", "importances"}
