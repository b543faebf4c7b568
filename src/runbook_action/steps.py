"""The one shape of a runbook: a list of steps, whichever of its two forms a definition has.

The short form (one action) is a runbook of one step. Defaults are filled in here and nowhere else:
``srectl`` has this very file, by a link, so that what it shows is what runs. It imports nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

# The kinds that ``workload`` may turn out to be.
WORKLOADS: Final = ("deployment", "statefulset", "daemonset")
APPROVAL_SECONDS = 900
#: How the name of a fact begins that Prometheus knows; the rest is its query.
METRIC: Final = "promql "
_NUMBER = re.compile(r"-?[0-9]{1,9}([.][0-9]{1,6})?")


def strategy_of(definition: Mapping[str, Any]) -> str:
    """Give "ladder" or "sequence"; the short form is a ladder of one rung."""
    return str(definition.get("strategy", "ladder"))


def steps_of(definition: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give the steps of a runbook with every default filled in.

    Parameters
    ----------
    definition
        A runbook that fits ``runbooks/runbook.schema.json``, in its short or long form.

    Returns
    -------
    list of dict
        ``index`` (from 1), ``name``, ``action``, ``target`` (as written), ``parameters`` (as
        written), ``on_failure``, ``verify_seconds`` (None: the stack's), ``verify`` (None: the
        alert's own rule), ``approval``
        (``required``, ``timeout_seconds``, ``approvers`` and ``persons`` if they are named) and
        ``when`` of each.

    Examples
    --------
    >>> short = {"action": "restart_workload", "target": {"kind": "node"}, "on_failure": "keep"}
    >>> [(step["index"], step["name"]) for step in steps_of(short)]
    [(1, 'step-1')]
    """
    given = definition.get("steps", [definition])
    short = "steps" not in definition
    return [
        {
            "index": index,
            "name": f"step-{index}" if short else step.get("name", f"step-{index}"),
            "action": step["action"],
            "target": step.get("target", definition.get("target")),
            "parameters": dict(step.get("parameters") or {}),
            "on_failure": step.get("on_failure", definition.get("on_failure")),
            "verify_seconds": step.get("verify_seconds"),
            "verify": step.get("verify", definition.get("verify")),
            "approval": {
                "required": bool((step.get("approval") or {}).get("required", False)),
                "timeout_seconds": (step.get("approval") or {}).get(
                    "timeout_seconds", APPROVAL_SECONDS
                ),
                **_whose(step),
            },
            "when": [_condition(each) for each in step.get("when") or []],
        }
        for index, step in enumerate(given, start=1)
    ]


def _condition(written: Mapping[str, Any]) -> dict[str, Any]:
    """Give a condition in its one shape: a query is a fact, by the name ``promql`` and its text."""
    if "promql" not in written:
        return dict(written)
    compared = {key: value for key, value in written.items() if key != "promql"}
    return {"fact": f"{METRIC}{written['promql']}", **compared}


def kinds_of(target: Mapping[str, Any]) -> tuple[str, ...]:
    """Give the kinds of objects that a step's target may turn out to be.

    Parameters
    ----------
    target
        As the catalogue writes it: named, or ``from_alert`` with ``resolve_to``.

    Examples
    --------
    >>> kinds_of({"kind": "deployment", "namespace": "apps", "name": "checkout"})
    ('deployment',)
    >>> kinds_of({"from_alert": "pod", "resolve_to": "workload"})
    ('deployment', 'statefulset', 'daemonset')
    """
    word = str(target.get("kind") or target.get("resolve_to") or target["from_alert"])
    return WORKLOADS if word == "workload" else (word,)


def _whose(step: Mapping[str, Any]) -> dict[str, Any]:
    """Give whose approval a step wants, where it says."""
    given = step.get("approval") or {}
    return {key: given[key] for key in ("approvers", "persons") if given.get(key) is not None}


def value_of(given: object, labels: Mapping[str, Any]) -> Any:
    """Give the value of a parameter, which a label of the alert may state within bounds.

    Parameters
    ----------
    given
        A plain value, ``{from_label, type, minimum, maximum}`` or ``{from_label, one_of}``.
    labels
        Labels of the alert.

    Returns
    -------
    object
        The value; None where the label is missing or out of the runbook's bounds.
    """
    if not isinstance(given, Mapping) or "from_label" not in given:
        return given
    text = labels.get(str(given["from_label"]))
    if not isinstance(text, str):
        return None
    if "one_of" in given:
        return text if in_bounds(text, given) else None
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    if not in_bounds(number, given):
        return None
    return int(number) if number.is_integer() else number


def no_value(parameter: str, given: Mapping[str, Any], labels: Mapping[str, Any]) -> str:
    """Say why a label of the alert states no value of a parameter, once ``value_of`` gave none.

    Parameters
    ----------
    given
        ``{from_label, type, minimum, maximum}`` or ``{from_label, one_of}``.

    Examples
    --------
    >>> more = {"from_label": "more", "type": "integer", "minimum": 1, "maximum": 3}
    >>> no_value("step", more, {"more": "7"})
    "parameter step comes from label more, which has to be a whole number from 1 to 3 and is '7'"
    """
    if "one_of" in given:
        allowed = f"one of {', '.join(given['one_of'])}"
    else:
        kind = "a whole number" if given["type"] == "integer" else "a number"
        allowed = f"{kind} from {given['minimum']} to {given['maximum']}"
    label = str(given["from_label"])
    found = labels.get(label)
    # What an alert says is quoted, and no more of it than tells what is wrong.
    has = f"is {found[:40]!a}" if isinstance(found, str) else "is not there"
    return f"parameter {parameter} comes from label {label}, which has to be {allowed} and {has}"


def in_bounds(value: object, given: Mapping[str, Any]) -> bool:
    """Tell whether a value is one that a label of the alert may state.

    Parameters
    ----------
    given
        ``{from_label, type, minimum, maximum}`` or ``{from_label, one_of}``.
    """
    if "one_of" in given:
        return value in given["one_of"]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    whole = given["type"] != "integer" or float(value).is_integer()
    return whole and bool(given["minimum"] <= value <= given["maximum"])
