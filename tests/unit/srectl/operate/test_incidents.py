"""Reading and closing incident records."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from click.testing import Result

from runbook_action.adapters.place_table import PlaceTable
from srectl.errors import CommandFailed
from srectl.operate import incidents
from srectl.operate.account import Account

ID = "0f3c0c0e-6a3b-5d0e-9a55-2f1f4f0e8b11"
STARTED = "2026-11-23T15:14:52.704Z"
NOW = datetime.datetime(2026, 11, 23, 16, 14, 52, tzinfo=datetime.UTC)
Put = Callable[..., dict[str, Any]]
Run = Callable[..., Result]


def json_of(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_the_latest_incidents_of_all_statuses_come_first(
    account: Account, put_incident: Put, srectl: Run
) -> None:
    for number, status in enumerate(["open", "resolved", "escalated", "remediating", "resolved"]):
        put_incident(
            incident_id=f"i{number}", status=status, timestamp=f"2026-11-23T15:0{number}:00.000Z"
        )
    listed = json_of(srectl("incidents", "list", "--limit", "3", "--json"))
    assert [one["incident_id"] for one in listed] == ["i4", "i3", "i2"]
    resolved = json_of(srectl("incidents", "list", "--status", "resolved", "--json"))
    assert [one["incident_id"] for one in resolved] == ["i4", "i1"]


def test_the_story_tells_plan_result_undo_and_escalation(put_incident: Put, srectl: Run) -> None:
    plan = [
        {"kind": "Deployment", "name": "checkout", "field": "replicas", "from": 3, "to": 5},
    ]
    put_incident(
        escalation_reason="The alert had not resolved 300 seconds after stabilization.",
        escalated_at="2026-11-23T15:25:00.000Z",
        attached_to="the-incident-it-joined",
        mttr_seconds=Decimal(754),
        resolved_at=Decimal(1763911646),
        links={"dashboard": "https://grafana.example/d/1"},
        warnings={"severity 'purple' is not known, [warning] assumed"},
        actions_taken=[
            {
                "operation": "execute",
                "action": "scale_deployment",
                "status": "succeeded",
                "started_at": "2026-11-23T15:16:00.000Z",
                "summary": "Scaled to five.",
                "target": "{}",
                "result": json.dumps({"plan": plan, "undo": {"action": "x", "replicas": 3}}),
                "error": None,
                "approved_by": "ada",
            },
            {
                "operation": "undo",
                "action": "scale_deployment",
                "status": "failed",
                "started_at": "2026-11-23T15:24:00.000Z",
                "summary": "The undo failed.",
                "target": "{}",
                "result": "{}",
                "error": json.dumps({"name": "ClusterUnreachable", "message": "no answer"}),
            },
        ],
    )
    told = srectl("incidents", "show", ID)
    assert told.exit_code == 0, told.output
    for part in (
        "had not resolved 300 seconds",
        "the-incident-it-joined",
        "0:12:34",
        "Deployment checkout: replicas 3 → 5",
        "undo: x with replicas 3",
        "approved by ada",
        "ClusterUnreachable: no answer",
        "https://grafana.example/d/1",
        "apps/deployment/checkout",
        "severity 'purple' is not known, [warning] assumed",
    ):
        assert part in told.output


def test_text_of_an_alert_is_neither_markup_nor_terminal_control(
    put_incident: Put, srectl: Run
) -> None:
    put_incident(alert_name="[red]x[/] \\", summary="[/nope] \x1b[2J\nfaked line \u202e")
    for command in (("incidents", "show", ID), ("incidents", "list")):
        told = srectl(*command)
        assert told.exit_code == 0, told.output
        assert "[red]x[/] \\" in told.output
        assert "\x1b" not in told.output
        assert "\u202e" not in told.output
    assert "[/nope]  [2J faked line" in srectl("incidents", "show", ID).output


@pytest.mark.parametrize(
    ("record", "told"),
    [
        ({"status": "remediating"}, "its runbook is at work"),
        ({"status": "remediating", "attached_to": "another"}, "of incident another"),
        ({"status": "escalated"}, "nothing was done"),
    ],
)
def test_a_record_without_a_step_says_why(
    put_incident: Put, srectl: Run, record: dict[str, str], told: str
) -> None:
    put_incident(**record, actions_taken=[])
    shown = srectl("incidents", "show", ID).output
    assert told in shown
    assert ("nothing was done" in shown) == (told == "nothing was done")


def test_a_child_names_its_cause_until_it_is_let_go(put_incident: Put, srectl: Run) -> None:
    put_incident(status="open", caused_by="the-node", actions_taken=[])
    shown = srectl("incidents", "show", ID).output
    assert "child of    the-node" in shown
    assert "it waits for incident the-node, which it hangs on" in shown
    assert "open child" in srectl("incidents", "list").output
    put_incident(status="remediating", caused_by="the-node", let_go_at="2026-11-23T16:00:00Z")
    assert "child of    the-node, let go at 2026-11-23 16:00:00 UTC" in (
        srectl("incidents", "show", ID).output
    )
    assert "child" not in srectl("incidents", "list").output


def test_who_never_hung_on_what_was_taken_for_its_cause_is_told_so(
    put_incident: Put, srectl: Run
) -> None:
    cause = {"incident_id": "the-node", "timestamp": "2026-11-23T15:10:00Z", "status": "resolved"}
    later = {"caused_by": "the-node", "let_go_at": "2026-11-23T15:16:00Z"}
    put_incident(**later)
    began = int(datetime.datetime.fromisoformat(STARTED).timestamp())
    for ended, told in (
        (began, "the-node, let go at 2026-11-23 15:16:00 UTC"),
        (began - 1, "none; taken for one of the-node until 2026-11-23 15:16:00 UTC: that had"),
    ):
        put_incident(**cause, resolved_at=Decimal(ended))
        assert f"child of {told}" in " ".join(srectl("show", ID).output.split())


def test_a_cause_tells_how_many_hang_on_it(put_incident: Put, srectl: Run) -> None:
    put_incident(children={f"c{number}" for number in range(5)})
    assert "children    5: c0, c1, c2 and 2 more" in srectl("incidents", "show", ID).output
    (listed,) = json_of(srectl("incidents", "list", "--json"))
    assert listed["children"] == ["c0", "c1", "c2", "c3", "c4"]


def test_what_the_labels_name_is_shown_where_it_is_no_target(
    put_incident: Put, srectl: Run
) -> None:
    nothing = {"cluster": "prod", "namespace": "apps", "kind": None, "name": None}
    put_incident(target=nothing, subject="apps/parcels-7d9f-x")
    for command in (("incidents", "list"), ("incidents", "show", ID)):
        assert "apps/parcels-7d9f-x" in srectl(*command).output


def test_the_token_of_an_approval_is_never_shown(put_incident: Put, srectl: Run) -> None:
    put_incident(status="remediating", approval={"token": "s3cret", "plan": "[]"})
    for command in (
        ("incidents", "show", ID),
        ("incidents", "show", ID, "--json"),
        ("incidents", "list", "--json"),
    ):
        told = srectl(*command)
        assert told.exit_code == 0
        assert "s3cret" not in told.output


def test_an_unknown_incident_is_named_with_what_to_do(account: Account) -> None:
    with pytest.raises(CommandFailed, match="no incident 'nope'") as caught:
        incidents.read(account.dynamodb, account.incidents_table, "nope")
    assert "srectl incidents list" in caught.value.hint


@pytest.mark.usefixtures("account")
def test_a_table_that_is_not_there_points_to_the_prefix() -> None:
    account = Account("other-")
    with pytest.raises(CommandFailed, match="other-sre-incidents") as caught:
        incidents.find(account.dynamodb, account.incidents_table)
    assert "--prefix" in caught.value.hint


def test_a_stack_that_stands_by_has_the_table_of_the_other_region(
    account: Account, put_incident: Put, srectl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_incident()
    monkeypatch.setenv("SRECTL_INCIDENTS_TABLE", account.incidents_table)
    answer = srectl("incidents", "list", "--prefix", "west-")
    assert answer.exit_code == 0, answer.output
    assert ID[:8] in answer.output


def test_a_human_closes_an_escalated_incident_with_name_and_reason(
    account: Account, put_incident: Put
) -> None:
    put_incident()
    closed = incidents.resolve(account, ID, "ada", "fixed by hand", NOW)
    assert closed["status"] == "resolved"
    assert (closed["closed_by"], closed["closed_reason"]) == ("ada", "fixed by hand")
    assert closed["closed_at"] == "2026-11-23T16:14:52Z"
    assert closed["resolved_at"] == int(NOW.timestamp())
    assert closed["mttr_seconds"] == 3599


def test_what_a_stopped_runbook_left_is_closed_by_hand(account: Account, put_incident: Put) -> None:
    put_incident(in_flight="arn:1", abandoned="arn:1")
    closed = incidents.resolve(account, ID, "ada", "x", NOW)
    assert closed["status"] == "resolved"


def test_the_end_that_the_alert_itself_told_stays(account: Account, put_incident: Put) -> None:
    put_incident(resolved_at=Decimal(17), mttr_seconds=Decimal(3))
    closed = incidents.resolve(account, ID, "ada", "x", NOW)
    assert (closed["resolved_at"], closed["mttr_seconds"]) == (17, 3)


def _known_end(account: Account) -> int | None:
    """When it ended, as the function reads it that looks for the cause of what begins later."""
    return PlaceTable(account.dynamodb, account.guard_table).ended(ID)


def test_what_begins_later_knows_that_it_was_closed(account: Account, put_incident: Put) -> None:
    put_incident(expires_at=Decimal(99))
    at = NOW.replace(microsecond=250_000)
    incidents.resolve(account, ID, "ada", "fixed by hand", at)
    assert _known_end(account) == round(at.timestamp() * 1000)
    row = account.dynamodb.get_item(
        TableName=account.guard_table, Key={"guard_key": {"S": f"incident#{ID}"}}
    )["Item"]
    assert (row["expires_at"]["N"], row["incident_timestamp"]["S"]) == ("99", STARTED)


def test_an_end_that_the_recorder_has_written_stays_as_it_is(
    account: Account, put_incident: Put
) -> None:
    put_incident()
    row = {"guard_key": {"S": f"incident#{ID}"}, "ended": {"N": "17"}, "expires_at": {"N": "5"}}
    account.dynamodb.put_item(TableName=account.guard_table, Item=row)
    incidents.resolve(account, ID, "ada", "x", NOW)
    assert _known_end(account) == 17


class Refusing:
    """A client whose transactions are refused so many times because others write to the rows."""

    def __init__(self, client: Any, times: int) -> None:
        self._client, self.left = client, times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def transact_write_items(self, **arguments: Any) -> Any:
        if self.left:
            self.left -= 1
            answer: Any = {
                "Error": {"Code": "TransactionCanceledException", "Message": "[None, Conflict]"},
                "CancellationReasons": [{"Code": "None"}, {"Code": "TransactionConflict"}],
            }
            raise self._client.exceptions.TransactionCanceledException(answer, "x")
        return self._client.transact_write_items(**arguments)


@pytest.mark.parametrize("times", [2, 3])
def test_others_who_write_to_it_at_the_same_moment_are_waited_for(
    account: Account, put_incident: Put, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    put_incident()
    monkeypatch.setattr(incidents, "_PAUSES", (0.0, 0.0, 0.0))
    monkeypatch.setitem(account.__dict__, "dynamodb", Refusing(account.dynamodb, times))
    if times == 2:
        assert incidents.resolve(account, ID, "ada", "x", NOW)["status"] == "resolved"
    else:
        with pytest.raises(CommandFailed, match="others are writing to it"):
            incidents.resolve(account, ID, "ada", "x", NOW)
        assert _known_end(account) is None


@pytest.mark.parametrize(
    ("record", "why"),
    [
        ({"status": "open"}, "is open, not escalated"),
        ({"status": "remediating"}, "is remediating, not escalated"),
        ({"status": "resolved"}, "is resolved, not escalated"),
        ({"in_flight": "arn:1"}, "is escalated, and worked on"),
    ],
)
def test_nothing_but_an_escalated_incident_is_closed_by_hand(
    account: Account, put_incident: Put, record: dict[str, str], why: str
) -> None:
    before = put_incident(**record)
    with pytest.raises(CommandFailed, match=why):
        incidents.resolve(account, ID, "ada", "x", NOW)
    assert incidents.read(account.dynamodb, account.incidents_table, ID) == before
    assert _known_end(account) is None


QUIET = {"status": "open", "severity": "info", "wakes": False, "alert_name": "CPUThrottlingHigh"}


def _published(account: Account, name: str, definition: dict[str, Any]) -> None:
    item = {"name": {"S": name}, "definition": {"S": json.dumps(definition)}}
    account.dynamodb.put_item(TableName=account.runbooks_table, Item=item)


def test_what_nothing_acts_on_says_why_by_the_catalogue(
    account: Account, put_incident: Put, srectl: Run
) -> None:
    put_incident(**QUIET)
    bare = " ".join(srectl("show", ID).output.split())
    assert "no runbook named CPUThrottlingHigh is in the catalogue" in bare
    _published(account, "CPUThrottlingHigh", {"evidence_only": "A [red]limit[/] is at work."})
    told = " ".join(srectl("show", ID).output.split())
    assert "nothing acts on it, as the catalogue is now: evidence only: A [red]limit[/] is" in told
    assert "nobody was called; it ends with its alert" in told
    put_incident(**{**QUIET, "wakes": True})
    assert "nothing acts on it" not in srectl("show", ID).output


def test_a_story_is_told_without_the_right_to_read_the_catalogue(
    account: Account, put_incident: Put, srectl: Run
) -> None:
    put_incident(**QUIET)
    account.dynamodb.delete_table(TableName=account.runbooks_table)
    shown = srectl("show", ID)
    assert shown.exit_code == 0, shown.output
    assert "why was not read: the catalogue could not be read" in shown.output


@pytest.mark.parametrize(
    ("record", "hint"),
    [
        (QUIET, "nobody was called for it: it ends with its alert"),
        ({"status": "open"}, "srectl dlq list"),
        ({"status": "remediating"}, f"'srectl take {ID}' stops its runbook and makes it yours"),
    ],
)
def test_what_is_not_closed_by_hand_is_hinted_as_help_says_it(
    put_incident: Put, srectl: Run, record: dict[str, Any], hint: str
) -> None:
    put_incident(**record)
    answer = srectl("close", ID, "--reason", "x")
    assert answer.exit_code == 1
    assert hint in " ".join(answer.output.split())


def test_links_stay_whole_and_what_takes_a_step_back_is_said_in_words(
    put_incident: Put, srectl: Run
) -> None:
    address = "https://grafana.example/" + "d/long-path-" * 40
    undo = {"action": "scale_workload", "parameters": {"replicas": 3, "kind": "deployment"}}
    step = {
        "operation": "execute",
        "action": "scale_workload",
        "status": "succeeded",
        "result": json.dumps({"undo": undo}),
    }
    put_incident(links={"dashboard": address}, actions_taken=[step])
    told = srectl("show", ID).output
    assert f"  dashboard: {address}\n" in told
    assert "undo: scale_workload with replicas 3, kind deployment\n" in told


def test_a_program_reads_every_time_in_iso_8601_and_the_table_keeps_its_own(
    account: Account, put_incident: Callable[..., dict[str, Any]], srectl: Callable[..., Result]
) -> None:
    put_incident(status="resolved", resolved_at=1795872675, expires_at=1803648675)
    [listed] = json.loads(srectl("incidents", "list", "--json").output)
    shown = json.loads(srectl("show", ID, "--json").output)
    for record in (listed, shown):
        assert (record["resolved_at"], record["expires_at"]) == (
            "2026-11-28T13:31:15Z",
            "2027-02-26T13:31:15Z",
        )
    kept = incidents.read(account.dynamodb, account.incidents_table, ID)
    assert (kept["resolved_at"], kept["expires_at"]) == (1795872675, 1803648675)
