"""The examples and the code of README.md run as they stand."""

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from skdsn.datasets import make_dsn_passes

ROOT = Path(__file__).parents[1]
NEED_DATA = ("plot_smap_channels", "plot_real_downlink")
# One thread: the examples are small, and other tests may run at the same time.
QUIET = {**os.environ, "MPLBACKEND": "Agg", "OMP_NUM_THREADS": "1"}


def run(command, folder):
    done = subprocess.run(
        command, cwd=folder, env=QUIET, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def runs(request, tmp_path_factory):
    """The examples that were asked for, two at a time: most of a run is one thread."""
    paths = [
        item.callspec.params["path"]
        for item in request.session.items
        if getattr(item, "function", None) is test_an_example_runs_without_a_warning
    ]
    with ThreadPoolExecutor(2) as pool:
        started = {}
        for path in paths:
            if path.stem not in NEED_DATA or "SKDSN_DATA" in os.environ:
                folder = tmp_path_factory.mktemp(path.stem)
                done = pool.submit(run, [sys.executable, path], folder)
                started[path] = done, folder
        yield started


@pytest.mark.parametrize(
    "path", sorted(ROOT.glob("examples/plot_*.py")), ids=lambda path: path.stem
)
def test_an_example_runs_without_a_warning(path, runs):
    if path not in runs:
        pytest.skip("SKDSN_DATA is not set: the folder of the real data sets")
    done, folder = runs[path]
    assert "Warning" not in done.result().stderr
    assert done.result().stdout
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("name", NEED_DATA)
def test_an_example_says_which_data_it_lacks(name, tmp_path, monkeypatch):
    monkeypatch.delitem(QUIET, "SKDSN_DATA", raising=False)
    done = run([sys.executable, ROOT / f"examples/{name}.py"], tmp_path)
    assert done.stdout.count(".") == 1 and "SKDSN_DATA" in done.stdout


def test_the_code_of_the_readme_runs_on_little_data(tmp_path):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    code = "\n".join(
        re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    )
    for shown, little in (
        ("n_tracks=40,", "n_tracks=9, n_rows=80, incident_fraction=1.0,"),
        ("max_epochs=3, fit_stride=10,", "max_epochs=1, fit_stride=10, window=20,"),
        ("make_dsn_detector(", "make_dsn_detector(max_epochs=1, "),
    ):
        assert shown in code
        code = code.replace(shown, little)
    # What `skdsn demo` has written by then.
    folder = tmp_path / "skdsn-demo"
    folder.mkdir()
    passes = make_dsn_passes(6, n_rows=60, incident_fraction=1.0, random_state=0)
    passes.X.iloc[:-80].to_csv(folder / "passes.csv")
    passes.X.iloc[-80:].to_csv(folder / "new_passes.csv")
    passes.incidents.to_csv(folder / "incidents.csv", index=False)
    run([sys.executable, "-W", "error", "-c", code], tmp_path)
    assert (tmp_path / "report.csv").exists()
