import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from skdsn.metrics import compare_scores, score_report
from skdsn.report import plot_comparison


def answers(n_tracks=12):
    """Find all events, half of them, and none."""
    y = np.tile([0, 0, 1, 1, 0], n_tracks)
    half = np.where(np.arange(len(y)) < len(y) // 2, y, 0)
    return y, {"half": (half, None), "all": (y, None), "none": (0 * y, None)}


def comparison(names=("half", "all", "none"), **options):
    y, known = answers()
    given = dict(zip(names, known.values(), strict=True))
    tracks = np.repeat(np.arange(12), 5)
    options = {"metrics": ["event_recall", "event_f1"]} | options
    return compare_scores(y, given, tracks=tracks, **options)


@pytest.fixture(scope="module")
def table():
    return comparison()


def texts(labels):
    return [label.get_text() for label in labels]


def test_each_detector_has_its_score_chance_and_interval(table):
    ax = plot_comparison(table, "event_f1")
    rows = table[table["metric"] == "event_f1"]
    score, chance = ax.lines
    np.testing.assert_array_equal(score.get_xdata(), rows["score"])
    np.testing.assert_array_equal(chance.get_xdata(), rows["chance"])
    (intervals,) = ax.collections
    ends = [segment[:, 0].tolist() for segment in intervals.get_segments()]
    known = rows.dropna(subset="low")
    assert ends == known[["low", "high"]].to_numpy().tolist()
    assert texts(ax.get_legend().get_texts()) == ["score", "chance"]
    # The first on top.
    assert ax.yaxis_inverted()
    assert ax.get_yticks().tolist() == [0, 1, 2]
    assert ax.get_ylim() == (2.5, -0.5)


def test_the_first_metric_is_the_default(table):
    assert plot_comparison(table).get_xlabel().startswith("event_recall")
    assert plot_comparison(table, "event_f1").get_xlabel().startswith("event_f1")
    with pytest.raises(ValueError, match=r"no metric 'f2'; it has \['event_recall'"):
        plot_comparison(table, "f2")


def test_a_star_marks_what_is_better_and_what_is_worse_and_is_explained(table):
    ax = plot_comparison(table, "event_recall")
    assert texts(ax.get_yticklabels()) == ["half", "all *", "none *"]
    assert ax.get_xlabel() == "event_recall\n* differs from half, p < 0.05"


def test_without_a_difference_there_is_no_star_to_explain(table):
    alike = table.assign(p_adjusted=0.05)
    ax = plot_comparison(alike)
    assert texts(ax.get_yticklabels()) == ["half", "all", "none"]
    assert ax.get_xlabel() == "event_recall"


def test_a_table_read_from_a_file_does_not_know_the_reference(table, tmp_path):
    table.to_csv(tmp_path / "table.csv", index=False)
    read = pd.read_csv(tmp_path / "table.csv")
    assert "differs from the reference" in plot_comparison(read).get_xlabel()


def test_the_legend_covers_no_interval(table, tmp_path):
    ax = plot_comparison(table)
    ax.figure.savefig(tmp_path / "figure.png")
    legend = ax.get_legend().get_window_extent()
    assert not legend.overlaps(ax.get_window_extent().padded(-1))
    whole = ax.figure.bbox
    assert whole.x0 <= legend.x0 and legend.x1 <= whole.x1
    # Nor the label below.
    assert not legend.overlaps(ax.xaxis.label.get_window_extent())


def test_names_are_no_formulas(tmp_path):
    names = [r"$\nothing{$", "costs $5", "a$_1$"]
    ax = plot_comparison(comparison(names))
    ax.figure.savefig(tmp_path / "figure.png")  # where formulas are read
    assert texts(ax.get_yticklabels()) == [names[0], f"{names[1]} *", f"{names[2]} *"]
    assert names[0] in ax.get_xlabel()
    assert not any(label.get_parse_math() for label in ax.get_yticklabels())


def test_undefined_figures_are_left_out(tmp_path):
    table = comparison(metrics=["event_precision"])
    assert table["score"].isna().tolist() == [False, False, True]
    ax = plot_comparison(table)
    ax.figure.savefig(tmp_path / "figure.png")
    assert texts(ax.get_yticklabels())[2] == "none"


def test_own_axes_are_drawn_into_and_a_figure_is_refused(table):
    figure = Figure()
    left, right = figure.subplots(1, 2)
    assert plot_comparison(table, ax=right) is right
    assert right.lines and not left.lines
    with pytest.raises(TypeError, match=r"ax must be the Axes .*subplots.*got Figure"):
        plot_comparison(table, ax=figure)


def test_other_tables_are_refused(table):
    y, known = answers()
    with pytest.raises(ValueError, match=r"no column 'metric'; pass .*\.compare"):
        plot_comparison(score_report(y, known["half"][0], n_random=2))
    with pytest.raises(ValueError, match="no column 'low'"):
        plot_comparison(table.drop(columns="low"))
    with pytest.raises(ValueError, match="table has no rows"):
        plot_comparison(table.iloc[:0])
    with pytest.raises(TypeError, match=r"must be the frame .* got dict"):
        plot_comparison(table.to_dict())
