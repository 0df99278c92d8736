"""Figures of published implementations, for the same rows."""

import json
from pathlib import Path

import numpy as np
import pytest

from skdsn._core.affiliation import zone_scores, zones
from skdsn.metrics import affiliation_scores, range_based_scores, vus_scores

FILE = json.loads((Path(__file__).parent / "references.json").read_text())
every_case = pytest.mark.parametrize("case", FILE["cases"], ids=lambda c: c["name"])


def rows(runs, n_rows):
    flags = np.zeros(n_rows, dtype=int)
    for start, stop in runs:
        flags[start:stop] = 1
    return flags


def labels_and_flags(case):
    return rows(case["y_true"], case["n_rows"]), rows(case["y_pred"], case["n_rows"])


@every_case
def test_range_based_figures_are_those_of_aeon_and_prts(case):
    pair = labels_and_flags(case)
    for expected in case["expected"]["range_based"]:
        bias = expected["bias"]
        how = {"cardinality": expected["cardinality"], "bias": bias}
        scores = range_based_scores(*pair, precision_bias=bias, **how)
        assert scores.precision == pytest.approx(expected["precision"])
        assert scores.recall == pytest.approx(expected["recall_alpha_0"])
        scores = range_based_scores(*pair, alpha=0.5, **how)
        assert scores.recall == pytest.approx(expected["recall_alpha_0_5"])


@every_case
def test_affiliation_is_that_of_its_authors(case):
    scores = affiliation_scores(*labels_and_flags(case))
    expected = case["expected"]["affiliation"]
    assert scores.precision == pytest.approx(expected["precision"])
    assert scores.recall == pytest.approx(expected["recall"])


@pytest.mark.parametrize("case", FILE["affiliation_intervals"])
def test_affiliation_of_intervals_is_that_of_its_authors(case):
    events, alarms = (np.array(case[key], float).T for key in ("events", "alarms"))
    low, high = (np.full(len(events[0]), end, float) for end in case["range"])
    own = zones(*events, low, high)
    precision, recall = zone_scores(*events, *own, *alarms)
    expected = [np.nan if p is None else p for p in case["zone_precision"]]
    np.testing.assert_allclose(precision, expected, atol=1e-9)
    np.testing.assert_allclose(recall, case["zone_recall"], atol=1e-9)
    _, mistaken = zone_scores(*events, *own, *alarms, by_position=True)
    np.testing.assert_allclose(mistaken, case["esa_adb_zone_recall"], atol=1e-9)


@every_case
@pytest.mark.parametrize(
    ("variant", "theirs"),
    [("v2022", "aeon"), ("tsb_ad", "tsb_ad"), ("definition", "vus_rangeauc")],
)
def test_areas_are_those_of_the_published_code(case, variant, theirs):
    if variant == "definition" and case["n_rows"] > 250:
        return  # its 250 thresholds do not cover all scores
    y_true, _ = labels_and_flags(case)
    areas = case["expected"]["range_auc"]
    widest = max(expected["buffer"] for expected in areas)
    scores = vus_scores(y_true, case["scores"], buffer=widest, variant=variant)
    n_compared = 0
    for expected in areas:
        for kind in ("roc", "pr"):
            value = expected[f"{theirs}_{kind}"]
            if value is not None:
                found = scores[f"range_auc_{kind}"][expected["buffer"]]
                assert found == pytest.approx(value, abs=1e-9)
                n_compared += 1
    assert n_compared >= 14


@every_case
@pytest.mark.parametrize(("variant", "theirs"), [("v2022", "aeon"), ("tsb_ad",) * 2])
def test_volumes_are_those_of_the_published_code(case, variant, theirs):
    y_true, _ = labels_and_flags(case)
    assert case["expected"]["vus"]
    for expected in case["expected"]["vus"]:
        widest = expected["max_buffer"]
        scores = vus_scores(y_true, case["scores"], buffer=widest, variant=variant)
        found = scores.vus_roc, scores.vus_pr
        theirs_ = expected[f"{theirs}_roc"], expected[f"{theirs}_pr"]
        assert found == pytest.approx(theirs_, abs=1e-9)


@pytest.mark.parametrize("case", FILE["edge_cases"], ids=lambda c: c["name"])
@pytest.mark.filterwarnings("ignore:.*ill-defined")
def test_edge_cases_are_as_one_of_them_has_it(case):
    """Each library has its own view of what is undefined."""
    pair = labels_and_flags(case)
    scores = range_based_scores(*pair, cardinality="one")
    for name in ("precision", "recall"):
        answer = case[f"prts_range_{name}"]
        expected = 0 if isinstance(answer, str) else answer
        assert scores[name] == pytest.approx(expected)
    answer = case["affiliation_precision_recall"]
    expected = (0, 0) if isinstance(answer, str) else [p or 0 for p in answer]
    scores = affiliation_scores(*pair)
    assert (scores.precision, scores.recall) == pytest.approx(expected)
    # Where they say something of VUS: not where all rows are of one class.
    vus = vus_scores(pair[0], case["scores"], buffer=4, variant="tsb_ad")
    answer = case["tsb_ad_vus_roc_pr"]
    expected = (np.nan, np.nan) if isinstance(answer, str) else answer
    assert (vus.vus_roc, vus.vus_pr) == pytest.approx(expected, nan_ok=True)
