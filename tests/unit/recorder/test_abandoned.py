"""A runbook that was stopped: people hear what it may have left half-changed, and what to type."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from jsonschema import Draft202012Validator

from tests.support.recorder import Recorder
from tests.support.template import ROOT
from tests.unit.recorder.rows import ID, IN_HAND, KEY, ME, STARTED, TARGET, put

LOCK = "target#c#apps#deployment#checkout"
#: Of a runbook whose steps are all planned first, so that it is written down when it begins.
NOTES = {**IN_HAND, "begins": ME}
RESTORER = "arn:aws:states:us-east-1:123456789012:execution:incident-restorer:one"
SCHEMA = json.loads((ROOT / "events/schemas/incident.escalated.json").read_text("utf-8"))


def ended(execution: str, status: str) -> dict[str, Any]:
    """What Step Functions reports, with the event that the execution was started with."""
    data = {
        "incident_id": ID,
        "timestamp": STARTED,
        "sender": "alertmanager",
        "fingerprint": "f",
        "alert_name": "CheckoutOverloaded",
        "severity": "warning",
        "summary": "Checkout is slow",
        "target": TARGET,
        "links": {},
    }
    event = {"detail": {"metadata": {"correlation_id": "c-1"}, "data": data}}
    machine = execution.rsplit(":", 1)[0].replace("execution", "stateMachine")
    return {
        "detail-type": "Step Functions Execution Status Change",
        "detail": {
            "executionArn": execution,
            "stateMachineArn": machine,
            "status": status,
            "input": json.dumps(event),
        },
    }


def told(recorder: Recorder) -> dict[str, Any]:
    (entry,) = recorder.told
    problems = [each.message for each in Draft202012Validator(SCHEMA).iter_errors(entry["Detail"])]
    assert problems == []
    data: dict[str, Any] = entry["Detail"]["data"]
    return data


@pytest.mark.parametrize("status", ["ABORTED", "TIMED_OUT", "FAILED"])
def test_what_it_had_in_hand_is_told_with_the_undo_to_type(dynamodb: Any, status: str) -> None:
    put(dynamodb, status="remediating", runbook_execution=ME, in_hand=json.dumps(IN_HAND))
    recorder = Recorder(dynamodb, "incidents", "guard")
    assert recorder.take(ended(ME, status)) == "Recorded"
    data = told(recorder)
    assert data["reason"] == (
        f"Its runbook ended as {status} before the incident was over. "
        "It may have left half-changed: 1. scale_deployment on deployment apps/checkout (not on "
        "record as begun), 2. drain_node on node n (not on record as begun). "
        f"To take it back: srectl incidents undo {ID}"
    )
    assert (data["reason_code"], data["acted"]) == ("runbook-abandoned", True)
    assert data["runbook"] == "Overload"
    record = dynamodb.get_item(TableName="incidents", Key=KEY)["Item"]
    assert record["status"] == {"S": "escalated"}
    # The record says the same, but for what to type: it outlives the undo.
    assert data["reason"].startswith(record["escalation_reason"]["S"])
    assert "undo" not in record["escalation_reason"]["S"]


def step(index: int, operation: str, status: str) -> dict[str, Any]:
    return {"operation": operation, "status": status, "step": json.dumps({"index": index})}


@pytest.mark.parametrize(
    ("actions", "said"),
    [
        (
            [step(1, "plan", "planned"), step(1, "execute", "succeeded")],
            "may have left half-changed: 1. scale_deployment on deployment apps/checkout (done), "
            "2. drain_node on node n (not on record as begun).",
        ),
        (
            [step(1, "execute", "skipped"), step(2, "execute", "failed")],
            "may have left half-changed: 2. drain_node on node n (execute failed).",
        ),
        (
            [step(1, "execute", "succeeded"), step(2, "execute", "skipped"), step(1, "undo", "x")],
            "half-changed: 1. scale_deployment on deployment apps/checkout (undo x).",
        ),
        (
            [
                step(1, "execute", "succeeded"),
                step(2, "execute", "succeeded"),
                step(2, "undo", "succeeded"),
                step(1, "undo", "skipped"),
            ],
            "By its record nothing is left of it.",
        ),
    ],
)
def test_of_each_step_is_said_what_is_on_record(
    dynamodb: Any, actions: list[dict[str, Any]], said: str
) -> None:
    put(
        dynamodb,
        status="remediating",
        runbook_execution=ME,
        in_hand=json.dumps(IN_HAND),
        actions_taken=actions,
    )
    recorder = Recorder(dynamodb, "incidents", "guard")
    recorder.take(ended(ME, "ABORTED"))
    assert said in told(recorder)["reason"]
    record = dynamodb.get_item(TableName="incidents", Key=KEY)["Item"]
    assert record["escalation_reason"]["S"].endswith(said)


NOTED = {"begun": ME, "begun_at": STARTED, "begun_step": 1}
BY_NAME = {"stopped_by": "ada", "stopped_because": "", "stopped_execution": ME}
FIRST, SECOND = "1. scale_deployment on deployment apps/checkout", "2. drain_node on node n"
BEGUN, UNDER_WAY = "begun, its end is not on record", "under way when it was stopped"
UNKNOWN = "not on record as begun"


@pytest.mark.parametrize(
    ("noted", "first", "second"),
    [
        (NOTED, BEGUN, UNKNOWN),
        ({**NOTED, **BY_NAME, "stopped_step": 1}, UNDER_WAY, UNKNOWN),
        ({**NOTED, **BY_NAME, "stopped_step": 2}, BEGUN, UNDER_WAY),
        ({**NOTED, "actions_taken": [step(1, "execute", "succeeded")]}, "done", UNKNOWN),
        ({**NOTED, "begun": "earlier"}, UNKNOWN, UNKNOWN),
        ({**BY_NAME, "stopped_execution": "earlier", "stopped_step": 1}, UNKNOWN, UNKNOWN),
    ],
    ids=["begun", "stopped", "stopped later", "on record", "another's", "another was stopped"],
)
def test_of_a_step_without_a_word_is_said_what_was_noted_of_it(
    dynamodb: Any, noted: dict[str, Any], first: str, second: str
) -> None:
    in_hand = json.dumps(IN_HAND)
    put(dynamodb, status="remediating", runbook_execution=ME, in_hand=in_hand, **noted)
    recorder = Recorder(dynamodb, "incidents", "guard")
    recorder.take(ended(ME, "ABORTED"))
    said = f"It may have left half-changed: {FIRST} ({first}), {SECOND} ({second})."
    assert said in told(recorder)["reason"]


@pytest.mark.parametrize(
    ("stopped", "said"),
    [
        ({"stopped_because": "sale is on"}, "Its runbook was stopped by ada (sale is on) before"),
        ({"stopped_because": ""}, "Its runbook was stopped by ada before the incident was over."),
        ({"stopped_execution": "another"}, "Its runbook ended as ABORTED before the incident"),
    ],
)
def test_who_stopped_it_and_why_stands_in_the_record_as_in_what_is_told(
    dynamodb: Any, stopped: dict[str, str], said: str
) -> None:
    by = {"stopped_by": "ada", "stopped_because": "", "stopped_execution": ME, **stopped}
    noted = json.dumps(NOTES)
    put(dynamodb, status="remediating", runbook_execution=ME, in_hand=noted, **by)
    recorder = Recorder(dynamodb, "incidents", "guard")
    assert recorder.take(ended(ME, "ABORTED")) == "Recorded"
    reason = dynamodb.get_item(TableName="incidents", Key=KEY)["Item"]["escalation_reason"]["S"]
    assert told(recorder)["reason"] == reason
    assert reason.startswith(said)
    assert "nothing was changed; it counts as no attempt" in reason


def test_one_that_had_nothing_in_hand_says_so(dynamodb: Any) -> None:
    put(dynamodb, status="open")
    recorder = Recorder(dynamodb, "incidents", "guard")
    recorder.take(ended(ME, "ABORTED"))
    data = told(recorder)
    assert data["reason"].endswith("It had nothing in hand yet, so nothing was changed.")
    assert (data["acted"], data["runbook"]) == (False, None)


def test_one_that_had_only_joined_another_says_so(dynamodb: Any) -> None:
    put(dynamodb, status="remediating", runbook_execution=ME, attached_to="the-other")
    recorder = Recorder(dynamodb, "incidents", "guard")
    recorder.take(ended(ME, "ABORTED"))
    data = told(recorder)
    said = "only joined the remediation of incident the-other, so nothing was changed for this one."
    assert data["reason"].endswith(said)
    assert data["acted"] is False


@pytest.mark.parametrize(
    ("approval", "acted", "said"),
    [
        ({"step": 1}, False, "it only waited for an answer, so nothing was changed. To let go of"),
        (
            {"step": 2},
            True,
            "deployment apps/checkout (not on record as begun); step 2 waited for an answer.",
        ),
        ({"step": 1, "answer": "approved"}, True, "begun), 2. drain_node on node n"),
    ],
    ids=["asks before its first step", "asks before its second", "was answered"],
)
def test_what_waited_for_an_answer_is_not_told_as_changed(
    dynamodb: Any, approval: dict[str, Any], acted: bool, said: str
) -> None:
    asked = {"requested_at": STARTED, **approval}
    put(
        dynamodb,
        status="remediating",
        runbook_execution=ME,
        in_hand=json.dumps(IN_HAND),
        approval=asked,
    )
    recorder = Recorder(dynamodb, "incidents", "guard")
    recorder.take(ended(ME, "ABORTED"))
    data = told(recorder)
    assert said in data["reason"]
    assert f"srectl incidents undo {ID}" in data["reason"]
    assert data["acted"] is acted


def lock(dynamodb: Any, **changes: Any) -> None:
    row = {
        "guard_key": {"S": LOCK},
        "holder": {"S": ID},
        "lease_expires_at": {"N": "4102444800"},
        "history": {"S": "[1, 2]"},
        "uncounted": {"S": "[1]"},
        "version": {"N": "7"},
        "unhelped#Overload": {"SS": [ID, "earlier"]},
    }
    dynamodb.put_item(TableName="guard", Item={**row, **changes})


def locked(dynamodb: Any, key: str = LOCK) -> Any:
    return dynamodb.get_item(TableName="guard", Key={"guard_key": {"S": key}})["Item"]


def claim(dynamodb: Any) -> Any:
    return locked(dynamodb, f"incident#{ID}")


def in_hand_of(dynamodb: Any, execution: str) -> None:
    row = {**claim(dynamodb), "in_hand": {"S": execution}}
    dynamodb.put_item(TableName="guard", Item=row)


def test_one_that_had_not_begun_to_act_counts_as_no_attempt_and_lets_go(dynamodb: Any) -> None:
    put(dynamodb, status="remediating", runbook_execution=ME, in_hand=json.dumps(NOTES))
    lock(dynamodb)
    recorder = Recorder(dynamodb, "incidents", "guard")
    recorder.take(ended(ME, "ABORTED"))
    data = told(recorder)
    assert data["reason"].endswith(
        "It had not begun to act, so nothing was changed; it counts as no attempt, and its targets "
        "are let go of."
    )
    assert data["acted"] is False
    assert locked(dynamodb) == {
        "guard_key": {"S": LOCK},
        "history": {"S": "[1]"},
        "version": {"N": "7"},
        "unhelped#Overload": {"SS": ["earlier"]},
    }
    assert "in_hand" not in claim(dynamodb)
    # Redriven it is the same.
    recorder.take(ended(ME, "ABORTED"))
    assert locked(dynamodb)["history"] == {"S": "[1]"}


def test_what_a_human_has_stopped_frees_its_targets_and_stays_in_hand(dynamodb: Any) -> None:
    """No runbook of a severity that has risen since acts where a human wanted none."""
    stopped = {"stopped_by": "ada", "stopped_because": "sale", "stopped_execution": ME}
    put(dynamodb, status="remediating", runbook_execution=ME, in_hand=json.dumps(NOTES), **stopped)
    lock(dynamodb)
    recorder = Recorder(dynamodb, "incidents", "guard")
    for _ in range(2):  # redriven it is the same
        assert recorder.take(ended(ME, "ABORTED")) == "Recorded"
        assert "holder" not in locked(dynamodb)
        assert claim(dynamodb)["in_hand"] == {"S": ME}
    said = recorder.told[0]["Detail"]["data"]["reason"]
    assert "Its runbook was stopped by ada (sale) before" in said
    assert said.endswith("are let go of. No runbook starts for this incident again.")


def test_what_a_human_has_stopped_before_it_took_anything_is_in_hand_too(dynamodb: Any) -> None:
    """It stays as it was wanted: no runbook of another severity begins."""
    stopped = {"stopped_by": "ada", "stopped_because": "sale", "stopped_execution": ME}
    put(dynamodb, status="open", **stopped)
    recorder = Recorder(dynamodb, "incidents", "guard")
    assert recorder.take(ended(ME, "ABORTED")) == "Recorded"
    assert claim(dynamodb)["in_hand"] == {"S": ME}
    assert told(recorder)["reason"].endswith("No runbook starts for this incident again.")


def test_one_that_had_only_joined_another_is_out_of_hand(dynamodb: Any) -> None:
    put(dynamodb, status="remediating", runbook_execution=ME, attached_to="the-other")
    in_hand_of(dynamodb, ME)
    Recorder(dynamodb, "incidents", "guard").take(ended(ME, "FAILED"))
    assert "in_hand" not in claim(dynamodb)


def test_what_was_parked_is_told_once_it_is_redriven(dynamodb: Any) -> None:
    """Of one that had taken no lock, too."""
    put(dynamodb, status="remediating", runbook_execution=ME, attached_to="the-other")
    first, again = (Recorder(dynamodb, "incidents", "guard") for _ in range(2))
    for each in (first, again):
        each.take(ended(ME, "FAILED"))
        assert told(each)["reason_code"] == "runbook-abandoned"


@pytest.mark.parametrize("which", [0, 1], ids=["the first", "the last"])
def test_a_lock_that_is_anothers_by_now_keeps_none_of_the_others(dynamodb: Any, which: int) -> None:
    locks = [LOCK, "target#other"]
    in_hand = {**NOTES, "locks": locks}
    put(dynamodb, status="remediating", runbook_execution=ME, in_hand=json.dumps(in_hand))
    anothers, mine = locks[which], locks[1 - which]
    lock(dynamodb, guard_key={"S": mine})
    lock(dynamodb, guard_key={"S": anothers}, holder={"S": "another"})
    recorder = Recorder(dynamodb, "incidents", "guard")
    assert recorder.take(ended(ME, "ABORTED")) == "Recorded"
    assert "holder" not in locked(dynamodb, mine)
    assert locked(dynamodb, anothers)["holder"] == {"S": "another"}
    assert "in_hand" not in claim(dynamodb)


def test_told_again_it_takes_nothing_from_the_runbook_that_came_next(dynamodb: Any) -> None:
    """One of a severity that has risen: the same incident holds the lock."""
    put(dynamodb, status="remediating", runbook_execution=ME, in_hand=json.dumps(NOTES))
    in_hand_of(dynamodb, "the next execution")
    lock(dynamodb)
    before = locked(dynamodb)
    recorder = Recorder(dynamodb, "incidents", "guard")
    assert recorder.take(ended(ME, "ABORTED")) == "Recorded"
    assert locked(dynamodb) == before
    assert claim(dynamodb)["in_hand"] == {"S": "the next execution"}


@pytest.mark.parametrize("reasons", ["None, TransactionConflict", "ThrottlingError, None", None])
def test_locks_that_cannot_be_let_go_of_are_kept_for_a_redrive(
    dynamodb: Any, monkeypatch: pytest.MonkeyPatch, reasons: str | None
) -> None:
    put(dynamodb, status="remediating", runbook_execution=ME, in_hand=json.dumps(NOTES))
    lock(dynamodb)

    def refused(**_: Any) -> None:
        said = f"Transaction cancelled, please refer cancellation reasons [{reasons}]"
        code = "TransactionCanceledException"
        error = {"Error": {"Code": code, "Message": said if reasons else ""}}
        raise ClientError(error, "TransactWriteItems")  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(dynamodb, "transact_write_items", refused)
        recorder = Recorder(dynamodb, "incidents", "guard")
        assert recorder.take(ended(ME, "ABORTED")) == "NotRecorded"
    (parked,) = recorder.parked
    assert Recorder(dynamodb, "incidents", "guard").take(json.loads(parked["MessageBody"])) == (
        "Recorded"
    )
    assert "holder" not in locked(dynamodb)


@pytest.mark.parametrize(
    ("record", "row"),
    [
        ({"in_hand": json.dumps(IN_HAND)}, {}),
        ({"in_hand": json.dumps(NOTES), "begun": ME}, {}),
        ({"in_hand": json.dumps(NOTES)}, {"holder": {"S": "another"}}),
        ({"in_hand": json.dumps(NOTES)}, {"restoring": {"S": RESTORER}}),
    ],
    ids=[
        "it does not note its beginning",
        "it had begun",
        "its lock is another's by now",
        "it is being brought back",
    ],
)
def test_what_may_have_acted_or_holds_no_lock_any_more_lets_go_of_none(
    dynamodb: Any, record: dict[str, Any], row: dict[str, Any]
) -> None:
    put(dynamodb, status="remediating", runbook_execution=ME, **record)
    lock(dynamodb, **row)
    before = locked(dynamodb)
    recorder = Recorder(dynamodb, "incidents", "guard")
    assert recorder.take(ended(ME, "ABORTED")) == "Recorded"
    assert locked(dynamodb) == before
    assert told(recorder)["acted"] is (row == {})


def test_what_an_earlier_runbook_had_in_hand_is_none_of_this_ones(dynamodb: Any) -> None:
    earlier = {"in_hand": json.dumps({**NOTES, "begins": "earlier"}), "attached_to": "the-other"}
    put(dynamodb, status="escalated", runbook_execution="earlier", stopped_execution=ME, **earlier)
    lock(dynamodb)
    before = locked(dynamodb)
    recorder = Recorder(dynamodb, "incidents", "guard")
    assert recorder.take(ended(ME, "ABORTED")) == "Recorded"
    assert locked(dynamodb) == before
    data = told(recorder)
    assert data["acted"] is False
    assert "It had nothing in hand yet, so nothing was changed." in data["reason"]


def test_a_restorer_that_was_stopped_lets_go_of_nothing(dynamodb: Any) -> None:
    put(dynamodb, status="resolved", runbook_execution=ME, in_hand=json.dumps(NOTES))
    lock(dynamodb)
    before = locked(dynamodb)
    Recorder(dynamodb, "incidents", "guard").take(ended(RESTORER, "ABORTED"))
    assert locked(dynamodb) == before


def test_one_that_acted_while_a_human_was_called_already_is_told_too(dynamodb: Any) -> None:
    """Its severity had risen; in_flight says that its end was not its own."""
    put(dynamodb, status="escalated", escalation_code="not-eligible", in_flight=ME)
    recorder = Recorder(dynamodb, "incidents", "guard")
    recorder.take(ended(ME, "ABORTED"))
    assert told(recorder)["reason_code"] == "runbook-abandoned"


def test_one_whose_incident_had_been_handed_over_is_told_of_no_second_time(dynamodb: Any) -> None:
    put(dynamodb, status="escalated", escalation_code="not-resolved", runbook_execution=ME)
    recorder = Recorder(dynamodb, "incidents", "guard")
    recorder.take(ended(ME, "FAILED"))
    assert recorder.told == []


def test_a_restorer_that_was_stopped_leaves_its_undo_to_type_too(dynamodb: Any) -> None:
    put(dynamodb, status="resolved", runbook_execution=ME, in_hand=json.dumps(IN_HAND))
    recorder = Recorder(dynamodb, "incidents", "guard")
    recorder.take(ended(RESTORER, "ABORTED"))
    assert told(recorder)["reason"].startswith(
        "Bringing its target back ended as ABORTED. It may have left"
    )
    record = dynamodb.get_item(TableName="incidents", Key=KEY)["Item"]
    assert f"srectl incidents undo {ID}" in record["restoration"]["S"]
    assert record["status"] == {"S": "resolved"}
