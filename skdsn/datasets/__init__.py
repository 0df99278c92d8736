"""Where telemetry comes from: simulators and loaders.

Each returns telemetry frames (see :mod:`skdsn.tracks`), row labels (1 = anomalous)
and the table of incidents or events behind them. ``make_*`` simulates, ``load_*``
reads files that are already there.
"""

from skdsn.datasets._dsn_passes import make_dsn_passes
from skdsn.datasets._smap_msl import load_smap_msl, stack_smap_msl

__all__ = ["load_smap_msl", "make_dsn_passes", "stack_smap_msl"]
