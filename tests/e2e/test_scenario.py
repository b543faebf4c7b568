"""A bad rollout of any workload, from its real rule to the repair, on one machine.

One scenario of ``srectl demo --scenario``; the others run by command, and their records are tested.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from onemachine.project import PROJECT_ROOT
from onemachine.stack.children import processes_of_stack
from onemachine.stack.control import stop_stack
from onemachine.stack.state import StackFolder

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


def test_a_bad_rollout_rings_by_its_real_rule_and_is_rolled_back(tmp_path: Path) -> None:
    folder = StackFolder.named(f"e2e-scenario-{os.getpid()}")
    report = tmp_path / "report.json"
    command = [sys.executable, "-m", "srectl.cli", "demo", "--scenario", "crash-loop"]
    try:
        ended = subprocess.run(
            [*command, "--name", folder.name, "--report", str(report)],
            cwd=PROJECT_ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        stop_stack(folder, lambda _: None)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    told = json.loads(report.read_text())
    incident = told["incident"]
    assert told["outcome"] == incident["status"] == "resolved"
    # The labels of kube-state-metrics, which name a pod and no workload.
    assert incident["alert_name"] == "KubePodCrashLooping"
    assert incident["labels"]["job"] == "kube-state-metrics"
    assert "deployment" not in incident["labels"]
    (action,) = incident["actions_taken"]
    assert (action["action"], action["status"]) == ("rollback_workload", "succeeded")
    changed = {each["field"]: each["to"] for each in json.loads(action["result"])["plan"]}
    assert changed["spec.template.spec.containers[parcels].image"].endswith(":1.4.2")
    order = [step["name"] for step in told["steps"]]
    assert order.index("alert-firing") < order.index("mended") < order.index("closed")
    events = {each["message"]["event"] for each in told["notifications"]}
    assert {"incident.created", "incident.resolved"} <= events
    assert "parcels:1.4.3 → registry.example/parcels:1.4.2" in " ".join(ended.stdout.split())
    assert not processes_of_stack(folder)
