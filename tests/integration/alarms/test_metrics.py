"""What the deployed platform counts out of its logs, and what its access log keeps."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from srectl.operate.doctor import intake
from tests.integration.alarms.platform import Deployment, alert, eventually
from tests.integration.localaws.probes.support import metric_sum

pytestmark = pytest.mark.localaws


def put_event(on: Deployment, detail_type: str, **data: Any) -> None:
    on.aws.client("events").put_events(
        Entries=[
            {
                "EventBusName": on.outputs["EventBusName"],
                "Source": "sre.runbook",
                "DetailType": detail_type,
                "Detail": json.dumps({"data": data}),
            }
        ]
    )


def counted(on: Deployment, metric: str) -> float:
    return metric_sum(on.aws, "SREPlatform", metric) or 0.0


def test_mttr_comes_from_the_audit_log_and_the_canary_is_left_out(deployment: Deployment) -> None:
    seconds = counted(deployment, "IncidentResolvedSeconds")
    incidents = counted(deployment, "IncidentsResolved")
    put_event(deployment, "incident.resolved", purpose="canary", duration_seconds=7000)
    put_event(deployment, "incident.resolved", purpose="alert", duration_seconds=90.5)

    eventually(lambda: counted(deployment, "IncidentResolvedSeconds") == seconds + 90.5, "the MTTR")
    assert counted(deployment, "IncidentsResolved") == incidents + 1


def test_remediations_are_counted_by_their_success(deployment: Deployment) -> None:
    names = ("RemediationsSucceeded", "RemediationsFailed", "RemediationsUndone")
    before = [counted(deployment, name) for name in names]
    for operation, status, action in (
        ("execute", "succeeded", "restart_deployment"),
        ("execute", "succeeded", "probe_cluster"),
        ("execute", "failed", "drain_node"),
        ("undo", "succeeded", "restart_deployment"),
        ("plan", "planned", "drain_node"),
    ):
        put_event(deployment, "action.completed", operation=operation, status=status, action=action)

    eventually(
        lambda: [counted(deployment, name) for name in names] == [each + 1 for each in before],
        "one of each",
    )


def test_what_a_guard_refuses_is_no_failure_of_the_function(deployment: Deployment) -> None:
    before = counted(deployment, "RunbookActionRefusals")
    for _ in range(4):
        answer = deployment.functions.invoke(
            FunctionName="runbook-action",
            Payload=json.dumps(
                {
                    "operation": "execute",
                    "action": "restart_deployment",
                    "target": {"kind": "deployment", "namespace": "kube-system", "name": "dns"},
                    "incident_id": "0f3c0c0e-6a3b-5d0e-9a55-2f1f4f0e8b11",
                }
            ),
        )
        assert json.loads(answer["Payload"].read())["errorType"] == "ActionRefused"
    eventually(
        lambda: counted(deployment, "RunbookActionRefusals") == before + 4, "the four refusals"
    )
    time.sleep(3)  # alarms are looked at each second here
    assert deployment.is_state("sre-remediation-failures", "OK")


def test_an_investigator_at_its_limit_or_refused_and_the_doctor_ring_no_alarm(
    deployment: Deployment,
) -> None:
    """Neither what the gateway turns away nor what a function does; takes three short periods."""
    watched = ("sre-webhook-failing", "sre-webhook-refusing", "sre-sender-at-limit")

    def at_rest() -> bool:
        return all(deployment.is_state(name, "OK") for name in watched)

    key_id, key = deployment.investigator_key()
    said = {"incident_id": "edc4574d-f844-58cc-b5c9-dc4169c35240", "summary": "A disk is full."}
    eventually(at_rest, "the webhook's alarms at rest")
    before = {name: len(deployment.told(name)) for name in watched}
    refused = of_findings(deployment, "4XXError")
    with deployment.at_the_gateways_limit("InvestigatorPlan"):
        assert [deployment.post(said, key, "findings") for _ in range(3)] == [503] * 3
    now = int(time.time())
    for began in range(now - now % 5, now + 30, 5):
        deployment.aws.client("dynamodb").put_item(
            TableName=deployment.outputs["GuardTableName"],
            Item={"guard_key": {"S": f"answers#{key_id}#{began}"}, "answers": {"N": "10"}},
        )
    for _ in range(12):  # past the longest of their ranges, which are of ten seconds here
        assert deployment.post(said, key, "findings") == 429
        assert deployment.post(said, "wrong", "findings") == 403
        assert deployment.post(json.loads(intake._BODY)) == 200
        assert deployment.post({}, route="slack") == 401
        assert at_rest()
        time.sleep(2)
    assert of_findings(deployment, "4XXError") == refused + 24
    assert {name: len(deployment.told(name)) for name in watched} == before


def of_findings(on: Deployment, metric: str) -> float:
    api = {"ApiName": "sre-alert-webhook", "Stage": "live"}
    route = {"Resource": "/findings", "Method": "POST"}
    return metric_sum(on.aws, "AWS/ApiGateway", metric, **api, **route) or 0.0


def test_what_the_gateway_refuses_is_in_the_access_log(deployment: Deployment) -> None:
    began = int(datetime.now(UTC).timestamp() * 1000)
    assert deployment.post(alert("Probe"), key="wrong") == 403
    assert deployment.post({}) == 400

    events = deployment.aws.client("logs").filter_log_events(
        logGroupName="/aws/apigateway/sre-alert-webhook", startTime=began
    )["events"]
    refusals = {json.loads(event["message"])["refusal"] for event in events}
    assert {"INVALID_API_KEY", "BAD_REQUEST_BODY"} <= refusals
