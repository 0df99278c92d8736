"""Classifiers of link states side by side."""

import numpy as np
import pandas as pd
import pytest
from link_rows import contact, contacts
from sklearn.metrics import balanced_accuracy_score, f1_score

from skdsn.dsn_now._classifier import make_link_state_classifier
from skdsn.dsn_now._compare_models import compare_link_state_models
from skdsn.dsn_now._contacts import contact_groups
from skdsn.dsn_now._labels import link_state_labels
from skdsn.dsn_now._state_report import link_state_report, plot_link_state_confusion
from skdsn.model_selection import LeaveOneStationOut

X = contacts()
Y = link_state_labels(X)


def figures(table, subset="all"):
    return table["balanced_accuracy"].loc[subset]


def test_models_stand_beside_what_needs_no_learning():
    found = compare_link_state_models(X, Y, models=["logistic", "naive_bayes"])
    score = figures(found.table)
    assert list(score.index) == [
        *("logistic", "naive_bayes"),
        *("majority", "chance", "persistence"),
    ]
    assert score["majority"] == pytest.approx(1 / 5)
    assert score["logistic"] > 0.7 > 0.4 > score["chance"]
    # Of each contact the first row of each state is told wrong.
    lengths = Y.groupby(level=0).value_counts().groupby("link_state").first()
    assert score["persistence"] == pytest.approx((1 - 1 / lengths).mean())
    assert set(found.table["n_rows"]) == {len(found.predictions)}
    assert found.skipped == {}


def test_training_is_over_before_the_test_begins():
    seen = []

    class Watch(type(make_link_state_classifier("logistic"))):
        def fit(self, X, y):
            seen.append(X.index)
            return super().fit(X, y)

        def predict(self, X):
            seen.append(X.index)
            return super().predict(X)

    model = Watch(make_link_state_classifier("logistic").steps)
    compare_link_state_models(X, Y, models={"watched": model}, embargo="1D")
    for train, test in zip(seen[::2], seen[1::2], strict=True):
        assert train.get_level_values(1).max() + pd.Timedelta("1D") <= (
            test.get_level_values(1).min()
        )


def test_figures_are_those_of_scikit_learn():
    found = compare_link_state_models(X, Y, models=["naive_bayes"], cv=4)
    told = found.predictions
    row = found.table.loc["all", "naive_bayes"]
    assert len(told) == len(X)
    expected = balanced_accuracy_score(told["truth"], told["naive_bayes"])
    assert row["balanced_accuracy"] == pytest.approx(expected)
    states = sorted(set(told["truth"]))
    macro = f1_score(told["truth"], told["naive_bayes"], labels=states, average="macro")
    assert row["macro_f1"] == pytest.approx(macro)
    assert found.states.loc["all", "naive_bayes"]["support"].sum() == len(X)


def test_complexes_apart_and_a_dish_too_few():
    lonely = X.loc[["DSS14/VGR1/0000"]].assign(DSS="DSS43", location="Canberra")
    lonely = lonely.rename(index={"DSS14/VGR1/0000": "DSS43/VGR1/0000"}, level=0)
    rows = pd.concat([X, lonely])
    labels = link_state_labels(rows)
    found = compare_link_state_models(
        rows, labels, models=["logistic"], by="location", cv=2
    )
    assert set(found.table.index.unique(0)) == {"Goldstone", "Madrid"}
    assert list(found.skipped) == ["Canberra"]
    goldstone = found.predictions.loc["Goldstone"]
    assert goldstone.index.unique(0).str.startswith("DSS14").all()


def test_any_splitter_serves():
    found = compare_link_state_models(
        X, Y, models=["logistic"], cv=LeaveOneStationOut("DSS")
    )
    assert found.table.loc[("all", "logistic"), "n_contacts"] == 8


def test_the_loss_of_lock_ahead_is_compared_too():
    labels = link_state_labels(X, horizon="2min", target="lost")
    found = compare_link_state_models(
        X, labels, models=["forest"], cv=2, horizon="2min", random_state=0
    )
    score = figures(found.table)
    assert score["persistence"] == 0.5
    assert score["forest"] > 0.8
    assert set(found.states.loc["all", "forest"].index) == {0, 1}


def test_persistence_ahead_is_the_state_of_the_row():
    labels = link_state_labels(X, horizon="1min")
    found = compare_link_state_models(
        X, labels, models=["naive_bayes"], cv=2, horizon="1min"
    )
    told = found.predictions.loc["all"]
    assert (told["persistence"] == Y.loc[told.index]).all()
    assert len(told) == labels.notna().sum()


def test_rows_before_the_tested_ones_are_shown_to_the_model():
    class Late:
        def split(self, X):
            yield np.arange(90), np.arange(100, 120)

    model = make_link_state_classifier("logistic", previous=True)
    found = compare_link_state_models(X, Y, models={"m": model}, cv=Late())
    fitted = model.fit(X.iloc[:90], Y.iloc[:90])
    expected = fitted.predict(X.iloc[90:120])[10:]
    assert found.predictions["m"].tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": "complex"}, "no column 'complex'"),
        ({"models": {"chance": None}}, "named 'chance'"),
        ({"cv": 30}, "Nothing can be split"),
        ({"cv": [0]}, "split"),
    ],
)
def test_what_cannot_be_compared_is_refused(options, message):
    with pytest.raises((ValueError, AttributeError), match=message):
        compare_link_state_models(X, Y, **options)


def test_contacts_that_overlap_on_a_dish_are_one():
    parts = [
        contact("DSS14/MRO/0001", "2019-01-01 00:00"),
        contact("DSS14/MRO/0002", "2019-01-02 00:00"),
        contact("DSS14/MVN/0001", "2019-01-01 00:10"),
        contact("DSS14/TGO/0001", "2019-01-01 00:20"),  # overlaps MVN only
        contact("DSS63/MRO/0001", "2019-01-01 00:00"),
    ]
    rows = pd.concat(parts)
    groups = contact_groups(rows).groupby(level=0, sort=False).first()
    assert groups.tolist() == [0, 1, 0, 0, 2]
    assert contact_groups(rows.drop(columns="DSS")).equals(contact_groups(rows))


def test_the_report_says_what_was_never_told_and_what_never_occurred():
    report = link_state_report(["a", "a", None, "b"], ["a", "c", "a", "a"])
    assert report.loc["b", ["precision", "recall"]].isna().tolist() == [True, False]
    assert report.loc["c", ["precision", "recall"]].isna().tolist() == [False, True]
    assert report["told"].to_dict() == {"a": 2, "b": 0, "c": 1}
    assert report.attrs["balanced_accuracy"] == pytest.approx(0.25)
    assert report.attrs["n_rows"] == 3
    with pytest.raises(ValueError, match="3 labels for 2"):
        link_state_report(["a"] * 3, ["a"] * 2)
    with pytest.raises(ValueError, match="None of the 2 rows"):
        link_state_report([None, -1], ["a", "a"])


def test_the_figure_holds_every_cell():
    pytest.importorskip("matplotlib")
    ax = plot_link_state_confusion(["a", "a", "b", None], ["a", "b", "b", "b"])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a (2)", "b (1)"]
    assert [text.get_text() for text in ax.texts] == ["0.50", "0.50", "1.00"]
    np.testing.assert_allclose(ax.images[0].get_array(), [[0.5, 0.5], [0, 1]])
