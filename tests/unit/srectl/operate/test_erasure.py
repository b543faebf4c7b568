"""Erasing one incident for good."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result

from srectl.operate.account import Account
from tests.support.recorder import Recorder

ID = "0f3c0c0e-6a3b-5d0e-9a55-2f1f4f0e8b11"
GUARD = "t-sre-remediation-guard"
Put = Callable[..., dict[str, Any]]
Run = Callable[..., Result]


def _records(account: Account) -> list[dict[str, Any]]:
    return list(account.dynamodb.scan(TableName=account.incidents_table)["Items"])


def test_an_erased_record_is_gone_and_what_remains_is_told(
    account: Account, put_incident: Put, srectl: Run
) -> None:
    put_incident(status="resolved")
    put_incident(incident_id="another")
    row: Any = {
        "guard_key": {"S": f"relation#{ID}"},
        "findings": {"L": [{"S": "3 pods OOMKilled"}]},
    }
    account.dynamodb.put_item(TableName=GUARD, Item=row)
    told = srectl("incidents", "erase", ID, stdin="y\n")
    assert told.exit_code == 0, told.output
    assert "archive" in told.output
    assert "histories" in told.output
    assert [record["incident_id"]["S"] for record in _records(account)] == ["another"]
    guard = account.dynamodb.scan(TableName=GUARD)["Items"]
    assert [sorted(item) for item in guard] == [
        ["erased_at", "expires_at", "guard_key", "incident_timestamp"]
    ]


@pytest.mark.parametrize("kind", ["incident.created", "incident.resolved"])
def test_an_event_that_is_replayed_does_not_bring_it_back(
    account: Account, put_incident: Put, srectl: Run, kind: str
) -> None:
    put_incident(status="resolved")
    srectl("incidents", "erase", ID, "--yes")
    event = {
        "detail-type": kind,
        "detail": {"data": {"incident_id": ID, "timestamp": "2026-11-23T15:14:52.704Z"}},
    }
    recorder = Recorder(account.dynamodb, account.incidents_table, GUARD)
    assert recorder.take(event) == "Recorded"
    assert _records(account) == []


@pytest.mark.parametrize("status", ["open", "remediating", "escalated"])
def test_what_is_not_over_is_not_erased(
    account: Account, put_incident: Put, srectl: Run, status: str
) -> None:
    put_incident(status=status)
    told = srectl("incidents", "erase", ID, "--yes")
    assert told.exit_code != 0
    assert f"is {status}, not resolved" in str(told.exception) + told.output
    assert len(_records(account)) == 1


def test_nothing_is_erased_without_a_yes(account: Account, put_incident: Put, srectl: Run) -> None:
    put_incident(status="resolved")
    assert srectl("incidents", "erase", ID, stdin="n\n").exit_code != 0
    assert len(_records(account)) == 1
