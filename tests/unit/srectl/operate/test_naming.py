"""An incident is meant by the beginning of its id, or is the worst that needs somebody."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result
from rich.console import Console
from rich.table import Table

from srectl.commands import display
from srectl.errors import CommandFailed
from srectl.operate import naming
from srectl.operate.account import Account

A = "0f3c0c0e-6a3b-5d0e-9a55-2f1f4f0e8b11"
B = "0f3c77aa-0000-5d0e-9a55-2f1f4f0e8b12"
C = "9abc0c0e-6a3b-5d0e-9a55-2f1f4f0e8b13"
Put = Callable[..., dict[str, Any]]
Run = Callable[..., Result]


def meant(account: Account, given: str) -> str:
    return naming.full_id(account.dynamodb, account.incidents_table, given)


def test_enough_of_the_beginning_is_enough_whatever_the_status(
    account: Account, put_incident: Put
) -> None:
    put_incident(incident_id=A, status="resolved")
    put_incident(incident_id=B, status="open")
    put_incident(incident_id=C, status="remediating")
    assert meant(account, "0f3c0") == A
    assert meant(account, "0F3C77AA-0") == B
    assert meant(account, " 9abc… ") == C


def test_of_several_that_fit_none_is_taken_and_all_are_named(
    account: Account, put_incident: Put, srectl: Run
) -> None:
    put_incident(incident_id=A)
    put_incident(incident_id=B, status="open", alert_name="Fake\n\x1b[2J")
    with pytest.raises(CommandFailed, match="the beginning of 2 incidents") as caught:
        meant(account, "0f3c")
    assert f"  {A}  2026-11-23" in caught.value.message
    assert f"  {B}  2026-11-23" in caught.value.message
    assert "\x1b" not in caught.value.message
    answer = srectl("incidents", "resolve", "0f3c", "--reason", "settled")
    assert answer.exit_code == 1
    assert account.dynamodb.get_item(
        TableName=account.incidents_table,
        Key={"incident_id": {"S": A}, "timestamp": {"S": "2026-11-23T15:14:52.704Z"}},
    )["Item"]["status"] == {"S": "escalated"}


@pytest.mark.parametrize(
    ("given", "said"), [("0f3", "too short"), ("", "too short"), ("ffff", "begins with 'ffff'")]
)
def test_what_is_too_short_or_fits_none_is_refused(
    account: Account, put_incident: Put, given: str, said: str
) -> None:
    put_incident()
    with pytest.raises(CommandFailed, match=said) as caught:
        meant(account, given)
    assert "srectl incidents list" in caught.value.hint


def test_looking_is_bounded_and_a_whole_id_asks_nobody(
    account: Account, put_incident: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(naming, "LOOKED_AT", 2)
    for number, each in enumerate((A, B, C)):
        put_incident(incident_id=each, timestamp=f"2026-11-23T15:0{number}:00.000Z")
    assert meant(account, "9abc") == C
    with pytest.raises(CommandFailed, match="among the newest 2 of each status"):
        meant(account, "0f3c0")
    nobody = "ffffffff-6a3b-5d0e-9a55-2f1f4f0e8b13"
    assert naming.full_id(None, "none", nobody) == nobody  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "command",
    ["show", "evidence", "acknowledge", "resolve", "undo", "erase", "postmortem"],
)
def test_every_command_of_an_incident_takes_a_beginning(
    put_incident: Put, srectl: Run, command: str
) -> None:
    put_incident(incident_id=A)
    answer = srectl("incidents", command, "ffff", *(["--reason", "x"] * (command == "resolve")))
    assert answer.exit_code == 1
    assert isinstance(answer.exception, SystemExit)
    assert "no incident in table t-sre-incidents begins with 'ffff'" in answer.output


@pytest.mark.parametrize("command", ["approve", "deny"])
def test_whoever_answers_gives_a_beginning(put_incident: Put, srectl: Run, command: str) -> None:
    put_incident(incident_id=A)
    answer = srectl(command, "0f3c", *(["--reason", "x"] * (command == "deny")))
    assert f"nothing waits for approval: incident {A}" in answer.output


@pytest.mark.parametrize(
    ("status", "said"),
    [("resolved", "is resolved"), ("escalated", f"is escalated (End not heard: {'x' * 184}…)")],
)
def test_why_nothing_waits_is_said_in_short_and_of_one_that_is_over_not_at_all(
    put_incident: Put, srectl: Run, status: str, said: str
) -> None:
    put_incident(incident_id=A, status=status, escalation_reason=f"End not heard: {'x' * 700}")
    answer = " ".join(srectl("approve", "0f3c").output.split())
    assert f"incident {A} {said}" in answer
    assert ("End not heard" in answer) == (status == "escalated")


def test_show_alone_is_the_newest_that_needs_somebody(put_incident: Put, srectl: Run) -> None:
    assert srectl("show").output == "no incident needs anybody\n"
    assert json.loads(srectl("show", "--json").output) is None

    def shown() -> str:
        return str(json.loads(srectl("show", "--json").output)["incident_id"])

    put_incident(incident_id=A, timestamp="2026-11-23T15:00:00.000Z")
    put_incident(incident_id=C, timestamp="2026-11-23T15:09:00.000Z", status="open")
    assert shown() == A
    asks = {"token": "t", "runbook": "R", "requested_at": "2026-11-23T15:02:00.000Z"}
    put_incident(
        incident_id=B, timestamp="2026-11-23T15:01:00.000Z", status="remediating", approval=asks
    )
    assert shown() == B
    put_incident(
        incident_id=B,
        timestamp="2026-11-23T15:01:00.000Z",
        status="remediating",
        approval=asks,
        acknowledged_by="ada",
    )
    assert shown() == A
    put_incident(incident_id=A, timestamp="2026-11-23T15:00:00.000Z", acknowledged_by="bob")
    assert shown() == B
    assert json.loads(srectl("incidents", "show", "--json").output)["incident_id"] == B
    put_incident(incident_id=B, timestamp="2026-11-23T15:01:00.000Z", acknowledged_by="bob")
    assert srectl("show").output == "no incident needs anybody\n"


def test_show_alone_is_the_worst_of_a_flood_that_began_at_once(
    put_incident: Put, srectl: Run
) -> None:
    for number, severity in enumerate(["warning", "info", "critical", "warning"]):
        put_incident(incident_id=f"{A[:-1]}{number}", severity=severity)
    assert json.loads(srectl("show", "--json").output)["severity"] == "critical"
    later = "2026-11-23T15:20:00.000Z"
    put_incident(incident_id=C, severity="warning", timestamp=later)
    assert json.loads(srectl("show", "--json").output)["severity"] == "critical"
    put_incident(incident_id=B, timestamp=later)
    assert json.loads(srectl("show", "--json").output)["incident_id"] == B


def test_the_platforms_own_heartbeats_are_listed_only_where_they_are_asked_for(
    put_incident: Put, srectl: Run
) -> None:
    beats = {"alert_name": "PlatformCanary", "sender_name": "platform-canary", "status": "resolved"}
    for minute in range(10, 40):
        put_incident(
            **beats, incident_id=f"{C[:-2]}{minute}", timestamp=f"2026-11-23T16:{minute}:00.000Z"
        )
    put_incident(incident_id=A, status="resolved")

    def listed(*words: str) -> list[str]:
        answer = json.loads(srectl("incidents", "list", "--json", *words).output)
        return [each["incident_id"] for each in answer]

    assert listed("--limit", "1") == [A]
    assert listed() == [A]
    assert listed("--limit", "1", "--heartbeats") == [f"{C[:-2]}39"]
    beats["status"] = "escalated"
    put_incident(**beats, incident_id=B, timestamp="2026-11-23T16:50:00.000Z")
    assert json.loads(srectl("show", "--json").output) is None


def test_a_list_names_the_owner_as_people_know_him(put_incident: Put, srectl: Run) -> None:
    by = "arn:aws:sts::123456789012:assumed-role/OnCall/ada@example.com"
    put_incident(incident_id=A, acknowledged_by=by)
    put_incident(incident_id=B)
    head, *rows = srectl("incidents", "list").output.splitlines()
    assert head.split()[-1] == "owner"
    last = {row.split()[0]: row.split()[-1] for row in rows}
    assert last == {A[:8]: "ada@example.com", B[:8]: "sre-platform/apps/deployment/checkout"}


@pytest.mark.parametrize("width", [20, 60, 200])
def test_no_id_is_cut_by_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    written = io.StringIO()
    monkeypatch.setattr(display, "console", Console(file=written, width=width))
    table = Table("id", "alert", "target", box=None)
    table.add_row(A, "CheckoutHighErrorRate", "sre-platform/apps/deployment/checkout")
    display.print_table(table)
    for whole in (A, "CheckoutHighErrorRate", "sre-platform/apps/deployment/checkout"):
        assert whole in written.getvalue()


def test_a_list_has_as_much_of_an_id_as_tells_it_apart(put_incident: Put, srectl: Run) -> None:
    other = A[:9] + "ffff" + A[13:]
    put_incident(incident_id=A)
    assert f" {A[:8]} " in srectl("incidents", "list").output
    put_incident(incident_id=other)
    listed = srectl("incidents", "list").output
    assert f" {A[:10]} " in listed
    assert f" {other[:10]} " in listed
