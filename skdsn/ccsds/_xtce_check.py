"""What an XTCE file must not hold before its text reaches the parser."""

from graphlib import CycleError, TopologicalSorter
from xml.etree import ElementTree
from xml.parsers import expat

__all__ = ["check_xtce"]

_MOST_ENTRIES = 1_000_000  # of all containers, with what they inherit and contain
_MOST_CONTAINERS = 10_000  # each is looked for among all
_ENTRIES = ("ParameterRefEntry", "ContainerRefEntry")
# What space_packet_parser passes over, although fields move or change with it.
_UNREAD = {
    "ByteOrderList": "a byte order that is given byte by byte",
    "IncludeCondition": "an entry with a condition",
    "RepeatEntry": "an entry that is repeated",
}


def check_xtce(data):
    """Refuse what is no XTCE, what would not be safe to expand, or not be read right.

    Parameters
    ----------
    data : bytes
        Content of a file.

    Raises
    ------
    ValueError
        If it is not well-formed, has a document type declaration (that is where
        entities come from), has no containers, has some that contain themselves or
        expand beyond measure, or says where fields are in a way that would be passed
        over.
    """
    _check_well_formed(data)
    root = ElementTree.fromstring(data)  # harmless without a document type
    if _local(root) != "SpaceSystem":
        raise ValueError(
            f"an XTCE file begins with a SpaceSystem; this one with a {_local(root)}."
        )
    if any(
        _local(inner) == "ContainerSet"
        for system in root
        if _local(system) == "SpaceSystem"
        for inner in system.iter()
    ):
        raise ValueError(
            "containers in a SpaceSystem inside another are not supported; make it a "
            "file of its own."
        )
    containers = {
        element.get("name"): element
        for element in root.iter()
        if _local(element) == "SequenceContainer"
    }
    if not containers:
        raise ValueError("it holds no SequenceContainer, so no packet is defined.")
    if len(containers) > _MOST_CONTAINERS:
        raise ValueError(
            f"it has {len(containers)} containers; at most {_MOST_CONTAINERS} are read."
        )
    for element in root.iter():
        if element.get("bitOrder", "").startswith("least"):
            raise ValueError(
                f"{_local(element)} has the bitOrder {element.get('bitOrder')}, which "
                "is not supported."
            )
    for name, container in containers.items():
        _check_entries(name, container)
    _check_size(containers)


def _check_well_formed(data):
    def refuse(*_):
        raise ValueError(
            "it has a document type declaration (<!DOCTYPE ...>), which may define "
            "entities that expand without end or open other files; remove it."
        )

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise ValueError(f"it is not well-formed XML: {error}.") from error


def _check_entries(name, container):
    """Refuse entries and places that space_packet_parser passes over."""
    for element in container.iter():
        tag = _local(element)
        if tag in _UNREAD:
            raise ValueError(
                f"container {name!r} has {_UNREAD[tag]} ({tag}), which is not "
                "supported."
            )
        if tag == "LocationInContainerInBits" and not _is_next(element):
            raise ValueError(
                f"container {name!r} places an entry by LocationInContainerInBits, "
                "which is not supported; fill the gap with a parameter."
            )
    for entries in container:
        for entry in entries if _local(entries) == "EntryList" else ():
            if _local(entry) not in _ENTRIES:
                raise ValueError(
                    f"container {name!r} has a {_local(entry)}; only {_ENTRIES[0]} and "
                    f"{_ENTRIES[1]} are supported."
                )


def _is_next(location):
    """Tell whether a location is just the end of the entry before."""
    values = [e.text for e in location.iter() if _local(e) == "FixedValue"]
    start = location.get("referenceLocation", "previousEntry")
    return start == "previousEntry" and [str(v).strip() for v in values] == ["0"]


def _check_size(containers):
    """Refuse containers in a circle, and those that expand beyond measure."""
    bases, nested, own = {}, {}, {}
    for name, container in containers.items():
        tags = {tag: [] for tag in (*_ENTRIES, "BaseContainer")}
        for element in container.iter():
            tags.setdefault(_local(element), []).append(element)
        bases[name] = [e.get("containerRef") for e in tags["BaseContainer"]]
        nested[name] = [e.get("containerRef") for e in tags["ContainerRefEntry"]]
        own[name] = len(tags["ParameterRefEntry"])
    try:
        order = list(
            TopologicalSorter(
                {name: bases[name] + nested[name] for name in containers}
            ).static_order()
        )
    except CycleError as error:
        circle = " in ".join(map(repr, error.args[1]))
        raise ValueError(f"containers contain themselves: {circle}.") from error
    if missing := [name for name in order if name not in containers]:
        raise ValueError(f"there is no container {missing[0]!r}, which another names.")
    entries, with_base = {}, {}
    for name in order:
        entries[name] = own[name] + sum(1 + entries[n] for n in nested[name])
        with_base[name] = 1 + entries[name] + sum(with_base[n] for n in bases[name])
    if sum(with_base.values()) > _MOST_ENTRIES:
        raise ValueError(
            f"its containers expand to more than {_MOST_ENTRIES:,} entries."
        )


def _local(element):
    return element.tag.rpartition("}")[2]
