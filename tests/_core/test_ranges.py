"""Values in units of the range that they had in training."""

import numpy as np

from skdsn._core.ranges import LARGEST, fit_range, scale_to_range


def test_training_values_fill_one_unit_about_zero():
    values = np.random.default_rng(0).normal(3, 7, (50, 2))
    scaled = scale_to_range(values, *fit_range(values))
    np.testing.assert_allclose(scaled.min(axis=0), -0.5)
    np.testing.assert_allclose(scaled.max(axis=0), 0.5)


def test_constant_missing_and_huge_columns_stay_finite():
    values = np.array([[7.0, np.nan, -1e308], [7.0, np.nan, 1e308]])
    centre, unit = fit_range(values)
    assert centre.tolist() == [7.0, 0.0, 0.0]
    assert unit[:2].tolist() == [1.0, 1.0]
    assert np.isfinite(unit[2])
    scaled = scale_to_range(np.array([[8.0, 1e200, 1.0]]), centre, unit)
    assert scaled[0, :2].tolist() == [1.0, LARGEST]
