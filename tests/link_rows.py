"""A small table of contacts, as the feed gives them."""

import numpy as np
import pandas as pd

STATES = {
    "idle": "IDLE OFF 0 {code}",
    "carrier": "IDLE OFF 1 {code}",
    "acquiring": "OUT OF LOCK OFF 1 {code}",
    "locked": "IN LOCK OFF 1 {code}",
    "lost": "OUT OF LOCK OFF 0 {code}",
}
RUN = (
    ["idle"] * 6 + ["carrier"] * 4 + ["acquiring"] * 4 + ["locked"] * 14 + ["lost"] * 2
)


def contact(name, start, *, code="MCD2", states=RUN, step="30s", seed=0):
    """One contact of a dish and a spacecraft that goes through some states."""
    rng = np.random.default_rng(seed)
    dish, craft, _ = name.split("/")
    n_rows = len(states)
    times = pd.date_range(start, periods=n_rows, freq=step, unit="ms")
    debug = [STATES[state].format(code=code) for state in states]
    heard = np.isin(states, ["carrier", "acquiring", "locked"])
    locked = np.array(states) == "locked"
    return pd.DataFrame(
        {
            "DSS": dish,
            "location": "Goldstone" if dish < "DSS30" else "Madrid",
            "created": times[0] - pd.Timedelta("10min"),
            "azimuthAngle": 100.0 + np.arange(n_rows),
            "elevationAngle": 10.0 + 0.5 * np.arange(n_rows),
            "isMSPA": 0.0,
            "windSpeed": rng.uniform(0, 10, n_rows).round(2),
            "dataRate_downsignal": np.where(locked, 1000.0, 0.0),
            "frequency_downsignal": 8.42e9 + rng.normal(0, 100, n_rows),
            "power_downsignal": np.where(heard, rng.normal(-150, 0.3, n_rows), np.nan),
            "signalType_downsignal": np.select(
                [locked, heard], ["data", "carrier"], "none"
            ),
            "signalTypeDebug_downsignal": debug,
            "spacecraft_downsignal": craft.split("#")[0],
            "power_upsignal": 18.0,
            "signalType_upsignal": "data",
            "signalTypeDebug_upsignal": np.where(
                np.arange(n_rows) < 0.7 * n_rows, "ON 1 TRK", None
            ),
            "rtlt": [100.0] * (n_rows - 1) + [np.nan],
            "name_target": craft.split("#")[0],
        },
        index=pd.MultiIndex.from_product([[name], times], names=["track", "time"]),
    )


def contacts(n=8):
    """Contacts on different days, of two dishes and three spacecraft."""
    return pd.concat(
        contact(
            f"{('DSS14', 'DSS63')[i % 2]}/{('VGR1', 'MRO', 'MVN')[i % 3]}/{i:04}",
            f"2019-01-{i + 1:02} 03:00",
            code=("MCD2", "MCD3")[i % 2],
            seed=i,
        )
        for i in range(n)
    )
