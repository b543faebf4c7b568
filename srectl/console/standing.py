"""How a deployment stands, as plain values: what runs, whether it may act, and what is open."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Callable
from typing import Any

from srectl.console import story
from srectl.console.reading import Part, Reading, read_part
from srectl.operate import incidents, persons, recent, spans
from srectl.operate.account import Account
from srectl.operate.doctor import Deployment
from srectl.operate.doctor.intake import webhook_url
from srectl.operate.refusals import calling
from srectl.operate.switches import written
from srectl.project import PROJECT_ROOT

__all__ = ["page"]

_OPEN = ("escalated", "remediating", "open")
_LAST = ("incident_id", "timestamp", "status", "severity", "alert_name", "target")


def page(account: Account, clock: Callable[[], datetime.datetime]) -> dict[str, Any]:
    """Read it; what could not be read is said in it.

    Parameters
    ----------
    account
        The deployment.
    clock
        Gives the time.

    Raises
    ------
    CommandFailed
        Not even the mode can be read: the account or the prefix is another.
    """
    reading = Reading.of_what_is_there(account, clock)
    _ = account.functions
    deployment = Deployment(account, PROJECT_ROOT)
    _ = deployment.cloudformation
    *parts, mode, windows, own, canary, queues, stack, codes, ended = reading.together(
        *(lambda status=status: reading.incidents(status) for status in _OPEN),
        reading.mode,
        reading.windows,
        reading.own_modes,
        reading.canary,
        reading.queues,
        lambda: read_part(lambda: _stack(deployment)),
        lambda: read_part(lambda: _codes(account)),
        lambda: read_part(lambda: _ended(account, clock())),
    )
    records = [each for part in parts if part.value for each in part.value.records]
    newest = max([*records, *(ended.value or [])], key=_began, default=None)
    now = clock()
    return {
        "stack": stack.value,
        "code": codes.value,
        "mode": mode.value,
        "runbooks_switched": dict(own.value or {}),
        "windows": [each.as_json() for each in windows.value or [] if each.end > now],
        "canary": _canary(canary),
        "queues": {each.queue: each.waiting for each in queues.value or [] if each.waiting},
        "needs_somebody": sum(map(story.needs_somebody, records)),
        "in_hand": [
            {"by": persons.short(by), "incidents": count} for by, count in _owners(records)
        ],
        "at_work": sum(incidents.at_work(each) and not story.is_asked(each) for each in records),
        "open": len(records),
        "more_open": any(part.value.more for part in parts if part.value),
        "last_incident": {key: newest.get(key) for key in _LAST} if newest else None,
        "not_read": [
            each.problem
            for each in (*parts, mode, windows, own, canary, queues, stack, codes, ended)
            if each.problem
        ],
    }


def _owners(records: list[dict[str, Any]]) -> list[tuple[str, int]]:
    """Give who has how many incidents in hand that need nobody else, the most first."""
    in_hand = filter(story.is_in_hand, records)
    return Counter(str(each["acknowledged_by"]) for each in in_hand).most_common()


def _began(record: dict[str, Any]) -> str:
    return str(record.get("timestamp"))


def _stack(deployment: Deployment) -> dict[str, Any]:
    stack = deployment.stack
    return {
        "name": stack.name,
        "status": stack.status,
        "changed_at": written(stack.changed_at),
        "webhook": webhook_url(deployment) if stack.outputs.get("WebhookUrl") else None,
    }


def _codes(account: Account) -> dict[str, Any]:
    """Tell which code runs: its digest as Lambda has it, and since when."""
    found = {}
    for name in (account.ingest_function, account.action_function):
        with calling(f"function {name} could not be read"):
            about = account.functions.get_function_configuration(FunctionName=name)
        found[name] = {"sha256": about["CodeSha256"], "changed_at": about["LastModified"]}
    return found


def _ended(account: Account, now: datetime.datetime) -> list[dict[str, Any]]:
    """Give the newest incident that is over."""
    since = now - spans.OPEN
    return recent.recent(
        account.dynamodb, account.incidents_table, "resolved", since, most=1
    ).records


def _canary(part: Part[dict[str, Any]]) -> dict[str, Any] | None:
    if part.value is None:
        return None
    at = part.value.get("at")
    return {"status": part.value["status"], "at": written(at) if at else None}
