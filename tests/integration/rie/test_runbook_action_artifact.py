"""The runbook_action artifact under the Runtime Interface Emulator, without a cluster behind it.

What it proves: everything the function imports is in the artifact, every sample input is
understood, and errors reach the caller under the names that the state machine retries and catches
by. What the actions do to a cluster is proved in tests/integration/runbook_action.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from onemachine.aws.local_aws import LocalAws
from tests.integration.rie.harness import ROOT, RUNBOOK_ACTION, Emulator, build, emulator

pytestmark = [pytest.mark.rie, pytest.mark.localaws]

INPUTS = sorted((ROOT / "events" / "runbook_action").glob("*.json"))
REQUEST: dict[str, Any] = {
    "operation": "plan",
    "action": "enable_degraded_mode",
    "target": {
        "cluster": "sre-platform",
        "namespace": "apps",
        "kind": "deployment",
        "name": "checkout",
    },
    "parameters": {},
    "incident_id": "edc4574d-f844-58cc-b5c9-dc4169c35240",
    "undo": None,
}
# Without a cluster a good request ends at the first call to AWS or to the cluster.
BEHIND_THE_REQUEST = {
    "AccessDenied",
    "AwsUnavailable",
    "CheckUnavailable",
    "ClusterUnreachable",
    "ResourceMissing",
}


@pytest.fixture(scope="module")
def function(local_aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    variables = {
        **local_aws.operator_environment(),
        "CLUSTERS": "sre-platform=rie-no-such-cluster",
        "DEFAULT_CLUSTER": "sre-platform",
        "REMEDIATION_ROLE_ARN": "arn:aws:iam::000000000000:role/rie-no-such-role",
        "RUNBOOKS_TABLE": "rie-no-runbooks",
        "GUARD_TABLE": "rie-no-guard",
        "DEGRADED_MODE_PARAMETER": "/checkout/degraded_mode",
        "DEGRADED_MODE_KMS_KEY_ID": "alias/aws/ssm",
        "ALLOWED_NAMESPACES": "apps",
        "AUTOMATION_DOCUMENT_ARNS": (
            "arn:aws:ssm:us-east-1:000000000000:automation-definition/Team-RestartBroker:*"
        ),
        "CHECK_URLS": "queue-depth=https://127.0.0.1:9/nobody",
        "POWERTOOLS_SERVICE_NAME": "runbook-action",
        "POWERTOOLS_METRICS_NAMESPACE": "SREPlatform",
    }
    folder = tmp_path_factory.mktemp("rie")
    with emulator(RUNBOOK_ACTION, build(RUNBOOK_ACTION), variables, folder) as running:
        yield running


@pytest.mark.parametrize("path", INPUTS, ids=[path.stem for path in INPUTS])
def test_every_sample_input_is_understood(function: Emulator, path: Path) -> None:
    result = function.invoke({"runbook": "Unread", **json.loads(path.read_text("utf-8"))})
    if path.name.startswith("invalid-"):
        assert result["errorType"] in {"InvalidRequest", "ActionRefused"}, result
    else:
        # The local AWS has no Systems Manager Automation.
        elsewhere = "Unknown action" in result.get("errorMessage", "")
        assert "status" in result or result["errorType"] in BEHIND_THE_REQUEST or elsewhere, result


def test_a_good_request_gets_as_far_as_the_cluster(function: Emulator) -> None:
    assert function.invoke(REQUEST)["errorType"] in BEHIND_THE_REQUEST


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"action": "rm -rf /"}, "InvalidRequest"),
        ({"operation": "explode"}, "InvalidRequest"),
        ({"target": None}, "InvalidRequest"),
        ({"target": {**REQUEST["target"], "namespace": "kube-system"}}, "ActionRefused"),
    ],
)
def test_errors_carry_the_names_of_the_contract(
    function: Emulator, change: dict[str, Any], error: str
) -> None:
    result = function.invoke({**REQUEST, **change})
    assert result["errorType"] == error
    assert result["errorMessage"]


def test_an_alert_that_names_another_object_than_its_runbook_is_refused_by_name(
    function: Emulator,
) -> None:
    sample = ROOT / "events" / "runbook_action" / "invalid-resolve-another-namespace.json"
    result = function.invoke(json.loads(sample.read_text("utf-8")))
    assert result["errorType"] == "ActionRefused"
    assert "deployment staging/checkout" in result["errorMessage"]
    assert "deployment apps/checkout" in result["errorMessage"]
