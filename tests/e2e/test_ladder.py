"""A runbook of two steps on a StatefulSet that only the alert names, on a whole running stack."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from onemachine.binaries import find
from onemachine.processes.waiting import wait_until
from onemachine.stack.clients import client_of
from onemachine.stack.state import StackFolder
from srectl import runbooks
from srectl.operate.incidents import plain
from tests.support.stacks import FIRING, post, srectl, state_of
from tests.support.waiting import PATIENCE_SECONDS

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

SET = "ledger"
RUNBOOK: dict[str, Any] = {
    "name": "LedgerCrashLooping",
    "description": "Restarts what crashes; where that does not help, rolls it back.",
    "severities": ["critical"],
    "strategy": "ladder",
    "target": {"from_alert": "statefulset", "namespaces": ["apps"], "names": ["led*"]},
    "on_failure": "undo",
    "steps": [
        {"name": "restart", "action": "restart_workload"},
        {"name": "roll-back", "action": "rollback_workload"},
    ],
    "guard": {"cooldown_seconds": 0, "max_actions": 10, "window_seconds": 3600},
}


class Ledger:
    """The StatefulSet, and what is told of it."""

    def __init__(self, stack: StackFolder, exports: dict[str, str], folder: Path) -> None:
        self._exports = exports
        self._folder = folder
        self._state = state_of(stack)
        self._dynamodb = client_of(self._state, "dynamodb")

    def kubectl(self, *arguments: str, given: object = None) -> Any:
        """Run kubectl, as the cluster's administrator; give what it prints as JSON."""
        done = subprocess.run(
            [find("kubernetes") / "kubectl", "-n", "apps", *arguments, "-o", "json"],
            # Without a home, kubectl would keep its cache in the current folder.
            env={"HOME": str(self._folder), "KUBECONFIG": self._exports["KUBECONFIG"]},
            input=None if given is None else json.dumps(given),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout else None

    def allow_and_publish(self) -> None:
        """Grant what the runbook needs, as 'srectl runbooks rbac' says, and publish it."""
        (self._folder / "ledger.yaml").write_text(yaml.safe_dump(RUNBOOK), "utf-8")
        printed = srectl("runbooks", "rbac", "--folder", str(self._folder), "--part", "namespaces")
        assert printed.returncode == 0, printed.stderr
        for each in yaml.safe_load_all(printed.stdout):
            if each and each["kind"] in ("Role", "RoleBinding"):
                each["metadata"]["name"] = SET  # beside the shipped one, and gone with the test
                if each["kind"] == "RoleBinding":
                    each["roleRef"]["name"] = SET
                self.kubectl("apply", "-f", "-", given=each)
        found = runbooks.Runbook(RUNBOOK["name"], RUNBOOK, Path(__file__))
        runbooks.publish(self._dynamodb, "sre-runbooks", [found])

    def deploy(self, **settings: str) -> None:
        """Put a version in place: checkout's own container with these settings."""
        template = self.kubectl("get", "deployment", "checkout")["spec"]["template"]
        container = template["spec"]["containers"][0]
        kept = [each for each in container.get("env", []) if each["name"] not in settings]
        container["env"] = kept + [{"name": key, "value": settings[key]} for key in settings]
        template["metadata"] = {"labels": {"app": SET}}
        template["spec"].pop("topologySpreadConstraints", None)
        template["spec"].pop("affinity", None)
        body = {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "metadata": {"name": SET},
            "spec": {
                "replicas": 1,
                "serviceName": SET,
                "selector": {"matchLabels": {"app": SET}},
                "template": template,
            },
        }
        self.kubectl("apply", "-f", "-", given=body)

    def observed(self) -> bool:
        """Whether the controller has seen what was put in place last."""
        found = self.kubectl("get", "statefulset", SET)
        seen = found.get("status", {}).get("observedGeneration")
        return bool(seen == found["metadata"]["generation"])

    def ready(self) -> bool:
        status = self.kubectl("get", "statefulset", SET)["status"]
        return bool(status.get("readyReplicas") == 1)

    def rate(self) -> str:
        """The setting by which versions differ."""
        template = self.kubectl("get", "statefulset", SET)["spec"]["template"]
        variables = template["spec"]["containers"][0]["env"]
        return str(next(each["value"] for each in variables if each["name"] == "ERROR_RATE"))

    def alert(self, status: str) -> str:
        """Send the alert, which names nothing but the labels of kube-state-metrics."""
        body = json.loads(FIRING.read_text("utf-8"))
        (alert,) = body["alerts"]
        alert["labels"] = {
            "alertname": "KubeStatefulSetReplicasMismatch",
            "severity": "critical",
            "namespace": "apps",
            "statefulset": SET,
            "runbook": RUNBOOK["name"],
        }
        alert |= {"status": status, "fingerprint": self._folder.name.encode().hex()[-16:]}
        body["status"] = status
        if status == "resolved":
            alert["endsAt"] = "2099-01-01T00:00:00Z"
        key = {"X-Api-Key": self._exports["WEBHOOK_API_KEY"]}
        url = self._exports["WEBHOOK_URL"]
        code, answer = post(url, json.dumps(body).encode(), key)
        assert code == 202, answer
        (incident_id,) = json.loads(answer)["incident_ids"]
        return str(incident_id)

    def record(self, incident_id: str) -> dict[str, Any]:
        found = self._dynamodb.query(
            TableName="sre-incidents",
            KeyConditionExpression="incident_id = :id",
            ExpressionAttributeValues={":id": {"S": incident_id}},
            ConsistentRead=True,
        )["Items"]
        return plain(found[0]) if found else {}

    def done(self, incident_id: str) -> list[tuple[str, str, str]]:
        """Each step on record: its name, operation and end."""
        steps = self.record(incident_id).get("actions_taken") or []
        return [(each["step"]["name"], each["operation"], each["status"]) for each in steps]

    def remove(self) -> None:
        for kind in ("statefulset", "role", "rolebinding"):
            self.kubectl_delete(kind)
        self._dynamodb.delete_item(TableName="sre-runbooks", Key={"name": {"S": RUNBOOK["name"]}})

    def kubectl_delete(self, kind: str) -> None:
        subprocess.run(
            [find("kubernetes") / "kubectl", "-n", "apps", "delete", kind, SET, "--wait=true"],
            env={"HOME": str(self._folder), "KUBECONFIG": self._exports["KUBECONFIG"]},
            capture_output=True,
            check=False,
        )


@pytest.fixture
def ledger(stack: StackFolder, exports: dict[str, str], tmp_path: Path) -> Iterator[Ledger]:
    found = Ledger(stack, exports, tmp_path)
    try:
        found.allow_and_publish()
        yield found
    finally:
        found.remove()


def test_where_a_restart_does_not_help_the_version_before_is_brought_back(
    ledger: Ledger,
) -> None:
    ledger.deploy(ERROR_RATE="0")
    wait_until(ledger.ready, "the first version to be ready", 60)
    ledger.deploy(ERROR_RATE="2")  # a wrong setting, with which it does not start
    wait_until(ledger.observed, "the second version to be seen", PATIENCE_SECONDS)
    incident = ledger.alert("firing")
    wait_until(
        lambda: ("roll-back", "execute", "succeeded") in ledger.done(incident),
        "the roll-back to be done",
        240,
    )
    assert ledger.rate() == "0"
    wait_until(ledger.ready, "the first version to be ready again", 60)
    ledger.alert("resolved")
    wait_until(
        lambda: ledger.record(incident).get("status") == "resolved", "the incident to be over", 120
    )
    record = ledger.record(incident)
    assert [step[:2] for step in ledger.done(incident)] == [
        ("restart", "execute"),
        ("roll-back", "execute"),
    ]
    assert all(step["target"]["kind"] == "statefulset" for step in record["actions_taken"])
    _, rolled_back = record["actions_taken"]
    assert rolled_back["result"]["plan"], "the record tells what was changed"


def test_where_neither_helps_both_are_undone_newest_first_and_a_human_is_called(
    ledger: Ledger,
) -> None:
    ledger.deploy(ERROR_RATE="2")
    wait_until(ledger.observed, "the first version to be seen", PATIENCE_SECONDS)
    ledger.deploy(ERROR_RATE="3")
    wait_until(ledger.observed, "the second version to be seen", PATIENCE_SECONDS)
    incident = ledger.alert("firing")
    wait_until(
        lambda: ledger.record(incident).get("status") == "escalated",
        "the incident to be escalated",
        300,
    )
    wait_until(lambda: len(ledger.done(incident)) == 4, "every step on record", PATIENCE_SECONDS)
    assert [step[:2] for step in ledger.done(incident)] == [
        ("restart", "execute"),
        ("roll-back", "execute"),
        ("roll-back", "undo"),
        ("restart", "undo"),
    ]
    assert ledger.rate() == "3"
