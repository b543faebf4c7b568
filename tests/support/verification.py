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
    """
    state = _state()
    due = time.time() * 1000 - since_due * 1000
    variables: dict[str, Any] = {
        "states": {"input": {"healthy": healthy}},
        "verify_deadline": due,
        "heard": due + (-400 if heard is None else heard) * 1000,
        "alert_resolved": resolved,
        "attached_to": "",
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


@cache
def _state() -> dict[str, Any]:
    found = machines()["incident-response-runbook"].definition()["States"]["IsResolved"]
    return dict(found)
