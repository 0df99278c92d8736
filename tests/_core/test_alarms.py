"""Which runs of flagged rows become alarms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skdsn._core.alarms import least_severity, raise_alarms
from skdsn._core.runs import find_runs


@settings(deadline=None, max_examples=60)
@given(
    severities=st.lists(st.integers(0, 4), min_size=1, max_size=40),
    most=st.integers(1, 3),
    per=st.integers(1, 20),
    cut=st.integers(1, 39),
    gap=st.integers(0, 39),
)
def test_a_budget_is_kept_but_for_records(severities, most, per, cut, gap):
    severities = np.array(severities, dtype=float)
    flags, seconds = severities > 0, np.arange(len(severities), dtype=float)
    opens = severities > 1
    options = {"most": most, "per": per}
    bounds = np.array([0, len(flags)])
    segments = np.unique([0, min(gap, len(flags)), len(flags)])
    seconds[segments[-2] :] += 2
    raised, _ = raise_alarms(
        flags, opens, severities, seconds, bounds, segments, [None], **options
    )
    assert not (raised & ~flags).any()
    begun = []  # of alarms: row, severity
    for start, stop in zip(*find_runs(flags, segments), strict=True):
        first = None
        for row in range(start, stop):
            so_far = severities[start : row + 1][opens[start : row + 1]]
            recent = [worst for begin, worst in begun if begin > seconds[row] - per]
            if first is None and len(so_far):
                record = so_far.max() > max(recent, default=-1)
                first = row if len(recent) < most or record else None
            assert raised[row] == (first is not None)
        if first is not None:
            own = severities[start:stop][opens[start:stop]]
            begun.append((seconds[first], own.max()))
    parts, state = [], [None]
    for rows in np.split(np.arange(len(flags)), [min(cut, len(flags))]):
        if len(rows):
            if gap == cut and state[0] is not None:
                state = [state[0].after_gap()]
            inner = segments[(segments > rows[0]) & (segments <= rows[-1])] - rows[0]
            part, state = raise_alarms(
                flags[rows],
                opens[rows],
                severities[rows],
                seconds[rows],
                np.array([0, len(rows)]),
                np.array([0, *inner, len(rows)]),
                state,
                **options,
            )
            parts.append(part)
    np.testing.assert_array_equal(np.concatenate(parts), raised)


@settings(deadline=None, max_examples=40)
@given(
    severities=st.lists(st.integers(1, 5), min_size=1, max_size=12),
    most=st.none() | st.integers(1, 3),
    per=st.integers(1, 5),
)
def test_the_least_severity_is_enough_and_none_lower_is(severities, most, per):
    severities = np.array(severities, dtype=float)
    seconds, owners = np.arange(len(severities), dtype=float), np.arange(12) // 6
    owners = owners[: len(severities)]

    def worst(least):
        """Alarms at most that begin on a track within any time of `per`."""
        kept = severities >= least
        return max(
            sum(kept & (owners == owner) & (seconds > end - per) & (seconds <= end))
            for owner in owners
            for end in seconds
        )

    least = least_severity(severities, seconds, owners, most=most, per=per)
    assert worst(least) <= (most or 0)
    assert least == 0 or worst(np.floor(least)) > (most or 0)
    assert least == pytest.approx(np.round(least))
