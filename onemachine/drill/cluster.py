"""Drill: the cluster's API server does not answer while a runbook wants to act."""

from __future__ import annotations

import itertools
import signal
from collections.abc import Mapping
from typing import Any

from onemachine.drill.report import NotMet
from onemachine.drill.scene import Alert, Scene

NAME = "cluster"
WHAT = "the API server of the cluster takes connections and answers nothing"

_PROCESS = "kube-apiserver"
_ATTEMPTS = 4  # one, and three retries


def run(scene: Scene) -> None:
    """Break it, see it, bring it back.

    Raises
    ------
    NotMet
        An expectation did not hold.
    """
    scene.calm("sre-remediation-failures")
    before = scene.target()
    _freeze(scene)
    alert = scene.fire("Cluster")
    incident_id = _escalated(scene, alert)
    scene.expect_alarm("sre-remediation-failures")
    _thaw(scene)
    after = scene.target()
    scene.check(
        "prove",
        "checkout is as it was: nothing was changed, nothing half",
        after == before,
        f"generation {before.generation} before, {after.generation} after",
        where="'kubectl -n apps describe deployment checkout'",
        next_step="its annotations sre-platform/* say which incident changed it",
    )
    scene.do(
        "recover",
        "somebody has looked at it and closes the incident",
        *("srectl", "incidents", "resolve", incident_id, "--reason", "drill: the API is back"),
    )
    scene.check(
        "prove",
        "the incident is resolved, and says by whom",
        _closed_by_hand(scene.record(incident_id) or {}),
        incident_id,
        where=f"'srectl incidents show {incident_id}'",
        next_step="an incident that is not escalated is not closed by hand",
    )
    scene.end(alert)
    _recovered(scene)


def _freeze(scene: Scene) -> None:
    record = scene.state.processes.get(_PROCESS)
    if record is None or not record.identity.alive():
        raise NotMet(
            "the API server runs on this machine",
            "it does not",
            "'srectl status'",
            "start the stack anew",
        )
    scene.heal_with("the API server answers again", lambda: _signal(scene, signal.SIGCONT))
    _signal(scene, signal.SIGSTOP)
    scene.did("break", "the API server is frozen (SIGSTOP)", f"process {record.pid}")


def _thaw(scene: Scene) -> None:
    _signal(scene, signal.SIGCONT)
    scene.healed()
    scene.did("recover", "the API server goes on (SIGCONT)")
    scene.expect_healthy("recover")


def _signal(scene: Scene, number: signal.Signals) -> None:
    scene.state.processes[_PROCESS].identity.signal(number)


def _escalated(scene: Scene, alert: Alert) -> str:
    incident_id = scene.expect(
        "detect",
        f"{alert.name} is an incident all the same",
        lambda: scene.incident_id(alert),
        within=60,
        where="'srectl local logs alert-ingest'",
        next_step="intake needs no cluster: look at 'srectl dlq list'",
    )
    record = scene.expect(
        "detect",
        "the runbook gives up and the incident is escalated",
        lambda: scene.record_that(incident_id, lambda r: r["status"] == "escalated"),
        within=180,
        where=f"'srectl incidents show {incident_id}'",
        next_step="every path of the runbook ends resolved or escalated: look at its execution",
        shown=lambda found: str(found.get("escalation_reason", ""))[:160],
    )
    tried, gaps = _attempts(scene, str(record["runbook_execution"]))
    scene.check(
        "detect",
        "it had tried four times, waiting longer each time",
        tried == _ATTEMPTS,
        f"{tried} attempts, {', '.join(f'{gap:.0f} s' for gap in gaps)} apart",
        where=f"the history of execution {record['runbook_execution']}",
        next_step="compare with IfItPasses in template.yaml",
    )
    scene.expect(
        "detect",
        "the on-call engineer is told of the escalation",
        lambda: scene.told(incident_id, "escalated"),
        within=30,
        where="'srectl local logs receiver'",
        next_step="'srectl dlq list': an escalation that could not be sent is in notifications",
    )
    return incident_id


def _attempts(scene: Scene, execution: str) -> tuple[int, list[float]]:
    """Give how often the function was called to act, and the seconds between the calls."""
    pages = (
        scene.client("stepfunctions")
        .get_paginator("get_execution_history")
        .paginate(executionArn=execution)
    )
    times = [event["timestamp"] for page in pages for event in page["events"] if _is_attempt(event)]
    gaps = [(later - earlier).total_seconds() for earlier, later in itertools.pairwise(times)]
    return len(times), gaps


def _is_attempt(event: Mapping[str, Any]) -> bool:
    return bool(
        event["type"] == "TaskFailed"
        and "ClusterUnreachable" in str(event.get("taskFailedEventDetails", {}).get("error"))
    )


def _closed_by_hand(record: Mapping[str, Any]) -> bool:
    return record.get("status") == "resolved" and bool(record.get("closed_by"))


def _recovered(scene: Scene) -> None:
    """See that the next alert is remediated as ever."""
    before = scene.target()
    alert = scene.fire("ClusterBack")
    incident_id = scene.expect_remediated(alert, "prove")
    scene.expect_closed(alert, incident_id)
    scene.expect_once([incident_id], before)
    scene.expect_empty()
