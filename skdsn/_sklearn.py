"""The only file that imports private names of scikit-learn.

They declare and check constructor parameters; scikit-learn calls them private,
hence the upper bound on its version in ``pyproject.toml``.
"""

import datetime
from numbers import Real

import numpy as np
import pandas as pd
from sklearn.base import _fit_context as fit_context
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    RealNotInt,
    StrOptions,
    validate_parameter_constraints,
    validate_params,
)
from sklearn.utils._set_output import _get_output_config
from sklearn.utils._set_output import _safe_set_output as safe_set_output
from sklearn.utils.metaestimators import _BaseComposition as BaseComposition
from sklearn.utils.validation import _check_feature_names_in as check_feature_names_in

# A step in time: none, seconds, or what pandas reads as a timedelta.
MAX_GAP = [
    None,
    np.timedelta64,  # first, since it passes for a real number
    Interval(Real, 0, None, closed="neither"),
    str,
    datetime.timedelta,
]

# Not "array-like", which a single text is too: its letters would be taken for names.
NAMES = [list, tuple, set, np.ndarray, pd.Index]

__all__ = [
    "MAX_GAP",
    "NAMES",
    "BaseComposition",
    "HasMethods",
    "Interval",
    "RealNotInt",
    "StrOptions",
    "check_feature_names_in",
    "fit_context",
    "output_container",
    "safe_set_output",
    "validate_parameter_constraints",
    "validate_params",
]


def output_container(transformer):
    """Container that ``set_output`` asks of a transformer: default or pandas."""
    return _get_output_config("transform", transformer)["dense"]
