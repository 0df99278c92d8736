"""Where telemetry comes from."""
from skdsn.datasets._dsn_passes import make_dsn_passes

__all__ = ["make_dsn_passes"]
