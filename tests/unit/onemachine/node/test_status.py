"""Phase, conditions and container statuses are what a kubelet would write."""

from __future__ import annotations

from typing import Any

import pytest

from onemachine.node.status import (
    ContainerView,
    Running,
    State,
    Terminated,
    Waiting,
    conditions,
    phase,
)

UP = Running("2026-01-01T00:00:00Z")
GOOD = Terminated(0, "Completed", "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z")
BAD = Terminated(1, "Error", "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z")
FRESH = Waiting("ContainerCreating")
LOOP = Waiting("CrashLoopBackOff", "back-off 10s")


def view(state: State, name: str = "web", **more: Any) -> ContainerView:
    return ContainerView(name=name, image="web:1", state=state, **more)


@pytest.mark.parametrize(
    ("policy", "init", "main", "expected"),
    [
        ("Always", [], [view(FRESH)], "Pending"),
        ("Always", [], [view(UP)], "Running"),
        ("Always", [], [view(UP), view(FRESH)], "Pending"),
        ("Always", [], [view(LOOP, last=BAD)], "Running"),
        ("Always", [], [view(GOOD)], "Running"),
        ("OnFailure", [], [view(GOOD)], "Succeeded"),
        ("OnFailure", [], [view(BAD)], "Running"),
        ("OnFailure", [], [view(LOOP, last=BAD), view(GOOD)], "Running"),
        ("Never", [], [view(GOOD), view(GOOD)], "Succeeded"),
        ("Never", [], [view(GOOD), view(BAD)], "Failed"),
        ("Never", [], [view(UP), view(BAD)], "Running"),
        ("Always", [view(UP)], [view(FRESH)], "Pending"),
        ("Always", [view(LOOP, last=BAD)], [view(FRESH)], "Pending"),
        ("Always", [view(GOOD)], [view(UP)], "Running"),
        ("Never", [view(BAD)], [view(FRESH)], "Failed"),
    ],
)
def test_the_phase_follows_from_the_containers(
    policy: str, init: list[ContainerView], main: list[ContainerView], expected: str
) -> None:
    assert phase(policy, init, main) == expected


def by_type(pod: dict[str, Any], main: list[ContainerView], **more: Any) -> dict[str, Any]:
    found = conditions(
        pod,
        more.get("before", {}),
        more.get("pod_phase", "Running"),
        more.get("init", []),
        main,
        "NOW",
    )
    return {one["type"]: one for one in found}


POD: dict[str, Any] = {"spec": {}}


def test_an_unready_container_is_named() -> None:
    found = by_type(POD, [view(UP, ready=True), view(UP, "side")])
    for kind in ("Ready", "ContainersReady"):
        assert found[kind]["status"] == "False"
        assert found[kind]["reason"] == "ContainersNotReady"
        assert found[kind]["message"] == "containers with unready status: [side]"
    assert found["PodScheduled"]["status"] == found["Initialized"]["status"] == "True"


def test_becoming_ready_clears_reason_and_message_in_the_patch() -> None:
    before = by_type(POD, [view(UP)])
    after = by_type(POD, [view(UP, ready=True)], before=before)
    assert after["Ready"] == {
        "type": "Ready",
        "status": "True",
        "lastTransitionTime": "NOW",
        "reason": None,
        "message": None,
    }


def test_an_unchanged_condition_keeps_its_transition_time() -> None:
    before = {"Ready": {"type": "Ready", "status": "True", "lastTransitionTime": "THEN"}}
    found = by_type(POD, [view(UP, ready=True)], before=before)
    assert found["Ready"]["lastTransitionTime"] == "THEN"
    found = by_type(POD, [view(UP)], before=before)
    assert found["Ready"]["lastTransitionTime"] == "NOW"


def test_a_closed_readiness_gate_keeps_a_pod_unready() -> None:
    pod = {"spec": {"readinessGates": [{"conditionType": "lb"}]}}
    found = by_type(pod, [view(UP, ready=True)])
    assert (found["ContainersReady"]["status"], found["Ready"]["status"]) == ("True", "False")
    assert found["Ready"]["reason"] == "ReadinessGatesNotReady"
    found = by_type(pod, [view(UP, ready=True)], before={"lb": {"status": "True"}})
    assert found["Ready"]["status"] == "True"


def test_a_pod_with_a_pending_init_container_is_not_initialized() -> None:
    found = by_type(POD, [view(FRESH)], init=[view(GOOD, "a"), view(UP, "b")])
    assert found["Initialized"]["status"] == "False"
    assert "[b]" in found["Initialized"]["message"]


def test_a_finished_pod_says_so_in_its_conditions() -> None:
    found = by_type(POD, [view(GOOD)], pod_phase="Succeeded")
    assert found["Ready"]["reason"] == "PodCompleted"
    assert by_type(POD, [view(BAD)], pod_phase="Failed")["Ready"]["reason"] == "PodFailed"


def test_a_container_status_shows_the_present_and_the_last_run() -> None:
    shown = view(LOOP, last=BAD, restarts=2, container_id="local://x").to_json()
    assert shown["state"] == {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}
    assert shown["lastState"]["terminated"]["exitCode"] == 1
    assert (shown["restartCount"], shown["ready"], shown["started"]) == (2, False, False)
    assert view(GOOD).to_json()["state"]["terminated"]["exitCode"] == 0
