"""The page docs/ccsds.md can be followed as it stands."""

import re
import shlex
from pathlib import Path

import pandas as pd
import pytest
import yaml

from skdsn.ccsds import FrameSpec, load_mission, read_definitions
from skdsn.ccsds._calibrations import Calibration
from skdsn.ccsds._parse_calibration import parse_calibration
from skdsn.cli import main

PAGE = (Path(__file__).parents[1] / "docs" / "ccsds.md").read_text(encoding="utf-8")
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)


def section(title):
    """Text of a section, up to the next heading of its level."""
    return re.split(r"^## ", PAGE.partition(f"\n## {title}")[2], flags=re.M)[0]


def blocks(text, language):
    return [inner for found, inner in _BLOCK.findall(text) if found == language]


def files(text):
    """Name to content of the blocks that follow a line "File `NAME`:"."""
    found = re.findall(r"^File `(.+?)`:\n\n```\w*\n(.*?)^```$", text, re.M | re.S)
    return dict(found)


STEPS = section("Five steps")


@pytest.fixture(scope="module")
def followed(tmp_path_factory):
    """A folder in which the five steps were taken, and the names they left."""
    folder = tmp_path_factory.mktemp("page")
    for name, content in files(STEPS).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content)
    names = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for code in blocks(STEPS, "python"):
            exec(compile(code, "docs/ccsds.md", "exec"), names)
    return folder, names


def test_the_steps_need_the_files_of_the_page_and_no_other():
    assert sorted(files(STEPS)) == ["defs/packets.yaml", "defs/power.csv", "spec.yaml"]


def test_the_counts_are_what_the_page_prints(followed):
    _, names = followed
    statistics = names["packets"].attrs["statistics"]
    assert "77/1" in statistics
    assert statistics["77/1"]["jumps"] > 0
    assert names["frames"].attrs["statistics"] == {"accepted": len(names["frames"])}
    assert len(names["kinds"]["power"]) == statistics["77/1"]["packets"]
    assert names["kinds"].statistics["unknown"] == {}
    assert names["X"].shape == (statistics["77/1"]["packets"], 3)


def test_the_detector_finds_the_battery_that_warms_up(followed):
    _, names = followed
    power = names["kinds"]["power"]
    # Rows 3300 to 3420 of what was sent, by their sequence counts.
    warm = power.index[power["_sequence_count"].between(3300, 3420)]
    events = names["detector"].events(names["X"][2600:])
    hit = (events["start"] <= warm[-1]) & (events["end"] >= warm[0])
    assert hit.any()
    assert any(
        "power_t_battery" in channels for channels in events.loc[hit, "channels"]
    )
    assert len(events) <= 3


def test_the_command_gives_the_same_telemetry(followed, monkeypatch, capsys):
    folder, names = followed
    monkeypatch.chdir(folder)
    [line] = blocks(STEPS, "bash")
    program, *args = shlex.split(line)
    assert program == "skdsn"
    assert main(args) == 0
    assert "77/1" in capsys.readouterr().out
    table = pd.read_csv("telemetry.csv", float_precision="round_trip")
    assert table["track"].unique().tolist() == ["77-0001"]
    pd.testing.assert_frame_equal(
        table.drop(columns=["track", "time"]),
        names["X"].reset_index(drop=True),
        check_exact=True,
    )
    assert pd.to_datetime(table["time"], format="ISO8601").tolist() == list(
        names["X"].index
    )


MISSIONS = {(234,): "stereo_a", (187,): "kplo"}


@pytest.mark.parametrize(
    "text", blocks(section("The frame spec"), "yaml"), ids=MISSIONS.values()
)
def test_the_examples_of_frame_specs_are_valid(text, tmp_path):
    (tmp_path / "spec.yaml").write_text(text)
    spec = FrameSpec.from_yaml(tmp_path / "spec.yaml")
    assert spec == load_mission(MISSIONS[spec.spacecraft_ids]).spec


def test_the_example_of_definitions_can_be_read(tmp_path):
    [text] = blocks(section("Packet definitions"), "yaml")
    (tmp_path / "packets.yaml").write_text(text)
    rows = ["protocol,uint,8", "DAY,uint,16", "MS_OF_DAY,uint,32"]
    fields = "\n".join(["name,data_type,bit_length", *rows])
    (tmp_path / "housekeeping.csv").write_text(fields)
    [housekeeping] = read_definitions(tmp_path)
    assert housekeeping.name == "housekeeping"
    assert housekeeping.apid == (14, 15)
    assert housekeeping.time.fields == {"days": "DAY", "milliseconds": "MS_OF_DAY"}


CALIBRATIONS = """\
polynomial: [0, 3.2]
enum: {0: low, "[1,2]": high}
table: {points: [0, 1], values: [3, 4], order: 1, extrapolate: true}
beta_thermistor: {beta: 4100, t0: 298.15, supply: 5, lsb: 0.1, ratio: 2, offset: 0}
quadratic_thermistor: {a: 1, b: 2, c: 3, pull_up: 1e4, supply: 5, lsb: 0.1, offset: 0}
signed_square: {scale: 1, factor: 2}
sum: {fields: a, scale: 1, offset: 2}
function: mine
"""


def test_the_table_of_calibrations_names_all_kinds_and_their_parameters():
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \|", section("Packet definitions"), re.M)
    told = dict(rows)
    examples = yaml.safe_load(CALIBRATIONS)
    assert list(told) == list(examples)
    for kind, values in examples.items():
        if isinstance(values, dict) and kind != "enum":
            assert sorted(told[kind].split(", ")) == sorted(values)
        if kind != "function":  # is looked up
            assert isinstance(parse_calibration({kind: values}), Calibration)


def test_the_missions_of_the_page_are_those_that_are_shipped():
    text = section("Missions that are there").partition(" give")[2].partition(";")[0]
    for name in re.findall(r"`([a-z0-9_]+)`", text):
        assert load_mission(name).name == name
