import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import confusion_matrix

from skdsn.report import plot_confusion


def drawn(ax):
    return [tuple(text.get_text().split("\n")) for text in ax.texts]


def test_cells_hold_the_counts_and_their_shares_of_the_true_class(X, y):
    flags = np.zeros(len(X), dtype=int)
    flags[[5, 6, 10, 40]] = 1
    table = pd.DataFrame({"score": 0.5, "anomaly": flags}, X.index)
    ax = plot_confusion(y, table)
    counts = confusion_matrix(y, flags)
    assert [int(count) for count, _ in drawn(ax)] == counts.ravel().tolist()
    assert [share for _, share in drawn(ax)] == ["98.3 %", "1.7 %", "40.0 %", "60.0 %"]
    positions = [text.get_position() for text in ax.texts]
    assert positions == [(0, 0), (1, 0), (0, 1), (1, 1)]
    shares = counts / counts.sum(axis=1, keepdims=True)
    np.testing.assert_array_equal(np.asarray(ax.images[0].get_array()), shares)
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == ["normal\n(58)", "anomalous\n(5)"]
    assert drawn(plot_confusion(y, flags)) == drawn(ax)


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_leaves_the_other_without_shares(label):
    cells = drawn(plot_confusion([label] * 3, [label] * 3))
    expected = [("0", "–")] * 4
    expected[2 * label : 2 * label + 2] = [("0", "0.0 %")] * 2
    expected[3 * label] = ("3", "100.0 %")
    assert cells == expected


def test_a_single_row_in_many_is_neither_none_nor_all():
    flags = np.arange(10_000) == 0
    cells = drawn(plot_confusion(np.zeros(10_000), flags))
    assert cells[:2] == [("9,999", "> 99.9 %"), ("1", "< 0.1 %")]


def test_scores_are_no_flags_and_lengths_must_agree(y):
    with pytest.raises(ValueError, match=r"must hold 0 and 1; got 0\.5 in row 0"):
        plot_confusion(y, np.full(len(y), 0.5))
    with pytest.raises(ValueError, match="63 labels, but scores belong to 2 rows"):
        plot_confusion(y, [0, 1])
    with pytest.raises(ValueError, match="different indexes"):
        plot_confusion(y, y.iloc[::-1])
