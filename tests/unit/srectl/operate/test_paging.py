"""Until when the call for an incident's beginning waits, by the audit log and its record."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result

from srectl.operate import paging
from srectl.operate.account import Account

ID = "0f3c0c0e-6a3b-5d0e-9a55-2f1f4f0e8b11"
NOW = datetime.datetime(2026, 11, 28, 3, 5, tzinfo=datetime.UTC)
UNTIL = datetime.datetime(2026, 11, 28, 3, 9, tzinfo=datetime.UTC)
WAITING = {"status": "open", "timestamp": "2026-11-28T02:00:00.000Z"}
Put = Callable[..., dict[str, Any]]
Run = Callable[..., Result]


def event(kind: str, **data: Any) -> dict[str, Any]:
    return {"detail-type": f"incident.{kind}", "detail": {"data": {"incident_id": ID, **data}}}


HELD = event("page-held", until="2026-11-28T03:09:00.000Z")
CALLED = event("paged", action="trigger", severity="critical")


@pytest.mark.parametrize("record", [WAITING, {**WAITING, "status": "remediating"}])
def test_a_call_waits_until_the_time_that_the_notifier_has_said(record: dict[str, Any]) -> None:
    assert paging.waits_until([event("notified"), HELD], record, NOW) == UNTIL
    # Called, and held anew: a pager that somebody has ended is no call.
    assert paging.waits_until([CALLED, HELD, event("paged", action="resolve")], record, NOW)


@pytest.mark.parametrize(
    ("heard", "changes"),
    [
        ([], {}),
        ([HELD, CALLED], {}),
        ([event("page-held", until="2026-11-28T03:04:59.000Z")], {}),
        ([event("page-held", until="whenever")], {}),
        ([HELD], {"status": "escalated"}),
        ([HELD], {"escalated_at": "2026-11-28T03:01:00.000Z"}),
        ([HELD], {"acknowledged_by": "ada"}),
        ([HELD], {"resolved_at": 1795835000}),
        ([HELD], {"approval": {"requested_at": "2026-11-28T03:01:00.000Z"}}),
    ],
    ids=["none", "called", "over", "odd", "human", "risen", "taken", "ended", "asked"],
)
def test_none_waits_that_was_made_or_is_needed_no_more(
    heard: list[dict[str, Any]], changes: dict[str, Any]
) -> None:
    assert paging.waits_until(heard, {**WAITING, **changes}, NOW) is None


def test_of_what_came_long_ago_nothing_is_looked_up() -> None:
    late = NOW + datetime.timedelta(hours=1.5)
    assert not paging.may_wait(WAITING, late)
    assert paging.may_wait({**WAITING, "received_at": "2026-11-28T03:00:00.000Z"}, late)


def test_show_says_until_when_the_pager_is_not_called(
    account: Account, put_incident: Put, srectl: Run
) -> None:
    came = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    until = came + datetime.timedelta(minutes=4)
    put_incident(status="remediating", received_at=f"{came:%Y-%m-%dT%H:%M:%S}.000Z")
    # It cannot be read: that hides nothing else.
    shown = srectl("show", ID).output
    assert "pager       whether a call waits was not read: the audit log" in shown
    assert "its runbook is at work" in shown
    account.logs.create_log_group(logGroupName=account.audit_log_group)
    account.logs.create_log_stream(logGroupName=account.audit_log_group, logStreamName="events")
    assert "pager" not in srectl("show", ID).output
    held = event("page-held", until=f"{until:%Y-%m-%dT%H:%M:%S}.000Z")
    message: Any = {"timestamp": round(came.timestamp() * 1000), "message": json.dumps(held)}
    account.logs.put_log_events(
        logGroupName=account.audit_log_group, logStreamName="events", logEvents=[message]
    )
    shown = srectl("show", ID).output
    assert "pager       waits for the runbook's verdict, until" in shown
    assert f"{until:%H:%M:%S}" in shown
    put_incident(status="escalated", received_at=f"{came:%Y-%m-%dT%H:%M:%S}.000Z")
    assert "pager" not in srectl("show", ID).output
