"""What happens to a pod's containers: probes, restarts, ends, evictions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.integration.node.support import (
    PYTHON,
    AgentProcess,
    Api,
    deployment,
    processes_with,
    web_container,
)
from tests.support.waiting import eventually

pytestmark = pytest.mark.kubernetes


def with_faults(scratch: Path, **more: Any) -> dict[str, Any]:
    return web_container(env=[{"name": "FAULTS", "value": str(scratch)}], **more)


def script(text: str, **more: Any) -> dict[str, Any]:
    return {"name": "web", "image": "any", "command": ["/bin/sh", "-c", text]} | more


def test_a_failing_liveness_probe_restarts_the_container(
    agent: AgentProcess, kube: Api, namespace: str, scratch: Path
) -> None:
    live = {"httpGet": {"path": "/live", "port": 8080}, "periodSeconds": 1, "failureThreshold": 2}
    kube.create_pod(
        namespace, with_faults(scratch, livenessProbe=live | {"initialDelaySeconds": 1})
    )
    kube.wait_ready(namespace, 1)
    before = kube.state(namespace)

    (scratch / "unwell").touch()
    eventually("restart", lambda: kube.state(namespace).restart_count >= 1)
    (scratch / "unwell").unlink()
    kube.wait_ready(namespace, 1)

    after = kube.state(namespace)
    assert after.container_id != before.container_id
    assert after.last_state.terminated.exit_code == 0  # it ended well on SIGTERM
    assert {"Unhealthy", "Killing", "Started"} <= kube.events(namespace)


def test_a_failing_readiness_probe_takes_the_pod_out_without_a_restart(
    agent: AgentProcess, kube: Api, namespace: str, scratch: Path
) -> None:
    kube.create_pod(namespace, with_faults(scratch))
    kube.wait_ready(namespace, 1)

    (scratch / "unready").touch()
    eventually("not ready", lambda: not kube.ready_pods(namespace))
    pod = kube.pod(namespace)
    conditions = {one.type: one for one in pod.status.conditions}
    assert conditions["Ready"].reason == "ContainersNotReady"
    assert "web" in conditions["Ready"].message
    (scratch / "unready").unlink()

    [pod] = kube.wait_ready(namespace, 1)
    assert pod.status.container_statuses[0].restart_count == 0
    conditions = {one.type: one for one in pod.status.conditions}
    assert conditions["Ready"].reason is None


def test_a_pod_marked_unready_by_somebody_else_says_ready_again(
    agent: AgentProcess, kube: Api, namespace: str
) -> None:
    kube.create_pod(namespace, web_container())
    kube.wait_ready(namespace, 1)
    # what the node controller does to the pods of a node that stopped answering
    false = {"status": {"conditions": [{"type": "Ready", "status": "False"}]}}

    kube.core.patch_namespaced_pod_status("web", namespace, false)

    kube.wait_ready(namespace, 1)


def test_other_probes_wait_for_the_startup_probe(
    agent: AgentProcess, kube: Api, namespace: str, scratch: Path
) -> None:
    startup = {
        "exec": {"command": ["/bin/sh", "-c", f"test -e {scratch}/started"]},
        "periodSeconds": 1,
        "failureThreshold": 100,
    }
    live = {"exec": {"command": ["/bin/false"]}, "periodSeconds": 1, "failureThreshold": 1}
    kube.create_pod(namespace, web_container(startupProbe=startup, livenessProbe=live))
    kube.wait_running(namespace)
    eventually("startup probe asked", lambda: "Unhealthy" in kube.events(namespace))
    unit = kube.state(namespace)
    assert (unit.started, unit.ready, unit.restart_count) == (False, False, 0)

    (scratch / "started").touch()

    eventually("liveness now strikes", lambda: kube.state(namespace).restart_count >= 1)


def test_a_container_that_keeps_crashing_is_backed_off(
    agent: AgentProcess, kube: Api, namespace: str
) -> None:
    kube.create_pod(namespace, web_container("crash"))

    def backed_off() -> Any:
        unit = kube.state(namespace)
        waiting = unit.state.waiting if unit else None
        return unit if waiting and waiting.reason == "CrashLoopBackOff" else None

    unit = eventually("CrashLoopBackOff", backed_off)
    assert unit.last_state.terminated.exit_code == 3
    assert unit.last_state.terminated.reason == "Error"
    assert not unit.ready
    assert kube.pod(namespace).status.phase == "Running"
    eventually("tried again", lambda: kube.state(namespace).restart_count >= 4, 60)
    assert "BackOff" in kube.events(namespace)


def test_a_command_that_does_not_exist_is_a_start_error(
    agent: AgentProcess, kube: Api, namespace: str
) -> None:
    kube.create_pod(
        namespace,
        {"name": "web", "image": "any", "command": ["/no/such/command"]},
        restartPolicy="Never",
    )
    eventually("failed", lambda: kube.pod(namespace).status.phase == "Failed")
    end = kube.state(namespace).state.terminated
    assert (end.exit_code, end.reason) == (128, "StartError")
    assert "/no/such/command" in end.message


@pytest.mark.parametrize(
    ("code", "policy", "phase"),
    [(0, "Never", "Succeeded"), (0, "OnFailure", "Succeeded"), (7, "Never", "Failed")],
)
def test_a_pod_that_need_not_run_on_is_finished(
    agent: AgentProcess, kube: Api, namespace: str, code: int, policy: str, phase: str
) -> None:
    kube.create_pod(namespace, script(f"exit {code}"), restartPolicy=policy)
    eventually(phase, lambda: kube.pod(namespace).status.phase == phase)
    assert kube.state(namespace).state.terminated.exit_code == code
    kube.core.delete_namespaced_pod("web", namespace)
    kube.wait_gone(namespace)


def test_init_containers_run_one_after_the_other_before_the_rest(
    agent: AgentProcess, kube: Api, namespace: str, scratch: Path
) -> None:
    note = f"echo %s >> {scratch}/order"
    first = script(f"sleep 0.5; {note % 'first'}") | {"name": "first"}
    second = script(note % "second") | {"name": "second"}
    kube.create_pod(
        namespace, script(f"{note % 'main'}; exec sleep 60"), initContainers=[first, second]
    )
    kube.wait_ready(namespace, 1)
    eventually("main ran", lambda: (scratch / "order").read_text().split()[2:] == ["main"])
    assert (scratch / "order").read_text().split() == ["first", "second", "main"]


def test_a_process_that_ignores_sigterm_is_killed_with_its_children(
    agent: AgentProcess, kube: Api, namespace: str, scratch: Path
) -> None:
    text = (
        "import os,signal,time; signal.signal(15, signal.SIG_IGN); os.fork();"
        f"open('{scratch}/up','w').close(); time.sleep(600)"
    )
    container = {"name": "web", "image": "any", "command": [PYTHON, "-c", text]}
    kube.create_pod(namespace, container, terminationGracePeriodSeconds=1)
    eventually("up", (scratch / "up").exists)
    assert len(processes_with(str(scratch))) == 2

    kube.core.delete_namespaced_pod("web", namespace)

    kube.wait_gone(namespace)
    assert processes_with(str(scratch)) == []


def test_a_forced_deletion_leaves_no_process(
    agent: AgentProcess, kube: Api, namespace: str, scratch: Path
) -> None:
    kube.create_pod(namespace, script(f"touch {scratch}/up; sleep 600; true"))
    eventually("up", (scratch / "up").exists)

    kube.core.delete_namespaced_pod("web", namespace, grace_period_seconds=0)

    eventually("processes gone", lambda: not processes_with(str(scratch)))


def test_the_pre_stop_hook_runs_before_sigterm(
    agent: AgentProcess, kube: Api, namespace: str, scratch: Path
) -> None:
    hook = {"exec": {"command": ["/bin/sh", "-c", f"echo hook >> {scratch}/order"]}}
    text = f"trap 'echo term >> {scratch}/order; exit 0' TERM; touch {scratch}/up; "
    text += "while true; do sleep 0.05; done"
    kube.create_pod(namespace, script(text, lifecycle={"preStop": hook}))
    eventually("up", (scratch / "up").exists)

    kube.core.delete_namespaced_pod("web", namespace)

    kube.wait_gone(namespace)
    assert (scratch / "order").read_text().split() == ["hook", "term"]


def test_evicted_pods_end_as_far_as_the_budget_allows(
    agent: AgentProcess, kube: Api, namespace: str
) -> None:
    kube.apps.create_namespaced_deployment(namespace, deployment(web_container(), replicas=2))
    pods = kube.wait_ready(namespace, 2)
    budget = {"minAvailable": 2, "selector": {"matchLabels": {"app": "web"}}}
    kube.policy.create_namespaced_pod_disruption_budget(
        namespace, {"metadata": {"name": "web"}, "spec": budget}
    )

    def budget_counted() -> bool:
        one = kube.policy.read_namespaced_pod_disruption_budget("web", namespace)
        return bool(one.status and one.status.current_healthy == 2)

    eventually("budget counts the pods", budget_counted)
    victim = pods[0].metadata.name
    eviction = {"metadata": {"name": victim, "namespace": namespace}}
    with pytest.raises(Exception, match="disruption budget"):
        kube.core.create_namespaced_pod_eviction(victim, namespace, eviction)

    kube.apps.patch_namespaced_deployment_scale("web", namespace, {"spec": {"replicas": 3}})
    kube.wait_ready(namespace, 3)

    def evicted() -> bool:
        try:
            kube.core.create_namespaced_pod_eviction(victim, namespace, eviction)
        except Exception as error:  # noqa: BLE001 - 429 until the budget has counted the third pod
            assert "disruption budget" in str(error)  # noqa: PT017 - any other error is a failure
            return False
        return True

    eventually("evicted", evicted)
    kube.wait_gone(namespace, victim)
    assert processes_with(victim) == []
    kube.wait_ready(namespace, 3)
