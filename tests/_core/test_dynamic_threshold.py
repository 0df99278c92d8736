"""Windows of errors against plain loops, and the cases that loops forget."""

import time

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from naive_threshold import best_z, mean_and_std, naive_judge, z_scores

from skdsn._core.dynamic_flags import judge, surviving_peaks
from skdsn._core.dynamic_threshold import Rule, choose_z, measure

GRID = np.arange(1.05, 6, 0.5)  # of two errors each is exactly 1 deviation away
some = settings(deadline=None, max_examples=60)


def spiky(seed, n_rows):
    """Errors with a few spikes, some of them equal."""
    rng = np.random.default_rng(seed)
    errors = rng.uniform(0.5, 1.0, n_rows)
    for _ in range(rng.integers(0, 5)):
        begin = rng.integers(0, n_rows)
        errors[begin : begin + rng.integers(1, 4)] += rng.choice([1.0, 2.0, 5.0])
    if rng.random() < 0.3:
        errors[rng.integers(0, n_rows)] = 0.0
    return errors


@some
@given(
    seed=st.integers(0, 10**6),
    n_rows=st.integers(2, 60),
    buffer=st.integers(0, 6),
    max_runs=st.integers(1, 5),
    max_fraction=st.sampled_from([0.2, 0.5, 1.0]),
    raw=st.booleans(),
)
def test_the_chosen_z_scores_best_in_a_loop(
    seed, n_rows, buffer, max_runs, max_fraction, raw
):
    errors = spiky(seed, n_rows)
    mean, std = mean_and_std(errors)
    assume(std > 0)
    options = {"max_runs": max_runs, "max_fraction": max_fraction}
    rule = Rule(GRID, search_buffer=buffer, raw_penalty=raw, **options)
    (z,) = choose_z([measure(errors, np.zeros(0, bool), rule)], rule)
    scores = z_scores(
        errors, range(n_rows), mean, std, GRID, buffer, raw=raw, **options
    )
    if not scores:
        assert np.isnan(z)
        return
    assert z == best_z(scores)


@some
@given(
    seed=st.integers(0, 10**6),
    n_rows=st.integers(2, 60),
    data=st.data(),
    buffer=st.integers(0, 6),
    p=st.sampled_from([0.0, 0.13, 0.5]),
    both_sides=st.booleans(),
    exclude_flagged=st.booleans(),
    missing=st.booleans(),
    floor=st.sampled_from([-np.inf, 1.5]),
)
def test_flags_are_those_of_a_loop(
    seed, n_rows, data, buffer, p, both_sides, exclude_flagged, missing, floor
):
    errors = spiky(seed, n_rows)
    rng = np.random.default_rng(seed)
    if missing:
        errors[rng.random(n_rows) < 0.2] = np.nan
    n_new = data.draw(st.integers(1, n_rows))
    flagged = rng.random(n_rows - n_new) < 0.2
    where = {
        "n_history": data.draw(st.integers(0, n_rows - n_new)),
        "n_spared": data.draw(st.integers(0, n_new)),
        "floor": floor,
    }
    options = {"p": p, "both_sides": both_sides, "exclude_flagged": exclude_flagged}
    rule = Rule(GRID, buffer=buffer, search_buffer=buffer, **options)
    found = judge(errors, n_new, flagged, rule, **where)

    flags, limits = naive_judge(
        errors,
        n_new,
        flagged,
        z_grid=GRID,
        buffer=buffer,
        **options,
        **where,
    )
    assert found.flags.tolist() == flags
    assert ((found.scores > 0) == found.flags).all()
    assert np.isfinite(found.scores).all()
    if limits:
        upper = found.thresholds[~found.flags]
        np.testing.assert_allclose(upper, limits[0], rtol=1e-9)


def test_among_equally_good_z_the_highest_is_chosen():
    errors = np.r_[np.tile([1.0, 2.0], 50), 30.0]
    rule = Rule(np.arange(2.5, 11.6, 0.5), search_buffer=3)
    (z,) = choose_z([measure(errors, np.zeros(0, bool), rule)], rule)
    assert errors.mean() + z * errors.std() <= 30 < errors.mean() + 10 * errors.std()
    assert z == 9.5


@pytest.mark.parametrize("level", [0.0, 0.1, 1e-300, 1e6])
def test_constant_errors_are_settled_first(level):
    errors = np.full(2100, level)
    found = judge(errors, 70, np.zeros(2030, bool), Rule(GRID))
    assert not found.flags.any()
    assert (found.scores == -12).all()
    assert (found.thresholds == level).all()


def test_rounding_does_not_make_constant_errors_vary():
    errors = np.full(2100, 0.1)
    errors[::3] = np.nextafter(0.1, 1)
    errors[2090] += 1e-14
    assert not judge(errors, 70, np.zeros(2030, bool), Rule(GRID)).flags.any()


def test_constant_errors_are_no_slower():
    rng = np.random.default_rng(0)
    rule, flagged = Rule(np.arange(2.5, 11.6, 0.5)), np.zeros(2030, bool)

    def seconds(errors):
        begin = time.perf_counter()
        for _ in range(20):
            judge(errors, 70, flagged, rule)
        return time.perf_counter() - begin

    varied = min(seconds(rng.uniform(1, 2, 2100)) for _ in range(3))
    assert min(seconds(np.ones(2100)) for _ in range(3)) < 2 * varied


@pytest.mark.filterwarnings("error")
def test_without_known_errors_nothing_is_flagged():
    found = judge(np.full(9, np.nan), 4, np.zeros(5, bool), Rule(GRID))
    assert not found.flags.any()
    assert (found.scores == -12).all()
    assert np.isnan(found.thresholds).all()


def test_where_everything_is_flagged_nothing_is_nominal():
    errors = np.r_[np.ones(10), np.full(2, 9.0)]
    rule = Rule(np.array([1.0]), buffer=20, search_buffer=0, p=0.9)
    flagged = np.ones(10, bool)
    assert judge(errors, 2, flagged, rule).flags.all()


def test_excluding_flagged_rows_unmasks_the_rest_of_an_event():
    errors = np.random.default_rng(0).uniform(1, 1.1, 400)
    errors[200:] = 5.0
    flagged = np.arange(390) >= 200
    rule = Rule(np.arange(2.5, 12, 0.5), buffer=5, search_buffer=5)
    assert not judge(errors, 10, flagged, rule).flags.any()
    assert judge(errors, 10, flagged, rule._replace(exclude_flagged=True)).flags.all()


def test_too_mild_runs_are_dropped_but_not_the_rest_of_an_event():
    errors = np.r_[np.tile([1.0, 1.2], 100), 3.0, np.ones(9)]
    rule = Rule(np.arange(2.5, 8, 0.5), buffer=4, search_buffer=4)
    flagged = np.zeros(195, bool)
    severity = judge(errors, 15, flagged, rule).scores.max()
    for minimum, kept in [(0.99 * severity, True), (1.01 * severity, False)]:
        strict = rule._replace(min_severity=minimum)
        assert judge(errors, 15, flagged, strict).flags.any() == kept
    flagged = np.arange(201) >= 196
    strict = rule._replace(min_severity=99.0, p=0.0)
    assert judge(errors, 9, flagged, strict).flags[:4].all()


@pytest.mark.parametrize(
    ("peaks", "nominal", "kept"),
    [
        ([10, 8, 6, 3], 1, [True] * 4),
        ([1.0, 0.98], 0.95, [False, False]),
        ([3, 10, 3], 2.9, [False, True, False]),
        ([5, np.nan], 1, [True, False]),
        ([0.0], 0.0, [True]),
    ],
)
def test_runs_before_the_last_large_drop_survive(peaks, nominal, kept):
    assert surviving_peaks(np.array(peaks, float), nominal, 0.13).tolist() == kept
