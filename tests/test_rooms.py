"""Imports run in one direction, from the ground floor up."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import skdsn

GROUND = {"_core", "_sklearn", "tracks", "base"}
MAY_IMPORT = {
    "_core": set(),
    "_sklearn": set(),
    "_files": set(),
    "tracks": {"_core"},
    "base": {"_core", "_sklearn", "tracks"},
    "labeling": GROUND,
    "resampling": GROUND,
    "ccsds": {"_core", "tracks"},
    "datasets": GROUND | {"_files", "labeling", "resampling"},
    "dsn_now": GROUND
    | {"_files", "labeling", "preprocessing", "metrics", "model_selection"}
    | {"streaming"},
    "preparation": GROUND | {"_files", "labeling", "datasets"},
    "preprocessing": GROUND,
    "encoders": GROUND | {"preprocessing"},
    "forecasters": GROUND,
    "metrics": GROUND,
    "streaming": GROUND,
    "model_selection": GROUND | {"_files", "metrics", "streaming"},
    "report": GROUND | {"_files", "metrics", "streaming"},
    "detectors": GROUND
    | {"labeling", "preprocessing", "encoders", "forecasters"}
    | {"metrics", "streaming", "model_selection"},
    "persistence": GROUND
    | {"_files", "labeling", "preprocessing", "encoders", "forecasters"}
    | {"metrics", "streaming", "model_selection", "detectors"},
}
PACKAGE = Path(skdsn.__file__).parent


def imported_rooms(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
            "skdsn."
        ):
            yield node.module.split(".")[1]


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_from_below(room):
    home = PACKAGE / room
    files = list(home.rglob("*.py")) if home.is_dir() else [home.with_suffix(".py")]
    found = {name for path in files for name in imported_rooms(path)} - {room}
    assert found <= MAY_IMPORT[room]


def test_every_room_is_listed():
    rooms = {path.stem for path in PACKAGE.iterdir() if not path.stem.startswith("__")}
    assert rooms - {"py"} == set(MAY_IMPORT) | {"cli"}


def test_networks_know_nothing_of_frames_or_estimators():
    for name in ("_modules.py", "_batches.py"):
        text = (PACKAGE / "encoders" / name).read_text()
        assert "pandas" not in text.split('"""')[2]
        assert "sklearn" not in text.split('"""')[2]


def test_importing_the_rooms_loads_no_heavy_package():
    rooms = "tracks preprocessing metrics labeling detectors streaming datasets "
    rooms += "encoders forecasters model_selection preparation persistence resampling "
    rooms += "ccsds dsn_now"
    heavy = "torch sktime optuna matplotlib skorch space_packet_parser lxml"
    code = (
        "import importlib, sys\n"
        "import skdsn\n"
        "assert 'sklearn' not in sys.modules, 'import skdsn loads scikit-learn'\n"
        f"for room in {rooms.split()!r}:\n"
        "    importlib.import_module('skdsn.' + room)\n"
        f"    for heavy in {heavy.split()!r}:\n"
        "        assert heavy not in sys.modules, f'{room} loads {heavy}'\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
