"""srectl incidents undo: what a runbook left is found, asked for, and never from under it."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result
from jsonschema import Draft202012Validator

from srectl.console import timeline
from srectl.errors import CommandFailed
from srectl.operate import incidents, leftovers, undoing
from srectl.operate.account import Account
from srectl.postmortem.sources import Story
from srectl.postmortem.timeline import timeline as postmortem
from tests.support.template import ROOT, deployed

ID = "0f3c0c0e-6a3b-5d0e-9a55-2f1f4f0e8b11"
STARTED = "2026-11-23T15:14:52.704Z"
TARGET = {"cluster": "c", "namespace": "apps", "kind": "deployment", "name": "checkout"}
NOW = datetime.datetime(2026, 11, 23, 15, 30, tzinfo=datetime.UTC)
LOCKS = ["target#c#apps#deployment#checkout"]
Heard = Callable[[], list[dict[str, Any]]]


def step(index: int) -> dict[str, Any]:
    return {"index": index, "action": "scale_deployment", "target": TARGET, "parameters": {}}


def done(index: int, operation: str, status: str = "succeeded", **result: Any) -> dict[str, Any]:
    return {
        "operation": operation,
        "status": status,
        "step": {"index": index},
        "result": {"undo": result or None},
    }


def incident(*actions: dict[str, Any], status: str = "escalated", steps: int = 3) -> dict[str, Any]:
    in_hand = {
        "runbook": "Overload",
        "of": steps,
        "locks": LOCKS,
        "steps": [step(1 + index) for index in range(steps)],
    }
    return {
        "incident_id": ID,
        "timestamp": STARTED,
        "status": status,
        "alert_name": "CheckoutOverloaded",
        "severity": "critical",
        "target": TARGET,
        "in_hand": json.dumps(in_hand),
        "actions_taken": list(actions),
    }


def left(*actions: dict[str, Any]) -> list[tuple[int, Any]]:
    return [(each["step"]["index"], each["undo"]) for each in leftovers.left(incident(*actions))]


def test_what_was_done_or_perhaps_begun_is_left_newest_first() -> None:
    assert left() == [(3, None), (2, None), (1, None)]
    assert left(done(1, "execute", replicas=3)) == [(3, None), (2, None), (1, {"replicas": 3})]


@pytest.mark.parametrize("operation", ["undo", "restore"])
def test_what_is_taken_back_is_not_left_and_what_could_not_be_is(operation: str) -> None:
    both = (done(1, "execute"), done(2, "execute"))
    assert [index for index, _ in left(*both, done(2, operation))] == [3, 1]
    assert [index for index, _ in left(*both, done(2, operation, "failed"))] == [3, 2, 1]


def test_what_was_handed_over_to_nobody_is_left() -> None:
    handed = done(1, "restore", "skipped")
    handed["result"]["handed_over"] = True
    assert [index for index, _ in left(done(1, "execute"), handed)] == [3, 2, 1]


def test_the_restorer_is_asked_with_the_locks_and_the_stack_of_the_runbook() -> None:
    asked = undoing.asked(incident(done(1, "execute", replicas=3), steps=2))
    assert asked["locks"] == LOCKS
    assert [each["step"]["index"] for each in asked["stack"]] == [1, 2]
    assert asked["runbook"]["name"] == "Overload"
    assert asked["display"]["where"] == " on apps/checkout"
    assert "await_end" not in asked


@pytest.mark.parametrize(
    "at_work",
    [{"status": "open"}, {"status": "remediating"}, {"status": "escalated", "in_flight": "arn:1"}],
)
def test_what_a_runbook_works_on_is_left_to_it(at_work: dict[str, str]) -> None:
    with pytest.raises(CommandFailed, match=f"is {at_work['status']}: its runbook works on it"):
        undoing.asked({**incident(), **at_work})


def test_what_a_stopped_runbook_worked_on_is_not() -> None:
    stopped = {**incident(), "in_flight": "arn:1", "abandoned": "arn:1"}
    assert len(undoing.asked(stopped)["stack"]) == 3


STOPPED = {"in_flight": "arn:1", "abandoned": "arn:1", "abandoned_at": "2026-11-23T15:04:52.704Z"}
BY_NAME = {**STOPPED, "stopped_execution": "arn:1"}


@pytest.mark.parametrize(
    ("of_record", "waits"),
    [
        ({}, False),
        (STOPPED, True),
        ({**STOPPED, "abandoned_at": "yesterday"}, False),
        ({**STOPPED, "actions_taken": [done(each, "execute") for each in (1, 2, 3)]}, False),
        ({**BY_NAME, "stopped_step": 2}, True),
        (BY_NAME, False),
        ({**STOPPED, "stopped_execution": "arn:earlier"}, True),
    ],
    ids=[
        "at its end",
        "stopped with steps that have no word",
        "at no time",
        "with each step on record",
        "by name, while one acted",
        "by name, while none did",
        "after an earlier one was stopped by name",
    ],
)
def test_what_a_call_may_still_do_is_waited_for(of_record: dict[str, Any], waits: bool) -> None:
    asked = undoing.asked({**incident(), **of_record})
    assert asked.get("not_before") == ("2026-11-23T15:06:52+00:00" if waits else None)


def test_no_call_is_longer_than_what_is_waited_for() -> None:
    function = deployed()["Resources"]["RunbookActionFunction"]["Properties"]
    assert function["Timeout"] == leftovers.LONGEST_CALL_SECONDS


def test_where_nothing_is_left_that_is_said(
    put_incident: Callable[..., dict[str, Any]], srectl: Callable[..., Result]
) -> None:
    put_incident()
    result = srectl("incidents", "undo", ID, "--yes")
    assert result.exit_code == 1
    assert "nothing is left to be taken back" in result.output


class _Executions:
    """A Step Functions whose execution takes a while."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self._answers = list(answers)

    def describe_execution(self, **_: Any) -> dict[str, Any]:
        return self._answers.pop(0)


def ended(text: str) -> dict[str, Any]:
    return {"status": "SUCCEEDED", "output": json.dumps({"failure": {"text": text}})}


def test_its_end_is_waited_for_and_what_failed_is_said() -> None:
    for text in ("", "it did not come up"):
        states: Any = _Executions({"status": "RUNNING"}, ended(text))
        assert undoing.wait(states, "arn", 60, pause=lambda _: None) == text


def test_one_that_is_stopped_is_no_success() -> None:
    states: Any = _Executions({"status": "ABORTED"})
    with pytest.raises(CommandFailed, match="aborted"):
        undoing.wait(states, "arn", 60, pause=lambda _: None)


def test_the_record_shows_what_may_be_half_changed_and_what_to_type(
    put_incident: Callable[..., dict[str, Any]], srectl: Callable[..., Result]
) -> None:
    put_incident(in_hand=incident()["in_hand"], escalation_code="runbook-abandoned")
    shown = srectl("incidents", "show", ID).output
    assert "may be left half-changed" in shown
    assert "3. scale_deployment on c/apps/deployment/checkout" in shown
    assert f"srectl incidents undo {ID}" in shown


def test_what_was_taken_back_is_told_to_a_program(
    put_incident: Callable[..., dict[str, Any]],
    srectl: Callable[..., Result],
    account: Account,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put_incident(in_hand=incident()["in_hand"], restoration="restored")
    states = _Executions(ended(""))
    monkeypatch.setattr(Account, "states", states)
    begun = undoing.Begun("arn", [], account.caller, STARTED)
    monkeypatch.setattr(undoing, "start", lambda *_: begun)
    refused = srectl("undo", ID, "--json")
    assert refused.exit_code == 2
    told = srectl("undo", ID, "--yes", "--json")
    assert json.loads(told.output)["restoration"] == "restored"


@pytest.fixture
def restorer(account: Account, heard: Heard) -> Callable[[], list[dict[str, Any]]]:
    """Make the machine that takes back, and the bus; gives its executions."""
    assert heard() == []
    made = account.states.create_state_machine(
        name="t-incident-restorer",
        definition=json.dumps({"StartAt": "Over", "States": {"Over": {"Type": "Succeed"}}}),
        roleArn="arn:aws:iam::123456789012:role/machine",
    )["stateMachineArn"]
    assert made == account.restorer_arn
    states = account.states

    def executions() -> list[dict[str, Any]]:
        found = states.list_executions(stateMachineArn=made)["executions"]
        return [dict(each) for each in found]

    return executions


Executions = Callable[[], list[dict[str, Any]]]
Put = Callable[..., dict[str, Any]]


def given(put_incident: Put, **changes: Any) -> str:
    """Put an incident of which something is left; gives what names that."""
    return leftovers.state_of(put_incident(in_hand=incident()["in_hand"], **changes))


def begin(account: Account, by: str, shown: str, minutes: int = 0) -> undoing.Begun:
    at = NOW + datetime.timedelta(minutes=minutes)
    return undoing.start(account, ID, by, at, shown)


def moment_of(event: dict[str, Any]) -> str:
    return str(event["detail"]["metadata"]["occurred_at"])


def noted(account: Account) -> tuple[Any, ...]:
    record = incidents.read(account.dynamodb, account.incidents_table, ID)
    return tuple(record.get(f"undo_asked_{each}") for each in ("by", "at", "of"))


def test_who_has_it_taken_back_stands_in_the_record_as_from_the_card(
    account: Account, put_incident: Put, restorer: Executions
) -> None:
    shown = given(put_incident)
    begun = begin(account, "ada", shown)
    assert noted(account) == ("ada", "2026-11-23T15:30:00.000Z", shown)
    assert (begun.by, [each["step"]["index"] for each in begun.stack]) == ("ada", [3, 2, 1])
    (execution,) = restorer()
    # The button in Slack calls it the same, so that whoever presses that meanwhile begins none.
    assert (execution["executionArn"], execution["name"]) == (begun.execution, f"{ID}-undo-1")


def test_who_has_it_taken_back_is_told_and_told_as_the_same_by_who_asks_again(
    account: Account, put_incident: Put, restorer: Executions, heard: Heard
) -> None:
    shown = given(put_incident)
    begin(account, "ada", shown)
    begin(account, "grace", shown, minutes=1)
    assert len(restorer()) == 1
    told = heard()
    schema = json.loads((ROOT / "events/schemas/incident.undo-asked.json").read_text("utf-8"))
    for each in told:
        assert (each["detail-type"], each["source"]) == ("incident.undo-asked", "sre.operator")
        Draft202012Validator(schema).validate(each["detail"])
    said = [(each["detail"]["data"]["by"], moment_of(each)) for each in told]
    assert said == [("ada", "2026-11-23T15:30:00.000Z")] * 2


def test_what_the_bus_did_not_take_is_not_begun_and_told_by_the_next_attempt(
    account: Account,
    put_incident: Put,
    restorer: Executions,
    heard: Heard,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = given(put_incident)
    failed = {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure"}]}
    with monkeypatch.context() as away:
        away.setattr(account.events, "put_events", lambda **_: failed)
        with pytest.raises(CommandFailed) as refused:
            begin(account, "ada", shown)
    assert refused.value.message == (
        f"incident {ID} is noted as one to take back what its runbook left, but the bus refused to "
        "tell those who heard of it: InternalFailure"
    )
    # Begun, it could be over before anybody is told, and then nothing is left to ask for.
    assert (restorer(), heard()) == ([], [])
    assert noted(account)[0] == "ada"
    begin(account, "grace", shown, minutes=1)
    [event] = heard()
    assert event["detail"]["data"]["by"] == "ada"
    assert moment_of(event) == "2026-11-23T15:30:00.000Z"
    assert len(restorer()) == 1


def test_what_is_refused_is_told_to_nobody(
    account: Account, put_incident: Put, restorer: Executions, heard: Heard
) -> None:
    with pytest.raises(CommandFailed, match="by now something else is left"):
        begin(account, "ada", given(put_incident)[::-1])
    assert (restorer(), heard()) == ([], [])


def test_asked_again_it_is_the_one_that_is_under_way(
    account: Account, put_incident: Put, restorer: Executions
) -> None:
    shown = given(put_incident)
    first = begin(account, "ada", shown)
    second = begin(account, "grace", shown, minutes=1)
    assert (second.execution, second.by, second.at) == (first.execution, "ada", first.at)
    assert len(restorer()) == 1
    assert noted(account)[0] == "ada"


def test_one_that_ended_without_a_trace_is_begun_anew_by_who_asks_then(
    account: Account, put_incident: Put, restorer: Executions
) -> None:
    shown = given(put_incident)
    first = begin(account, "ada", shown)
    account.states.stop_execution(executionArn=first.execution)
    second = begin(account, "grace", shown, minutes=1)
    assert second.execution != first.execution
    assert second.by == "grace"
    assert sorted(each["status"] for each in restorer()) == ["ABORTED", "RUNNING"]
    assert noted(account)[:2] == ("grace", "2026-11-23T15:31:00.000Z")


def test_what_was_noted_and_never_begun_is_begun(
    account: Account, put_incident: Put, restorer: Executions
) -> None:
    shown = given(put_incident)
    asked = {"undo_asked_by": "ada", "undo_asked_at": STARTED, "undo_asked_of": shown}
    given(put_incident, **asked, undo_attempt=3)
    assert begin(account, "grace", shown).by == "ada"
    assert [each["name"] for each in restorer()] == [f"{ID}-undo-3"]


def test_of_two_at_once_one_is_noted_and_the_other_is_told(
    account: Account, put_incident: Put, restorer: Executions, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = given(put_incident)
    before = incidents.read(account.dynamodb, account.incidents_table, ID)
    begin(account, "ada", shown)
    reads = iter([before])  # as it was before the other one
    monkeypatch.setattr(undoing, "read", lambda *asked: next(reads, None) or incidents.read(*asked))
    assert begin(account, "grace", shown).by == "ada"
    assert len(restorer()) == 1
    assert noted(account)[0] == "ada"


def test_a_step_that_could_not_be_taken_back_begins_no_second_attempt_beside_the_first(
    account: Account, put_incident: Put, restorer: Executions
) -> None:
    begun = begin(account, "ada", given(put_incident))
    noted_so = incidents.read(account.dynamodb, account.incidents_table, ID)
    asked = {name: text for name, text in noted_so.items() if name.startswith("undo_")}
    now_left = given(
        put_incident, **asked, actions_taken=[{**done(3, "undo", "failed"), "action_id": "x"}]
    )
    for by in ("ada", "grace"):
        with pytest.raises(CommandFailed, match=r"what ada has taken back .* is still under way"):
            begin(account, by, now_left)
    assert len(restorer()) == 1
    account.states.stop_execution(executionArn=begun.execution)
    again = begin(account, "grace", now_left)
    assert len(restorer()) == 2
    told = account.states.describe_execution(executionArn=again.execution)["input"]
    assert json.loads(told)["ended"] == [begun.execution]
    assert noted(account)[0] == "grace"


def test_what_the_record_does_not_tell_yet_is_not_done_twice(
    account: Account, put_incident: Put, restorer: Executions, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = given(put_incident)
    first = begin(account, "ada", shown)
    over = {"status": "SUCCEEDED", "output": json.dumps({"failure": {"code": ""}})}
    monkeypatch.setattr(undoing, "_found", lambda _, name: over if "undo" in name else None)
    assert begin(account, "grace", shown) == first
    gave_up = {**over, "output": json.dumps({"failure": {"code": "restore-failed"}})}
    monkeypatch.setattr(undoing, "_found", lambda _, name: gave_up if "undo" in name else None)
    assert begin(account, "grace", shown).by == "grace"
    assert len(restorer()) == 2


def test_of_what_the_record_is_never_told_one_more_attempt_is_begun_by_whoever_asks_first(
    account: Account, put_incident: Put, restorer: Executions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The events of the steps were lost; two ask ten minutes later, of whom one has read before."""
    shown = given(put_incident)
    first = begin(account, "ada", shown)
    before = incidents.read(account.dynamodb, account.incidents_table, ID)
    output = json.dumps({"failure": {"code": ""}})
    over = {"status": "SUCCEEDED", "output": output, "stopDate": NOW}
    found = undoing._found

    def told(of: Account, name: str) -> Any:
        return over if name.endswith("undo-1") else found(of, name)

    monkeypatch.setattr(undoing, "_found", told)
    assert begin(account, "grace", shown, minutes=9) == first
    assert begin(account, "grace", shown, minutes=10).by == "grace"
    reads = iter([before])
    monkeypatch.setattr(undoing, "read", lambda *asked: next(reads, None) or incidents.read(*asked))
    assert begin(account, "linus", shown, minutes=10).by == "grace"
    assert sorted(each["name"] for each in restorer()) == [f"{ID}-undo-1", f"{ID}-undo-2"]


def test_what_was_asked_for_before_attempts_had_numbers_is_known(
    account: Account, put_incident: Put, restorer: Executions
) -> None:
    shown = given(put_incident)
    asked = {"undo_asked_by": "ada", "undo_asked_at": STARTED, "undo_asked_of": shown}
    given(put_incident, **asked)
    account.states.start_execution(
        stateMachineArn=account.restorer_arn, name=f"{ID}-undo-{shown}", input="{}"
    )
    assert begin(account, "grace", shown).by == "ada"
    assert len(restorer()) == 1


def test_something_else_than_was_shown_is_not_taken_back(
    account: Account, put_incident: Put, restorer: Executions
) -> None:
    shown = given(put_incident)
    given(put_incident, actions_taken=[{**done(3, "undo", "failed"), "action_id": "x"}])
    with pytest.raises(CommandFailed, match="by now something else is left"):
        begin(account, "ada", shown)
    assert restorer() == []
    assert noted(account) == (None, None, None)


def test_a_runbook_that_begins_meanwhile_is_left_to_its_work(
    account: Account, put_incident: Put, restorer: Executions, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = given(put_incident)
    before = incidents.read(account.dynamodb, account.incidents_table, ID)
    given(put_incident, in_flight="arn:1")
    reads = iter([before])
    monkeypatch.setattr(undoing, "read", lambda *asked: next(reads, None) or incidents.read(*asked))
    with pytest.raises(CommandFailed, match="its runbook works on it"):
        begin(account, "ada", shown)
    assert restorer() == []
    assert noted(account) == (None, None, None)


def test_the_command_notes_who_and_waits_for_what_somebody_else_began(
    account: Account, put_incident: Put, restorer: Executions, srectl: Callable[..., Result]
) -> None:
    shown = given(put_incident)
    began = begin(account, "ada (in Slack, as U024)", shown)
    asked = srectl("undo", ID, "--yes", "--wait", "1", "--by", "grace")
    assert "ada (in Slack, as U024) has it taken back already, since" in asked.output
    assert "taking it back is running after 1 seconds" in asked.output
    account.states.stop_execution(executionArn=began.execution)
    srectl("undo", ID, "--yes", "--wait", "1", "--by", "grace")
    assert noted(account)[0] == f"{account.caller} (as grace)"


def test_who_had_it_taken_back_from_a_card_stands_in_every_view_of_the_record(
    put_incident: Callable[..., dict[str, Any]], srectl: Callable[..., Result]
) -> None:
    by = "ada (in Slack, as U024)"
    asked = {"undo_asked_by": by, "undo_asked_at": STARTED, "undo_asked_of": "0f"}
    put_incident(**asked)
    (line,) = [each for each in srectl("show", ID).output.splitlines() if "undone by" in each]
    assert by in line
    assert [each["who"] for each in timeline.events(asked) if each["kind"] == "undo asked"] == [by]
    happened = postmortem(Story({**incident(), **asked}))
    assert f"{by} had what the runbook did taken back." in [each.text for each in happened]


REFUSED = {"summary": "A restart cannot be taken back."}


@pytest.mark.parametrize(
    ("became", "said"),
    [
        (("succeeded", "succeeded"), ["✓ what was done for incident {} is taken back"]),
        (
            ("skipped", "succeeded"),
            [
                "not all of what was done for incident {} is taken back",
                "✓ 2. scale_deployment on c/apps/deployment/checkout: taken back",
                "- 1. scale_deployment on c/apps/deployment/checkout: A restart cannot be taken",
            ],
        ),
        (("skipped", "skipped"), ["nothing of what was done for incident {} is taken back"]),
        (("succeeded", None), ["- 2. scale_deployment on c/apps/deployment/checkout: its record"]),
    ],
)
def test_no_more_is_said_to_be_taken_back_than_was(
    put_incident: Put,
    srectl: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
    became: tuple[str | None, ...],
    said: list[str],
) -> None:
    both = [done(1, "execute"), done(2, "execute")]
    in_hand = incident(steps=2)["in_hand"]
    put_incident(in_hand=in_hand, actions_taken=both)
    undone = [
        {**done(index, "restore", status), **REFUSED}
        for index, status in enumerate(became, 1)
        if status
    ]

    def wait(*_: Any) -> str:
        noted = "not restored: its steps say why" if set(became) == {"skipped"} else "restored"
        put_incident(in_hand=in_hand, actions_taken=both + undone, restoration=noted)
        return ""

    monkeypatch.setattr(undoing, "start", lambda *_: undoing.Begun("arn", [], "x", STARTED))
    monkeypatch.setattr(undoing, "wait", wait)
    result = srectl("undo", ID, "--yes")
    told = " ".join(result.output.split())
    assert result.exit_code == 0
    for each in said:
        assert each.format(ID) in told
    assert ("✓ what was done" in told) == (set(became) == {"succeeded"})


def test_a_step_that_never_began_is_none_that_could_not_be_taken_back(
    put_incident: Put, srectl: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = {"runbook_execution": "arn:1", "stopped_execution": "arn:1", "stopped_step": 1}
    stopped = {"in_hand": incident(steps=2)["in_hand"], "abandoned": "arn:1", **runs}
    put_incident(**stopped, escalation_code="runbook-abandoned")
    shown = " ".join(srectl("show", ID).output.split())
    assert "1. scale_deployment on c/apps/deployment/checkout (under way when it was" in shown
    assert "2. scale_deployment on c/apps/deployment/checkout (not on record as begun)" in shown
    assert "no step is on record as ended" in shown
    assert "nothing was done" not in shown

    def wait(*_: Any) -> str:
        nothing = {"summary": "There is nothing of it."}
        restored = [done(1, "restore"), {**done(2, "restore", "skipped"), **nothing}]
        put_incident(**stopped, actions_taken=restored, restoration="restored")
        return ""

    monkeypatch.setattr(undoing, "start", lambda *_: undoing.Begun("arn", [], "x", STARTED))
    monkeypatch.setattr(undoing, "wait", wait)
    told = " ".join(srectl("undo", ID, "--yes").output.split())
    assert f"✓ what was done for incident {ID} is taken back" in told
    assert "not all" not in told
    place = "scale_deployment on c/apps/deployment/checkout"
    assert f"- 2. {place} (not on record as begun): There is nothing of it." in told
    assert f"✓ 1. {place}: taken back" in told


def test_the_question_says_of_each_step_how_far_it_had_come(
    put_incident: Put, srectl: Callable[..., Result]
) -> None:
    taken = [done(1, "execute"), done(2, "execute", "skipped"), done(3, "execute", "failed")]
    put_incident(
        in_hand=incident(steps=5)["in_hand"],
        actions_taken=taken,
        approval={"requested_at": STARTED, "step": 5},
        escalation_code="runbook-abandoned",
    )
    words = ["", " (changed nothing)", " (failed, perhaps half-way)", " (not on record as begun)"]
    words.append(" (waited for an answer)")
    for command in ("undo", "show"):
        lines = [each.rstrip() for each in srectl(command, ID).output.splitlines()]
        for index, known in enumerate(words, 1):
            named = f"{index}. scale_deployment on c/apps/deployment/checkout{known}"
            assert [each for each in lines if each.endswith(named)], (command, named, lines)
