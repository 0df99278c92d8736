"""XTCE files and packets for tests, and what space_packet_parser makes of them."""

import struct
import warnings

HEADER = ("VERSION 3", "TYPE 1", "SHF 1", "APID 11", "FLAGS 2", "COUNT 14", "LENGTH 16")
XTCE = "http://www.omg.org/spec/XTCE/20180204"


def integer(name, bits, inner="", attributes=""):
    return (
        f'<IntegerParameterType name="{name}_t"><UnitSet><Unit>V</Unit></UnitSet>'
        f'<IntegerDataEncoding sizeInBits="{bits}" {attributes}>{inner}'
        "</IntegerDataEncoding></IntegerParameterType>"
    )


def polynomial(*coefficients):
    terms = "".join(
        f'<Term coefficient="{c}" exponent="{k}"/>' for k, c in enumerate(coefficients)
    )
    return f"<PolynomialCalibrator>{terms}</PolynomialCalibrator>"


def spline(points, order=1, extrapolate="false"):
    inner = "".join(f'<SplinePoint raw="{x}" calibrated="{y}"/>' for x, y in points)
    return (
        f'<SplineCalibrator order="{order}" extrapolate="{extrapolate}">{inner}'
        "</SplineCalibrator>"
    )


def default(calibrator):
    return f"<DefaultCalibrator>{calibrator}</DefaultCalibrator>"


def context(match, calibrator):
    return (
        f"<ContextCalibratorList><ContextCalibrator><ContextMatch>{match}"
        f"</ContextMatch><Calibrator>{calibrator}</Calibrator></ContextCalibrator>"
        "</ContextCalibratorList>"
    )


def equal(name, value, attributes=""):
    return f'<Comparison parameterRef="{name}" value="{value}" {attributes}/>'


def enumeration(name, bits, labels):
    inner = "".join(f'<Enumeration value="{v}" label="{x}"/>' for v, x in labels)
    return (
        f'<EnumeratedParameterType name="{name}_t">'
        f'<IntegerDataEncoding sizeInBits="{bits}"/>'
        f"<EnumerationList>{inner}</EnumerationList></EnumeratedParameterType>"
    )


def container(name, entries, base="CCSDSPacket", criteria="", abstract="false"):
    entries = "".join(
        f'<ContainerRefEntry containerRef="{e[1:]}"/>'
        if e.startswith("@")
        else f'<ParameterRefEntry parameterRef="{e}"/>'
        for e in entries
    )
    inherits = ""
    if base:
        inherits = (
            f'<BaseContainer containerRef="{base}"><RestrictionCriteria>{criteria}'
            "</RestrictionCriteria></BaseContainer>"
        )
    return (
        f'<SequenceContainer name="{name}" abstract="{abstract}">'
        f"<EntryList>{entries}</EntryList>{inherits}</SequenceContainer>"
    )


def document(types, containers, root="CCSDSPacket"):
    """Write an XTCE text; `types` maps parameter names to their types."""
    header = dict(field.split() for field in HEADER)
    types = {name: integer(name, bits) for name, bits in header.items()} | types
    parameters = "".join(
        f'<Parameter name="{n}" parameterTypeRef="{n}_t"/>' for n in types
    )
    base = container(root, header, base=None, abstract="true")
    return (
        f'<SpaceSystem name="test" xmlns="{XTCE}"><TelemetryMetaData>'
        f"<ParameterTypeSet>{''.join(types.values())}</ParameterTypeSet>"
        f"<ParameterSet>{parameters}</ParameterSet>"
        f"<ContainerSet>{base}{''.join(containers)}</ContainerSet>"
        "</TelemetryMetaData></SpaceSystem>"
    )


def packet(apid, data, count=0):
    return struct.pack(">HHH", apid, 0xC000 | count, len(data) - 1) + bytes(data)


def parsed(path, data, root):
    """Give what space_packet_parser itself makes of packets."""
    import space_packet_parser

    model = space_packet_parser.load_xtce(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [model.parse_bytes(one, root_container_name=root) for one in data]


DYNAMIC = {
    "size": integer("size", 8),
    "blob": '<BinaryParameterType name="blob_t"><BinaryDataEncoding><SizeInBits>'
    '<DynamicValue><ParameterInstanceRef parameterRef="size"/>'
    '<LinearAdjustment slope="8" intercept="-8"/></DynamicValue></SizeInBits>'
    "</BinaryDataEncoding></BinaryParameterType>",
    "mode": enumeration("mode", 8, [(0, "off"), (1, "on")]),
    "temp": integer("temp", 8, default(spline([(0, 0), (20, 10)]))),
}
