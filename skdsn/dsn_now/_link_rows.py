"""Downlinks as rows: what is heard, and where the dish points."""

import numpy as np
import pandas as pd

from skdsn.dsn_now._debug_strings import read_debug
from skdsn.tracks import as_seconds

__all__ = ["LINK", "STATES", "down_rows", "is_steady"]

LINK = ["dish", "spacecraft", "seq"]
STATES = ("carrier", "lock", "decoder")
# A dish follows the sky by a quarter of a degree a minute; angles may be rounded.
_STEADY_DEG, _STEADY_DEG_PER_S = 1.0, 0.5 / 60


def down_rows(feed, spacecraft_only):
    """Make a row per downlink and snapshot: its states, and where the dish points."""
    signals = feed.signals
    wanted = (signals["direction"] == "down") & ~signals["placeholder"]
    wanted &= signals["spacecraft"].fillna("") != ""
    if spacecraft_only:
        wanted &= signals["is_spacecraft"]
    signals = signals[wanted]
    rows = signals[["time", "complex", *LINK]].reset_index(drop=True)
    rows["complex"] = rows["complex"].fillna("")
    rows["dish"] = rows["dish"].fillna("")
    rows["s"] = as_seconds(rows["time"])
    rows = pd.concat([rows, _states(signals).reset_index(drop=True)], axis=1)
    dishes = feed.dishes.drop_duplicates(["time", "dish"])
    dishes = dishes[["time", "dish", "azimuth_deg", "elevation_deg", "created"]]
    return rows.merge(dishes, on=["time", "dish"], how="left")


def _states(signals):
    """Tell carrier, lock and decoder of downlinks; decoder "" where unknown."""
    codes, table, known = read_debug(signals["debug"], "down")
    told = table["link_state"].notna().to_numpy() & known
    stage = table["stage"].where(~table["stage"].isin(["OFF", None]), None)
    decoder = table["decoder"].fillna("") + ("/" + stage).fillna("")
    columns = {
        "carrier": (table["carrier_lock"] == True).to_numpy(),  # noqa: E712
        "lock": (table["link_state"] == "locked").to_numpy(),
        "decoder": decoder.to_numpy(dtype=object),
    }
    type_ = signals["signal_type"]
    without = {
        "carrier": type_.isin(["carrier", "data"]).to_numpy(),
        "lock": (type_ == "data").to_numpy(),
        "decoder": np.full(len(signals), "", object),
    }
    if len(table) == 0:
        return pd.DataFrame(without)
    has = (codes >= 0) & told[codes]
    return pd.DataFrame(
        {name: np.where(has, columns[name][codes], without[name]) for name in STATES}
    )


def is_steady(rows, one, other):
    """Tell whether the dish kept its direction on the sky between rows."""
    angle = np.deg2rad(rows[["azimuth_deg", "elevation_deg"]].to_numpy(np.float64))
    (az, el), (az2, el2) = angle[one].T, angle[other].T
    near = np.sin(el) * np.sin(el2) + np.cos(el) * np.cos(el2) * np.cos(az - az2)
    moved = np.rad2deg(np.arccos(np.clip(near, -1, 1)))
    s = rows["s"].to_numpy()
    return ~(moved > _STEADY_DEG + _STEADY_DEG_PER_S * (s[other] - s[one]))
