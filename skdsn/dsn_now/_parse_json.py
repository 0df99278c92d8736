"""Read the JSON rendering of an answer, as one viewer of the feed kept it."""

import json
import re

from skdsn.dsn_now._elements import Element

__all__ = ["elements_of_json"]

_MOST_BYTES = 1 << 18
_VALUE = re.compile(r"(-?[\d.]+) ?(GHz|MHz|Hz|kb/s|b/s|dBm|kW)")
_EXPONENTS = {"GHz": "e9", "MHz": "e6", "kb/s": "e3"}


def elements_of_json(content, what):
    """Turn a JSON rendering into the elements that the document had.

    Lists ``"stations"`` and ``"dishes"`` of objects with the attributes under
    ``"@name"``, and a ``"timestamp"``. Values may carry a unit ("8.44GHz"), which is
    undone. The complex of a dish is that of ``metadata.station``.
    """
    if len(content) > _MOST_BYTES:
        raise ValueError(
            f"{what} has more than {_MOST_BYTES} bytes of JSON; a genuine one has some "
            "ten thousand, so it was not read."
        )
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{what} is not well-formed JSON: {error}.") from error
    if re.search("[\ud800-\udfff]", json.dumps(answer, ensure_ascii=False)):
        raise ValueError(
            f"{what} holds half a character (a lone surrogate), so it was not read."
        )
    root = Element("dsn", {})
    elements = [root]
    stations = {}
    for item in _objects(answer, "stations"):
        station = Element("station", _attributes(item), root)
        stations[station.attributes.get("friendlyName")] = station
        elements.append(station)
    for item in _objects(answer, "dishes"):
        place = item.get("metadata")
        place = place.get("station") if isinstance(place, dict) else None
        place = stations.get(place, root) if isinstance(place, str) else root
        # A dish inside its station, since the list has lost where it stood.
        dish = Element("dish", _attributes(item), place)
        elements.append(dish)
        for tag in ("downSignal", "upSignal", "target"):
            elements += [
                Element(tag, _attributes(child), dish) for child in _objects(item, tag)
            ]
    if "timestamp" in answer:
        text = answer["timestamp"]
        elements.append(
            Element("timestamp", {}, root, "" if text is None else str(text))
        )
    return elements


def _objects(holder, name):
    """Give the objects in a list of another object."""
    items = holder.get(name, [])
    if not isinstance(items, list):
        return []
    return [item for item in items if isinstance(item, dict)]


def _attributes(item):
    """Give the attributes of an element, units undone."""
    return {
        name[1:]: _plain(value)
        for name, value in item.items()
        if name.startswith("@") and isinstance(value, str)
    }


def _plain(text):
    """Undo a unit: "8.44GHz" is "8.44e9"."""
    value = _VALUE.fullmatch(text)
    if value is None or value.group(1).count(".") > 1:
        return text
    return value.group(1) + _EXPONENTS.get(value.group(2), "")
