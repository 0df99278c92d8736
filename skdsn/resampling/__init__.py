"""Irregular samples -> rows at regular times, looking at nothing later.

:class:`ResampleHold` holds the last sample of each channel, in one call or chunk by
chunk; :func:`command_pulses` does the same for the times at which a command was
executed. :func:`difference_counter` and :class:`CategoryCodes` come before: they turn
counters and text into numbers that can be held.
"""

from skdsn.resampling._commands import command_pulses
from skdsn.resampling._hold import ResampleHold
from skdsn.resampling._values import CategoryCodes, difference_counter

__all__ = ["CategoryCodes", "ResampleHold", "command_pulses", "difference_counter"]
