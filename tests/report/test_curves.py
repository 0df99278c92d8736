import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import same_color
from sklearn.metrics import average_precision_score, roc_auc_score

from skdsn.report import plot_curves, plot_roc


@pytest.fixture
def scores(X):
    flags = np.zeros(len(X), dtype=int)
    flags[[5, 6, 40]] = 1
    return pd.DataFrame(
        {"score": np.linspace(0, 1, len(X)), "anomaly": flags}, index=X.index
    )


def legend_of(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_curves_pass_through_the_flags_and_stand_above_the_base_rate(y, scores):
    ax = plot_curves(y, {"detector": scores, "reversed": -scores["score"]})
    curve, point, other, base = ax.lines
    assert same_color(curve.get_color(), point.get_color())
    assert not same_color(curve.get_color(), other.get_color())
    hits, flagged, anomalous = 3, 3, 5
    assert point.get_xydata().tolist() == [[hits / anomalous, hits / flagged]]
    assert base.get_ydata() == pytest.approx([y.mean()] * 2)
    assert plot_curves(y, scores["score"], ax=ax) is ax


def test_the_legend_tells_the_average_precision(y, scores):
    area = average_precision_score(y, scores["score"])
    assert legend_of(plot_curves(y, scores))[0] == f"detector (AP {area:.2f})"


def test_curves_need_an_anomalous_row(y, scores):
    with pytest.raises(ValueError, match="no anomalous row"):
        plot_curves(0 * y, scores)


def test_roc_is_drawn_with_its_area_its_flags_and_the_diagonal(y, scores):
    ax = plot_roc(y, {"detector": scores, "reversed": -scores["score"].to_numpy()})
    curve, point, other, chance = ax.lines
    area = roc_auc_score(y, scores["score"])
    drawn = np.trapezoid(curve.get_ydata(), curve.get_xdata())
    assert drawn == pytest.approx(area)
    assert np.trapezoid(other.get_ydata(), other.get_xdata()) == pytest.approx(1 - area)
    assert legend_of(ax) == [
        f"detector (AUC {area:.2f})",
        f"reversed (AUC {1 - area:.2f})",
        "chance (AUC 0.5)",
    ]
    assert point.get_xydata().tolist() == [[0, 3 / 5]]
    assert same_color(curve.get_color(), point.get_color())
    assert chance.get_xydata().tolist() == [[0, 0], [1, 1]]


@pytest.mark.parametrize(("label", "missing"), [(0, "anomalous"), (1, "normal")])
def test_roc_needs_both_classes(y, scores, label, missing):
    with pytest.raises(ValueError, match=f"no {missing} row"):
        plot_roc(0 * y + label, scores)


@pytest.mark.parametrize("plot", [plot_curves, plot_roc])
def test_labels_are_no_formulas(plot, y, scores, tmp_path):
    ax = plot(y, {r"$\nothing{$": scores})
    ax.figure.savefig(tmp_path / "figure.png")  # where formulas are read
    assert legend_of(ax)[0].startswith(r"$\nothing{$")


@pytest.mark.parametrize("plot", [plot_curves, plot_roc])
def test_scores_of_other_rows_are_refused(plot, y, scores):
    with pytest.raises(
        ValueError, match=r"63 labels, but The scores of 'a' .* 62 rows"
    ):
        plot(y, {"a": scores.iloc[1:]})
    with pytest.raises(ValueError, match=r"scores of 'a' and y have different indexes"):
        plot(y, {"a": scores["score"].iloc[::-1]})
    with pytest.raises(ValueError, match="'detector' hold nan in row 3"):
        plot(y, scores["score"].where(np.arange(len(y)) != 3).to_numpy())
    with pytest.raises(ValueError, match="no column 'anomaly'"):
        plot(y, scores[["score"]])
    with pytest.raises(ValueError, match="holds no detector"):
        plot(y, {})
    with pytest.raises(ValueError, match=r"got shape \(63, 2\)"):
        plot(y, np.zeros((63, 2)))
    # Rows by number are those of an array.
    plot(y.reset_index(drop=True), scores)
