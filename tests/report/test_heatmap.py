import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from skdsn.report import plot_heatmap


@pytest.fixture
def scores(X):
    return pd.DataFrame({"score": np.arange(len(X)) / 10, "anomaly": 0}, X.index)


def cells_of(ax):
    return np.ma.filled(ax.images[0].get_array(), np.nan)


def no_gap(scores):
    """Leave out the half of the last track that comes an hour later."""
    return scores.iloc[:-16]


def test_a_cell_holds_the_highest_of_its_rows_and_nothing_after_the_end(scores):
    ax = plot_heatmap(no_gap(scores), n_bins=23)
    cells = cells_of(ax)
    np.testing.assert_array_equal(cells[0], np.arange(23) / 10)
    np.testing.assert_array_equal(cells[1, :9], np.arange(23, 32) / 10)
    assert np.isnan(cells[1, 9:]).all()
    wide = cells_of(plot_heatmap(no_gap(scores), n_bins=4))  # 5.75 s each
    np.testing.assert_array_equal(wide[0], [0.5, 1.1, 1.7, 2.2])
    assert [label.get_text() for label in ax.get_yticklabels()] == [
        "pass-0",
        "pass-1",
        "pass-2",
    ]
    assert ax.get_xlabel() == "time since the start of the track (s)"
    assert ax.get_xlim() == (0, 23)
    assert ax.get_ylim() == (2.5, -0.5)  # the first on top


def test_cells_between_slow_rows_are_filled_but_gaps_are_not(scores):
    cells = cells_of(plot_heatmap(no_gap(scores), n_bins=46))
    np.testing.assert_array_equal(cells[0], np.repeat(np.arange(23) / 10, 2))
    with_gap = cells_of(plot_heatmap(scores, n_bins=100))[2]
    assert np.isfinite(with_gap[[0, -1]]).all() and np.isnan(with_gap[1:-1]).all()


@pytest.mark.parametrize("n_bins", [1, 7, 200])
def test_no_peak_is_lost(scores, n_bins):
    rng = np.random.default_rng(0)
    values = pd.Series(rng.random(len(scores)), scores.index)
    drawn = np.nanmax(cells_of(plot_heatmap(values, n_bins=n_bins)), axis=1)
    np.testing.assert_array_equal(drawn, values.groupby(level=0).max())


def test_incidents_are_outlined_on_their_line(scores, y):
    ax = plot_heatmap(no_gap(scores), y=no_gap(y))
    (outlines,) = ax.collections
    boxes = [path.vertices for path in outlines.get_paths()]
    spans = [(*box.min(axis=0), *box.max(axis=0)) for box in boxes]
    assert spans == [(5, -0.5, 8, 0.5), (8, 1.5, 10, 2.5)]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["incident"]
    assert not plot_heatmap(scores, y=0 * y).collections


def test_of_many_tracks_those_with_the_highest_scores_are_shown_in_order(scores, y):
    values = no_gap(scores)["score"].copy()
    values.iloc[2] = 99
    ax = plot_heatmap(values, y=no_gap(y), most=2, n_bins=23)
    assert ax.get_title(loc="left") == "the 2 of 3 tracks with the highest scores"
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == ["pass-0", "pass-2"]
    assert np.nanmax(cells_of(ax), axis=1).tolist() == [99, 4.6]
    boxes = [path.vertices for path in ax.collections[0].get_paths()]
    assert [box[:, 1].mean().round() for box in boxes] == [0, 1]
    # The axis is as long as the longest of those that are shown.
    short = plot_heatmap(values.where(values.index.codes[0] != 1, 200), most=1)
    assert short.get_xlim() == (0, 9)
    assert not plot_heatmap(values).get_title(loc="left")


def test_rows_without_times_are_counted():
    ax = plot_heatmap([0.1, 0.9, 0.2, 0.3], n_bins=2)
    np.testing.assert_array_equal(cells_of(ax), [[0.9, 0.3]])
    assert ax.get_xlabel() == "rows since the start of the track"
    single = pd.MultiIndex.from_arrays([["a", "b"], pd.to_datetime(["2026", "2026"])])
    ax = plot_heatmap(pd.Series([1.0, 2.0], single), n_bins=1)
    assert cells_of(ax).tolist() == [[1], [2]]


def test_names_are_no_formulas_and_not_all_of_many(tmp_path):
    index = pd.MultiIndex.from_product([[rf"$\a{i}{{$" for i in range(120)], [0, 1]])
    ax = plot_heatmap(pd.Series(np.arange(240.0), index))
    ax.figure.savefig(tmp_path / "figure.png")  # where formulas are read
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == [rf"$\a{i}{{$" for i in range(0, 120, 3)]


def test_own_axes_are_drawn_into_and_wrong_input_is_refused(scores, y):
    left, right = Figure().subplots(1, 2)
    assert plot_heatmap(scores, ax=right) is right
    assert right.images and not left.images
    with pytest.raises(TypeError, match="ax must be the Axes"):
        plot_heatmap(scores, ax=Figure())
    for option in ("n_bins", "most"):
        with pytest.raises(ValueError, match=f"{option} must be at least 1; got 0"):
            plot_heatmap(scores, **{option: 0})
    with pytest.raises(ValueError, match="different indexes"):
        plot_heatmap(scores, y=y.iloc[::-1])
