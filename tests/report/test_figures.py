import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import same_color

from skdsn.report import plot_curves, plot_track


@pytest.fixture
def scores(X):
    flags = np.zeros(len(X), dtype=int)
    flags[[5, 6, 40]] = 1
    return pd.DataFrame(
        {"score": np.linspace(0, 1, len(X)), "anomaly": flags}, index=X.index
    )


def test_a_track_shows_its_own_rows_flags_and_events(X, y, scores, tmp_path):
    figure = plot_track(X, scores, "pass-0", y=y, channels=["channel_2"])
    channel, score = figure.axes
    np.testing.assert_array_equal(
        channel.lines[0].get_ydata(), X.loc["pass-0", "channel_2"]
    )
    np.testing.assert_array_equal(
        score.lines[1].get_ydata(), scores["score"].iloc[[5, 6]]
    )
    assert len(channel.patches) == len(score.patches) == 1  # rows 5 to 7
    figure.savefig(tmp_path / "track.png")
    assert (tmp_path / "track.png").stat().st_size > 1000


def test_channels_that_rest_are_not_chosen_and_text_is_drawn_as_levels(X, scores):
    X = X.assign(channel_0=1.0, mode=np.where(np.arange(len(X)) < 10, "ON", "OFF"))
    X.iloc[3, X.columns.get_loc("mode")] = np.nan
    figure = plot_track(X, scores, "pass-0")
    labels = [ax.get_ylabel() for ax in figure.axes]
    assert labels == ["channel_1", "channel_2", "channel_3", "score"]
    mode = plot_track(X, scores, "pass-0", channels=["mode"]).axes[0]
    assert [text.get_text() for text in mode.get_yticklabels()] == ["OFF", "ON"]
    np.testing.assert_array_equal(mode.lines[0].get_ydata()[[2, 3, 10]], [1, np.nan, 0])


def test_an_own_figure_is_drawn_into_and_time_zones_become_utc(X, scores):
    from matplotlib.figure import Figure

    zoned = X.index.set_levels(X.index.levels[1].tz_localize("Asia/Tokyo"), level=1)
    own = Figure()
    figure = plot_track(X.set_axis(zoned), scores.set_axis(zoned), "pass-0", figure=own)
    assert figure is own
    first = figure.axes[0].lines[0].get_xdata()[0]
    assert first == np.datetime64("2026-03-01T15:00")


def test_a_track_without_dates_counts_seconds(scores):
    X = pd.DataFrame({"a": [1.0, 2.0, 3.0]})
    table = scores.iloc[:3].reset_index(drop=True)
    axes = plot_track(X, table, 0).axes
    np.testing.assert_array_equal(axes[0].lines[0].get_xdata(), [0, 1, 2])
    assert axes[-1].get_xlabel() == "time (s)"


def test_plot_track_refuses_unknown_tracks_columns_and_other_rows(X, scores):
    with pytest.raises(ValueError, match=r"no track 'pass-9'; it has \['pass-0'"):
        plot_track(X, scores, "pass-9")
    with pytest.raises(ValueError, match="no column 'SNR'"):
        plot_track(X, scores, "pass-0", channels=["SNR"])
    with pytest.raises(ValueError, match="different indexes"):
        plot_track(X, scores.iloc[1:], "pass-0")


def test_curves_pass_through_the_flags_and_stand_above_the_base_rate(y, scores):
    ax = plot_curves(y, {"detector": scores, "reversed": -scores["score"]})
    curve, point, other, base = ax.lines
    assert same_color(curve.get_color(), point.get_color())
    assert not same_color(curve.get_color(), other.get_color())
    hits, flagged, anomalous = 3, 3, 5
    assert point.get_xydata().tolist() == [[hits / anomalous, hits / flagged]]
    assert base.get_ydata() == pytest.approx([y.mean()] * 2)
    assert plot_curves(y, scores["score"], ax=ax) is ax


def test_curves_need_an_anomalous_row(y, scores):
    with pytest.raises(ValueError, match="no anomalous row"):
        plot_curves(0 * y, scores)


def test_figures_leave_pyplot_alone_and_the_room_loads_without_matplotlib():
    code = """
import sys
import skdsn.report as report
assert not {"matplotlib", "torch", "sktime"} & set(sys.modules)
ax = report.plot_curves([0, 1], [0.1, 0.9])
assert "matplotlib.pyplot" not in sys.modules
for name in [n for n in sys.modules if n.startswith("matplotlib")]:
    del sys.modules[name]
sys.modules["matplotlib"] = None
try:
    report.plot_curves([0, 1], [0.1, 0.9])
except ImportError as error:
    print(error)
"""
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout == "figures need matplotlib: pip install skdsn[report]\n"
