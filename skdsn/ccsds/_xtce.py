"""Packet definitions out of XTCE files."""

import warnings
from io import BytesIO
from pathlib import Path

from skdsn.ccsds._xtce_check import check_xtce

__all__ = ["read_xtce"]


def read_xtce(path, *, root=None):
    """Read packet definitions from an XTCE file.

    Containers whose fields always stand at the same bits become definitions that are
    decoded all at once. Of the others, those with lengths that are told in the packet
    or with conditions that are no plain equality, each packet is parsed on its own by
    space_packet_parser, which is hundreds of times slower; the statistics of the kind
    then count them as ``fallback``.

    Parameters
    ----------
    path : str or path-like
        XTCE 1.1, 1.2 or 1.3 [1]_; one SpaceSystem with all its parameters.
    root : str, default=None
        Container at which packets begin, with their primary header. None takes
        ``"CCSDSPacket"``, or else the only one that has no base and is part of no
        other.

    Returns
    -------
    list of PacketDefinition
        One for each container that is not abstract, by its name, those that inherit
        from another before it. The fields of the primary header are left out, since
        the table of packets has them.

    Raises
    ------
    ImportError
        If space_packet_parser, the extra ``xtce``, is not installed.
    ValueError
        If the file is not XTCE, is not safe to read, or needs what is not supported:
        arrays and aggregates, places given other than by order, calibrations by
        algorithm, conditions on what the packet does not hold.

    See Also
    --------
    read_definitions : Reads XTCE files too, by their suffix.

    Notes
    -----
    Where space_packet_parser [2]_ and this reader differ: a value outside of a spline
    or of no label is NaN and counted, not an error; a spline holds at its highest
    point; text ends before the zero bytes that pad it; and a calibration that depends
    on a field further on in the packet is applied, not passed over.
    Packets that are longer than their container are decoded as far as it goes, and
    counted as ``longer`` in the statistics of the kind; shorter ones are not decoded.
    Times remain numbers: to index a kind by one, give its definition a
    :class:`TimeRule` with :func:`dataclasses.replace`, or name the file in a
    ``packets.yaml``, see :func:`read_definitions`.

    References
    ----------
    .. [1] CCSDS 660.0-B-2, XML Telemetric and Command Exchange (XTCE).
    .. [2] https://github.com/lasp/space_packet_parser

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skdsn.ccsds import read_xtce
    >>> text = '''
    ... <SpaceSystem name="demo" xmlns="http://www.omg.org/spec/XTCE/20180204">
    ...   <TelemetryMetaData>
    ...     <ParameterTypeSet>
    ...       <IntegerParameterType name="header_t">
    ...         <IntegerDataEncoding sizeInBits="48"/></IntegerParameterType>
    ...       <IntegerParameterType name="byte_t"><UnitSet><Unit>V</Unit></UnitSet>
    ...         <IntegerDataEncoding sizeInBits="8"/></IntegerParameterType>
    ...     </ParameterTypeSet>
    ...     <ParameterSet>
    ...       <Parameter name="header" parameterTypeRef="header_t"/>
    ...       <Parameter name="u_bus" parameterTypeRef="byte_t"/>
    ...     </ParameterSet>
    ...     <ContainerSet><SequenceContainer name="beacon"><EntryList>
    ...       <ParameterRefEntry parameterRef="header"/>
    ...       <ParameterRefEntry parameterRef="u_bus"/>
    ...     </EntryList></SequenceContainer></ContainerSet>
    ...   </TelemetryMetaData>
    ... </SpaceSystem>'''
    >>> path = Path(tempfile.mkdtemp(), "mission.xml")
    >>> _ = path.write_text(text)
    >>> [beacon] = read_xtce(path)
    >>> beacon.name, beacon.columns, beacon.units
    ('beacon', ('u_bus',), {'u_bus': 'V'})
    """
    try:
        import space_packet_parser  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "Reading XTCE files needs space_packet_parser; install skdsn with the "
            "extra 'xtce'."
        ) from error
    from skdsn.ccsds._xtce_containers import build_definitions

    data = Path(path).read_bytes()
    try:
        check_xtce(data)
        return build_definitions(_load(data), root)
    except RecursionError as error:
        raise ValueError(f"{path}: its containers are nested too deeply.") from error
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _load(data):
    """Let space_packet_parser build its model of a file."""
    from space_packet_parser import XtcePacketDefinition
    from space_packet_parser.exceptions import (
        ComparisonError,
        InvalidParameterTypeError,
    )

    try:
        with warnings.catch_warnings():
            # It warns of names that are not quite those of the standard.
            warnings.simplefilter("ignore")
            return XtcePacketDefinition.from_xtce(BytesIO(data))
    except KeyError as error:
        raise ValueError(
            f"{error} is named or needed somewhere, but not there."
        ) from error
    except (
        # What a file that breaks the rules of XTCE ends in.
        AttributeError,
        ComparisonError,
        InvalidParameterTypeError,
        LookupError,
        NotImplementedError,
        SyntaxError,
        TypeError,
        ValueError,
    ) as error:
        raise ValueError(f"it cannot be read as XTCE: {error}") from error
