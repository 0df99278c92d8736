"""Missions whose frame format and packet definitions are shipped."""

from dataclasses import dataclass
from importlib.resources import as_file, files

from skdsn._core.names import near
from skdsn.ccsds._definition import PacketDefinition
from skdsn.ccsds._read_definitions import read_definitions
from skdsn.ccsds._spec import FrameSpec

__all__ = ["Mission", "load_mission"]


@dataclass(frozen=True)
class Mission:
    """What is needed to read the downlink of a mission.

    Parameters
    ----------
    name : str
    spec : FrameSpec or None
        None where recordings hold packets, see :func:`read_packets`, and no frames.
    definitions : tuple of PacketDefinition
        Empty where only the frame format is known.

    See Also
    --------
    load_mission : One of those shipped.
    """

    name: str
    spec: FrameSpec | None
    definitions: tuple[PacketDefinition, ...]


def load_mission(name):
    """Load the frame format and the packet definitions of a mission.

    Parameters
    ----------
    name : str
        One of those below.

    Returns
    -------
    Mission

    Raises
    ------
    ValueError
        If no such mission is shipped.

    Notes
    -----
    ==================  ===========================================================
    Name                What is known
    ==================  ===========================================================
    dslwp_b             frames, packets (see :mod:`skdsn.ccsds.dslwp`)
    hakuto_r            frames, the attitude packet
    jpss1               the attitude and ephemeris packet
    kplo                frames
    lunar_flashlight    frames
    stereo_a            frames
    ==================  ===========================================================

    The files lie in ``missions/`` of this package, a folder for each, and may serve as
    examples for others.

    Examples
    --------
    >>> from skdsn.ccsds import load_mission
    >>> mission = load_mission("dslwp_b")
    >>> mission.spec.kind, mission.spec.packet_zone
    ('custom', 'kiss')
    >>> [definition.name for definition in mission.definitions]
    ['HKUV', 'CfgCam', 'CfgUV', 'HKWOD']
    """
    home = files("skdsn.ccsds") / "missions"
    names = sorted(each.name for each in home.iterdir())
    if name not in names:
        raise ValueError(f"There is no mission {name!r}; {near(name, names)}")
    spec, definitions = None, ()
    with as_file(home / name) as folder:
        if (folder / "spec.yaml").is_file():
            spec = FrameSpec.from_yaml(folder / "spec.yaml")
        if (folder / "packets.yaml").is_file():
            definitions = tuple(read_definitions(folder))
    return Mission(name, spec, definitions)
