"""Which changes of an event schema break somebody, judged for both directions.

Consumers read new events with old knowledge, and an archive replays old events to new consumers, so
a change is compatible only if every old event fits the new schema and every new event keeps what
the old schema promised. What is left: optional properties may be added, and words changed.
"""

from __future__ import annotations

from typing import Any

_PROSE = frozenset({"description", "title", "examples", "$id", "$schema", "$comment"})


def incompatibilities(old: dict[str, Any], new: dict[str, Any], where: str = "") -> list[str]:
    """List what changed between two versions of a schema that somebody may rely on.

    Parameters
    ----------
    old, new
        Schemas of the kind that `events/schemas` holds: objects with properties, no references.
    where
        Path of this part, for the messages.
    """
    place = where or "the event"
    found: list[str] = []
    old_properties: dict[str, Any] = old.get("properties", {})
    new_properties: dict[str, Any] = new.get("properties", {})
    found += [
        f"{where}/{name} was removed" for name in sorted(old_properties.keys() - new_properties)
    ]
    for name in sorted(old_properties.keys() & new_properties.keys()):
        found += incompatibilities(old_properties[name], new_properties[name], f"{where}/{name}")
    was, now = set(old.get("required", [])), set(new.get("required", []))
    found += [f"{where}/{name} is no longer always there" for name in sorted(was - now)]
    found += [f"{where}/{name} is newly required" for name in sorted(now - was)]
    rules = (old.keys() | new.keys()) - _PROSE - {"properties", "required"}
    for rule in sorted(rules):
        before, after = _comparable(old.get(rule)), _comparable(new.get(rule))
        if before != after:
            found.append(f"{place}: {rule} changed from {old.get(rule)!r} to {new.get(rule)!r}")
    return found


def _comparable(value: object) -> object:
    if isinstance(value, list):  # type and enum: their order means nothing
        return sorted(value, key=repr)
    if isinstance(value, dict):
        return {key: _comparable(item) for key, item in value.items() if key not in _PROSE}
    return value
