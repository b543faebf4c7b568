"""With ``--output json`` standard output holds one JSON document, whatever a command does."""

from __future__ import annotations

import datetime
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from srectl import runbooks
from srectl.cli import cli
from srectl.commands import times
from srectl.operate import queues
from srectl.operate.account import Account
from tests.support import shipped

ID = "0f3c0c0e-6a3b-5d0e-9a55-2f1f4f0e8b11"
Put = Callable[..., dict[str, Any]]
ACTING = {
    "incidents acknowledge 0f3c --by ada": ["incident_id", "taken_by"],
    "ack 0f3c": ["incident_id", "taken_by"],
    "incidents erase 0f3c --yes": ["incident_id", "remains"],
    "incidents resolve 0f3c --reason x --by ada": ["closed_by", "closed_reason", "mttr_seconds"],
    "close 0f3c --reason x": ["closed_by", "closed_reason", "mttr_seconds"],
    "take 0f3c": ["stopped", "taken_by"],
    "release 0f3c": ["released_by"],
    "stop 0f3c": ["by", "stopped"],
    "mode observe": ["before", "mode", "parameter"],
    "runbooks ask CheckoutHighErrorRate": ["alerts", "before", "mode", "runbook"],
    "runbooks disable CheckoutHighErrorRate": ["alerts", "before", "mode", "runbook"],
    "runbooks enable CheckoutHighErrorRate --yes": ["alerts", "before", "mode", "runbook"],
    "runbooks publish": ["published", "table"],
}
READING = {
    "show": ["incident_id", "status"],
    "show 0f3c": ["incident_id", "status"],
    "incidents show 0f3c": ["incident_id", "status"],
    "alerts top": ["alerts", "incidents", "more", "since"],
    "handover": ["needs_somebody", "mode", "windows", "queues", "not_read"],
    "mode": ["mode"],
    "runbooks validate": ["actions_checked", "evidence_only", "runbooks"],
    "runbooks report": ["incidents", "more", "runbooks", "since"],
    "runbooks rbac": ["apiVersion", "items", "kind"],
    "doctor --checks": [],
    "incidents list": [],
    "maintenance list": [],
    "maintenance add --for 2h --reason x": [],
    "maintenance remove --all": [],
    "dlq list": [],
    "dlq show parked": [],
    "dlq redrive --all": [],
    "runbooks list": [],
    "runbooks actions": [],
    "runbooks answers": [],
}


@pytest.fixture
def platform(account: Account, put_incident: Put, monkeypatch: pytest.MonkeyPatch) -> Account:
    monkeypatch.setattr(queues, "WAIT_SECONDS", 0)
    monkeypatch.chdir(shipped.CHECKOUT)
    for name in queues.QUEUES.values():
        account.sqs.create_queue(QueueName=f"t-{name}")
    account.events.create_event_bus(Name=account.bus)
    runbooks.publish(account.dynamodb, account.runbooks_table, runbooks.load(shipped.RUNBOOKS))
    return account


def run(*words: str) -> Result:
    return CliRunner(mix_stderr=False, env={"SRECTL_PREFIX": "t-"}).invoke(cli, words)


@pytest.mark.usefixtures("platform")
@pytest.mark.parametrize(("command", "keys"), (ACTING | READING).items())
def test_it_is_one_document(put_incident: Put, command: str, keys: list[str]) -> None:
    put_incident(status="resolved" if "erase" in command else "escalated")
    told = run(*command.split(), "--output", "json")
    assert told.exit_code == 0, told.stderr
    document = json.loads(told.stdout)
    assert isinstance(document, dict if keys else list)
    assert set(keys) <= set(document) if keys else True


@pytest.mark.usefixtures("platform")
def test_who_is_a_program_has_to_have_agreed(account: Account, put_incident: Put) -> None:
    put_incident(status="resolved")
    told = run("incidents", "erase", "0f3c", "--json")
    assert (told.stdout, told.exit_code) == ("", 2)
    assert "say --yes" in json.loads(told.stderr)["error"]["message"]
    assert run("show", "0f3c").exit_code == 0


@pytest.mark.usefixtures("platform")
def test_a_post_mortem_says_where_it_is(put_incident: Put, tmp_path: Path) -> None:
    put_incident(status="resolved")
    told = json.loads(
        run("incidents", "postmortem", ID, "--to", str(tmp_path), "--output", "json").stdout
    )
    assert sorted(told["files"]) == sorted(str(path) for path in tmp_path.iterdir())
    assert told["open_questions"] > 0


@pytest.mark.usefixtures("platform")
def test_times_are_those_of_this_machine_with_utc_beside(
    put_incident: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_incident(escalated_at="2026-11-23T23:25:00.000Z")
    monkeypatch.setenv("TZ", "Europe/Vienna")
    time.tzset()
    try:
        shown = run("show", ID).stdout
        listed = run("incidents", "list").stdout
        document = json.loads(run("show", ID, "--json").stdout)
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()
    assert "started     2026-11-23 16:14:52 CET (15:14:52 UTC)" in shown
    assert "escalated   2026-11-24 00:25:00 CET (2026-11-23 23:25:00 UTC)" in shown
    assert "2026-11-23 16:14:52 CET (15:14:52 UTC)" in listed
    assert document["timestamp"] == "2026-11-23T15:14:52.704Z"


def test_a_time_that_is_none_stays_as_it_is() -> None:
    assert times.when("last \x1b[2Jnight") == "last  [2Jnight"
    at = datetime.datetime(2026, 11, 23, 15, 14, tzinfo=datetime.UTC)
    assert times.when(at) == times.when("2026-11-23T15:14:00Z") == "2026-11-23 15:14:00 UTC"


def test_a_window_without_an_end_is_told_east_of_greenwich_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert times.when("9999-12-31T23:59:59Z") == "9999-12-31 23:59:59 UTC"
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()
