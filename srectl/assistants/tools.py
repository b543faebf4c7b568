"""The tools that an assistant has, each a view: there is none to approve, switch, close or undo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from jsonschema import Draft202012Validator, ValidationError

from srectl.assistants import views
from srectl.assistants.given import given
from srectl.errors import CommandFailed
from srectl.one_line import one_line
from srectl.operate.account import Account
from srectl.operate.incidents import STATUSES

__all__ = ["TOOLS", "Tool", "answer"]

_MOST_NAMED = 3  # of arguments that there are not
_INCIDENT = {
    "incident": {
        "type": "string",
        "pattern": "^[0-9a-f-]{4,36}$",
        "description": "Id of an incident, or its first four characters or more.",
    }
}


@dataclass(frozen=True)
class Tool:
    """One question that can be asked.

    Attributes
    ----------
    view
        Reads a deployment.
    properties
        JSON Schema of each argument.
    required
        Those that must be given.
    """

    name: str
    description: str
    view: Callable[..., dict[str, Any]]
    properties: dict[str, Any] = field(default_factory=dict)
    required: tuple[str, ...] = ()

    @property
    def schema(self) -> dict[str, Any]:
        """JSON Schema of the arguments."""
        return {
            "type": "object",
            "properties": self.properties,
            "required": list(self.required),
            "additionalProperties": False,
        }


_ALL = (
    Tool(
        "incidents",
        "The incidents of the last 30 days in short, newest first.",
        views.latest,
        {
            "status": {"type": "string", "enum": list(STATUSES)},
            "limit": {"type": "integer", "minimum": 1, "maximum": 100, "default": 20},
        },
    ),
    Tool(
        "incident",
        "The whole record of one incident: what happened, what was done and why, who has it.",
        views.one,
        _INCIDENT,
        ("incident",),
    ),
    Tool(
        "evidence",
        "What was collected beside one incident: changes, ends of containers, their last lines, "
        "events, measurements.",
        views.evidence_of,
        _INCIDENT,
        ("incident",),
    ),
    Tool(
        "runbooks",
        "The published runbooks and whether each acts, asks or observes; with a name its steps, "
        "guard and targets.",
        views.runbooks,
        {"name": {"type": "string", "maxLength": 200, "description": "Runbook or alert."}},
    ),
    Tool(
        "plans",
        "Of one incident: the plan that waits for an approval, what was planned and done, and what "
        "its alert would set off now, with every reason why not.",
        views.plan_of,
        _INCIDENT,
        ("incident",),
    ),
    Tool(
        "handover",
        "What the next shift has to know: who is needed, what is at work, lent and switched, "
        "maintenance windows, what was not delivered.",
        views.handover,
    ),
)
TOOLS = {tool.name: tool for tool in _ALL}


def _fault(error: ValidationError, arguments: dict[str, Any]) -> str:
    """Say which argument is wrong; of what was given only names, and no value."""
    schema: Any = error.schema
    if error.validator == "required":
        missing = sorted(set(schema["required"]) - set(arguments))
        return f"without {', '.join(missing)}"
    if error.validator == "additionalProperties":
        others = sorted(set(arguments) - set(schema["properties"]))[:_MOST_NAMED]
        return f"there is no {', '.join(one_line(each)[:40] for each in others)}"
    return (
        f"{'/'.join(map(str, error.absolute_path)) or 'arguments'}: {error.validator} does not hold"
    )


def _takes(schema: dict[str, Any]) -> str:
    """Name the arguments of a tool, those first that it needs."""
    needed = schema.get("required", [])
    names = sorted(schema.get("properties", {}), key=lambda each: (each not in needed, each))
    told = (each if each in needed else f"{each} (may be left out)" for each in names)
    return ", ".join(told) or "nothing"


def answer(account: Account, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Ask one tool.

    Raises
    ------
    CommandFailed
        There is no such tool, its arguments are others, or the deployment cannot be read.
    """
    tool = TOOLS.get(name)
    if tool is None:
        raise CommandFailed("there is no such tool", f"there are {', '.join(TOOLS)}")
    faults = [
        _fault(each, arguments) for each in Draft202012Validator(tool.schema).iter_errors(arguments)
    ]
    if faults:
        raise CommandFailed(
            f"{name} was asked wrongly ({'; '.join(faults)})", f"it takes {_takes(tool.schema)}"
        )
    return given(tool.view(account, **arguments)).as_json()
