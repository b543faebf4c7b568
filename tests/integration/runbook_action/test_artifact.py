"""The artifact that would be deployed, run as Lambda runs it, for every sample input.

Everything between the state machine and the pods is the shipped thing: the build, the assumed
role, the signed token, the access entry, the manifests' RBAC.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from onemachine.aws.local_aws import LocalAws
from runbook_action.actions import REGISTRY
from runbook_action.objects import GROUP_LABELS
from tests.integration.kubernetes_fixtures import CLUSTER_NAME, StartedControlPlane
from tests.integration.rie.harness import ROOT, RUNBOOK_ACTION, Emulator, build, emulator
from tests.integration.runbook_action.drain_scene import beside, kept_ready
from tests.integration.runbook_action.sample_objects import (
    create_objects,
    grant_what_is_declared,
    remove_objects,
)
from tests.integration.runbook_action.support import (
    PARAMETER,
    REMEDIATION_GROUP,
    Place,
    PodStatuses,
    TokenAccess,
    admin_api,
    install_shipped_rbac,
    trusting_role,
)
from tests.support.entitled import entitled

pytestmark = [pytest.mark.rie, pytest.mark.localaws, pytest.mark.kubernetes]

EVENTS = ROOT / "events" / "runbook_action"
EVIDENCE_BUCKET = "rie-evidence"
OPERATIONS = ("plan", "execute", "verify", "undo")
# In this order, each action meets what the one before it left.
ANSWERS = {
    "enable_degraded_mode": ("planned", "succeeded", "succeeded", "succeeded"),
    "disable_degraded_mode": ("planned", "succeeded", "succeeded", "succeeded"),
    "restart_deployment": ("planned", "succeeded", "succeeded", "unchanged"),
    "scale_deployment": ("planned", "succeeded", "succeeded", "succeeded"),
    "rollback_deployment": ("planned", "succeeded", "succeeded", "succeeded"),
    "drain_node": ("planned", "succeeded", "succeeded", "succeeded"),
    "restart_workload": ("planned", "succeeded", "succeeded", "unchanged"),
    "scale_workload": ("planned", "succeeded", "succeeded", "succeeded"),
    "rollback_workload": ("planned", "succeeded", "succeeded", "succeeded"),
    "evict_pod": ("planned", "succeeded", "succeeded", "unchanged"),
    "raise_autoscaler_maximum": ("planned", "succeeded", "succeeded", "succeeded"),
    "rerun_job": ("planned", "succeeded", "succeeded", "unchanged"),
    "expand_volume": ("planned", "succeeded", "succeeded", "unchanged"),
    "cordon_node": ("planned", "succeeded", "succeeded", "succeeded"),
    "uncordon_node": ("planned", "succeeded", "succeeded", "succeeded"),
    "probe_cluster": ("unchanged", "unchanged", "succeeded", "unchanged"),
}
# What they reach for is not on this machine; tests/integration/rie has them understand theirs.
ELSEWHERE = {"run_automation", "invoke_check"}
SAMPLES = [
    (f"{action}-{operation}", status)
    for action, statuses in ANSWERS.items()
    for operation, status in zip(OPERATIONS, statuses, strict=True)
]


def sample(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text("utf-8"))
    return found


@pytest.fixture(scope="module")
def artifact() -> Path:
    return build(RUNBOOK_ACTION)


@pytest.fixture(scope="module")
def shop(own_control_plane: StartedControlPlane) -> Iterator[Place]:
    """``apps/checkout`` with two revisions, the shipped RBAC, and the node of the samples."""
    plane = own_control_plane.plane
    admin = admin_api(plane.admin_kubeconfig)
    core: Any = client.CoreV1Api(admin)
    nobody = TokenAccess(plane.endpoint, plane.ca_pem, "")
    statuses = PodStatuses(plane.admin_kubeconfig, "apps")
    no_cluster: Any = None
    place = Place(admin, "apps", nobody, no_cluster, statuses)
    install_shipped_rbac(admin)
    node = sample("drain_node-plan")["target"]["name"]
    core.create_node({"metadata": {"name": node, "labels": {GROUP_LABELS[-1]: "of-the-samples"}}})
    place.create_deployment()
    statuses.start()
    place.wait_until_ready()
    containers = [{"name": "checkout", "image": "none/none:2"}]
    place.apps.patch_namespaced_deployment(
        "checkout", "apps", {"spec": {"template": {"spec": {"containers": containers}}}}
    )
    place.wait_until_ready()
    grant_what_is_declared(place)
    create_objects(place)
    with kept_ready(place, node), beside(place, node):
        yield place
    remove_objects(place)
    place.apps.delete_namespaced_deployment("checkout", "apps")
    core.delete_node(node)
    statuses.stop()


@pytest.fixture(scope="module")
def variables(local_aws: LocalAws, own_control_plane: StartedControlPlane) -> dict[str, str]:
    role = trusting_role(local_aws, "artifact-remediation")
    local_aws.client("eks").create_access_entry(
        clusterName=CLUSTER_NAME, principalArn=role, kubernetesGroups=[REMEDIATION_GROUP]
    )
    key = local_aws.client("kms").create_key()["KeyMetadata"]["KeyId"]
    for table, key_name in (("rie-guard", "guard_key"), ("rie-runbooks", "name")):
        local_aws.client("dynamodb").create_table(
            TableName=table,
            AttributeDefinitions=[{"AttributeName": key_name, "AttributeType": "S"}],
            KeySchema=[{"AttributeName": key_name, "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
    local_aws.client("s3").create_bucket(Bucket=EVIDENCE_BUCKET)
    return {
        **local_aws.operator_environment(),
        "CLUSTERS": f"sre-platform={CLUSTER_NAME}",
        "DEFAULT_CLUSTER": "sre-platform",
        "REMEDIATION_ROLE_ARN": role,
        "RUNBOOKS_TABLE": "rie-runbooks",
        "GUARD_TABLE": "rie-guard",
        "DEGRADED_MODE_PARAMETER": PARAMETER,
        "DEGRADED_MODE_KMS_KEY_ID": key,
        "ALLOWED_NAMESPACES": "apps",
        "EVIDENCE_BUCKET": EVIDENCE_BUCKET,
        "POWERTOOLS_SERVICE_NAME": "runbook-action",
        "POWERTOOLS_METRICS_NAMESPACE": "SREPlatform",
    }


@pytest.fixture(scope="module")
def function(
    artifact: Path,
    variables: dict[str, str],
    shop: Place,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Emulator]:
    with emulator(RUNBOOK_ACTION, artifact, variables, tmp_path_factory.mktemp("rie")) as running:
        yield running


def test_there_is_a_sample_for_every_action_and_operation() -> None:
    elsewhere = {f"{action}-{operation}" for action in ELSEWHERE for operation in OPERATIONS}
    named = [path.stem for path in EVENTS.glob("*-*.json")]
    of_actions = {name for name in named if name.split("-", 1)[1] in OPERATIONS}
    assert of_actions == {name for name, _ in SAMPLES} | elsewhere
    assert set(ANSWERS) | ELSEWHERE == set(REGISTRY)


@pytest.mark.parametrize(("name", "status"), SAMPLES, ids=[name for name, _ in SAMPLES])
def test_every_sample_is_answered(
    function: Emulator, local_aws: LocalAws, shop: Place, name: str, status: str
) -> None:
    if name == "uncordon_node-plan":
        shop.core.patch_node(sample(name)["target"]["name"], {"spec": {"unschedulable": True}})
    event = entitled(local_aws.client("dynamodb"), "rie-runbooks", "rie-guard", sample(name))
    answer = function.invoke(event)
    assert answer.get("status") == status, answer
    assert answer["healthy"] is (True if name.endswith("-verify") else None)
    if name == "enable_degraded_mode-execute":
        stored = local_aws.client("ssm").get_parameter(Name=PARAMETER, WithDecryption=True)
        assert stored["Parameter"]["Value"] == "true"
        assert stored["Parameter"]["Type"] == "SecureString"


@pytest.mark.parametrize(
    ("name", "kind"),
    [("workload", "deployment"), ("pod", None), ("node", "node"), ("nothing-named", None)],
)
def test_evidence_of_a_sample_is_in_the_bucket(
    function: Emulator, local_aws: LocalAws, name: str, kind: str | None
) -> None:
    event = sample(f"collect_evidence-{name}")
    answer = function.invoke(event)
    assert answer.get("status") == "collected", answer
    assert (answer["target"] or {}).get("kind") == kind
    stored = local_aws.client("s3").get_object(
        Bucket=EVIDENCE_BUCKET, Key=f"incidents/{event['incident_id']}.json"
    )
    whole = json.loads(stored["Body"].read())
    assert whole["incident_id"] == event["incident_id"]
    read = {source for source, state in answer["sources"].items() if state == "read"}
    assert read == set(whole["facts"])
    if kind:
        assert read >= {"ends", "nodes", "events"}, answer["sources"]
    else:
        assert whole["no_target_because"]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"action": "no_such_action"}, "InvalidRequest"),
        ({"target": {"namespace": "kube-system"}}, "ActionRefused"),
        ({"target": {"cluster": "elsewhere"}}, "ActionRefused"),
        ({"target": {"name": "basket"}}, "TargetNotFound"),
    ],
)
def test_an_error_reaches_the_state_machine_under_its_name(
    function: Emulator, changes: dict[str, Any], error: str
) -> None:
    event = sample("enable_degraded_mode-plan")
    event["target"] |= changes.pop("target", {})
    assert function.invoke({**event, **changes})["errorType"] == error


def test_a_role_without_an_access_entry_is_denied(
    artifact: Path, variables: dict[str, str], local_aws: LocalAws, shop: Place, tmp_path: Path
) -> None:
    stranger = {**variables, "REMEDIATION_ROLE_ARN": trusting_role(local_aws, "artifact-stranger")}
    with emulator(RUNBOOK_ACTION, artifact, stranger, tmp_path) as running:
        answer = running.invoke(sample("restart_deployment-plan"))
    assert answer["errorType"] == "AccessDenied"
    assert "access entry" in answer["errorMessage"]


def test_the_log_carries_no_token_and_no_signature(function: Emulator) -> None:
    function.invoke(sample("restart_deployment-verify"))
    log = function.log()
    assert "RunbookActionSucceeded" in log
    assert "k8s-aws-v1." not in log
    assert "X-Amz-" not in log


def test_the_artifact_carries_no_client_of_kubernetes(artifact: Path) -> None:
    assert (artifact / "urllib3").is_dir()
    assert not (artifact / "kubernetes").exists()
