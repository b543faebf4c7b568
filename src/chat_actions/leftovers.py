"""What a runbook may have left of itself on its targets, and how that is asked to be taken back.

The operator's tool asks for the same as the function behind the buttons: both have this one file.
It takes a record with the texts in it that hold JSON, or with those opened.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

#: As long as a call of runbook-action may be at work: the function's Timeout in the template.
LONGEST_CALL_SECONDS = 120
_TAKEN_BACK = ("undo", "restore")
_OF_THE_INCIDENT = (
    "incident_id",
    "sender",
    "sender_name",
    "fingerprint",
    "alert_name",
    "severity",
)


def left(incident: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Find what may still be as a runbook left it, newest first.

    A step that is not on record as done may have been stopped half-way: it is in the list, too, and
    undone by what it marked, if it came to that.

    Parameters
    ----------
    incident
        The record.

    Returns
    -------
    list of dict
        ``step`` as the runbook resolved it, and ``undo``, what is known of how to take it back.
    """
    if not has_begun(incident):
        return []
    undo: dict[int, Any] = {}
    back: set[int] = set()
    for action in _actions(incident):
        index, result = _index(action.get("step")), _opened(action.get("result"))
        if action.get("operation") == "execute" and isinstance(result, dict):
            undo[index] = result.get("undo")
        elif action.get("operation") in _TAKEN_BACK and not _has_failed(action):
            back.add(index)
    untouched = _untouched(incident)
    return [
        {"step": step, "undo": undo.get(_index(step))}
        for step in reversed(_steps(incident))
        if _index(step) not in back | untouched
    ]


def has_begun(incident: Mapping[str, Any]) -> bool:
    """Tell whether a runbook may have changed something: by its record it had begun, or acted.

    One whose steps are all planned first writes down when it begins (``remediation-step``); of any
    other one it is not known.
    """
    begins = taken_in_hand(incident).get("begins")
    if not begins or incident.get("begun") == begins:
        return True
    tried = [each for each in _actions(incident) if each.get("operation") == "execute"]
    return any(not _changed_nothing(each) for each in tried)


def was_denied(action: Mapping[str, Any]) -> bool:
    """Tell whether somebody said no to a step: then it changed nothing, whatever its plan says."""
    return action.get("status") == "skipped" and _error_of(action) == "ApprovalDenied"


def _changed_nothing(action: Mapping[str, Any]) -> bool:
    """Tell whether a step was denied, or refused before it had changed anything."""
    refused = action.get("status") == "failed" and _error_of(action) == "ActionRefused"
    return refused or was_denied(action)


def _error_of(action: Mapping[str, Any]) -> Any:
    """Give the name of the error that a step ended with; None where it ended with none."""
    error = _opened(action.get("error"))
    return error.get("name") if isinstance(error, dict) else None


def _untouched(incident: Mapping[str, Any]) -> set[int]:
    """Find the steps of which nothing is known but that they changed nothing."""
    tried = [each for each in _actions(incident) if each.get("operation") == "execute"]
    done = {_index(each.get("step")) for each in tried if not _changed_nothing(each)}
    return {_index(each.get("step")) for each in tried} - done


def state_of(incident: Mapping[str, Any]) -> str:
    """Give what is equal as long as there is the same to be taken back, and no attempt has failed.

    An attempt that goes well changes nothing of it, so what has been asked for is known as that
    until it is over.
    """
    attempts = [
        [action.get("operation"), action.get("action_id")]
        for action in _actions(incident)
        if action.get("operation") == "execute"
        or (action.get("operation") in _TAKEN_BACK and _has_failed(action))
    ]
    told = json.dumps([_steps(incident), attempts], sort_keys=True, default=str)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def not_before(incident: Mapping[str, Any]) -> datetime | None:
    """Say until when a call of a step may be at work though its runbook was stopped.

    Whoever stops an execution stops no function that it has called: that may still write what
    is taken back meanwhile.

    Parameters
    ----------
    incident
        A record on which no runbook works.

    Returns
    -------
    datetime or None
        None where no call can be at work: its runbook came to an end, or every step has a word on
        record, or none acted when it was stopped.
    """
    abandoned, at = incident.get("abandoned"), incident.get("abandoned_at")
    if not abandoned or not isinstance(at, str) or not _may_be_at_work(incident):
        return None
    try:
        return datetime.fromisoformat(at) + timedelta(seconds=LONGEST_CALL_SECONDS)
    except ValueError:
        return None


def _may_be_at_work(incident: Mapping[str, Any]) -> bool:
    if incident.get("stopped_execution") == incident.get("abandoned"):
        return bool(incident.get("stopped_step"))
    told = {_index(each.get("step")) for each in _actions(incident)}
    return any(_index(each["step"]) not in told for each in left(incident))


def request_of(incident: Mapping[str, Any]) -> dict[str, Any]:
    """Write what ``incident-restorer`` is asked for: all that is left.

    Parameters
    ----------
    incident
        A record on which no runbook works, and of which something is left.
    """
    in_hand = taken_in_hand(incident)
    stack = left(incident)
    begins = not_before(incident)
    target = incident.get("target") or {}
    place = "/".join(str(target[key]) for key in ("namespace", "name") if target.get(key))
    return {
        "detail": {
            "metadata": {"correlation_id": str(incident.get("correlation_id"))},
            "data": {
                **{name: incident.get(name) for name in _OF_THE_INCIDENT},
                "summary": incident.get("summary"),
                "target": target,
                "links": incident.get("links") or {},
                "wakes": incident.get("wakes") is not False,
            },
        },
        "timestamp": incident["timestamp"],
        **({"not_before": begins.isoformat(timespec="seconds")} if begins else {}),
        "display": {
            "name": str(incident.get("alert_name")),
            "place": place,
            "where": f" on {place}" if place else "",
            "summary": str(incident.get("summary")),
            "links": [],
        },
        "runbook": {
            "name": in_hand.get("runbook"),
            "restore": {"after_seconds": 1, "watch_seconds": 1},
        },
        "of": in_hand.get("of", len(stack)),
        "locks": in_hand.get("locks", []),
        # Oldest first: it is the restorer that goes from the newest on.
        "stack": stack[::-1],
    }


def taken_in_hand(incident: Mapping[str, Any]) -> dict[str, Any]:
    """Give what a runbook took in hand, with its steps and locks; empty where none did."""
    found = _opened(incident.get("in_hand"))
    return found if isinstance(found, dict) else {}


def _steps(incident: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give the steps that a runbook took in hand, oldest first."""
    steps = taken_in_hand(incident).get("steps")
    listed = steps if isinstance(steps, list) else []
    return [each for each in listed if isinstance(each, dict) and _index(each)]


def _actions(incident: Mapping[str, Any]) -> list[dict[str, Any]]:
    taken = incident.get("actions_taken")
    return [each for each in taken if isinstance(each, dict)] if isinstance(taken, list) else []


def _index(step: Any) -> int:
    """Give the number of a step, from 1; 0 of what has none."""
    opened = _opened(step)
    try:
        return int(opened["index"])
    except (TypeError, KeyError, ValueError):
        return 0


def _has_failed(action: Mapping[str, Any]) -> bool:
    """Tell whether a target is as it was; so it is where it was left for the next remediation."""
    result = _opened(action.get("result"))
    handed_over = isinstance(result, dict) and result.get("handed_over") is True
    return action.get("status") not in ("succeeded", "skipped") or handed_over


def _opened(text: Any) -> Any:
    """Decode a text that holds JSON; anything else stays as it is."""
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text
