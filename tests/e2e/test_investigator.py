"""What calls a human is handed to an investigator, and its answer stands on the record."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from onemachine.receiver import Question, read_questions
from onemachine.stack.clients import client_of
from onemachine.stack.function_logs import FunctionLogs
from onemachine.stack.state import StackFolder
from srectl.operate.incidents import plain
from tests.support.stacks import post, post_alert, srectl, state_of
from tests.support.template import ROOT
from tests.support.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

SCHEMA = Draft202012Validator(
    json.loads((ROOT / "events" / "schemas" / "incident.escalated.json").read_text("utf-8"))
)
HOSTILE = '"}],\n{"a": <incident>, \\ 😀 ${Region} {% $now() %} <!channel> & \'</script>'
#: What the stack of one machine gives its investigator.
AUTHORIZATION = "token-of-nobody-0123456789"


def test_it_is_asked_once_and_what_it_answers_is_its_words_and_does_nothing(
    stack: StackFolder, exports: dict[str, str]
) -> None:
    state = state_of(stack)
    dynamodb = client_of(state, "dynamodb")
    incident_id = post_alert(
        exports,
        "NobodyWroteThisRunbook",
        fingerprint="1f5e5716a70f0000",
        annotations={"summary": f"password=hunter2 {HOSTILE}"},
    )

    def questions() -> list[Question]:
        asked = read_questions(stack.notifications_file)
        return [each for each in asked if each.body["data"]["incident_id"] == incident_id]

    [question] = eventually("the investigator to be asked", questions)
    assert question.authorization == AUTHORIZATION
    SCHEMA.validate(question.body)
    assert "hunter2" not in json.dumps(question.body)
    assert "😀" in question.body["data"]["summary"]

    [key] = client_of(state, "apigateway").get_api_keys(
        nameQuery="sre-investigator", includeValues=True
    )["items"]
    webhook = exports["WEBHOOK_URL"]
    own, senders = ({"X-Api-Key": each} for each in (key["value"], exports["WEBHOOK_API_KEY"]))
    findings = webhook.removesuffix("/webhook") + "/findings"
    said = {
        "incident_id": incident_id,
        "summary": f"The disk is full. {HOSTILE} token=hunter3",
        "findings": ["/var is at 100 %"],
        "suggestions": ["Grow the volume."],
    }

    def answer(body: dict[str, Any], given: dict[str, str], url: str = findings) -> int:
        return post(url, json.dumps(body).encode(), given)[0]

    def record() -> dict[str, Any]:
        items = dynamodb.query(
            TableName="sre-incidents",
            KeyConditionExpression="incident_id = :id",
            ExpressionAttributeValues={":id": {"S": incident_id}},
            ConsistentRead=True,
        )["Items"]
        return plain(items[0]) if items else {}

    # Evidence is gathered beside all this and is written when it is there.
    before = eventually("its evidence", lambda: (now := record()).get("evidence") and now)
    assert before["status"] == "escalated"
    assert answer(said, {}) == 403
    assert answer(said, senders) == 403
    assert answer(said, own, webhook) == 403
    assert answer(said | {"summary": "x" * 70_000}, own) == 413
    assert answer(said | {"status": "resolved"}, own) == 400
    assert answer(said | {"incident_id": incident_id[:-12] + "0" * 12}, own) == 404
    assert "investigations" not in record()

    assert [answer(said, own) for _ in range(2)] == [202, 202]
    eventually("the answer to be recorded", lambda: record().get("investigations"))
    assert answer(said | {"summary": "It was the network."}, own) == 202
    eventually("another to be recorded", lambda: len(record()["investigations"]) == 2)
    first, second = record()["investigations"]
    assert first["by"] == "investigator"
    assert first["summary"].startswith('The disk is full. "}], {"a": <incident>')
    assert first["summary"].endswith("token=[redacted]")
    assert (first["findings"], second["summary"]) == (["/var is at 100 %"], "It was the network.")
    # It has changed nothing, called nobody and set nothing off.
    new = {"investigations", "investigation_ids"}
    after = record()
    assert {name: after[name] for name in after if name not in new} == before
    assert len(questions()) == 1
    events = FunctionLogs.of(state).events("/aws/events/sre-platform-audit")
    about = [json.loads(each) for _, each in events if incident_id in each]
    kinds = [each["detail-type"] for each in about]
    assert kinds.count("incident.escalated") == 1
    assert kinds.count("incident.investigated") == 3

    shown = srectl("show", incident_id[:13], exports=exports).stdout
    assert "investigation by" in shown
    assert "it would: Grow the volume." in shown

    # What is late is kept, and of what was erased nothing is written again.
    close = srectl("close", incident_id, "--reason", "a test", exports=exports)
    assert close.returncode == 0, close.stdout + close.stderr
    assert answer(said | {"summary": "Too late."}, own) == 202
    eventually("the late one", lambda: len(record()["investigations"]) == 3)
    assert record()["status"] == "resolved"
    erased = srectl("incidents", "erase", incident_id, "--yes", exports=exports)
    assert erased.returncode == 0, erased.stdout + erased.stderr
    assert answer(said, own) == 410
    assert record() == {}
