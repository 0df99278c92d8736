"""Limits: the range of the training rows, and what leaves it."""

import numpy as np
import pandas as pd
import pytest
from conftest import small_frame, small_labels
from hypothesis import given, settings
from hypothesis import strategies as st

from skdsn.forecasters import LimitChecker
from skdsn.metrics import training_range_scores


def test_training_rows_are_within_the_limits(X):
    assert not LimitChecker(margin=0).fit_transform(X).to_numpy().any()


@settings(deadline=None, max_examples=25)
@given(factor=st.floats(-3, 3), shift=st.floats(-5, 5))
def test_without_margin_the_error_is_the_score_of_the_range(factor, shift):
    X = small_frame()
    other = X * factor + shift
    errors = LimitChecker(margin=0).fit(X).transform(other)
    expected = training_range_scores(other, X)
    np.testing.assert_allclose(errors["error"], expected, rtol=1e-6)


def test_errors_are_in_units_of_the_range_beyond_the_margin():
    X = pd.DataFrame({"volt": [10.0, 12.0, 14.0], "amp": [0.0, 1.0, 3.0]})
    new = pd.DataFrame({"volt": [14.4, 15.2, 8.0], "amp": [3.0, -3.0, 6.3]})
    out = LimitChecker(margin=0.1).fit(X).transform(new)
    np.testing.assert_allclose(out["error_volt"], [0, 0.2, 0.4], atol=1e-6)
    np.testing.assert_allclose(out["error_amp"], [0, 0.9, 1.0], atol=1e-6)
    np.testing.assert_allclose(out["error"], [0, 0.9, 1.0], atol=1e-6)


def test_a_constant_channel_is_in_its_own_unit_and_has_no_margin():
    checker = LimitChecker(targets=["idle"], margin=0.5)
    checker.fit(pd.DataFrame({"idle": [2.0, 2.0, 2.0]}))
    out = checker.transform(pd.DataFrame({"idle": [2.0, 2.3, 0.0]}))
    np.testing.assert_allclose(out["error_idle"], [0, 0.3, 2.0], atol=1e-6)


def test_anomalous_rows_do_not_widen_the_limits(X):
    y = small_labels(X)
    wild = X.where(y == 0, 1e3)
    errors = LimitChecker().fit(wild, y).transform(wild)
    assert (errors["error"] > 0).equals(y.astype(bool).rename("error"))


def test_a_large_offset_costs_no_precision():
    X = pd.DataFrame({"carrier": 8.4e9 + np.linspace(0, 1, 50)})
    checker = LimitChecker(margin=0).fit(X)
    assert not checker.transform(X).to_numpy().any()
    assert checker.transform(X + 0.25)["error"].max() == pytest.approx(0.25, rel=1e-4)


def test_passthrough_shows_where_in_its_range_a_channel_is(X):
    wide = LimitChecker(passthrough=True).fit_transform(X)[X.columns]
    np.testing.assert_allclose(wide.min(), 0.0, atol=1e-6)
    np.testing.assert_allclose(wide.max(), 1.0, atol=1e-6)
