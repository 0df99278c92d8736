"""The smallest stage with memory."""

import re

import numpy as np
import pandas as pd
import pytest

from skdsn.base import MemoryTransformer


class Counter(MemoryTransformer):
    """Counts the rows of a segment; the smallest stage with memory."""

    def __init__(self, *, max_gap=None):
        self.max_gap = max_gap

    def _fit(self, rows, y):
        self.fitted_ = True

    def _stream(self, data, tracks, bounds, memories):
        out = np.ones((len(data), 1))
        total = np.cumsum(out)
        for i, memory in enumerate(memories):
            before = total[bounds[i]] - 1 - (memory or 0)
            out[bounds[i] : bounds[i + 1], 0] = (
                total[bounds[i] : bounds[i + 1]] - before
            )
        return out, lambda i: float(out[bounds[i + 1] - 1, 0])

    def _names_out(self, names):
        return ["count"]


def test_a_stage_needs_only_its_hooks(X):
    stage = Counter(max_gap="1min").fit(X)
    counts = stage.transform(X)["count"]
    assert counts.iloc[[0, 22, 23, 31, 32, 46, 47, 62]].tolist() == [
        1, 23, 1, 9, 1, 15, 1, 16,
    ]  # fmt: skip


def test_a_chunk_after_a_gap_starts_afresh_and_one_before_it_goes_on(X):
    stage = Counter(max_gap="1min").fit(X)
    _, state = stage.stream(X.iloc[32:40])
    assert state["pass-2"][1] == 8
    assert stage.stream(X.iloc[40:47], state)[0]["count"].iloc[0] == 9
    assert stage.stream(X.iloc[47:], state)[0]["count"].iloc[0] == 1


def test_a_chunk_without_time_goes_on_counting_rows():
    stage = Counter(max_gap=1).fit(np.zeros((3, 1)))
    _, state = stage.stream(np.zeros((3, 1)))
    out, state = stage.stream(np.zeros((2, 1)), state)
    assert out.ravel().tolist() == [4, 5]
    assert state == {0: (4.0, 5.0)}


def test_a_chunk_that_repeats_the_last_time_is_refused(X):
    stage = Counter().fit(X)
    _, state = stage.stream(X.iloc[:5])
    with pytest.raises(ValueError, match=r"rows up to .* were streamed already"):
        stage.stream(X.iloc[4:6], state)


@pytest.mark.parametrize(
    ("times", "begin", "end"),
    [
        (
            pd.date_range("2026-03-29T01:30", periods=4, freq="h", tz="Europe/Madrid"),
            "2026-03-29 04:30:00+02:00",
            "2026-03-29 05:30:00+02:00",
        ),
        (
            pd.DatetimeIndex(["2026-03-02T00:00:00.1", "2026-03-02T00:00:00.123456"]),
            "2026-03-02 00:00:00.100000",
            "2026-03-02 00:00:00.123456",
        ),
        (pd.to_timedelta([0.5, 1.5, 2.5], unit="s"), "0 days 00:00:01.5", "00:00:02.5"),
        (pd.Index([10, 20, 30]), "20", "30"),
    ],
    ids=lambda times: type(times).__name__,
)
def test_the_past_is_told_in_the_clock_of_the_rows(times, begin, end):
    X = pd.DataFrame({"a": 0.0}, index=times)
    stage = Counter().fit(X)
    _, state = stage.stream(X)
    with pytest.raises(
        ValueError, match=rf"begin at {re.escape(begin)}.*{re.escape(end)}"
    ):
        stage.stream(X.iloc[-2:], state)


# Clocks -------------------------------------------------------------------------


def test_a_stage_that_uses_time_keeps_to_the_clock_of_fit(X):
    numbers = X.set_axis(
        pd.MultiIndex.from_arrays([X.index.get_level_values(0), range(len(X))])
    )
    stage = Counter(max_gap="1min").fit(X)
    message = "Counter was fitted on rows timed by dates, but now .* row numbers; give"
    with pytest.raises(ValueError, match=message):
        stage.transform(numbers)
    with pytest.raises(ValueError, match=message):
        stage.stream(numbers)
    with pytest.raises(ValueError, match="fitted on rows timed by seconds or row"):
        stage.fit(numbers).transform(X)
    one = X.loc["pass-0"].set_axis(range(4), axis=1)
    with pytest.raises(ValueError, match=message):
        stage.fit(one).transform(one.to_numpy())


def test_a_stage_without_use_for_time_takes_any_clock(X):
    one = X.loc["pass-0"].set_axis(range(4), axis=1)
    out = Counter().fit(one).transform(one.to_numpy())
    assert out.ravel().tolist() == list(range(1, 24))


def test_seconds_may_be_integers_or_timedeltas():
    X = pd.DataFrame({"a": np.zeros(3)}, index=[0, 1, 9])
    stage = Counter(max_gap=5).fit(X)
    timed = X.set_axis(pd.to_timedelta(X.index, unit="s"))
    assert stage.transform(timed)["count"].tolist() == [1, 2, 1]
