"""DSLWP-B (Longjiang-2), a lunar orbiter that radio amateurs received, 2018-2019.

Kinds of packets: ``HKUV``, housekeeping of a transceiver; ``HKWOD``, housekeeping of
the spacecraft; ``CfgUV`` and ``CfgCam``, settings of a transceiver and of the camera.
"""

from dataclasses import replace

from skdsn.ccsds._decode import decode_packets
from skdsn.ccsds._frames import read_frames
from skdsn.ccsds._functions import Sum
from skdsn.ccsds._missions import load_mission
from skdsn.ccsds._packets import extract_packets

__all__ = ["definitions", "read", "spec"]

_MISSION = "dslwp_b"
_NOTEBOOK_OFFSET = -174.0  # dBm


def spec():
    """Give the format of the frames.

    Returns
    -------
    FrameSpec

    Examples
    --------
    >>> from skdsn.ccsds import dslwp
    >>> dslwp.spec().length
    223
    """
    return load_mission(_MISSION).spec


def definitions(*, compat=None):
    """Give the definitions of the packets.

    Parameters
    ----------
    compat : {None, "notebook"}, default=None
        ``"notebook"`` calibrates ``rssi_7021`` of the kind ``HKUV`` as the analysis
        [1]_ of the whole mission does, 34 dB lower than the mission's own ground
        software.

    Returns
    -------
    list of PacketDefinition

    Raises
    ------
    ValueError
        If `compat` is none of those allowed.

    References
    ----------
    .. [1] D. Estévez, "DSLWP-B whole mission telemetry", 2019.

    Examples
    --------
    >>> from skdsn.ccsds import dslwp
    >>> hkuv = dslwp.definitions()[0]
    >>> hkuv.name, hkuv.apid, hkuv["rssi_7021"].calibration.offset
    ('HKUV', (14, 15), -140.0)
    """
    if compat not in (None, "notebook"):
        raise ValueError(f"compat must be None or 'notebook'; got {compat!r}.")
    found = list(load_mission(_MISSION).definitions)
    if compat is None:
        return found
    return [_as_notebook(each) if each.name == "HKUV" else each for each in found]


def _as_notebook(hkuv):
    return replace(
        hkuv,
        fields=tuple(
            replace(
                each,
                calibration=Sum("gain_agc", scale=0.5, offset=_NOTEBOOK_OFFSET),
            )
            if each.name == "rssi_7021"
            else each
            for each in hkuv.fields
        ),
    )


def read(source, *, compat=None, copies="station_count"):
    r"""Read the frames that ground stations collected, down to engineering values.

    Parameters
    ----------
    source : str or path-like
        CSV file with a frame in hex digits in each row, and the columns ``raw_data``,
        ``server_receive_time``, ``proxy_nickname`` and, if there is one, ``remark``:
        rows that it calls a replay are not used.
    compat : {None, "notebook"}, default=None
        As for :func:`definitions`.
    copies : str or callable, default="station_count"
        Which copy of a frame is used, as for :func:`skdsn.ccsds.extract_packets`.

    Returns
    -------
    DecodedPackets
        The four kinds, indexed by time of reception, in the order of reception within
        each channel. ``statistics["channels"]`` counts frames and packets.
        There is no checksum: a packet with wrong bytes but the right length is among
        them.

    Raises
    ------
    ValueError
        If a column is missing.

    See Also
    --------
    skdsn.ccsds.to_telemetry : Merge the kinds into one telemetry frame.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skdsn.ccsds import dslwp
    >>> packet = "000E DBDC00 0009 01" + "01 02 03 04 05 06 07 08 09"  # C0 escaped
    >>> frame = "0930 B9BA 07 C0" + packet + "C0" * 200
    >>> row = f"2018-10-01 12:00:00,PI9CAM,{frame.replace(' ', '')}"
    >>> path = Path(tempfile.mkdtemp()) / "raw_frame.csv"
    >>> header = "server_receive_time,proxy_nickname,raw_data"
    >>> _ = path.write_text(f"{header}\n{row}\n")
    >>> kinds = dslwp.read(path)
    >>> kinds["CfgCam"]["brightness"]
    time
    2018-10-01 12:00:00    2
    Name: brightness, dtype: uint8
    """
    frames = read_frames(source, spec(), format="csv")
    packets = extract_packets(frames, spec(), copies=copies)
    kinds = decode_packets(packets, definitions(compat=compat))
    kinds.statistics["channels"] = packets.attrs["statistics"]
    return kinds
