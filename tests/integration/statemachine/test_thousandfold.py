"""One alert, delivered a thousand times at once: one incident, one remediation."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from onemachine.aws.local_aws import LocalAws
from tests.integration.rie.harness import ALERT_INGEST
from tests.integration.statemachine.platform import Platform, wait_for
from tests.integration.statemachine.webhook import request, variables

pytestmark = [pytest.mark.localaws, pytest.mark.timeout(900)]

TIMES = 1000
AT_ONCE = 16
SENDINGS = 5
STALLED_SECONDS = 60
RESOLVED_AT = "2026-11-23T15:16:22.704Z"


def test_a_thousand_deliveries_at_once_are_one_incident_and_one_remediation(
    local_aws: LocalAws, tmp_path: Any
) -> None:
    """Each goes its whole way: the shipped function, the bus, its rules, recorder and runbook."""
    platform = Platform(local_aws, f"k-{uuid.uuid4().hex[:8]}", tmp_path).build()
    function = platform.deploy(
        ALERT_INGEST, "events:PutEvents", "sqs:SendMessage", **variables(platform)
    )
    labels = {"runbook": platform.runbook(on_failure="keep")}
    fingerprint = uuid.uuid4().hex[:16]
    client = local_aws.client("lambda")

    def post(event: dict[str, Any]) -> dict[str, Any]:
        """Send again what is answered 503, as Alertmanager does: the local AWS was too slow."""
        for _ in range(SENDINGS):
            answer = client.invoke(FunctionName=function, Payload=json.dumps(event))
            found: dict[str, Any] = json.loads(answer["Payload"].read())
            if found["statusCode"] != 503:
                break
        return found

    with ThreadPoolExecutor(AT_ONCE) as pool:
        events = [request([fingerprint], **labels) for _ in range(TIMES)]
        answers = list(pool.map(post, events))
    assert {answer["statusCode"] for answer in answers} == {202}
    (incident_id,) = {json.loads(answer["body"])["incident_ids"][0] for answer in answers}

    def started(*status: str) -> int:
        more = {"statusFilter": status[0]} if status else {}
        pages = platform.sfn.get_paginator("list_executions").paginate(
            stateMachineArn=platform.runbook_arn, **more
        )
        return sum(len(page["executions"]) for page in pages)

    def parked() -> int:
        """Count what the bus was too slow for: accepted, and kept for whoever redrives it."""
        queue = platform.queues["parking"]
        asked = ["ApproximateNumberOfMessages"]
        told = platform.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=asked)
        return int(told["Attributes"][asked[0]])

    # More where the bus took an event but answered too late, so that it was sent again.
    keep_waiting(lambda: max(0, TIMES - started() - parked()), f"{TIMES} runbooks to start")
    post(request([fingerprint], RESOLVED_AT, **labels))
    keep_waiting(lambda: started("RUNNING"), "all runbooks to end")
    record = platform.wait_status(incident_id, "resolved")
    wait_for(lambda: platform.record(incident_id).get("actions_taken"), "the action on record")

    scan = platform.ddb.scan(TableName=platform.table("incidents"), ConsistentRead=True)
    assert [item["incident_id"]["S"] for item in scan["Items"]] == [incident_id]
    assert len(platform.calls(incident_id, "execute")) == 1
    assert len(platform.record(incident_id)["actions_taken"]) == 1
    assert record["fingerprint"] == fingerprint
    assert started("SUCCEEDED") == started() >= TIMES - parked()
    kept = [json.loads(json.loads(body)["Detail"]) for body in platform.queued("parking")]
    assert {each["data"]["incident_id"] for each in kept} <= {incident_id}


def keep_waiting(left: Callable[[], int], what: str) -> None:
    """Wait until nothing is left, as long as it becomes less; it takes as long as the machine."""
    fewest, since = TIMES + 1, time.monotonic()
    # Counting a thousand executions is work for the local AWS, which has enough of it.
    while remaining := left():
        if remaining < fewest:
            fewest, since = remaining, time.monotonic()
        assert time.monotonic() < since + STALLED_SECONDS, f"{what}: {remaining} are left"
        time.sleep(1)
