"""What each action takes, can undo and needs, told by its code for a terminal and for the docs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Entry", "Parameter", "entries", "markdown"]

# The unit that a parameter's name tells.
_UNITS = (("_seconds", "s"), ("percent", "%"), ("_gib", "GiB"), ("_replicas", "replicas"))
_REPLICAS = frozenset({"step", "min_ready"})


@dataclass(frozen=True)
class Parameter:
    """One parameter.

    Attributes
    ----------
    takes
        What it may be, with bounds (both included) and unit.
    needed
        "always", "one of these" (exactly one of those of the action that say so) or "no".
    """

    name: str
    takes: str
    needed: str


@dataclass(frozen=True)
class Entry:
    """One action.

    Attributes
    ----------
    undo
        Whether ``on_failure: undo`` may be said; ``lease`` where ``restore`` may, too.
    asks
        Whether a step has to have an approval.
    rights
        What it needs of the cluster, as ``verb resource``, and of IAM.
    """

    name: str
    kinds: Sequence[str]
    parameters: Sequence[Parameter]
    undo: str
    asks: bool
    rights: Sequence[str]


def entries(actions: Mapping[str, Any]) -> list[Entry]:
    """Give an entry for each action of the registry, by name."""
    return [
        Entry(
            name,
            sorted(action.target_kinds),
            list(_parameters(action)),
            "no" if not action.can_undo else "lease" if action.lends else "yes",
            action.asks,
            [*_rights(action), *action.aws_rights],
        )
        for name, action in sorted(actions.items())
    ]


def markdown(actions: Mapping[str, Any]) -> str:
    """Give the table of the guide, which a test keeps equal to this."""
    lines = [
        "| action | parameters (**always** needed) | undo | asks | rights |",
        "|---|---|---|---|---|",
    ]
    for each in entries(actions):
        told = "; ".join(_told(parameter) for parameter in each.parameters) or "none"
        cells = (
            f"`{each.name}`",
            told,
            each.undo,
            "yes" if each.asks else "no",
            ", ".join(each.rights) or "none",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _told(parameter: Parameter) -> str:
    name = f"`{parameter.name}`"
    name = f"**{name}**" if parameter.needed == "always" else name
    either = " (one of these)" if parameter.needed == "one of these" else ""
    return f"{name} {parameter.takes}{either}"


def _parameters(action: Any) -> Iterator[Parameter]:
    for name, field in action.fields.items():
        needed = "one of these" if name in action.either else "no"
        yield Parameter(name, _takes(name, field), "always" if field.required else needed)


def _takes(name: str, field: Any) -> str:
    # Who has an action has its code.
    from runbook_action import fields

    unit = next((unit for end, unit in _UNITS if name.endswith(end)), "")
    unit = f" {unit or 'replicas'}" if unit or name in _REPLICAS else ""
    if isinstance(field, fields.IntegerField):
        return f"{field.minimum} to {field.maximum}{unit}"
    if isinstance(field, fields.NumberField):
        return f"{field.minimum:g} to {field.maximum:g}{unit}, also with a fraction"
    if isinstance(field, fields.BooleanField):
        return "`true` or `false`"
    if isinstance(field, fields.TextField):
        return f"a text of up to {field.max_length} characters"
    if isinstance(field, fields.TextMapField):
        return f"up to {field.most} texts by name, of up to {field.max_length} characters each"
    raise TypeError(f"{type(field).__name__} of {name} is not told of in the table of actions")


def _rights(action: Any) -> list[str]:
    verbs: dict[str, list[str]] = {}
    for rights in action.rights.values():
        for right in rights:
            found = verbs.setdefault(right.resource, [])
            if right.verb not in found:
                found.append(right.verb)
    return [f"{'/'.join(sorted(found))} {resource}" for resource, found in sorted(verbs.items())]
