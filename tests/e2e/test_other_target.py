"""An alert that names another object than its runbook: nothing is done, and a human is called."""

from __future__ import annotations

import json

import pytest

from onemachine.processes.waiting import wait_until
from onemachine.stack.clients import client_of
from onemachine.stack.state import StackFolder
from srectl.operate.incidents import plain
from tests.support.stacks import FIRING, post, state_of
from tests.support.waiting import PATIENCE_SECONDS

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def test_an_alert_of_staging_leaves_the_checkout_of_apps_alone(
    stack: StackFolder, exports: dict[str, str]
) -> None:
    dynamodb = client_of(state_of(stack), "dynamodb")
    body = json.loads(FIRING.read_text("utf-8"))
    (alert,) = body["alerts"]
    alert |= {"fingerprint": "48042ac000000001", "startsAt": "2026-11-23T10:00:00.000Z"}
    alert["labels"] = {
        "alertname": "CheckoutHighErrorRate",
        "namespace": "staging",
        "deployment": "checkout",
        "severity": "critical",
        "runbook": "CheckoutHighErrorRate",
    }
    key = {"X-Api-Key": exports["WEBHOOK_API_KEY"]}
    code, answer = post(exports["WEBHOOK_URL"], json.dumps(body).encode(), key)
    assert code == 202, answer
    (incident_id,) = json.loads(answer)["incident_ids"]

    def record() -> dict[str, object]:
        found = dynamodb.query(
            TableName="sre-incidents",
            KeyConditionExpression="incident_id = :id",
            ExpressionAttributeValues={":id": {"S": incident_id}},
            ConsistentRead=True,
        )["Items"]
        return plain(found[0]) if found else {}

    wait_until(
        lambda: record().get("status") == "escalated",
        "the incident to be escalated",
        PATIENCE_SECONDS,
    )
    told = str(record()["escalation_reason"])
    assert "staging/checkout" in told
    assert "apps/checkout" in told
    assert not record().get("actions_taken")
