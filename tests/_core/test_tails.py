"""How rare a score is."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skdsn._core.tails import fit_tail, rarity

scores = arrays(
    np.float64, st.integers(2, 60), elements=st.floats(-100, 100, allow_subnormal=False)
)


@settings(deadline=None, max_examples=50)
@given(scores, scores)
def test_rarity_never_falls_as_a_score_rises(known, new):
    tail = fit_tail(known)
    values = rarity(np.sort(new), tail)
    assert np.isfinite(values).all()
    assert (np.diff(values) >= -1e-9).all()
    assert (values >= 0).all()


def test_within_the_known_scores_the_rate_is_counted():
    known = np.random.default_rng(0).normal(size=10_000)
    tail = fit_tail(known)
    for share in (0.5, 0.2, 0.1):
        level = np.quantile(known, 1 - share)
        assert abs(rarity(np.array([level]), tail)[0] + np.log10(share)) < 0.01


def test_beyond_them_an_exponential_tail_is_met():
    known = np.random.default_rng(0).exponential(size=20_000)
    tail = fit_tail(known)
    # One row in 10^6 exceeds the 6 ln(10) of an exponential.
    assert abs(rarity(np.array([6 * np.log(10)]), tail)[0] - 6) < 0.3


def test_constant_scores_make_anything_above_them_rare():
    tail = fit_tail(np.zeros(50))
    level, above = rarity(np.array([0.0, 1.0]), tail)
    assert level < 2
    assert above > 100
