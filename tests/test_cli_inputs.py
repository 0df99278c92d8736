"""What the command line says to files that it must not read, or not write over."""

import gzip
import os

import numpy as np
import pandas as pd
import pytest

from skdsn.cli import main
from skdsn.cli._detectors import load_detector

QUICK = ["--epochs", "1", "--set", "encode__hidden_size=4"]
QUICK += ["--set", "classify__n_estimators=5"]


def error_of(capsys, *args):
    """What a command that must fail says, in one line."""
    capsys.readouterr()
    assert main([str(arg) for arg in args]) == 2
    captured = capsys.readouterr().err
    assert captured.startswith("skdsn: error: ")
    assert captured.count("\n") == 1
    return captured


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Telemetry and a detector fitted on it."""
    path = tmp_path_factory.mktemp("inputs")
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(120, 3)), columns=["a", "b", "c"])
    table.insert(0, "track", np.repeat(["p", "q", "r"], 40))
    table.insert(1, "time", np.tile(np.arange(40), 3))
    table["y"] = (np.arange(120) % 40 > 35).astype(int)
    table.loc[table["y"] == 1, "a"] += 5
    table.to_csv(path / "t.csv", index=False)
    args = ["fit", f"{path}/t.csv", "--labels", "y", *QUICK]
    assert main([*args, "--out", f"{path}/d.SKOPS"]) == 0
    return path


@pytest.fixture
def folder(made, tmp_path, monkeypatch):
    """Copies that a test may spoil, in the working folder."""
    for path in made.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("score d.SKOPS t.csv --report t.csv", "--report names t.csv, which is the te"),
        ("score d.SKOPS t.csv --out ./t.csv", "which is the telemetry; name another"),
        ("score d.SKOPS t.csv --report d.SKOPS", "which is the detector"),
        ("score d.SKOPS t.csv --report link.csv", "which is the telemetry"),
        ("score d.SKOPS report.csv", "names report.csv, which is the telemetry"),
        ("score d.SKOPS t.csv --out r.csv --report ./r.csv", "name the same file"),
        ("report t.csv --out t.csv", "which is the table of scores"),
        ("fit t.csv --labels y --out t.csv", "which is the telemetry"),
        ("fit t.csv --incidents i.csv --out i.csv", "is the table of incidents"),
        ("evaluate d.SKOPS t.csv --labels y --json t.csv", "which is the telemetry"),
        ("cross-validate t.csv --labels y --out t.csv", "which is the telemetry"),
        ("cross-validate t.csv --labels y --json t.csv", "which is the telemetry"),
    ],
)
def test_no_command_writes_over_what_it_reads(folder, capsys, command, said):
    os.symlink("t.csv", "link.csv")
    for name in ("report.csv", "i.csv"):
        (folder / name).write_bytes((folder / "t.csv").read_bytes())
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert said in error_of(capsys, *command.split())
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("option", ["--out", "--report"])
def test_a_report_is_csv(folder, capsys, option):
    said = error_of(capsys, "score", "d.SKOPS", "t.csv", option, "r.parquet")
    assert "r.parquet must end in .csv or .csv.gz" in said


def test_the_suffix_counts_in_any_case(folder):
    assert (folder / "d.SKOPS").read_bytes()[:2] == b"PK"


def test_numbers_may_be_huge(folder, capsys):
    huge = "9" * 400
    score = ["score", "d.SKOPS", "t.csv", "--drop", "y", "--report", "r.csv"]
    assert main([*score, "--window", huge]) == 0
    assert pd.read_csv("r.csv")["range"].tolist() == ["0-119"]
    said = error_of(capsys, *score, "--chunk-rows", huge)
    assert "--chunk-rows must be at least 1 and at most 1e+09" in said
    assert main([*score, "--chunk-rows", "1000000000"]) == 0


def test_the_cell_that_is_no_number_is_named(folder, capsys):
    table = pd.read_csv("t.csv").drop(columns="y")
    table["b"] = table["b"].astype(object)
    table.loc[50, "b"] = "abc"
    table.to_csv("new.csv", index=False)
    said = error_of(capsys, "score", "d.SKOPS", "new.csv")
    assert "such as 'abc' in row 50" in said
    scores = table[["track", "time"]].assign(score=0.5, anomaly="0")
    scores.loc[7, "anomaly"] = "abc"
    scores.to_csv("scores.csv", index=False)
    said = error_of(capsys, "report", "scores.csv")
    assert "Column 'anomaly' of scores.csv holds 'abc' in row 7" in said


def test_without_a_held_out_anomaly_options_are_named(folder, capsys):
    table = pd.read_csv("t.csv").assign(track="p", time=range(120), y=0)
    table.loc[20:26, "y"] = 1  # in the part that is learnt from
    table.to_csv("one.csv", index=False)
    fit = ["fit", "one.csv", "--labels", "y", *QUICK, "--out", "e.pkl"]
    said = error_of(capsys, *fit)
    assert "give --objective false_alarms or --no-tune" in said
    assert main([*fit, "--objective", "false_alarms"]) == 0


@pytest.mark.parametrize(
    "content", [b"no gzip at all", gzip.compress(b"track,time,a\n" * 99)]
)
def test_a_corrupt_gzip_file_is_named(folder, capsys, content):
    (folder / "new.csv.gz").write_bytes(content[:-9])
    said = error_of(capsys, "score", "d.SKOPS", "new.csv.gz")
    assert "new.csv.gz cannot be read as a table" in said


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("chunks", [[], ["--chunk-rows", "50"]])
def test_a_column_without_a_value_is_told(folder, capsys, chunks):
    score = ["score", "d.SKOPS", "new.csv", "--out", "s.csv", *chunks]
    table = pd.read_csv("t.csv").drop(columns="y")
    table.loc[:99, "b"] = np.nan
    table.to_csv("new.csv", index=False)
    assert main(score) == 0
    assert "no value" not in capsys.readouterr().err
    table["b"] = np.nan
    table.to_csv("new.csv", index=False)
    assert main(score) == 0
    said = capsys.readouterr().err
    told = "Column 'b' has no value in the telemetry; the value of training stands in."
    assert said.count(told) == 1
    table[["a", "c"]] = np.nan
    table.to_csv("new.csv", index=False)
    assert main(score) == 0
    assert "Columns 'a', 'b', 'c' have no value" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["/dev/zero", "pipe"])
def test_a_detector_is_a_regular_file(folder, capsys, name):
    os.mkfifo("pipe")
    assert "is no regular file" in error_of(capsys, "score", name, "t.csv")


def test_a_saved_detector_is_still_loaded(folder):
    assert load_detector("d.SKOPS")[1]["drop"] == ["y"]
