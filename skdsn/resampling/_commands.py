"""Executions of commands as a column of rows."""

import numpy as np
import pandas as pd

from skdsn._core.hold import bin_numbers
from skdsn.resampling._clock import Clock, check_size, step_ticks
from skdsn.tracks import parse_times


def command_pulses(times, step, *, start=None, end=None):
    """Turn the times at which a command was executed into a column of 0 and 1.

    Parameters
    ----------
    times : Index, Series or array-like of shape (n_executions,)
        In any order, also with duplicates: datetimes, text that holds dates,
        timedeltas, or integers that count seconds.
    step : float, str or timedelta
        Time between rows, which are at multiples of it, as in :class:`ResampleHold`.
    start, end : time, default=None
        First and last time; by default of the first and the last pulse. Executions
        that belong to rows before or after are left out.

    Returns
    -------
    Series of float32
        Indexed by ``time``; 1 at the first row at or after an execution, whether there
        was one or more since the row before.

    Raises
    ------
    ValueError
        If a time is missing or no time, or there is none and `start` or `end` is not
        told; or if one is so far from the others that the pulses would not fit.

    Notes
    -----
    The benchmark of ESA puts a sample of 0 one step before and after an execution,
    unless there are others in that time, and holds them. That gives the same pulses
    where executions are less than one step or more than two steps apart. Between, the 0
    that announces the second one can come before the row that would have shown the
    first, which is then lost; here none is. And a 0 ahead of an execution is known only
    afterwards.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdsn.resampling import command_pulses
    >>> command_pulses(pd.Index([7, 12, 14]), 10, start=0, end=30).to_dict()
    {0: 0.0, 10: 1.0, 20: 1.0, 30: 0.0}
    """
    step = step_ticks(step)
    times = pd.Index(times)
    if len(times) == 0 and start is not None:
        times = times.astype(pd.Index([start]).dtype)
    if pd.api.types.is_string_dtype(times.dtype):
        times = pd.Index(parse_times(pd.Series(times, name="times")))
    clock = Clock.of(times, "times")
    numbers = bin_numbers(clock.ticks(times, "times"), step)
    if len(numbers) == 0 and (start is None or end is None):
        raise ValueError("The command was never executed; give start and end.")
    first = (
        int(numbers.min())
        if start is None
        else bin_numbers(clock.read(start, "start"), step)
    )
    last = int(numbers.max()) if end is None else clock.read(end, "end") // step
    if start is None or end is None:
        span = [("first", clock.time(first * step)), ("last", clock.time(last * step))]
        check_size(first, last, step, 1, len(numbers), span)
    pulses = np.zeros(max(last - first + 1, 0), dtype=np.float32)
    pulses[numbers[(numbers >= first) & (numbers <= last)] - first] = 1
    return pd.Series(pulses, clock.index(first, len(pulses), step), name="pulse")
