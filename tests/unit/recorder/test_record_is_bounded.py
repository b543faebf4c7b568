"""A record has an end, whatever its sender says and how often: DynamoDB takes 400 KB."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError
from moto.dynamodb.comparisons import create_condition_expression_parser
from moto.dynamodb.models import dynamodb_backends

from alert_ingest.events import Context, entry_of
from alert_ingest.model import Alert, Target
from tests.support.recorder import Recorder, item_size

LIMIT = 400_000
SENDINGS = 5_000
ID = "0f3c0c0e-6a3b-5d0e-9a55-2f1f4f0e8b11"
STARTED = datetime(2026, 11, 23, 15, 14, 52, 704000, UTC)
CONTEXT = Context("bus", "1" * 12, "us-east-1", "c" * 36, STARTED)


class _WithoutHttp:
    """moto's DynamoDB, asked directly: a tenth of the time that boto3 takes in between.

    ``asked`` is what it was asked last.
    """

    def __init__(self) -> None:
        self.asked: dict[str, Any] = {}

    def update_item(self, **asked: Any) -> dict[str, Any]:
        self.asked = asked
        backend = dynamodb_backends["123456789012"]["us-east-1"]
        names = asked.get("ExpressionAttributeNames", {})
        values = asked["ExpressionAttributeValues"]
        item = backend.get_item(asked["TableName"], asked["Key"])
        # moto copies the whole item before it looks at the condition.
        condition = asked.get("ConditionExpression")
        if not create_condition_expression_parser(condition, names, values).parse().expr(item):
            refused = {"Error": {"Code": "ConditionalCheckFailedException", "Message": ""}}
            raise ClientError(refused, "UpdateItem")  # type: ignore[arg-type]
        item = backend.update_item(
            asked["TableName"],
            asked["Key"],
            update_expression=asked["UpdateExpression"],
            expression_attribute_names=names,
            expression_attribute_values=values,
            condition_expression=condition,
        )
        return {"Attributes": item.to_json()["Attributes"]}

    def ask_again(self, warnings: list[str]) -> bool:
        """Ask what was asked last with other warnings; tell whether it was written."""
        values = self.asked["ExpressionAttributeValues"] | {":warnings": {"SS": warnings}}
        try:
            self.update_item(**self.asked | {"ExpressionAttributeValues": values})
        except ClientError:
            return False
        return True


def _record(dynamodb: Any) -> dict[str, Any]:
    (item,) = dynamodb.scan(TableName="incidents")["Items"]
    return dict(item)


def _event(number: int, *, size: int = 50) -> dict[str, Any]:
    """Give the event of an alert that is worded anew each time, and has much other text, or not."""
    alert = Alert(
        sender="alertmanager",
        incident_id=ID,
        fingerprint="f" * 256,
        alert_name="ä" * 256,
        severity="warning",
        status="firing",
        occurred_at=STARTED,
        started_at=STARTED,
        ended_at=None,
        runbook="r" * 128,
        summary="ü" * 500,
        labels={f"label{part}": "x" * (size // 50) for part in range(50)},
        annotations={f"note{part}": "x" * (size // 20) for part in range(20)},
        links={f"link{part}": f"https://h/{'x' * min(size, 4000)}" for part in range(20)},
        target=Target("c" * 253, "n" * 63, "deployment", "d" * 253),
        notes=tuple(f"{number}-{part} is no severity: {'🔥' * 400}" for part in range(12)),
    )
    entry, _ = entry_of(alert, CONTEXT)
    return {"detail-type": entry["DetailType"], "detail": json.loads(entry["Detail"])}


def _action(number: int) -> dict[str, Any]:
    data = {
        "incident_id": ID,
        "timestamp": "2026-11-23T15:14:52.704Z",
        "action_id": f"{ID}:{number}:execute",
        "action": "drain_node",
        "step": {"index": 1, "name": "s" * 60, "of": 8},
        "operation": "execute",
        "status": "failed",
        "runbook": "Runbook",
        "by": "srectl",
        "approved_by": None,
        "target": {"cluster": "c", "kind": "node", "name": "n" * 253},
        "started_at": "2026-11-23T15:16:00.000Z",
        "completed_at": "2026-11-23T15:16:01.000Z",
        "result": {
            "summary": "x" * 10_000,
            "plan": [{"kind": "Pod", "name": f"pod-{one}", "why": "w" * 300} for one in range(200)],
            "undo": {"action": "uncordon_node", "parameters": {"was": False}},
        },
        "error": {"name": "ActionFailed", "message": "m" * 20_000},
    }
    return {"detail-type": "action.completed", "detail": {"data": data}}


def _answer(number: int) -> dict[str, Any]:
    data = {
        "incident_id": ID,
        "timestamp": "2026-11-23T15:14:52.704Z",
        "answer_id": f"a0000000-0000-5000-8000-{number:012d}",
        "by": "🔥" * 500,
        "summary": "🔥" * 5000,
        "findings": ["🔥" * 5000] * 40,
        "suggestions": ["🔥" * 5000] * 40,
        "link": f"https://h/{'x' * 5000}",
    }
    return {"detail-type": "incident.investigated", "detail": {"data": data}}


def test_one_alert_sent_5000_times_with_other_words_each_stays_far_below_400_kb(
    dynamodb: Any,
) -> None:
    """A few take the whole way, and some what can make a record grow.

    Those after them are only the write that the last of these ended in, with words of their own.
    """
    table = _WithoutHttp()
    recorder = Recorder(table, "incidents", "guard")
    for number in range(SENDINGS):
        warnings = [f"{number}-{part} is no severity" for part in range(3)]
        if number < 5:
            assert recorder.take(_event(number)) == "Recorded"
        elif number < 50:
            # As _event makes them, without making an event each time.
            data = {
                "incident_id": ID,
                "timestamp": "2026-11-23T15:14:52.704Z",
                "warnings": warnings,
            }
            again = {"detail-type": "incident.created", "detail": {"data": data}}
            assert recorder.take(again, "NoteWarnings") == "Recorded"
        else:
            assert not table.ask_again(warnings)
    for number in range(40):
        assert recorder.take(_action(number)) == "Recorded"
    for number in range(9):
        assert recorder.take(_answer(number)) == "Recorded"
    record = _record(dynamodb)
    assert record["status"] == {"S": "open"}
    assert 20 <= len(record["warnings"]["SS"]) < 30
    assert len(record["actions_taken"]["L"]) == len(record["action_ids"]["SS"]) == 30
    assert len(record["investigations"]["L"]) == 5
    # Of the others the ids alone; with the hundred that are counted it is three kilobytes more.
    assert len(record["investigation_ids"]["SS"]) == 9
    dynamodb.delete_item(
        TableName="incidents",
        Key={key: record[key] for key in ("incident_id", "timestamp")},
    )
    recorder.take(_event(0, size=1_000_000))
    largest = item_size(_record(dynamodb))
    assert largest > 150_000
    # What a runbook adds in addition (its plan, a reason) has room.
    assert item_size(record) + largest < LIMIT - 30_000


def test_an_end_counts_also_where_no_more_warnings_are_kept(dynamodb: Any) -> None:
    recorder = Recorder(dynamodb, "incidents", "guard")
    for number in range(5):
        recorder.take(_event(number))
    end = _event(9)
    end["detail-type"] = "incident.resolved"
    end["detail"]["data"]["ended_at"] = "2026-11-23T15:20:00.000Z"
    assert recorder.take(end) == "Recorded"
    assert _record(dynamodb)["status"] == {"S": "resolved"}


def test_of_a_long_result_the_undo_and_the_beginning_of_the_plan_are_kept(dynamodb: Any) -> None:
    recorder = Recorder(dynamodb, "incidents", "guard")
    event = _action(1)
    recorder.take(_event(1))
    recorder.take(event)
    recorder.take(event)
    (kept,) = _record(dynamodb)["actions_taken"]["L"]
    result = json.loads(kept["M"]["result"]["S"])
    assert result["cut"] is True
    assert result["undo"] == event["detail"]["data"]["result"]["undo"]
    assert result.get("plan", []) == []  # ten entries of this one would still be too many
    assert json.loads(kept["M"]["error"]["S"])["name"] == "ActionFailed"
    short = _action(2)
    for one in short["detail"]["data"]["result"]["plan"]:
        one["why"] = "w"
    recorder.take(short)
    kept = _record(dynamodb)["actions_taken"]["L"][1]
    assert len(json.loads(kept["M"]["result"]["S"])["plan"]) == 10


def test_what_is_short_is_kept_as_it_is(dynamodb: Any) -> None:
    recorder = Recorder(dynamodb, "incidents", "guard")
    recorder.take(_event(1))
    event = _action(1)
    data = event["detail"]["data"]
    data["result"] = {"summary": "Scaled.", "plan": [], "undo": None}
    data["error"] = None
    recorder.take(event)
    (kept,) = _record(dynamodb)["actions_taken"]["L"]
    assert json.loads(kept["M"]["result"]["S"]) == data["result"]
    assert kept["M"]["summary"] == {"S": "Scaled."}
    assert kept["M"]["error"] == {"NULL": True}
