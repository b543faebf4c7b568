"""Taking over, stopping, giving back and closing: once, told, and in the record by name."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from click.testing import Result
from jsonschema import Draft202012Validator

from srectl.errors import CommandFailed
from srectl.operate import incidents, stopping
from srectl.operate.account import Account
from tests.support.template import ROOT

ID = "0f3c0c0e-6a3b-5d0e-9a55-2f1f4f0e8b11"
OTHER = "9abc0c0e-6a3b-5d0e-9a55-2f1f4f0e8b13"
ROLE = "arn:aws:iam::123456789012:role/t"
NOW = datetime.datetime(2026, 11, 28, 7, tzinfo=datetime.UTC)
Put = Callable[..., dict[str, Any]]
Run = Callable[..., Result]
Heard = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def runs(account: Account, put_incident: Put) -> str:
    """Have a runbook at work with a step under way; give its execution."""
    for name in ("t-remediation-step", "t-incident-response-runbook"):
        account.states.create_state_machine(name=name, definition='{"StartAt": "A"}', roleArn=ROLE)
    execution: str = account.states.start_execution(stateMachineArn=account.runbook_arn)[
        "executionArn"
    ]
    for incident_id in (ID, OTHER):
        account.states.start_execution(
            stateMachineArn=account.step_arn, name=f"{incident_id}-1-execute-1795466889000"
        )
    account.dynamodb.put_item(
        TableName=account.guard_table,
        Item={"guard_key": {"S": f"incident#{ID}"}, "runbook_execution": {"S": execution}},
    )
    put_incident(status="remediating", runbook_execution=execution)
    return execution


@pytest.fixture
def recorded(
    account: Account, put_incident: Put, runs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Let the record follow the end of its runbook, as incident-recorder has it follow."""
    read = incidents.read

    def follow(*asked: Any) -> dict[str, Any]:
        found = read(*asked)
        status = account.states.describe_execution(executionArn=runs)["status"]
        if status == "ABORTED" and found["status"] == "remediating":
            kept = {key: value for key, value in found.items() if key != "status"}
            found = put_incident(**kept, status="escalated", abandoned=runs)
        return found

    monkeypatch.setattr(incidents, "read", follow)


def record(account: Account) -> dict[str, Any]:
    return incidents.read(account.dynamodb, account.incidents_table, ID)


def statuses(account: Account) -> dict[str, str]:
    found = account.states.list_executions(stateMachineArn=account.step_arn)["executions"]
    return {each["name"][:4]: each["status"] for each in found}


@pytest.mark.usefixtures("recorded")
def test_a_runbook_is_stopped_with_its_step_and_the_record_says_by_whom(
    account: Account, srectl: Run, runs: str
) -> None:
    answer = srectl("stop", "0f3c", "--reason", "sale is on")
    assert answer.exit_code == 0, answer.output
    assert account.states.describe_execution(executionArn=runs)["status"] == "ABORTED"
    assert statuses(account) == {"0f3c": "ABORTED", "9abc": "RUNNING"}
    found = record(account)
    assert (found["stopped_by"], found["stopped_because"]) == (account.caller, "sale is on")
    assert (found["stopped_execution"], found["stopped_step"]) == (runs, 1)
    assert "nothing had been changed: it had nothing in hand yet" in answer.output
    assert "half-changed" not in answer.output
    shown = srectl("show", "0f3c").output
    assert re.search(rf"{account.caller}, (\S+ )?\d\d:\d\d:\d\d UTC: sale is on", shown)
    again = srectl("stop", "0f3c", "--json")
    assert json.loads(again.output)["stopped"] is False
    assert record(account)["stopped_because"] == "sale is on"


@pytest.mark.usefixtures("recorded")
def test_a_reason_that_is_given_after_the_stop_is_noted_of_who_stopped_it(
    account: Account, srectl: Run, runs: str
) -> None:
    assert srectl("stop", "0f3c", "--reason", "").exit_code == 0
    assert record(account)["stopped_execution"] == runs
    answer = " ".join(srectl("stop", "0f3c", "--reason", "looking myself").output.split())
    assert answer.startswith("no runbook is at work on incident")
    assert answer.endswith("; the reason is noted")
    assert record(account)["stopped_because"] == "looking myself"
    others = srectl("stop", "0f3c", "--reason", "me, too", "--by", "grace")
    assert " ".join(others.output.split()).endswith(", so no reason is noted")
    assert record(account)["stopped_because"] == "looking myself"


@pytest.mark.usefixtures("recorded")
def test_whoever_takes_it_has_it_and_the_runbook_ends(
    account: Account, srectl: Run, runs: str, heard: Heard
) -> None:
    answer = srectl("take", "0f3c", "--json")
    assert json.loads(answer.output) == {
        "incident_id": ID,
        "stopped": True,
        "taken_by": account.caller,
    }
    assert account.states.describe_execution(executionArn=runs)["status"] == "ABORTED"
    found = record(account)
    assert (found["status"], found["acknowledged_by"]) == ("escalated", account.caller)
    [event] = heard()
    assert event["detail-type"] == "incident.acknowledged"
    assert json.loads(srectl("take", "0f3c", "--json").output)["stopped"] is False


def test_what_somebody_else_has_is_neither_taken_nor_stopped(
    account: Account, put_incident: Put, srectl: Run, runs: str, heard: Heard
) -> None:
    put_incident(
        status="remediating", runbook_execution=runs, acknowledged_by="bob", acknowledged_at="then"
    )
    answer = srectl("take", "0f3c")
    assert answer.exit_code == 1
    assert "in the hands of bob since then" in answer.output
    assert account.states.describe_execution(executionArn=runs)["status"] == "RUNNING"
    assert heard() == []
    put_incident(acknowledged_by="bob", acknowledged_at="then")
    account.states.stop_execution(executionArn=runs)
    assert srectl("take", "0f3c", "--from-others").exit_code == 0
    assert record(account)["acknowledged_by"] == account.caller


@pytest.mark.usefixtures("recorded")
def test_what_somebody_else_has_is_not_stopped_over_his_head(
    account: Account, put_incident: Put, srectl: Run, runs: str
) -> None:
    held = {"acknowledged_by": "bob", "acknowledged_at": "then"}
    put_incident(status="remediating", runbook_execution=runs, **held)
    answer = srectl("stop", "0f3c")
    assert answer.exit_code == 1
    assert "in the hands of bob since then" in answer.output
    assert "with --from-others it is done all the same" in answer.output
    assert account.states.describe_execution(executionArn=runs)["status"] == "RUNNING"
    assert "stopped_by" not in record(account)
    assert srectl("stop", "0f3c", "--from-others").exit_code == 0
    assert account.states.describe_execution(executionArn=runs)["status"] == "ABORTED"


@pytest.mark.parametrize("command", [("close",), ("incidents", "resolve")])
def test_what_somebody_else_has_is_not_closed_over_his_head(
    account: Account, put_incident: Put, srectl: Run, heard: Heard, command: tuple[str, ...]
) -> None:
    put_incident(acknowledged_by="bob", acknowledged_at="then")
    answer = srectl(*command, "0f3c", "--reason", "done")
    assert answer.exit_code == 1
    assert "in the hands of bob since then" in answer.output
    assert record(account)["status"] == "escalated"
    assert heard() == []
    assert srectl(*command, "0f3c", "--reason", "done", "--from-others").exit_code == 0
    assert record(account)["closed_by"] == account.caller


def test_what_somebody_has_taken_meanwhile_is_not_closed_over_his_head(
    account: Account, put_incident: Put, srectl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_incident()
    read, seen = incidents.read, []

    def late(*asked: Any) -> dict[str, Any]:
        found = read(*asked)
        seen.append(found)
        if len(seen) == 2:  # once for what is closed already, once for whose it is
            put_incident(acknowledged_by="bob", acknowledged_at="then")
        return found

    monkeypatch.setattr(incidents, "read", late)
    answer = srectl("close", "0f3c", "--reason", "done")
    assert answer.exit_code == 1
    assert "in the hands of bob since then" in answer.output
    assert read(account.dynamodb, account.incidents_table, ID)["status"] == "escalated"


def test_what_is_given_back_is_nobodys_and_waits_again(
    account: Account, put_incident: Put, srectl: Run, heard: Heard
) -> None:
    put_incident()
    assert "nobody had incident" in srectl("release", "0f3c").output
    put_incident(acknowledged_by="bob", acknowledged_at="then")
    refused = srectl("release", "0f3c")
    assert (refused.exit_code, "in the hands of bob" in refused.output) == (1, True)
    assert srectl("release", "0f3c", "--from-others").exit_code == 0
    found = record(account)
    assert "acknowledged_by" not in found
    assert found["released_by"] == account.caller
    [event] = heard()
    assert event["detail-type"] == "incident.released"
    schema = json.loads((ROOT / "events/schemas/incident.released.json").read_text("utf-8"))
    Draft202012Validator(schema).validate(event["detail"])


@pytest.mark.parametrize("last", ["escalated_at", "acknowledged_at", "released_at"])
def test_what_is_given_back_by_a_clock_that_is_behind_is_a_later_call_than_the_last(
    account: Account, put_incident: Put, srectl: Run, heard: Heard, last: str
) -> None:
    ahead = "2999-12-31T23:59:59.999Z"
    put_incident(
        **{"acknowledged_by": "bob", "escalated_at": "2026-11-23T15:20:00.000Z", last: ahead}
    )
    assert srectl("release", "0f3c", "--from-others").exit_code == 0
    assert record(account)["released_at"] == "3000-01-01T00:00:00.000Z"
    [event] = heard()
    assert event["detail"]["metadata"]["occurred_at"] == "3000-01-01T00:00:00.000Z"


@pytest.mark.parametrize("command", ["take", "release", "stop"])
def test_what_is_over_is_left_alone(put_incident: Put, srectl: Run, command: str) -> None:
    put_incident(status="resolved")
    answer = srectl(command, "0f3c")
    assert answer.exit_code == 1
    assert "is over" in answer.output


def test_a_record_that_does_not_follow_is_said(
    account: Account, srectl: Run, runs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stopping, "_WAIT_SECONDS", 0.0)
    answer = srectl("stop", "0f3c")
    assert answer.exit_code == 1
    assert "is stopped, but its record still says remediating" in answer.output


def test_whoever_closes_it_stands_in_the_record_by_arn(
    account: Account, put_incident: Put, srectl: Run, heard: Heard
) -> None:
    put_incident()
    assert srectl("close", "0f3c", "--reason", "rolled back", "--by", "ada").exit_code == 0
    closed = record(account)
    assert closed["closed_by"] == f"{account.caller} (as ada)"
    [event] = heard()
    assert event["detail-type"] == "incident.closed"
    again = srectl("close", "0f3c", "--reason", "something else")
    assert again.exit_code == 0
    assert f"is already closed by {account.caller} (as ada)" in again.output
    assert "UTC: rolled back" in again.output
    assert (record(account), heard()) == (closed, [])


@pytest.mark.usefixtures("recorded")
def test_no_secret_in_a_reason_is_kept_or_told(
    account: Account, srectl: Run, runs: str, heard: Heard
) -> None:
    why = "new pass\u200bword=hunter2hunter2"
    assert srectl("take", "0f3c", "--reason", why).exit_code == 0
    assert srectl("close", "0f3c", "--reason", why).exit_code == 0
    found = record(account)
    said = [event["detail"]["data"]["because"] for event in heard()]
    kept = [found[f"{what}_because"] for what in ("acknowledged", "stopped")]
    assert [*said, *kept, found["closed_reason"]] == ["new password=[redacted]"] * 5
    assert "hunter2" not in json.dumps(
        [found, account.states.describe_execution(executionArn=runs)], default=str
    )


@pytest.mark.parametrize("nothing", ["\u200b", " \u3164 "])
def test_a_reason_that_nobody_sees_is_none(put_incident: Put, srectl: Run, nothing: str) -> None:
    put_incident()
    answer = srectl("close", "0f3c", "--reason", nothing)
    assert answer.exit_code == 1
    assert "is closed with a reason" in answer.output


def test_what_ended_by_itself_was_closed_by_nobody(put_incident: Put, srectl: Run) -> None:
    put_incident(status="resolved")
    answer = srectl("close", "0f3c", "--reason", "rolled back")
    assert answer.exit_code == 1
    assert "is resolved, not escalated" in answer.output


def test_a_stop_that_is_refused_is_not_on_record(
    account: Account, srectl: Run, runs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: object) -> None:
        error = {"Error": {"Code": "AccessDeniedException", "Message": "no"}}
        raise ClientError(error, "StopExecution")  # type: ignore[arg-type]

    monkeypatch.setattr(account.states, "stop_execution", refuse)
    with pytest.raises(CommandFailed, match="could not be stopped"):
        stopping.stop(account, ID, "ada", "", NOW)
    assert not {each for each in record(account) if each.startswith("stopped_")}


def test_a_runbook_that_comes_to_its_own_end_was_not_stopped(
    account: Account, runs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It escalates at this moment, say: nobody waits for a record that will not follow."""
    describe = account.states.describe_execution
    ended = []

    def end(**asked: Any) -> dict[str, Any]:
        ended.append(asked["executionArn"])
        return {}

    def status(**asked: Any) -> Any:
        found = describe(executionArn=asked["executionArn"])
        return {**found, "status": "SUCCEEDED"} if asked["executionArn"] in ended else found

    monkeypatch.setattr(account.states, "stop_execution", end)
    monkeypatch.setattr(account.states, "describe_execution", status)
    assert stopping.stop(account, ID, "ada", "", NOW) is False
    assert not {each for each in record(account) if each.startswith("stopped_")}


@pytest.mark.parametrize(
    ("approval", "said"),
    [
        ({}, "perhaps half-changed"),
        (
            {"requested_at": "2026-11-28T06:59:00Z", "step": 1},
            "by its record nothing had been changed: it only waited for an answer",
        ),
    ],
    ids=["acts", "asks"],
)
@pytest.mark.usefixtures("recorded")
def test_what_a_stopped_runbook_did_is_said_as_its_record_has_it(
    account: Account,
    put_incident: Put,
    srectl: Run,
    runs: str,
    approval: dict[str, Any],
    said: str,
) -> None:
    steps = [{"index": 1, "action": "restart_deployment", "target": {}}]
    in_hand = json.dumps({"runbook": "R", "of": 1, "locks": [], "steps": steps})
    put_incident(status="remediating", runbook_execution=runs, in_hand=in_hand, approval=approval)
    answer = " ".join(srectl("stop", "0f3c").output.split())
    assert said in answer
    assert "srectl undo 0f3c0c0e" in answer
