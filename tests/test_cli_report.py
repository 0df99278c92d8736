"""Reports of blocks of rows, the recipe esa, and files that are read in chunks."""

import json
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV

from skdsn.base import anomaly_flags, inner_estimator
from skdsn.cli import main
from skdsn.cli._detectors import add_up_in_order, load_detector, save_detector
from skdsn.cli._tables import read_table
from skdsn.datasets import TrackStore
from skdsn.detectors import make_esa_detector
from skdsn.metrics import event_report
from skdsn.report import (
    channel_errors,
    read_window_report,
    score_table,
    window_report,
    write_report,
)

TRACKS, ROWS = 4, 300
SMALL = ["--epochs", "1", "--set", "encode__hidden_size=4"]
ESA = ["--recipe", "esa", *SMALL, "--set", "encode__latent_size=2"]
ESA += ["--set", "classify__classifier__n_estimators=5", "--set", "commands=['beat']"]
DSN = ["--recipe", "dsn", *SMALL, "--set", "classify__n_estimators=5"]


def telemetry(seed=0):
    """Four tracks with faults, labelled 1, and manoeuvres, labelled 2."""
    rng = np.random.default_rng(seed)
    t = np.arange(ROWS)
    parts = []
    for number in range(TRACKS):
        start = pd.Timestamp("2026-03-01") + pd.Timedelta(days=number)
        part = pd.DataFrame({"track": f"{number:03d}"}, index=t)
        part["time"] = start + pd.to_timedelta(30 * t, unit="s")
        for i, name in enumerate(("volt", "amp", "temp")):
            wave = np.sin(t / (7 + 2 * i) + number)
            part[name] = wave + 0.05 * rng.normal(size=ROWS)
        part["beat"] = (t % 50 == 0).astype(int)
        part["mode"] = np.where(t % 120 < 60, "1", "ECLIPSE")
        part["label"] = 0
        for first, shift, label in ((100, 3, 1), (160, -3, 2), (220, 3, 1)):
            part.loc[first : first + 14, ["volt", "amp"]] += shift
            part.loc[first : first + 14, "label"] = label
        part.loc[250:270, "temp"] = np.nan
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def run(*args):
    assert main([str(arg) for arg in args]) == 0


def error_of(capsys, *args):
    """What a command that must fail says, in one line."""
    capsys.readouterr()
    assert main([str(arg) for arg in args]) == 2
    captured = capsys.readouterr().err
    assert captured.startswith("skdsn: error: ")
    assert captured.count("\n") == 1
    return captured


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Telemetry to fit on and to score, and a detector of each kind."""
    path = tmp_path_factory.mktemp("report")
    telemetry().to_csv(path / "old.csv", index=False)
    new = telemetry(seed=1).drop(columns="label")
    new.to_csv(path / "new.csv", index=False)
    new.to_parquet(path / "new.parquet", index=False)
    new.set_index(["track", "time"]).to_parquet(path / "indexed.parquet")
    labels = ["--labels", "label"]
    run("fit", path / "old.csv", *labels, *ESA, "--out", path / "esa.skops")
    run("fit", path / "old.csv", *labels, *DSN, "--out", path / "dsn.pkl")
    quiet = ["--drop", "label", *ESA, "--set", "quantile=0.9", "--jobs", 2]
    run("fit", path / "old.csv", *quiet, "--out", path / "gate.pkl")
    return path


def rows_of(folder):
    return read_table(folder / "new.csv", "track").assign(
        time=lambda table: pd.to_datetime(table["time"])
    )


def indexed(folder):
    return rows_of(folder).set_index(["track", "time"])


@pytest.mark.parametrize("name", ["esa.skops", "dsn.pkl", "gate.pkl"])
def test_the_report_is_that_of_the_library(folder, tmp_path, name):
    out, scores = tmp_path / "report.csv", tmp_path / "scores.csv"
    score = ["score", folder / name, folder / "new.csv", "--report", out]
    run(*score, "--out", scores, "--window", 70)
    detector, X = load_detector(folder / name)[0], indexed(folder)
    table = score_table(detector, X)
    assert table["anomaly"].any()
    write_report(tmp_path / "expected.csv", window_report(table, 70))
    assert out.read_bytes() == (tmp_path / "expected.csv").read_bytes()
    # Rows are those of the file, and not of a track.
    told = read_window_report(out)["indices"].str.cat(sep=",").strip(",")
    found = sorted({int(row) for row in told.split(",") if row})
    assert found == np.flatnonzero(pd.read_csv(scores)["anomaly"]).tolist()
    assert max(found) >= ROWS


@pytest.mark.parametrize("name", ["esa.skops", "dsn.pkl"])
def test_the_extended_report_tells_when_how_likely_and_where(folder, tmp_path, name):
    out = tmp_path / "report.csv"
    score = ["score", folder / name, folder / "new.csv", "--report", out]
    run(*score, "--window", 50, "--extended")
    assert not (tmp_path / "scores.csv").exists()
    report = pd.read_csv(out, dtype={"first_track": "str"}, parse_dates=["start"])
    rows = rows_of(folder)
    assert report["start"].tolist() == rows["time"][::50].tolist()
    assert report["first_track"].tolist() == rows["track"][::50].tolist()
    assert report["probability"].between(0, 1).all()
    assert report["probability"].equals(report["peak_score"])
    bad = report["status"] == "ANOMALY"
    assert report["channels"].notna().equals(bad)
    faulty = report["channels"][bad].str.contains("volt|amp")
    assert faulty.mean() > 0.5
    detector, X = load_detector(folder / name)[0], indexed(folder)
    table = score_table(detector, X)
    table["probability"] = table["score"]
    errors = channel_errors(detector, X).astype(np.float32)
    kept = (table["anomaly"] == 1) | (np.arange(len(X)) % 20 == 0)
    options = {"extended": True, "errors": errors[kept]}
    write_report(tmp_path / "expected.csv", window_report(table, 50, **options))
    assert out.read_bytes() == (tmp_path / "expected.csv").read_bytes()


@pytest.mark.parametrize("name", ["esa.skops", "dsn.pkl", "gate.pkl"])
@pytest.mark.parametrize("file", ["new.csv", "new.parquet", "indexed.parquet"])
def test_in_chunks_the_files_are_the_same_byte_for_byte(folder, tmp_path, name, file):
    written = []
    for chunks in ([], ["--chunk-rows", 53], ["--chunk-rows", 2 * ROWS]):
        out, report = tmp_path / "scores.csv", tmp_path / "report.csv"
        score = ["score", folder / name, folder / file, "--out", out]
        run(*score, "--report", report, "--window", 90, "--extended", *chunks)
        written.append((out.read_bytes(), report.read_bytes()))
    assert written[0] == written[1] == written[2]


def test_a_detector_without_errors_by_channel_names_none(tmp_path):
    table = telemetry()[["time", "volt"]][:ROWS]
    table.to_csv(tmp_path / "quiet.csv", index=False)
    fit = ["fit", tmp_path / "quiet.csv", "--recipe", "housekeeping"]
    for item in ("length=3", "span=5", "window_size=50", "batch_size=10"):
        fit += ["--set", item]
    run(*fit, "--out", tmp_path / "d.pkl")
    out = tmp_path / "report.csv"
    score = ["score", tmp_path / "d.pkl", tmp_path / "quiet.csv", "--report", out]
    run(*score, "--extended")
    names = list(pd.read_csv(out).columns)
    assert names[:4] == ["range", "status", "indices", "n_flagged"]
    assert not {"channels", "probability", "first_track"} & set(names)


def test_report_sums_up_the_scores_whatever_their_index_is_called(folder, tmp_path):
    names = {"track": "pass", "time": "utc"}
    rows_of(folder).rename(columns=names).to_csv(tmp_path / "new.csv", index=False)
    scores, report = tmp_path / "scores.csv", tmp_path / "report.csv"
    named = ["--track", "pass", "--time", "utc"]
    score = ["score", folder / "dsn.pkl", tmp_path / "new.csv", *named]
    run(*score, "--out", scores, "--report", report, "--window", 40)
    run("report", scores, "--out", tmp_path / "again.csv", "--window", 40)
    assert (tmp_path / "again.csv").read_bytes() == report.read_bytes()
    run("report", scores, "--out", report, "--window", 40, "--extended")
    extended = pd.read_csv(report, dtype="str")
    assert extended["first_track"].iloc[0] == "000"
    assert extended["peak_score"].notna().all()
    table = pd.read_csv(scores, dtype={"pass": "str"}, parse_dates=["utc"])
    table.set_index(["pass", "utc"]).to_parquet(tmp_path / "scores.parquet")
    run("report", tmp_path / "scores.parquet", "--out", tmp_path / "again.csv")
    assert read_window_report(tmp_path / "again.csv")["range"].iloc[-1] == "1000-1199"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("time,volt\n0,1\n", "is no table of scores"),
        ("time,score\n0,1\n", "is no table of scores"),
        ("score,anomaly\n0.5,1\n", "is no table of scores"),
        ("a,b,time,score,anomaly\n1,2,3,0.5,1\n", "is no table of scores"),
        ("time,score,anomaly\n0,0.5,2\n", "must hold 0 and 1"),
        ("time,score,anomaly\n0,,1\n", "finite"),
        ("time,score,anomaly\n1,0.5,1\n0,0.5,1\n", "comes after a later one"),
        ("time,score,anomaly\n", "holds no rows"),
        ("", "is empty"),
    ],
)
def test_report_refuses_what_is_no_table_of_scores(tmp_path, capsys, content, reason):
    path, out = tmp_path / "scores.csv", tmp_path / "report.csv"
    path.write_text(content)
    said = error_of(capsys, "report", path, "--out", out)
    assert reason in said
    assert not out.exists()


BACK = "goes back in time: its new rows begin at 2026-03-03 00:45:00"
BAD = [
    (lambda rows: rows.drop(columns="amp"), r"are missing: ['amp']", None),
    (lambda rows: rows.rename(columns={"time": "utc"}), "has no column 'time'", None),
    (lambda rows: rows.iloc[:0], "holds no rows", None),
    (lambda rows: _with(rows, "amp", "high"), "'amp' held numbers when", None),
    (lambda rows: _with(rows, "time", "soon"), "row 700 has 'soon'", "row 0 has"),
    (lambda rows: _with(rows, "amp", np.inf), "'amp', row 700", "'amp', row 0"),
    (lambda rows: _with(rows, "track", ""), "Row 700 has no track", "Row 0 has no"),
    (lambda rows: _with(rows, "time", rows["time"][690]), "after a later one", BACK),
]


def _with(rows, column, value):
    rows = rows.astype({column: "object"})
    rows.loc[700, column] = value
    return rows


@pytest.mark.parametrize(("change", "whole", "in_piece"), BAD)
def test_bad_telemetry_is_refused_whole_and_in_chunks(
    folder, tmp_path, capsys, change, whole, in_piece
):
    path, out = tmp_path / "new.csv", tmp_path / "report.csv"
    change(rows_of(folder)).to_csv(path, index=False)
    score = ["score", folder / "esa.skops", path, "--report", out]
    assert whole in error_of(capsys, *score)
    said = error_of(capsys, *score, "--chunk-rows", 100)
    assert ("In the piece that begins with row 700: " in said) == (in_piece is not None)
    assert (in_piece or whole) in said
    assert not out.exists()


def test_a_track_that_comes_back_in_a_later_chunk_is_refused(folder, tmp_path, capsys):
    path = tmp_path / "new.csv"
    rows = rows_of(folder)
    back = rows.iloc[: ROWS // 2].assign(
        time=lambda part: part["time"] + pd.Timedelta("9D")
    )
    pd.concat([rows, back]).to_csv(path, index=False)
    score = ["score", folder / "dsn.pkl", path, "--out", tmp_path / "scores.csv"]
    said = error_of(capsys, *score, "--chunk-rows", ROWS)
    assert "track '000' do not stand together" in said
    assert "not contiguous" in error_of(capsys, *score)


@pytest.mark.parametrize("chunks", [[], ["--chunk-rows", 40]])
def test_columns_are_matched_by_name(folder, tmp_path, chunks):
    rows = rows_of(folder)
    rows[rows.columns[::-1]].to_csv(tmp_path / "new.csv", index=False)
    written = []
    for path in (folder / "new.csv", tmp_path / "new.csv"):
        score = ["score", folder / "esa.skops", path, "--out", tmp_path / "scores.csv"]
        run(*score, *chunks)
        written.append((tmp_path / "scores.csv").read_bytes())
    assert written[0] == written[1]


def test_chunks_without_a_value_or_of_another_type_are_as_in_the_whole_file(
    folder, tmp_path
):
    rows = rows_of(folder)
    first, later = rows.index < 120, rows.index.isin(range(400, 560))
    rows["mode"] = rows["mode"].mask(rows.index < 400, "1").mask(later)
    rows.loc[first, ["volt", "amp"]] = rows.loc[first, ["volt", "amp"]].round()
    rows["amp"] = rows["amp"].mask(later)
    rows.to_csv(tmp_path / "new.csv", index=False)
    rows.to_parquet(tmp_path / "new.parquet", index=False)
    score = ["score", folder / "esa.skops"]
    for file in ("new.csv", "new.parquet"):
        written = []
        for chunks in ([], ["--chunk-rows", 40]):
            out = tmp_path / "scores.csv"
            run(*score, tmp_path / file, "--out", out, *chunks)
            written.append(out.read_bytes())
        assert written[0] == written[1]


def test_times_that_are_seconds_may_be_whole_in_a_chunk(folder, tmp_path):
    rows = rows_of(folder)
    rows["time"] = np.tile(np.arange(ROWS, dtype=float), TRACKS)
    rows.loc[rows.index[-1], "time"] += 0.5
    text = rows.to_csv(index=False).replace(".0,", ",")
    (tmp_path / "new.csv").write_text(text)
    written = []
    for chunks in ([], ["--chunk-rows", 70]):
        out = tmp_path / "scores.csv"
        run("score", folder / "esa.skops", tmp_path / "new.csv", "--out", out, *chunks)
        written.append(out.read_bytes())
    assert written[0] == written[1]


def test_targets_are_checked_before_scoring(folder, tmp_path, capsys):
    score = ["score", folder / "esa.skops", folder / "new.csv"]
    nowhere = tmp_path / "no" / "report.csv"
    assert "no folder" in error_of(capsys, *score, "--report", nowhere)
    assert "no folder" in error_of(capsys, "report", "scores.csv", "--out", nowhere)
    assert "is a folder; name a file" in error_of(capsys, *score, "--report", tmp_path)
    same = ["--out", tmp_path / "a.csv", "--report", tmp_path / "a.csv"]
    assert "name the same file" in error_of(capsys, *score, *same)
    for options, reason in (
        (["--report", tmp_path / "r.csv", "--window", 0], "at least 1; got 0"),
        (["--extended"], "--extended goes with --report"),
        (["--channels", "A-1"], "--channels goes with --spacecraft"),
    ):
        assert reason in error_of(capsys, *score, *options)
    assert not list(tmp_path.iterdir())


def test_a_rare_event_is_no_anomaly_all_the_way(folder, tmp_path, capsys):
    detector, _ = load_detector(folder / "esa.skops")
    assert detector.detector_["classify"].classes_.tolist() == [0, 1, 2]
    labelled = ["--labels", "label"]
    metrics = ["--json", tmp_path / "metrics.json"]
    run("evaluate", folder / "esa.skops", folder / "old.csv", *labelled, *metrics)
    content = json.loads((tmp_path / "metrics.json").read_text())
    assert content["n_events"] == 2 * TRACKS
    rows = telemetry().set_index(["track", "time"])
    expected = event_report(detector, rows.drop(columns="label"), rows["label"])
    figures = content["figures"]["detector"]
    assert figures["event_recall"] == expected.loc["event_recall", "detector"]
    cross = ["cross-validate", folder / "old.csv", *labelled, *ESA, "--folds", 2]
    run(*cross, *metrics)
    content = json.loads((tmp_path / "metrics.json").read_text())
    assert (content["n_rows"], content["n_events"]) == (len(rows), 2 * TRACKS)


@pytest.mark.parametrize("recipe", [ESA, DSN], ids=["esa", "dsn"])
def test_rare_events_of_a_store_are_no_incidents(tmp_path, recipe, capsys):
    rows = telemetry().set_index(["track", "time"])
    X, y = rows.drop(columns=["label", "mode"]), rows["label"]
    splits = {"000": "train", "001": "train", "002": "val", "003": "test"}
    tracks = ((name, X.loc[[name]], y.loc[[name]]) for name in splits)
    TrackStore.write(tmp_path / "out", tracks, splits=splits)
    run("train", tmp_path / "out", *recipe)
    trained = load_detector(tmp_path / "out" / "detector.pkl")[0]
    assert inner_estimator(trained)["classify"].classes_.tolist() == [0, 1, 2]
    run("evaluate", tmp_path / "out")
    out = tmp_path / "out" / "evaluation"
    incidents = pd.read_csv(out / "incidents.csv", dtype={"track": "str"})
    assert incidents["track"].tolist() == ["003", "003"]
    assert json.loads((out / "metrics.json").read_text())["n_events"] == 2


def test_without_anomalies_the_gate_of_the_recipe_esa_decides(folder, tmp_path, capsys):
    gate = load_detector(folder / "gate.pkl")[0]
    assert list(gate.named_steps)[-1] == "classify"  # not tuned
    flagged = anomaly_flags(gate, indexed(folder)) == 1
    assert 0 < flagged.mean() < 0.3
    rows = telemetry()
    rows["label"] = rows["label"].replace(1, 0)
    rows.to_csv(tmp_path / "rare.csv", index=False)
    fit = ["fit", tmp_path / "rare.csv", "--labels", "label"]
    capsys.readouterr()
    run(*fit, *ESA, "--out", tmp_path / "d.pkl")
    said = capsys.readouterr().out
    assert "0.00% of the rows are anomalous, so whatever is unusual" in said
    classify = load_detector(tmp_path / "d.pkl")[0]["classify"]
    assert classify.classes_.tolist() == [0, 1, 2]
    assert "No row of" in error_of(capsys, *fit, "--out", tmp_path / "d.pkl")
    cross = ["cross-validate", tmp_path / "rare.csv", *ESA]
    assert "Labels are needed" in error_of(capsys, *cross)


def test_options_reach_the_recipe_esa(folder, tmp_path, capsys):
    fit = ["fit", folder / "old.csv", "--drop", "label", "--recipe", "esa"]
    options = ["--set", "encoder=one-pass", "--epochs", 2, "--seed", 5, "--jobs", 2]
    options += ["--set", "commands=['volt','beat']", "--set", "encode__hidden_size=3"]
    run(*fit, *options, "--set", "encode__horizon=4", "--out", tmp_path / "d.pkl")
    encode = load_detector(tmp_path / "d.pkl")[0]["encode"]
    assert type(encode).__name__ == "LSTMForecaster"
    assert (encode.max_epochs, encode.random_state, encode.horizon) == (2, 5, 4)
    assert encode.targets_ == ["amp", "temp"]
    wrong = ["--set", "encoder=two-pass", "--out", tmp_path / "d.pkl"]
    assert "encoder must be 'windowed' or 'one-pass'" in error_of(capsys, *fit, *wrong)
    # Of the encoder that is not taken.
    wrong = ["--set", "encode__horizon=4", "--out", tmp_path / "d.pkl"]
    assert "no parameter 'encode__horizon'" in error_of(capsys, *fit, *wrong)


def test_the_forest_behind_the_gate_scores_in_one_thread():
    rows = telemetry().set_index(["track", "time"])
    X, y = rows[["volt", "amp", "temp"]].fillna(0.0), rows["label"]
    sizes = {"encode__hidden_size": 3, "encode__latent_size": 2, "max_epochs": 1}
    detector = make_esa_detector(n_jobs=2, quantile=0.5, **sizes, random_state=0)
    for calibration in ("sigmoid", None):
        detector.set_params(classify__calibration=calibration).fit(X, y)
        forest = add_up_in_order(detector)["classify"].classifier_
        assert isinstance(forest, CalibratedClassifierCV) == (calibration is not None)
        if calibration:
            forest = forest.calibrated_classifiers_[0].estimator
        assert len(forest.estimators_) == forest.n_estimators
        assert forest.n_jobs is None
    # A forest is not always there.
    add_up_in_order(detector.fit(X, (y == 2) * 2))
    assert add_up_in_order(detector.fit(X))["classify"].classifier_ is None


def test_skops_is_looked_for_before_training(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "skops.io", None)
    out = tmp_path / "d.skops"
    said = error_of(capsys, "fit", folder / "missing.csv", "--out", out)
    assert f"saving {out} without pickle needs skops: pip install skdsn[skops]" in said


def test_a_file_without_pickle_scores_as_the_pickle(folder, tmp_path):
    detector, columns = load_detector(folder / "esa.skops")
    save_detector(tmp_path / "d.pkl", detector, columns)
    written = []
    for path in (folder / "esa.skops", tmp_path / "d.pkl"):
        run("score", path, folder / "new.csv", "--out", tmp_path / "scores.csv")
        written.append((tmp_path / "scores.csv").read_bytes())
    assert written[0] == written[1]
