"""The named detectors: Pipelines from raw telemetry to scored rows."""

from skdsn.detectors.recipes._channels import (
    make_channel_detector,
    make_housekeeping_detector,
    make_telemanom_detector,
)
from skdsn.detectors.recipes._columns import categorical_columns
from skdsn.detectors.recipes._esa import make_esa_detector
from skdsn.detectors.recipes._passes import (
    make_dsn_detector,
    make_jwst_detector,
    make_mro_detector,
)

__all__ = [
    "categorical_columns",
    "make_channel_detector",
    "make_dsn_detector",
    "make_esa_detector",
    "make_housekeeping_detector",
    "make_jwst_detector",
    "make_mro_detector",
    "make_telemanom_detector",
]
