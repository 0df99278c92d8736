"""The fields of a packet from a CSV file."""

import csv
import io
from pathlib import Path

from skdsn._core.names import near
from skdsn.ccsds._field import DATA_TYPES, PacketField
from skdsn.ccsds._parse_calibration import parse_calibration
from skdsn.ccsds._short import short

__all__ = ["read_fields"]

_NEEDED = ("name", "data_type", "bit_length")
_COLUMNS = (
    *_NEEDED,
    "bit_offset",
    "byte_order",
    "array_shape",
    "calibration",
    "unit",
    "description",
    "valid_min",
    "valid_max",
)
_ORIGINS = {"packet": 0, "data": 48}  # bits before bit 0


def read_fields(path, *, calibrations=None, offsets="packet"):
    """Read the fields of a packet from a CSV file.

    Parameters
    ----------
    path : str or path-like
    calibrations : mapping of str to Calibration, default=None
        Those that cells can name.
    offsets : {"packet", "data"}, default="packet"
        What ``bit_offset`` counts from.

    Returns
    -------
    list of PacketField

    Raises
    ------
    ValueError
        If the file holds something else; the message names file and line.
    """
    if not isinstance(offsets, str) or offsets not in _ORIGINS:
        raise ValueError(f"offsets must be 'packet' or 'data'; got {short(offsets)}.")
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text: {error}.") from error
    rows = _read_rows(path, text)
    _, columns = next(rows, (1, []))
    columns = [column.strip() for column in columns]
    _check_columns(path, columns)
    fields = [
        _read_row(path, line, columns, row, calibrations, _ORIGINS[offsets])
        for line, row in rows
    ]
    if not fields:
        raise ValueError(f"{path} has no fields below its header.")
    return fields


def _read_rows(path, text):
    """Yield the line on which each row begins, and its cells."""
    reader = csv.reader(io.StringIO(text), skipinitialspace=True, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise ValueError(
                f"{path}, line {line}: the row that begins here cannot be read "
                f"({error}); check its quotes."
            ) from error
        if row is None:
            return
        if row:
            yield line, row


def _check_columns(path, columns):
    columns = [column for column in columns if column]
    for k, column in enumerate(columns):
        if column not in _COLUMNS:
            raise ValueError(
                f"{path}: {short(column)} is no column of a packet definition; "
                f"{near(column, _COLUMNS)}"
            )
        if column in columns[:k]:
            raise ValueError(
                f"{path}: the column {column!r} comes twice; leave one out."
            )
    missing = [column for column in _NEEDED if column not in columns]
    if missing:
        raise ValueError(
            f"{path} needs the columns {', '.join(_NEEDED)}; {missing[0]!r} is missing."
        )


def _read_row(path, line, columns, row, calibrations, origin):
    beyond = [cell for cell in row[len(columns) :] if cell.strip()]
    try:
        if beyond:
            raise ValueError(
                f"the cell {short(beyond[0])} has no column; quote cells with a comma"
            )
        cells = {key: cell.strip() for key, cell in zip(columns, row, strict=False)}
        cells = dict.fromkeys(columns, "") | cells
        return _make_field(cells, calibrations, origin)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}, line {line}: {error}") from error


def _make_field(cells, calibrations, origin):
    data_type, _, inside = cells["data_type"].partition("(")
    data_type = data_type.strip()
    if data_type not in DATA_TYPES:
        raise ValueError(
            f"{short(data_type)} is no data_type; {near(data_type, DATA_TYPES)}"
        )
    inside = inside.strip().removesuffix(")")
    offset = _integer(cells, "bit_offset")
    return PacketField(
        name=cells["name"],
        data_type=data_type,
        bit_length=_integer(cells, "bit_length"),
        bit_offset=None if offset is None else offset + origin,
        byte_order=cells.get("byte_order") or "big",
        shape=_shape(inside or cells.get("array_shape", "")),
        calibration=parse_calibration(cells.get("calibration"), calibrations),
        unit=cells.get("unit", ""),
        description=cells.get("description", ""),
        valid_min=_number(cells, "valid_min"),
        valid_max=_number(cells, "valid_max"),
    )


def _integer(cells, column):
    cell = cells.get(column)
    if not cell:
        return None
    try:
        return int(cell)
    except ValueError as error:
        raise ValueError(f"{column} must be an integer; got {short(cell)}.") from error


def _number(cells, column):
    cell = cells.get(column)
    if not cell:
        return None
    try:
        return float(cell)
    except ValueError as error:
        raise ValueError(f"{column} must be a number; got {short(cell)}.") from error


def _shape(text):
    """Read the shape of an array: "4", "2x3", "(2, 3)" or "expand"."""
    text = text.strip().strip("()").strip()
    if text in ("", "expand"):
        return text or ()
    try:
        return tuple(int(n) for n in text.replace("x", ",").split(",") if n.strip())
    except ValueError as error:
        raise ValueError(
            "The shape of an array must be integers such as 4 or 2x3, or 'expand'; got "
            f"{short(text)}. A length that another field holds is not supported."
        ) from error
