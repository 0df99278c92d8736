"""Where telemetry comes from: simulators, loaders and readers.

Each returns telemetry frames (see :mod:`skdsn.tracks`), row labels (1 = anomalous)
and the table of incidents or events behind them. ``make_*`` simulates, ``load_*``
reads files that are already there. ``read_*`` reads files as a mission recorded them,
too many to be in memory at once: tracks one after another, and the table of incidents.
"""

from skdsn.datasets._dsn_passes import make_dsn_passes
from skdsn.datasets._dsn_raw import make_dsn_raw_files
from skdsn.datasets._esa_adb import load_esa_adb
from skdsn.datasets._esa_adb_missions import esa_adb_folds
from skdsn.datasets._make_esa_adb import make_esa_adb
from skdsn.datasets._missions import MissionFormat, get_mission_format
from skdsn.datasets._ops_sat_ad import load_ops_sat_ad
from skdsn.datasets._raw_files import RawTracks, read_jwst_chunks, read_mro, read_raw
from skdsn.datasets._raw_parquet import convert_raw
from skdsn.datasets._smap_msl import load_smap_msl, stack_smap_msl
from skdsn.datasets._track_store import TrackStore

__all__ = [
    "MissionFormat",
    "RawTracks",
    "TrackStore",
    "convert_raw",
    "esa_adb_folds",
    "get_mission_format",
    "load_esa_adb",
    "load_ops_sat_ad",
    "load_smap_msl",
    "make_dsn_passes",
    "make_dsn_raw_files",
    "make_esa_adb",
    "read_jwst_chunks",
    "read_mro",
    "read_raw",
    "stack_smap_msl",
]
