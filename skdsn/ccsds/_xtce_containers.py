"""Packet definitions out of space_packet_parser's model of an XTCE file."""

import numpy as np
from space_packet_parser.common import IntParameter
from space_packet_parser.exceptions import ComparisonError
from space_packet_parser.xtce import comparisons, encodings
from space_packet_parser.xtce import parameter_types as types
from space_packet_parser.xtce.definitions import DEFAULT_ROOT_CONTAINER

from skdsn.ccsds._definition import HEADER_BITS
from skdsn.ccsds._field import PacketField
from skdsn.ccsds._read_fields import calibration_order
from skdsn.ccsds._xtce_calibrations import calibration_of
from skdsn.ccsds._xtce_packets import Entry, FixedContainer, ParsedContainer

__all__ = ["build_definitions"]

_APID = (5, 11)  # first bit and bits in the primary header
_N_APIDS = 2048
_PLAIN = ("US-ASCII", "UTF-8")
_ORDERS = {"mostSignificantByteFirst": "big", "leastSignificantByteFirst": "little"}


def build_definitions(model, root=None):
    """Make a definition of each container that is not abstract.

    Parameters
    ----------
    model : space_packet_parser.XtcePacketDefinition
        Changed: calibrations that only packets' values depend on are taken out.
    root : str, default=None

    Returns
    -------
    list of FixedContainer or ParsedContainer
        Containers that inherit from another before it.
    """
    builder = _Builder(model)
    found = []
    stack = [[_find_root(model, root)]]
    while stack:
        path = stack.pop()
        container = model.containers[path[-1]]
        stack.extend([*path, name] for name in container.inheritors)
        if not container.abstract:
            found.append(builder.build([model.containers[name] for name in path]))
    definitions = [definition for definition in reversed(found) if definition]
    if not definitions:
        raise ValueError(
            "no container that is not abstract adds fields to the primary header."
        )
    return definitions


def _find_root(model, root):
    if root is None and DEFAULT_ROOT_CONTAINER in model.containers:
        return DEFAULT_ROOT_CONTAINER
    if root is not None:
        if root not in model.containers:
            raise ValueError(
                f"there is no container {root!r}; there are {list(model.containers)}."
            )
        return root
    nested = {
        entry.name
        for container in model.containers.values()
        for entry in container.entry_list
        if not hasattr(entry, "parameter_type")
    }
    roots = [
        name
        for name, container in model.containers.items()
        if container.base_container_name is None and name not in nested
    ]
    if len(roots) != 1:
        raise ValueError(
            f"packets may begin with any of the containers {roots}; read it with "
            "read_xtce(path, root=...)."
        )
    return roots[0]


class _Builder:
    """Make definitions that share one model."""

    def __init__(self, model):
        self._parameters = model.parameters
        self._calibrations = {}
        self._apids = {}  # of conditions on the APID
        self._enumerations = {
            name: dict(parameter.parameter_type.enumeration)
            for name, parameter in model.parameters.items()
            if isinstance(parameter.parameter_type, types.EnumeratedParameterType)
        }
        for name, parameter in model.parameters.items():
            self._calibrations[name] = calibration_of(parameter, model.parameters)
        _leave_raw(model)

    def build(self, path):
        """Make the definition of the last container of a path; None without fields."""
        steps = [
            (one.restriction_criteria, list(_flatten(one.entry_list))) for one in path
        ]
        parameters = [parameter for _, step in steps for parameter in step]
        name = path[-1].name
        self._check_contexts(name, parameters)
        fields = self._fields(parameters)
        apid, where = self._select(steps, fields)
        if apid is not None and not apid:
            return None
        if where is None or None in fields:
            return self._parsed(name, apid, steps, parameters)
        return self._fixed(name, apid, where, fields)

    def _check_contexts(self, name, parameters):
        there = {parameter.name for parameter in parameters}
        for parameter in parameters:
            calibration = self._calibrations[parameter.name]
            for other in getattr(calibration, "fields", ()):
                if other not in there:
                    raise ValueError(
                        f"the calibration of {parameter.name!r} depends on {other!r}, "
                        f"which container {name!r} does not hold."
                    )
        calibration_order(
            {each: self._calibrations[each] for each in there}, f"container {name!r}"
        )

    def _fields(self, parameters):
        """Lay parameters out; None from the first on whose size is not fixed."""
        last = {parameter.name: k for k, parameter in enumerate(parameters)}
        fields, offset = [], 0
        for k, parameter in enumerate(parameters):
            shape = _data_type(parameter)
            if shape is None:
                return fields + [None] * (len(parameters) - k)
            data_type, bits, order = shape
            if last[parameter.name] != k:  # overwritten further on
                data_type, order = "fill", "big"
            fields.append(
                PacketField(
                    name=parameter.name,
                    data_type=data_type,
                    bit_length=bits,
                    bit_offset=offset,
                    byte_order=order,
                    calibration=None
                    if data_type == "fill"
                    else self._calibrations[parameter.name],
                    unit=_unit(parameter),
                    description=parameter.short_description
                    or parameter.long_description
                    or "",
                )
            )
            offset += bits
        return fields

    def _select(self, steps, fields):
        """Translate conditions to APIDs and raw values; None for these if it fails."""
        places = [f for f in fields if f is not None and f.data_type != "fill"]
        by_name = {field.name: field for field in places}
        apid_name = next(
            (
                f.name
                for f in places
                if (f.bit_offset, f.bit_length) == _APID
                and f.data_type == "uint"
                and f.calibration is None
            ),
            None,
        )
        apids, where, plain = None, {}, True
        for criterion in (c for criteria, _ in steps for c in criteria):
            if set(_names(criterion)) == {apid_name}:
                key = id(criterion)
                if key not in self._apids:  # many containers inherit the same
                    self._apids[key] = _matching_apids(criterion, apid_name)
                these = self._apids[key]
                apids = these if apids is None else apids & these
                continue
            name, value = self._equality(criterion, by_name)
            plain &= name is not None and where.setdefault(name, value) == value
        return (None if apids is None else tuple(sorted(apids))), (
            where if plain else None
        )

    def _equality(self, criterion, fields):
        """Give the field and raw value of a plain equality, else (None, None)."""
        other = None, None
        if not isinstance(criterion, comparisons.Comparison):
            return other
        field = fields.get(criterion.referenced_parameter)
        operator = criterion._valid_operators[criterion.operator]
        if (
            field is None
            or operator != "__eq__"
            or field.data_type not in ("uint", "int")
        ):
            return other
        text = criterion.required_value
        labels = self._enumerations.get(field.name)
        if criterion.use_calibrated_value and field.calibration is not None:
            raws = [raw for raw, label in (labels or {}).items() if label == text]
            return (field.name, raws[0]) if len(raws) == 1 else other
        try:
            return field.name, int(text)
        except ValueError:
            return other

    def _fixed(self, name, apid, where, fields):
        used = {*where}
        for field in fields:
            used.update(getattr(field.calibration, "fields", ()))
        kept = [
            f
            for f in fields
            if not _is_header(f) or (f.name in used and f.data_type != "fill")
        ]
        hidden = tuple(f.name for f in kept if _is_header(f))
        if len(kept) == len(hidden):
            return None
        return FixedContainer(
            name=name, apid=apid or (), where=where, fields=kept, hidden=hidden
        )

    def _parsed(self, name, apid, steps, parameters):
        entries, hidden, offset = {}, {}, 0
        for parameter in parameters:
            bits = _fixed_size(parameter)
            offset = np.inf if bits is None else offset + bits
            group = entries if offset > HEADER_BITS else hidden
            group[parameter.name] = self._entry(parameter)
            if getattr(parameter.parameter_type.encoding, "context_calibrators", None):
                raise ValueError(
                    f"container {name!r} has a condition or length on the calibrated "
                    f"value of {parameter.name!r}, whose calibration has conditions "
                    "itself; that is not supported."
                )
        hidden = {k: entry for k, entry in hidden.items() if k not in entries}
        return ParsedContainer(
            name=name,
            apid=apid or (),
            steps=steps,
            entries=tuple(entries.values()),
            header=tuple(hidden.values()),
        )

    def _entry(self, parameter):
        _data_type(parameter)  # refuses what has no type here
        encoding = parameter.parameter_type.encoding
        data_type, dtype = "bytes", "O"
        if isinstance(encoding, encodings.StringDataEncoding):
            data_type, dtype = "str", "str"
        elif isinstance(encoding, encodings.FloatDataEncoding):
            ieee = encoding.encoding.startswith("IEEE")
            data_type, dtype = "float", f"f{encoding.size_in_bits // 8 if ieee else 8}"
        elif isinstance(encoding, encodings.IntegerDataEncoding):
            data_type = "uint" if encoding.encoding == "unsigned" else "int"
            width = next(w for w in (1, 2, 4, 8) if encoding.size_in_bits <= 8 * w)
            dtype = f"{data_type[0]}{width}"
        return Entry(
            parameter.name,
            data_type,
            dtype,
            _fixed_size(parameter) or 0,
            self._calibrations[parameter.name],
            _unit(parameter),
        )


class _NoLabels(dict):
    """An enumeration that knows any value, since only the raw one is wanted."""

    def __missing__(self, key):
        return ""


def _leave_raw(model):
    """Take calibrations out that neither a length nor a condition depends on."""
    names = set()
    for container in model.containers.values():
        for criterion in container.restriction_criteria:
            names.update(_names(criterion))
    for parameter in model.parameters.values():
        names.update(_size_names(parameter.parameter_type.encoding))
    kept = {
        model.parameters[name].parameter_type.name
        for name in names
        if name in model.parameters
    }
    for kind in model.parameter_types.values():
        if kind.name in kept:
            continue
        if isinstance(kind, types.EnumeratedParameterType):
            kind.enumeration = _NoLabels()
        if isinstance(kind.encoding, encodings.NumericDataEncoding):
            kind.encoding.default_calibrator = None
            kind.encoding.context_calibrators = None


def _size_names(encoding):
    lookups = []
    if isinstance(encoding, encodings.StringDataEncoding):
        names = [encoding.dynamic_length_reference]
        lookups = encoding.discrete_lookup_length or []
    elif isinstance(encoding, encodings.BinaryDataEncoding):
        names = [encoding.size_reference_parameter]
        lookups = encoding.size_discrete_lookup_list or []
    else:
        names = []
    for lookup in lookups:
        for criterion in lookup.match_criteria:
            names += _names(criterion)
    return names


def _names(criterion):
    """Names of the parameters that a condition is on."""
    if isinstance(criterion, comparisons.Comparison):
        return [criterion.referenced_parameter]
    if isinstance(criterion, comparisons.BooleanExpression):
        return _names(criterion.expression)
    if isinstance(criterion, comparisons.Condition):
        names = (criterion.left_param, criterion.right_param)
        return [name for name in names if name is not None]
    return [name for part in (*criterion[0], *criterion[1]) for name in _names(part)]


def _is_header(field):
    return field.bit_offset + field.bit_length <= HEADER_BITS


def _matching_apids(criterion, name):
    """Give the APIDs for which a condition on nothing else holds."""
    try:
        if getattr(criterion, "operator", None) in ("==", "eq"):
            return {int(criterion.required_value)} & set(range(_N_APIDS))
        return {
            a for a in range(_N_APIDS) if criterion.evaluate({name: IntParameter(a)})
        }
    except (ComparisonError, TypeError, ValueError) as error:
        raise ValueError(f"the condition {criterion} is on no number.") from error


def _flatten(entries):
    for entry in entries:
        if hasattr(entry, "parameter_type"):
            yield entry
        else:
            yield from _flatten(entry.entry_list)


def _data_type(parameter):
    """Give data type, bits and byte order of a field, or None if it is none of ours."""
    encoding = parameter.parameter_type.encoding
    bits = _fixed_size(parameter)
    if not bits:
        return None
    if isinstance(encoding, encodings.StringDataEncoding):
        plain = encoding.encoding in _PLAIN and not (
            encoding.termination_character or encoding.leading_length_size
        )
        return ("str", bits, "big") if plain and bits % 8 == 0 else None
    if isinstance(encoding, encodings.BinaryDataEncoding):
        return ("bytes", bits, "big") if bits % 8 == 0 else None
    order = _ORDERS[encoding.byte_order]
    if isinstance(encoding, encodings.FloatDataEncoding):
        ieee = encoding.encoding.startswith("IEEE")
        return ("float", bits, order) if ieee else None
    if bits > 64 or (order == "little" and bits % 8):
        raise ValueError(
            f"parameter {parameter.name!r} is an integer of {bits} bits, {order}-"
            "endian; they have 64 bits at most, and little-endian ones whole bytes."
        )
    return "uint" if encoding.encoding == "unsigned" else "int", bits, order


def _fixed_size(parameter):
    encoding = parameter.parameter_type.encoding
    if isinstance(encoding, encodings.StringDataEncoding):
        return encoding.fixed_length
    if isinstance(encoding, encodings.BinaryDataEncoding):
        return encoding.fixed_size_in_bits
    return encoding.size_in_bits


def _unit(parameter):
    unit = parameter.parameter_type.unit
    return " ".join(unit) if isinstance(unit, tuple) else unit or ""
