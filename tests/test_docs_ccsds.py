"""The page docs/ccsds.md can be followed as it stands."""

import re
import shlex
from pathlib import Path

import pandas as pd
import pytest
import yaml

import skdsn.ccsds
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
    assert sorted(files(STEPS)) == [
        "defs/packets.yaml",
        "defs/power.csv",
        "defs/thermal.csv",
        "spec.yaml",
    ]


def test_the_counts_are_what_the_page_prints(followed):
    _, names = followed
    statistics = names["packets"].attrs["statistics"]
    assert statistics["77/1"]["jumps"] > 0
    assert names["frames"].attrs["statistics"] == {"accepted": len(names["frames"])}
    decoded = [len(kind) for kind in names["kinds"].values()]
    assert sum(decoded) == statistics["77/1"]["packets"] < 8000
    assert names["kinds"].statistics["unknown"] == {}
    # The clock and the labels are no channels.
    assert names["X"].columns.to_list() == [
        "power_u_bus",
        "power_i_array",
        "thermal_t_battery",
        *(f"thermal_temperature_{k}" for k in range(4)),
    ]
    assert len(names["X"]) == sum(decoded)


def test_the_detector_finds_the_battery_that_warms_up_and_little_else(followed):
    _, names = followed
    seconds = names["thermal"]["seconds"]
    begin, end = pd.Timestamp("2026-01-01") + pd.to_timedelta(
        seconds[[3300, 3420]], unit="s"
    )
    events = names["events"]
    hit = (events["start"] <= end) & (events["end"] >= begin)
    assert hit.any()
    assert "thermal_t_battery" in events.loc[hit, "channels"].sum()
    assert len(events) <= 2


def test_the_commands_give_the_same_telemetry_and_learn_from_it(
    followed, monkeypatch, capsys
):
    folder, names = followed
    monkeypatch.chdir(folder)
    [commands] = blocks(STEPS, "bash")
    for line in commands.splitlines():
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
    times = names["X"].index.get_level_values("time")
    assert pd.to_datetime(table["time"], format="ISO8601").tolist() == list(times)


MISSIONS = {(234,): "stereo_a", (187,): "kplo"}


@pytest.mark.parametrize(
    "text", blocks(section("The frame spec"), "yaml"), ids=MISSIONS.values()
)
def test_the_examples_of_frame_specs_are_valid(text, tmp_path):
    (tmp_path / "spec.yaml").write_text(text)
    spec = FrameSpec.from_yaml(tmp_path / "spec.yaml")
    assert spec == load_mission(MISSIONS[spec.spacecraft_ids]).spec


def test_the_example_of_definitions_can_be_read(tmp_path):
    text, _ = blocks(section("Packet definitions"), "yaml")
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
    shipped = Path(skdsn.ccsds.__file__).parent / "missions"
    names = {path.name for path in shipped.iterdir()}
    assert set(re.findall(r"`([a-z0-9_]+)`", text)) == names
