"""What the audit log has of an incident: read within bounds, and nobody else's."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest

from srectl.errors import CommandFailed
from srectl.operate.account import Account
from srectl.operate.audit import heard

ID = "0f3c0c0e-6a3b-5d0e-9a55-2f1f4f0e8b11"
OTHER = "5d51412f-0000-4000-8000-000000000001"
BEGAN = datetime.datetime(2026, 11, 28, 3, tzinfo=datetime.UTC)
RECORD = {"incident_id": ID, "timestamp": "2026-11-28T03:00:00.000Z", "status": "escalated"}


class Log:
    """A log in pages."""

    def __init__(self, *pages: list[str]) -> None:
        self.pages, self.asked = pages, list[dict[str, Any]]()

    def filter_log_events(self, **asked: Any) -> dict[str, Any]:
        self.asked.append(asked)
        at = int(asked.get("nextToken") or 0)
        token = {"nextToken": str(at + 1)} if at + 1 < len(self.pages) else {}
        return {"events": [{"message": each} for each in self.pages[at]], **token}


def message(incident_id: str = ID, minute: int = 0, kind: str = "incident.notified") -> str:
    metadata = {"occurred_at": f"2026-11-28T03:{minute:02}:00.000Z"}
    data = {"incident_id": incident_id}
    return json.dumps({"detail-type": kind, "detail": {"metadata": metadata, "data": data}})


def reading(account: Account, log: Log, record: Any = RECORD, requests: int | None = None) -> Any:
    account.__dict__["logs"] = log
    return heard(account, record, requests)


def test_all_pages_are_read_and_put_in_order(account: Account) -> None:
    log = Log([message(minute=9)], [], [message(minute=2), message(OTHER), "no event", "[]", "{}"])
    found = reading(account, log)
    times = [each["detail"]["metadata"]["occurred_at"][14:16] for each in found.events]
    assert (times, found.more) == (["02", "09"], False)
    assert f'"{ID}"' in log.asked[0]["filterPattern"]
    assert "endTime" not in log.asked[0]  # it goes on


def test_no_more_requests_than_were_allowed_and_that_is_said(account: Account) -> None:
    log = Log([message()], [message()], [message()])
    found = reading(account, log, requests=2)
    assert (len(log.asked), len(found.events), found.more) == (2, 2, True)


def test_of_one_that_is_over_the_log_is_read_until_shortly_after(account: Account) -> None:
    closed = {**RECORD, "status": "resolved", "closed_at": "2026-11-28T04:00:00Z"}
    log = Log([])
    reading(account, log, closed)
    assert log.asked[0]["endTime"] == round(BEGAN.timestamp() + 3 * 3600) * 1000
    assert log.asked[0]["startTime"] == round(BEGAN.timestamp() - 300) * 1000


@pytest.mark.parametrize("odd", ['x" || true', "", None])
def test_an_id_that_is_none_of_the_platforms_asks_for_nothing(account: Account, odd: Any) -> None:
    log = Log([message()])
    assert reading(account, log, {**RECORD, "incident_id": odd}).events == []
    assert log.asked == []


def test_a_log_that_cannot_be_read_is_told(account: Account) -> None:
    with pytest.raises(CommandFailed, match="the audit log /aws/events/t-sre-platform-audit"):
        heard(account, RECORD)
