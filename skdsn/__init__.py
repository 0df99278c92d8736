"""skdsn: scikit-learn-compatible anomaly detection for spacecraft telemetry.

Every stage, from raw telemetry to a scored incident, is a scikit-learn
estimator that maps *n* rows to *n* rows of the same tracks in the same order.
Import what you need from the sub-packages; importing ``skdsn`` itself is light.
"""

__version__ = "0.1.0"
