"""What the files of a mission hold: which column is what, and what to keep."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class MissionFormat:
    """Roles of the columns in the raw files of a mission.

    Parameters
    ----------
    name : str
    time : str
        Column of the time of a row: seconds since 1970 (UTC), dates, or text that
        pandas reads as dates.
    incident_start, incident_end : str
        Columns of the incident tables: first and last instant, on the same clock.
    incident_track : str, default="track"
        Column that names the track of an incident, where it is known.
    drop : tuple of str, default=()
        Columns that are no measurement; they need not be there.
    band : str, default=None
        Column of the frequency (Hz) that tells the band of a row.
    bands : mapping of str to (float, float), default={}
        Lowest and highest frequency (Hz) of each band, both included.
    elevation : str, default=None
        Column of the elevation of the antenna, in degrees.
    min_rows : int, default=1
        A shorter track is not kept.

    See Also
    --------
    get_mission_format : The ones we know.

    Examples
    --------
    >>> from skdsn.datasets import MissionFormat
    >>> MissionFormat(name="LRO", time="UTC", drop=("SCLK",)).min_rows
    1
    """

    name: str
    time: str
    incident_start: str = "INCIDENT_START_TIME_DT"
    incident_end: str = "INCIDENT_END_TIME_DT"
    incident_track: str = "track"
    drop: tuple[str, ...] = ()
    band: str | None = None
    bands: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    elevation: str | None = None
    min_rows: int = 1


_FORMATS = {
    "jwst": MissionFormat(
        name="jwst",
        time="RECEIVED_AT_TS",
        drop=("LNA_AMPLIFIER", "UPLINK_CARRIER_BAND", "DOWNLINK_CARRIER_BAND"),
        band="CARRIER_FREQ_MEASURED",
        bands={"low": (2.1e9, 2.4e9), "high": (25.0e9, 27.5e9)},
        elevation="ELEVATION_ANGLE",
        min_rows=2000,
    ),
    "mro": MissionFormat(name="mro", time="AOJE"),
}


def get_mission_format(mission):
    """Look up the format of a mission by name.

    Parameters
    ----------
    mission : str or MissionFormat
        ``"jwst"`` or ``"mro"``, in either case; a format is returned as it is.

    Returns
    -------
    MissionFormat

    Raises
    ------
    ValueError
        If there is no such mission.

    Examples
    --------
    >>> from skdsn.datasets import get_mission_format
    >>> get_mission_format("mro").time
    'AOJE'
    """
    if isinstance(mission, MissionFormat):
        return mission
    if not isinstance(mission, str) or mission.lower() not in _FORMATS:
        raise ValueError(
            f"mission must be one of {', '.join(_FORMATS)}, or a MissionFormat; got "
            f"{mission!r}."
        )
    return _FORMATS[mission.lower()]
