import numpy as np
import pandas as pd
import pytest

from skdsn.report import plot_track


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


def test_names_are_no_formulas(X, scores, tmp_path):
    X = X.rename(columns={"channel_1": "costs $5", "channel_2": r"$\nothing{$"})
    X = X.assign(mode=r"$\bad{$")
    X.index = X.index.set_levels(["$a_1$", "pass-1", r"$\x{$"], level=0)
    scores = scores.set_axis(X.index)
    channels = ["costs $5", r"$\nothing{$", "mode"]
    figure = plot_track(X, scores, r"$\x{$", channels=channels)
    figure.savefig(tmp_path / "track.png")  # where formulas are read
    assert figure.axes[0].get_title() == r"track $\x{$"
