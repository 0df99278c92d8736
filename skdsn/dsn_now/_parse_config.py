"""Read the configuration of the feed: its complexes, dishes and spacecraft."""

import re

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from skdsn.dsn_now._elements import check_root, parse_elements, read_bytes

__all__ = ["parse_config"]

_WHAT = "The configuration of the feed"


def parse_config(document):
    """Read the configuration of the feed, which spells out its codes.

    Parameters
    ----------
    document : bytes, path or binary file
        ``config.xml`` as it was sent, at most 1 MiB.

    Returns
    -------
    Bunch
        ``sites`` : DataFrame with complex, location, longitude_deg (east positive),
        latitude_deg (north positive); ``dishes`` : complex, dish, friendly_name, type,
        diameter_m; ``spacecraft`` : spacecraft (upper case, as in the feed),
        friendly_name, acronym, explorer_name, link, thumbnail.

    Raises
    ------
    ValueError
        If it is no configuration, declares a document type, or is larger or deeper than
        any genuine one.

    See Also
    --------
    parse_feed : Read an answer of the feed.

    Notes
    -----
    Codes change hands over the years and several may name one spacecraft; keep the
    configuration with a recording.

    References
    ----------
    .. [1] NASA/JPL, "Deep Space Network Now", https://eyes.nasa.gov/dsn/

    Examples
    --------
    >>> config = parse_config(
    ...     b'<config><spacecraftMap><spacecraft name="vgr1" friendlyName="Voyager 1"/>'
    ...     b"</spacecraftMap></config>"
    ... )
    >>> config.spacecraft[["spacecraft", "friendly_name"]].iloc[0].to_list()
    ['VGR1', 'Voyager 1']
    """
    elements = parse_elements(read_bytes(document, _WHAT), _WHAT)
    check_root(elements, ["config", "configuration"], _WHAT)
    sites, dishes, spacecraft = [], [], []
    for element in elements:
        get = element.attributes.get
        if element.tag == "site":
            name = _text(get("name"), str.lower)
            place = (_degrees(get("longitude")), _degrees(get("latitude")))
            sites.append((name, _text(get("friendlyName")), *place))
        elif element.tag == "dish":
            site = element.parent.attributes.get("name")
            names = (_text(get("name"), str.upper), _text(get("friendlyName")))
            kind = _text(get("type"), str.upper)
            dishes.append((_text(site, str.lower), *names, kind, _diameter(kind)))
        elif element.tag == "spacecraft":
            others = ("friendlyName", "friendlyAcronym", "explorerName", "link")
            texts = (_text(get(name)) for name in others)
            thumbnail = get("thumbnail", "").lower() == "true"
            spacecraft.append((_text(get("name"), str.upper), *texts, thumbnail))
    return Bunch(
        sites=_table(
            sites,
            {"complex": "str", "location": "str"}
            | {"longitude_deg": "float64", "latitude_deg": "float64"},
        ),
        dishes=_table(
            dishes,
            {"complex": "str", "dish": "str", "friendly_name": "str", "type": "str"}
            | {"diameter_m": "float64"},
        ),
        spacecraft=_table(
            spacecraft,
            {"spacecraft": "str", "friendly_name": "str", "acronym": "str"}
            | {"explorer_name": "str", "link": "str", "thumbnail": "bool"},
        ),
    )


def _text(text, case=str):
    """Give a text; None where it is blank."""
    text = (text or "").strip()
    return case(text) if text else None


def _degrees(text):
    """Read an angle; NaN where there is none."""
    try:
        value = float(text or "nan")
    except ValueError:
        return np.nan
    return value if abs(value) <= 360 else np.nan


def _diameter(kind):
    """Read the diameter in m from a type such as 34MHEF."""
    number = re.match(r"(\d{1,3})M", kind or "", re.ASCII)
    return float(number.group(1)) if number else np.nan


def _table(rows, dtypes):
    """Make a table of rows, typed also when empty."""
    return pd.DataFrame(rows, columns=list(dtypes)).astype(dtypes)
