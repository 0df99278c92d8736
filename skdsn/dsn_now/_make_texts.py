"""Small helpers of the simulated tables: texts by position, numbers by digits."""

import numpy as np
import pandas as pd


def texts(codes, names):
    """Give texts by their position among names, missing where it is negative."""
    return pd.array(list(names), dtype="str").take(codes, allow_fill=True)


def significant(values, digits):
    """Round to so many digits in all."""
    values = np.asarray(values, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        exponent = np.floor(np.log10(np.abs(values)))
    exponent = np.where(np.isfinite(exponent), exponent, 0)
    # Dividing by an integer power of ten is exact where multiplying is not.
    power = digits - 1 - exponent
    up, down = 10.0 ** np.maximum(power, 0), 10.0 ** np.maximum(-power, 0)
    return np.round(values / down * up) / up * down
