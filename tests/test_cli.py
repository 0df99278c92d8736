import json
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from skdsn import __version__
from skdsn.cli import main
from skdsn.cli._detectors import load_detector, save_detector
from skdsn.datasets import make_dsn_passes
from skdsn.metrics import event_report, find_events
from skdsn.report import score_table

TINY = [
    *("--epochs", "1", "--jobs", "1", "--set", "encode__hidden_size=4"),
    *("--set", "classify__n_estimators=5"),
]


@pytest.fixture(scope="module")
def passes():
    made = make_dsn_passes(8, n_rows=60, incident_fraction=0.9, random_state=0)
    made.X = made.X.drop(columns="AOJE")
    return made


@pytest.fixture(scope="module")
def folder(tmp_path_factory, passes):
    """Files of passes and incidents, and a detector fitted on them."""
    path = tmp_path_factory.mktemp("passes")
    passes.X.to_csv(path / "passes.csv")
    passes.X.assign(anomaly=passes.y).to_csv(path / "labelled.csv")
    passes.X.assign(anomaly=passes.y).to_parquet(path / "labelled.parquet")
    passes.incidents.to_csv(path / "incidents.csv", index=False)
    args = ["fit", f"{path}/passes.csv", "--incidents", f"{path}/incidents.csv", *TINY]
    assert main([*args, "--out", f"{path}/d.pkl"]) == 0
    return path


def read_scores(path):
    table = pd.read_csv(path, float_precision="round_trip", parse_dates=["time"])
    return table.set_index(["track", "time"])


def error_of(capsys, *args):
    """What a command that must fail says, in one line."""
    assert main([str(arg) for arg in args]) == 2
    captured = capsys.readouterr().err
    assert captured.startswith("skdsn: error: ")
    assert captured.count("\n") == 1
    return captured


def test_fitted_files_score_as_the_library_does_in_batch_and_in_chunks(
    folder, passes, tmp_path, capsys
):
    out, chunked = tmp_path / "report.csv", tmp_path / "chunked.csv"
    args = ["score", f"{folder}/d.pkl", f"{folder}/passes.csv", "--out"]
    assert main([*args, str(out)]) == 0
    assert main([*args, str(chunked), "--chunk-rows", "37"]) == 0
    assert chunked.read_bytes() == out.read_bytes()
    scores = read_scores(out)
    assert scores.index.equals(passes.X.index)
    detector, _ = load_detector(folder / "d.pkl")
    expected = score_table(detector, passes.X)
    pd.testing.assert_frame_equal(scores, expected, check_index_type=False)
    said = capsys.readouterr().out
    assert f"Scored {len(scores)} rows: {scores['anomaly'].sum()} flagged" in said


def test_housekeeping_needs_no_labels(tmp_path, capsys):
    rng = np.random.default_rng(0)
    wave = np.sin(np.arange(3000) / 15)[:, None] * [1.0, 5.0]
    table = pd.DataFrame(wave + 0.05 * rng.normal(size=(3000, 2)), columns=["V", "A"])
    table.insert(0, "utc", pd.date_range("2026-03-01", periods=3000, freq="min"))
    table["mode"] = "idle"
    table.loc[50:60, "A"] = np.nan
    table.loc[2500:2560, "V"] = 0.0  # stuck
    quiet, new = tmp_path / "quiet.csv", tmp_path / "new.csv"
    table[:1200].to_csv(quiet, index=False)
    table[1200:].to_csv(new, index=False)
    args = ["fit", str(quiet), "--time", "utc", "--recipe", "housekeeping", "--out"]
    saved, out = tmp_path / "d.pkl", tmp_path / "report.csv"
    assert main([*args, str(saved), "--set", "max_alarms=2"]) == 0
    assert "no labels" in capsys.readouterr().out
    assert load_detector(saved)[0]["watch"].detector.max_alarms == 2
    assert main(["score", str(saved), str(new), "--out", str(out)]) == 0
    told = capsys.readouterr().out
    assert "in 1 alarm." in told
    assert "[V]" in told
    flagged = np.flatnonzero(pd.read_csv(out)["anomaly"]) + 1200
    assert 2350 < flagged.min() < 2560 < flagged.max() < 2800
    told = error_of(capsys, *args, saved, "--epochs", "3")
    assert "the recipe housekeeping has no network to train" in told


def test_evaluate_prints_and_writes_the_report_of_the_library(
    folder, passes, tmp_path, capsys
):
    args = ["evaluate", f"{folder}/d.pkl", f"{folder}/labelled.parquet"]
    args += ["--labels", "anomaly", "--json", str(tmp_path / "metrics.json")]
    assert main([*args, "--train", f"{folder}/passes.csv"]) == 0
    figures = json.loads((tmp_path / "metrics.json").read_text())["figures"]
    detector, _ = load_detector(folder / "d.pkl")
    expected = event_report(detector, passes.X, passes.y, X_train=passes.X)
    assert list(figures) == list(expected.columns)
    assert pd.DataFrame(figures)["detector"].to_dict() == pytest.approx(
        expected["detector"].to_dict(), nan_ok=True
    )
    assert "chance" in capsys.readouterr().out


def test_a_detector_remembers_the_columns_of_its_telemetry(
    folder, passes, tmp_path, capsys
):
    renamed = passes.X.rename_axis(["pass", "utc"]).assign(station="x", label=passes.y)
    renamed.to_csv(tmp_path / "old.csv")
    renamed.to_parquet(tmp_path / "new.parquet")  # keeps the index
    new = renamed.drop(columns="label")
    new.to_csv(tmp_path / "new.csv")
    new.drop(columns="station").to_csv(tmp_path / "lean.csv")
    names = ["--track", "pass", "--time", "utc", "--drop", "station"]
    fit = ["fit", f"{tmp_path}/old.csv", *names, "--labels", "label", "--no-tune"]
    assert main([*fit, *TINY, "--out", f"{tmp_path}/d.pkl"]) == 0
    _, columns = load_detector(tmp_path / "d.pkl")
    assert columns == {"track": "pass", "time": "utc", "drop": ["station", "label"]}
    score = ["score", f"{tmp_path}/d.pkl"]
    reports = []
    for name in ("old.csv", "new.csv", "lean.csv", "new.parquet"):
        out = tmp_path / f"{name}.report.csv"
        assert main([*score, f"{tmp_path}/{name}", "--out", str(out)]) == 0
        reports.append(out.read_bytes())
    assert set(reports) == {reports[0]}
    assert reports[0].startswith(b"pass,utc,score,anomaly")
    # What is given comes first.
    out = str(tmp_path / "report.csv")
    given = [f"{folder}/passes.csv", "--track", "track", "--time", "time"]
    assert main([*score, *given, "--out", out]) == 0
    assert read_scores(out).shape == (len(renamed), 2)
    assert "has no column 'utc'" in error_of(capsys, *score, given[0])
    evaluate = ["evaluate", f"{tmp_path}/d.pkl", f"{tmp_path}/old.csv", "--labels"]
    args = [*evaluate, "label", "--train", f"{tmp_path}/old.csv"]
    assert main([*args, "--json", f"{tmp_path}/m.json"]) == 0
    content = json.loads((tmp_path / "m.json").read_text())
    assert content["n_events"] == len(find_events(passes.y))
    assert content["figures"]["training range"]["row_recall"] == 0


def test_labels_are_the_same_from_a_column_csv_parquet_or_incidents(
    folder, passes, tmp_path, capsys
):
    scores = []
    for args in (
        ["labelled.csv", "--labels", "anomaly"],
        ["labelled.parquet", "--labels", "anomaly"],
        ["passes.csv", "--incidents", f"{folder}/incidents.csv"],
    ):
        args = ["fit", f"{folder}/{args[0]}", *args[1:], *TINY]
        assert main([*args, "--out", f"{tmp_path}/d.pkl"]) == 0
        detector, _ = load_detector(tmp_path / "d.pkl")
        assert detector.detector_["classify"].n_jobs is None
        scores.append((detector.threshold_, detector.score_))
    assert scores[0] == scores[1] == scores[2]
    n = len(passes.incidents)
    assert f"Incidents: {n} of {n} matched rows.\n" in capsys.readouterr().out


def test_options_reach_the_recipe(folder, tmp_path):
    out = tmp_path / "d.pkl"
    args = ["fit", f"{folder}/labelled.csv", "--labels", "anomaly", "--no-tune"]
    args += [*TINY, "--set", "smote=passthrough", "--set", "fit_stride=2"]
    args += ["--set", "encode__scaler=None", "--seed", "4"]
    assert main([*args, "--out", str(out)]) == 0
    detector, _ = load_detector(out)
    assert detector["smote"] == "passthrough"
    assert detector["label"].stride == 2
    assert detector["encode"].scaler is None
    assert detector["encode"].random_state == 4
    assert detector["encode"].max_epochs == 1


def test_track_ids_match_although_one_file_has_numbers_and_one_text(tmp_path, capsys):
    from skdsn.cli._parser import make_parser
    from skdsn.cli._read import read_data

    telemetry = pd.DataFrame(
        {"pass": ["7", "7", "8", "A"], "t": [0.0, 1.5, 0.0, 0.0], "SNR": 9.0}
    )
    telemetry.to_csv(tmp_path / "text.csv", index=False)
    telemetry.iloc[:3].astype({"pass": int}).to_parquet(tmp_path / "numbers.parquet")
    incidents = pd.DataFrame({"pass": [7, 5], "from": [1.5, 0.0], "to": [2.0, 1.0]})
    incidents.to_csv(tmp_path / "incidents.csv", index=False)
    for name in ("text.csv", "numbers.parquet"):
        args = ["fit", str(tmp_path / name), "--out", "d.pkl"]
        args += ["--track", "pass", "--time", "t", "--incident-track", "pass"]
        args += ["--incidents", str(tmp_path / "incidents.csv")]
        args += ["--incident-start", "from", "--incident-end", "to"]
        data = read_data(make_parser().parse_args(args))
        assert data.y.tolist() == [0, 1, 0, 0][: len(data.y)]
        assert list(data.X.columns) == ["SNR"]
        said = capsys.readouterr().out
        assert said == "Incidents: 1 of 2 matched rows, 1 not: unknown track.\n"


def test_days_of_the_year_are_dates(tmp_path):
    from skdsn.cli._read import read_telemetry

    path = tmp_path / "a.csv"
    path.write_text("time,SNR\n2025-153T12:00:00,1\n2025-153T12:00:01,2\n")
    assert read_telemetry(path).index[1] == pd.Timestamp("2025-06-02T12:00:01")
    path.write_text("time,SNR\n2025-06-02T12:00:00Z,1\n2025-06-02T12:00:00.5Z,2\n")
    assert read_telemetry(path).index[1] == pd.Timestamp("2025-06-02T12:00:00.5")


@pytest.mark.filterwarnings("ignore:Only .* hold an anomaly")
@pytest.mark.parametrize("mission", ["MRO", "JWST"])
def test_demo_writes_what_it_says_and_its_files_can_be_fitted(
    tmp_path, capsys, mission
):
    out = tmp_path / "demo"
    args = ["demo", "--out", str(out), "--mission", mission, "--n-rows", "50"]
    assert main([*args, "--n-tracks", "24", "--seed", "1", *TINY]) == 0
    said = capsys.readouterr().out
    for name in ("passes", "new_passes", "incidents", "report"):
        assert len(pd.read_csv(out / f"{name}.csv")) > 0
    old, new = pd.read_csv(out / "passes.csv"), pd.read_csv(out / "new_passes.csv")
    assert not set(old["track"].str[:9]) & set(new["track"].str[:9])  # by pass
    figures = json.loads((out / "metrics.json").read_text())["figures"]
    baselines = {"chance", "persistence", "training range"}
    assert set(figures) >= {"detector", *baselines}
    assert (out / "precision_recall.png").stat().st_size > 1000
    assert (out / "detected.png").exists() or "No figure of a detected" in said
    assert len(read_scores(out / "report.csv")) == len(new)
    if mission == "JWST":
        return
    # Its own words, with a smaller detector.
    command = next(line for line in said.splitlines() if "skdsn fit" in line)
    words = command.split()[1:]
    assert main([*words, *TINY]) == 0
    assert (out / "detector.pkl").exists()


@pytest.fixture(scope="module")
def smap(tmp_path_factory):
    """A small set in telemanom's layout: C-1 and C-2 share their test array."""
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("smap")
    lines = ["chan_id,spacecraft,anomaly_sequences,class,num_values"]
    for part, n_rows in (("train", 60), ("test", 90)):
        (path / part).mkdir()
        for number in range(1, 8):
            values = rng.normal(size=(n_rows, 25))
            if part == "test":
                values[40:50, 0] += 6
                lines.append(f'C-{number},SMAP,"[[40, 49]]",[point],{n_rows}')
            if number == 2 and part == "test":
                values = np.load(path / part / "C-1.npy")
            np.save(path / part / f"C-{number}.npy", values)
    np.save(path / "train" / "C-9.npy", values)
    np.save(path / "test" / "C-9.npy", values)
    (path / "labeled_anomalies.csv").write_text("\n".join(lines))
    return path


def test_smap_msl_is_cross_validated_over_channels(smap, tmp_path, capsys):
    out = tmp_path / "scores.csv"
    args = ["cross-validate", str(smap), "--spacecraft", "SMAP", *TINY]
    args += ["--json", f"{tmp_path}/m.json", "--out", str(out)]
    assert main(args) == 0
    said = capsys.readouterr().out
    assert "Left out, for want of labels: C-9" in said
    content = json.loads((tmp_path / "m.json").read_text())
    assert content["n_folds"] == 3
    assert content["n_tracks"] == content["n_events"] == 7
    assert content["n_rows"] == 7 * 90
    assert content["figures"]["training range"]["event_recall"] == 1.0
    assert content["figures"]["detector"]["false_alarms_per_day"] is None
    folds = pd.read_csv(out).groupby("track")["fold"].unique().map(list)
    assert set(folds.index) == {f"C-{i}/test" for i in range(1, 8)}
    assert folds["C-1/test"] == folds["C-2/test"]


def test_a_detector_of_smap_is_evaluated_on_the_test_parts_only(smap, tmp_path, capsys):
    source = [str(smap), "--spacecraft", "SMAP"]
    detector = f"{tmp_path}/d.pkl"
    args = ["fit", *source, "--channels", "C-3,C-4,C-5", "--out", detector, *TINY]
    assert main(args) == 0
    fitted = load_detector(detector)[0].detector_
    assert "hour_sin" not in fitted["encode"].feature_names_in_
    assert list(fitted["align"].get_feature_names_out()) == list(
        fitted["align"].feature_names_in_
    )
    args = ["evaluate", detector, *source, "--channels", "C-1"]
    assert main([*args, "--json", f"{tmp_path}/m.json"]) == 0
    assert json.loads((tmp_path / "m.json").read_text())["n_rows"] == 90
    assert "brings its labels" in error_of(
        capsys, "evaluate", detector, *source, "--labels", "value"
    )
    assert "has no channel 'Z-1'" in error_of(
        capsys, "evaluate", detector, *source, "--channels", "Z-1"
    )


def test_own_files_are_cross_validated_over_tracks(folder, tmp_path):
    args = ["cross-validate", f"{folder}/labelled.csv", "--labels", "anomaly", *TINY]
    assert main([*args, "--folds", "2", "--json", f"{tmp_path}/m.json"]) == 0
    content = json.loads((tmp_path / "m.json").read_text())
    assert content["n_tracks"] == 8
    assert content["n_folds"] == 2


def test_a_detector_file_of_another_version_is_used_with_a_warning(
    tmp_path, monkeypatch
):
    path = tmp_path / "d.pkl"
    with monkeypatch.context() as context:
        context.setattr("skdsn.__version__", "0.0.1")
        save_detector(path, LogisticRegression(C=3))
    with pytest.warns(UserWarning, match=r"saved by skdsn 0\.0\.1"):
        assert load_detector(path)[0].C == 3
    content = pickle.loads(path.read_bytes())
    assert content["format"] == "skdsn-detector-2"


@pytest.mark.filterwarnings("default:.*was saved by skdsn")
def test_a_warning_is_one_line(folder, tmp_path, capsys):
    content = pickle.loads((folder / "d.pkl").read_bytes())
    path = tmp_path / "old.pkl"
    path.write_bytes(pickle.dumps({**content, "skdsn": "0.0.1"}))
    args = ["score", str(path), f"{folder}/passes.csv", "--out", f"{tmp_path}/r.csv"]
    assert main(args) == 0
    said = capsys.readouterr().err
    assert said.startswith(f"skdsn: warning: {path} was saved by skdsn 0.0.1, this is")
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not a detector file"),
        (b"track,time\n1,2\n", "not a detector file"),
        (b"\x80", "is broken"),
        (b"\x80\x05\x95\xff\xff\xff\xff\xff\xff\xff\x7f", "is broken"),
        (b"\x80\x04garbage", "is broken"),
        (pickle.dumps(["detector"]), "not a detector file"),
        (pickle.dumps({"format": "other"}), "not a detector file"),
        (b"\x80\x04cnowhere.at_all\nThing\n.", "packages that are not installed"),
    ],
)
def test_what_is_no_detector_file_is_refused(folder, tmp_path, capsys, content, reason):
    path = tmp_path / "d.pkl"
    path.write_bytes(content)
    said = error_of(capsys, "score", path, folder / "passes.csv")
    assert str(path) in said
    assert reason in said


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.csv", "", "is empty"),
        ("a.csv", "track,time,SNR\n", "holds no rows"),
        ("a.csv", "track,when,SNR\n1,2,3\n", "no column 'time'; name the column"),
        (
            "a.csv",
            "track,time,SNR\n1,soon,3\n",
            "does not hold times; row 0 has 'soon'",
        ),
        ("a.csv", "track,time,SNR\n1,2,3\n,3,3\n", "no track id"),
        ("a.csv", "track,time,SNR\n1,2,3\n2,2,3\n1,3,3\n", "not contiguous"),
        ("a.csv", "track,time,SNR\n1,3,3\n1,2,3\n", "comes after a later one"),
        ("a.csv", 'track,time\n1,"2', "cannot be read as a table"),
        ("a.csv", b"\xff\xfe\x00\x81", "cannot be read as a table"),
        ("a.csv.gz", b"\x1f\x8b\x08\x00", "cannot be read as a table"),
        ("a.csv.gz", "track,time\n1,2\n", "Not a gzipped file"),
        ("a.parquet", "track,time\n1,2\n", "cannot be read as a table"),
        ("a.txt", "track,time\n1,2\n", "neither CSV"),
        ("missing.csv", None, "No such file or directory"),
        ("folder.csv", None, "is a folder"),
        ("a.csv", "track,time,y,SNR\n1,2,0,3\n1,3,0,3\n", "No row of"),
        ("a.csv", "track,time,y,SNR\n1,2,0,3\n1,3,5,3\n", "y must hold 0 (normal)"),
        ("a.csv", "track,time,y,SNR\n1,2,no,3\n1,3,yes,3\n", "got 'no'"),
        ("a.csv", "track,time,SNR\n1,2,3\n", "has no column 'y'"),
    ],
)
def test_bad_telemetry_is_told_in_one_line(tmp_path, capsys, name, content, reason):
    path = tmp_path / name
    if name == "folder.csv":
        path.mkdir()
    elif isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        path.write_text(content)
    out = tmp_path / "d.pkl"
    said = error_of(capsys, "fit", path, "--labels", "y", "--out", out)
    assert reason in said
    assert not out.exists()


def test_other_mistakes_are_told_in_one_line(folder, tmp_path, capsys):
    passes, out = folder / "passes.csv", ("--out", tmp_path / "d.pkl")
    incidents = ("--incidents", folder / "incidents.csv")
    fit = ("fit", passes, *out)
    assert "give --labels COLUMN or --incidents" in error_of(capsys, *fit)
    assert "goes with --spacecraft" in error_of(
        capsys, *fit, *incidents, "--channels", "A-1"
    )
    for mistake, reason in (
        ("encode__hiden_size=3", "did you mean 'encode__hidden_size'?"),
        ("encode__hidden_size", "takes NAME=VALUE; got"),
    ):
        assert reason in error_of(capsys, *fit, *incidents, "--set", mistake)
    assert "has no column 'from' (name it with" in error_of(
        capsys, *fit, *incidents, "--incident-start", "from"
    )
    assert "no folder" in error_of(capsys, *fit[:2], "--out", tmp_path / "no" / "d")
    score = ("score", folder / "d.pkl")
    assert "has no column 'nothing'" in error_of(
        capsys, *score, passes, "--drop", "nothing"
    )
    assert "seen in fit are missing: ['RLKA']" in error_of(
        capsys, *score, passes, "--drop", "RLKA"
    )
    assert "must be at least 1 and at most 1e+09; got 0" in error_of(
        capsys, *score, passes, "--chunk-rows", 0
    )


@pytest.mark.filterwarnings("default")
def test_a_new_column_is_left_out_with_a_warning(folder, tmp_path, capsys):
    score = ("score", folder / "d.pkl", folder / "labelled.csv")
    args = [*score, "--out", tmp_path / "report.csv"]
    assert main([str(arg) for arg in args]) == 0
    assert "not there in fit: ['anomaly']" in capsys.readouterr().err


def test_text_where_numbers_were_is_refused(folder, passes, tmp_path, capsys):
    numeric = passes.X.select_dtypes("number").columns[5]
    path = tmp_path / "text.csv"
    passes.X.assign(**{numeric: "high"}).to_csv(path)
    said = error_of(capsys, "score", folder / "d.pkl", path)
    assert repr(numeric) in said
    assert "'high'" in said


def test_help_and_version_answer_without_the_heavy_packages():
    code = """
import sys
from skdsn.cli import main
for argv in (["--version"], ["--help"], ["fit", "--help"], ["cross-validate", "-h"]):
    try:
        main(argv)
    except SystemExit as stop:
        assert stop.code == 0
assert not {"numpy", "pandas", "sklearn", "torch"} & set(sys.modules)
"""
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.startswith(f"skdsn {__version__}\n")
    assert result.stdout.count("only detector files that you trust") == 1


def test_the_package_runs_as_a_module_and_wrong_usage_exits_with_2():
    command = [sys.executable, "-m", "skdsn"]
    result = subprocess.run([*command, "--version"], capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (0, f"skdsn {__version__}\n")
    result = subprocess.run([*command, "fly"], capture_output=True, text=True)
    assert result.returncode == 2
    assert "invalid choice: 'fly'" in result.stderr
