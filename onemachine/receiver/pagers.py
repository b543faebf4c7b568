"""What pagers refuse, by the rules of PagerDuty's Events API v2 and Opsgenie's Alert API."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

#: PagerDuty takes no larger event.
MAX_BODY_BYTES = 512 * 1024
ACTIONS = ("trigger", "acknowledge", "resolve")
SEVERITIES = ("critical", "error", "warning", "info")
_ROUTING_KEY_LENGTH = 32
#: Longest texts of an alert in Opsgenie, in characters.
_OPSGENIE_LIMITS = {"message": 130, "alias": 512, "description": 15_000, "entity": 512}
_OPSGENIE_LIMITS |= {"source": 100, "user": 100, "note": 25_000}
_OPSGENIE_DETAILS = 8_000


@dataclass(frozen=True)
class Page:
    """One page, as it was taken.

    Parameters
    ----------
    received_at : float
        Unix time in seconds.
    action : str
        ``trigger``, ``acknowledge`` or ``resolve``.
    key : str
        What it is told apart by; two triggers of one key are one incident of the pager.
    severity : str
        One of the pager's own, empty where an action needs none.
    summary : str
        What the screen shows, empty likewise.
    body : dict
        The whole, without the secret.
    """

    received_at: float
    action: str
    key: str
    severity: str
    summary: str
    body: dict[str, Any]


def problems_of_event(body: Mapping[str, Any]) -> list[str]:
    """Say what PagerDuty's Events API v2 would answer 400 for; empty where it takes the event.

    Parameters
    ----------
    body : mapping
        The posted JSON.
    """
    return list(_of_event(body))


def _of_event(body: Mapping[str, Any]) -> Iterator[str]:
    routing_key, action = body.get("routing_key"), body.get("event_action")
    if not isinstance(routing_key, str) or len(routing_key) != _ROUTING_KEY_LENGTH:
        yield f"routing_key must be a text of {_ROUTING_KEY_LENGTH} characters"
    if action not in ACTIONS:
        yield f"event_action must be one of {', '.join(ACTIONS)}"
    key = body.get("dedup_key")
    if action != "trigger" and not key:
        yield "dedup_key is required to acknowledge or resolve"
    yield from _text(body, "dedup_key", 255)
    yield from _text(body, "client", None)
    links = body.get("links", [])
    if not isinstance(links, list):
        yield "links must be a list"
    elif not all(isinstance(each, Mapping) and _is_address(each.get("href")) for each in links):
        yield "links must have an href with an http(s) address"
    payload = body.get("payload")
    if payload is None and action != "trigger":
        return
    if not isinstance(payload, Mapping):
        yield "payload must be an object"
        return
    for name, longest in (("summary", 1024), ("source", None)):
        if not payload.get(name):
            yield f"payload.{name} is missing or blank"
        yield from _text(payload, name, longest)
    if payload.get("severity") not in SEVERITIES:
        yield f"payload.severity must be one of {', '.join(SEVERITIES)}"
    for name in ("component", "group", "class"):
        yield from _text(payload, name, None)
    if not isinstance(payload.get("custom_details", {}), Mapping):
        yield "payload.custom_details must be an object"
    if "timestamp" in payload and not _is_time(payload["timestamp"]):
        yield "payload.timestamp must be a time in ISO 8601"


def problems_of_alert(body: Mapping[str, Any], *, opens: bool) -> list[str]:
    """Say what Opsgenie's Alert API would answer 422 for; empty where it takes the request.

    Parameters
    ----------
    body : mapping
        The posted JSON.
    opens : bool
        Whether it creates an alert; else it acknowledges or closes one.
    """
    found = [each for name, most in _OPSGENIE_LIMITS.items() for each in _text(body, name, most)]
    if opens and not body.get("message"):
        found.append("message is required")
    if opens and body.get("priority") not in ("P1", "P2", "P3", "P4", "P5"):
        found.append("priority must be one of P1 to P5")
    details = body.get("details", {})
    if not isinstance(details, Mapping) or not all(isinstance(v, str) for v in details.values()):
        found.append("details must be texts by name")
    elif sum(len(name) + len(value) for name, value in details.items()) > _OPSGENIE_DETAILS:
        found.append(f"details must not have more than {_OPSGENIE_DETAILS} characters in all")
    return found


def _text(given: Mapping[str, Any], name: str, longest: int | None) -> Iterator[str]:
    value = given.get(name)
    if value is None:
        return
    if not isinstance(value, str):
        yield f"{name} must be a text"
    elif longest is not None and len(value) > longest:
        yield f"{name} must not have more than {longest} characters"


def _is_address(value: object) -> bool:
    return isinstance(value, str) and value.startswith(("https://", "http://"))


def _is_time(value: object) -> bool:
    try:
        datetime.datetime.fromisoformat(str(value))
    except ValueError:
        return False
    return True


def _of_pagerduty(_path: str, body: Mapping[str, Any], at: float) -> Page | list[str]:
    if found := problems_of_event(body):
        return found
    payload = body.get("payload") or {}
    kept = {name: value for name, value in body.items() if name != "routing_key"}
    return Page(
        at,
        str(body["event_action"]),
        str(body.get("dedup_key", "")),
        str(payload.get("severity", "")),
        str(payload.get("summary", "")),
        kept,
    )


def _of_opsgenie(path: str, body: Mapping[str, Any], at: float) -> Page | list[str]:
    # alerts, or alerts/ALIAS/close
    _, *rest = path.split("/")
    opens = not rest
    if found := problems_of_alert(body, opens=opens):
        return found
    if not opens and (len(rest) != 2 or rest[1] not in ("close", "acknowledge") or not rest[0]):
        return [f"there is no address {path}"]
    action = "trigger" if opens else {"close": "resolve"}.get(rest[1], rest[1])
    key = str(body.get("alias", "")) if opens else rest[0]
    summary = str(body.get("message", body.get("note", "")))
    return Page(at, action, key, str(body.get("priority", "")), summary, dict(body))


def _of_webhook(_path: str, body: Mapping[str, Any], at: float) -> Page | list[str]:
    texts = ("action", "key", "severity", "summary")
    if missing := [name for name in texts if not isinstance(body.get(name), str)]:
        return [f"{name} is missing" for name in missing]
    action, key, severity, summary = (str(body[name]) for name in texts)
    return Page(at, action, key, severity, summary, dict(body))


#: First part of a path → what reads a request to it: the page, or what is wrong with it.
PAGERS: dict[str, Callable[[str, Mapping[str, Any], float], Page | list[str]]] = {
    "pagerduty": _of_pagerduty,
    "opsgenie": _of_opsgenie,
    "webhook": _of_webhook,
}
