from time import perf_counter

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from skdsn.report import plot_timeline


@pytest.fixture
def scores(X):
    flags = np.zeros(len(X), dtype=int)
    flags[[5, 6, 50]] = 1
    return pd.DataFrame({"score": np.arange(len(X)) / 10, "anomaly": flags}, X.index)


def lines_of(ax):
    return {line.get_label(): line for line in ax.lines}


def spans_of(collection):
    corners = [path.vertices[:, 0] for path in collection.get_paths()]
    return [(corner.min(), corner.max()) for corner in corners]


def test_tracks_stand_in_turn_without_gaps(scores, y):
    ax = plot_timeline(scores, y=y, threshold=5)
    lines = lines_of(ax)
    # One row a second; the hour between the halves of the last track is left out.
    np.testing.assert_allclose(lines["score"].get_xdata(), np.arange(63))
    np.testing.assert_array_equal(lines["score"].get_ydata(), scores["score"])
    np.testing.assert_array_equal(
        lines["flagged"].get_xydata(), [[5, 0.5], [6, 0.6], [50, 5]]
    )
    assert set(lines["threshold"].get_ydata()) == {5}
    incidents, borders = ax.collections
    assert spans_of(incidents) == [(5, 8), (40, 42)]
    assert [path[0, 0] for path in borders.get_segments()] == [23, 32]
    assert ax.get_xlim() == (0, 63)
    assert ax.get_xlabel() == "time of 3 tracks in turn (s)"
    (names,) = ax.child_axes
    shown = [label.get_text() for label in names.get_xticklabels()]
    assert shown == ["pass-0", "pass-1", "pass-2"]


def test_an_incident_does_not_go_on_in_the_next_track(scores, y):
    y = 0 * y
    y.iloc[20:26] = 1
    assert spans_of(plot_timeline(scores, y=y).collections[0]) == [(20, 23), (23, 26)]


def test_without_flags_labels_or_times_scores_are_left(scores):
    ax = plot_timeline(scores["score"].to_numpy())
    assert list(lines_of(ax)) == ["score"]
    assert ax.get_xlabel() == "rows of 1 track"
    assert not ax.collections and not ax.child_axes
    # Row numbers are no times; unlabelled rows no incident.
    numbered = pd.Series([0.1, 0.2, 0.3], index=[3, 10, 12])
    ax = plot_timeline(numbered, y=[0, -1, 1])
    np.testing.assert_array_equal(lines_of(ax)["score"].get_xdata(), [0, 1, 2])
    assert spans_of(ax.collections[0]) == [(2, 3)]


def test_a_million_rows_lose_no_peak_and_take_no_time():
    rng = np.random.default_rng(0)
    index = pd.MultiIndex.from_product(
        [range(500), pd.date_range("2026-03-02", periods=2000, freq="30s")]
    )
    values = rng.random(len(index))
    peaks = rng.choice(len(index), 200, replace=False)
    values[peaks] += np.arange(1, 201)
    table = pd.DataFrame({"score": values, "anomaly": (values > 1).astype(int)}, index)
    begin = perf_counter()
    ax = plot_timeline(table)
    assert perf_counter() - begin < 5
    lines = lines_of(ax)
    drawn = lines["highest score"]
    assert len(drawn.get_xdata()) == 1500
    days = 30 / 86_400
    for row in peaks:
        pixel = np.searchsorted(drawn.get_xdata(), (row + 0.5) * days) - 1
        assert drawn.get_ydata()[pixel] >= values[row]
    highest = np.sort(values)[-1]
    assert lines["flagged"].get_ydata().max() == drawn.get_ydata().max() == highest
    # So many borders would hide the score.
    assert not ax.collections and not ax.child_axes


def test_a_flag_below_the_peak_of_its_pixel_is_marked_where_it_is():
    flags = np.zeros(9000, dtype=int)
    flags[3] = 1
    table = pd.DataFrame({"score": np.r_[9.0, np.full(8999, 0.5)], "anomaly": flags})
    flagged = lines_of(plot_timeline(table))["flagged"]
    assert flagged.get_xydata().tolist() == [[0, 0.5]]


def test_names_are_no_formulas_and_time_has_a_fitting_unit(tmp_path):
    times = pd.date_range("2026-03-02", periods=40, freq="1h", tz="UTC")
    index = pd.MultiIndex.from_product([[r"$\nothing{$", "b"], times])
    ax = plot_timeline(pd.Series(np.arange(80.0), index))
    ax.figure.savefig(tmp_path / "figure.png")  # where formulas are read
    assert ax.get_xlabel() == "time of 2 tracks in turn (d)"
    assert ax.get_xlim()[1] == pytest.approx(80 / 24)


def test_own_axes_are_drawn_into_and_other_rows_refused(scores, y):
    left, right = Figure().subplots(1, 2)
    assert plot_timeline(scores, ax=right) is right
    assert right.lines and not left.lines
    with pytest.raises(TypeError, match=r"ax must be the Axes .* got Figure"):
        plot_timeline(scores, ax=Figure())
    with pytest.raises(ValueError, match="62 labels, but scores belong to 63 rows"):
        plot_timeline(scores, y=y.iloc[1:])
    with pytest.raises(ValueError, match="different indexes"):
        plot_timeline(scores, y=y.iloc[::-1])
    with pytest.raises(ValueError, match="no rows to draw"):
        plot_timeline(scores.iloc[:0])
    with pytest.raises(ValueError, match="inf in row 1"):
        plot_timeline([0.0, np.inf])
