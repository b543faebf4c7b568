"""What incident-response-runbook decides about a remediation, without running it."""

from __future__ import annotations

import time
from functools import cache
from typing import Any

from jsonata import Jsonata

from tests.support.machines import machines
from tests.support.template import deployed

#: Of a machine with the parameters' defaults.
END_HEARD = int(deployed()["Parameters"]["EndHeardSeconds"]["Default"])


def evaluated(expression: str, **variables: Any) -> Any:
    """Evaluate an expression as it stands in a definition."""
    inner = expression.strip().removeprefix("{%").removesuffix("%}")
    return Jsonata(inner).evaluate(None, variables)


def decided(
    since_due: float,
    *,
    healthy: bool,
    heard: float | None = None,
    resolved: bool = False,
    rungs: int = 1,
    data: str = "unknown",
    by: str = "alert",
) -> tuple[str, str]:
    """Say what IsResolved of the deployed machine goes to, and for which code of a failure.

    Parameters
    ----------
    since_due
        Seconds since the alert was due to have ended.
    heard
        When it was last heard firing, in seconds after that moment; None for long before.
    rungs
        Steps of the ladder, of which the first was done.
    data, by
        What Prometheus says, and whether of the alert's rule or of the runbook's query.
    """
    state = _state()
    due = time.time() * 1000 - since_due * 1000
    variables: dict[str, Any] = {
        "states": {"input": _output(healthy, resolved, data, by)},
        "recovery": {"state": data, "by": by, "text": "", "since": ""},
        "verify_deadline": due,
        "heard": due + (-400 if heard is None else heard) * 1000,
        "alert_resolved": resolved,
        "attached_to": "",
        "leader": {"timestamp": "", "over": False, "left": ""},
        "acted": True,
        "runbook": {"name": "r"},
        "strategy": "ladder",
        "steps": [{"verify_seconds": None}] * rungs,
        "at": 1,
        "of": rungs,
        "health": "3 of 3 pods are ready",
    }
    for choice in state["Choices"]:
        if evaluated(choice["Condition"], **variables):
            assigned = choice.get("Assign", {})
            break
    else:
        choice, assigned = {"Next": state["Default"]}, state["Assign"]
    failure = assigned.get("failure", {})
    text = failure.get("text", "")
    if text:
        assert isinstance(evaluated(text, **variables), str)
    return choice["Next"], str(failure.get("code", ""))


def looked_at(due_in: float, **variables: Any) -> bool:
    """Say whether MayBeOver of the deployed machine has the target looked at.

    Parameters
    ----------
    due_in
        Seconds until the alert is due to have ended.
    variables
        Those of the execution that are not as usual: an alert that goes on, and no data.
    """
    usual: dict[str, Any] = {
        "alert_resolved": False,
        "verify_deadline": (time.time() + due_in) * 1000,
        "leader": {"timestamp": "", "over": False, "left": ""},
        "own_alert": None,
        "steps": [{"verify": None}, {"verify": {"for": "60s"}}],
    }
    state = _state("MayBeOver")
    (choice,) = state["Choices"]
    assert {choice["Next"], state["Default"]} == {"WaitToVerifyAgain", "VerifyTarget"}
    return not evaluated(choice["Condition"], **usual | variables)


def _output(healthy: bool, resolved: bool, data: str, by: str) -> Any:
    """What VerifyTarget hands on of an answer of the function."""
    answer = {"healthy": healthy, "recovery": {"state": data, "by": by}}
    output = _state("VerifyTarget")["Output"]
    return evaluated(output, states={"result": {"Payload": answer}}, alert_resolved=resolved)


@cache
def _state(name: str = "IsResolved") -> dict[str, Any]:
    return dict(machines()["incident-response-runbook"].definition()["States"][name])
