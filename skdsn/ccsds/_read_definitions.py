"""Packet definitions from files."""

from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path

from skdsn._core.names import near
from skdsn.ccsds._definition import PacketDefinition, TimeRule
from skdsn.ccsds._parse_calibration import parse_calibration
from skdsn.ccsds._short import short
from skdsn.ccsds._yaml import read_yaml

__all__ = ["read_definitions"]

_FILE = "packets.yaml"
_KEYS = ("calibrations", "packets", "xtce")
_PACKET_KEYS = (
    "fields",
    "apid",
    "where",
    "time",
    "length",
    "secondary_header",
    "offsets",
)


def read_definitions(path):
    """Read the packet definitions of a mission.

    Parameters
    ----------
    path : str or path-like
        * A folder with a file ``packets.yaml``, or that file: its key ``packets`` maps
          each kind to its ``fields`` (a CSV file beside it) and, as far as needed, the
          parameters ``apid``, ``where``, ``time``, ``length`` and ``secondary_header``
          of a :class:`PacketDefinition`, and ``offsets`` as in
          :meth:`PacketDefinition.from_csv`. Its key ``calibrations`` names those that
          cells can refer to. Or its key ``xtce`` names an XTCE file beside it; the key
          ``packets`` may then give kinds of that a ``time``, and nothing else.
        * A CSV file: one kind, with the name of the file, of packets of any APID.
        * An XTCE file, ``.xml``, read with space_packet_parser (extra ``xtce``).

    Returns
    -------
    list of PacketDefinition
        Of an XTCE file, also of others that :func:`decode_packets` takes.

    Raises
    ------
    ValueError
        If a file holds something else; the message names it.
    FileNotFoundError
        If there is no such file.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skdsn.ccsds import read_definitions
    >>> folder = Path(tempfile.mkdtemp())
    >>> text = '''name,data_type,bit_length,calibration,unit
    ... protocol,uint,8,,
    ... u_bus,uint,8,half,V
    ... i_bus,uint,8,"{polynomial: [0, 3.2]}",mA
    ... '''
    >>> _ = (folder / "beacon.csv").write_text(text)
    >>> text = '''
    ... calibrations:
    ...   half: {polynomial: [0, 0.5]}
    ... packets:
    ...   beacon: {fields: beacon.csv, apid: [14, 15], where: {protocol: 0}}
    ... '''
    >>> _ = (folder / "packets.yaml").write_text(text)
    >>> [beacon] = read_definitions(folder)
    >>> beacon.apid, beacon.where, beacon.units
    ((14, 15), {'protocol': 0}, {'u_bus': 'V', 'i_bus': 'mA'})
    """
    path = Path(path)
    if path.is_dir():
        path = path / _FILE
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no file {path}; packet definitions are a folder with "
            f"{_FILE}, a CSV file or an XTCE file."
        )
    suffix = path.suffix.lower()
    if suffix == ".csv":
        return [PacketDefinition.from_csv(path)]
    if suffix == ".xml":
        from skdsn.ccsds._xtce import read_xtce

        return read_xtce(path)
    if suffix not in (".yaml", ".yml"):
        raise ValueError(
            f"{path} is no packet definition; they end in .yaml, .csv or .xml."
        )
    return _read_folder(path)


def _read_folder(path):
    contents = read_yaml(path)
    _check_keys(path, "the top", contents, _KEYS)
    if "xtce" in contents:
        return _read_xtce_with_times(path, contents)
    packets = contents.get("packets")
    if not isinstance(packets, Mapping) or not packets:
        raise ValueError(f"{path}: the key 'packets' must map kinds to their fields.")
    calibrations = {}
    named = contents.get("calibrations")
    if named is not None and not isinstance(named, Mapping):
        raise ValueError(
            f"{path}: the key 'calibrations' must map names to calibrations, such as "
            f"half: {{polynomial: [0, 0.5]}}; got {short(named)}."
        )
    for name, value in (named or {}).items():
        with _locate(path, f"calibration {name!r}"):
            calibrations[str(name)] = parse_calibration(value)
    return [
        _read_packet(path, str(name), entry, calibrations)
        for name, entry in packets.items()
    ]


def _read_packet(path, name, entry, calibrations):
    if isinstance(entry, str):
        entry = {"fields": entry}
    where = f"packet {name!r}"
    if not isinstance(entry, Mapping) or not isinstance(entry.get("fields"), str):
        raise ValueError(
            f"{path}: {where} needs the key 'fields' with the name of a CSV file."
        )
    _check_keys(path, where, entry, _PACKET_KEYS)
    options = {key: value for key, value in entry.items() if key != "fields"}
    time = options.pop("time", None)
    file = path.parent / entry["fields"]
    if not file.is_file():
        raise FileNotFoundError(f"{path}: {where} names {file}, which is not there.")
    with _locate(path, where):
        if time is not None:
            options["time"] = _time_rule(time)
        return PacketDefinition.from_csv(
            file, name=name, calibrations=calibrations, **options
        )


def _read_xtce_with_times(path, contents):
    from skdsn.ccsds._xtce import read_xtce

    if "calibrations" in contents:
        raise ValueError(f"{path}: beside 'xtce', 'calibrations' has no use; leave it.")
    if not isinstance(contents["xtce"], str):
        raise ValueError(f"{path}: the key 'xtce' must name an XTCE file.")
    file = path.parent / contents["xtce"]
    if not file.is_file():
        raise FileNotFoundError(f"{path} names {file}, which is not there.")
    definitions = {each.name: each for each in read_xtce(file)}
    packets = contents.get("packets") or {}
    if not isinstance(packets, Mapping):
        raise ValueError(f"{path}: the key 'packets' must map kinds to their time.")
    for name, entry in packets.items():
        where = f"packet {name!r}"
        if name not in definitions:
            raise ValueError(
                f"{path}: {file.name} has no {where}; {near(name, [*definitions])}"
            )
        if not isinstance(entry, Mapping) or "time" not in entry:
            raise ValueError(
                f"{path}: {where} of an XTCE file needs the key 'time', and no other."
            )
        _check_keys(path, where, entry, ("time",))
        with _locate(path, where):
            rule = _time_rule(entry["time"])
            definitions[name] = replace(definitions[name], time=rule)
    return list(definitions.values())


def _time_rule(values):
    names = [field.name for field in fields(TimeRule)]
    if not isinstance(values, Mapping) or "epoch" not in values:
        raise ValueError(
            "time must have an epoch and fields, such as {epoch: 2000-01-01, seconds: "
            f"coarse}}; got {short(values)}."
        )
    for key in values:
        if key not in names:
            raise ValueError(f"{key!r} is no key of time; {near(key, names)}")
    return TimeRule(**values)


def _check_keys(path, where, mapping, known):
    for key in mapping:
        if key not in known:
            raise ValueError(
                f"{path}: {key!r} is no key of {where}; {near(key, known)}"
            )


@contextmanager
def _locate(path, where):
    """Put the place of a mistake before what is said of it."""
    try:
        yield
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}, {where}: {error}") from error
