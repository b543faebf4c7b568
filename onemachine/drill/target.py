"""Drill: EventBridge may not start the recorder any more."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

from onemachine.drill.scene import Scene
from srectl.operate.incidents import opened

NAME = "target"
WHAT = "the role of the rule that keeps the records loses its right on the recorder"

_POLICY = "start-recorder"
# The alert itself and what its runbook did.
_EVENTS = 2


def run(scene: Scene) -> None:
    """Break it, see it, bring it back.

    Raises
    ------
    NotMet
        An expectation did not hold.
    """
    scene.calm("sre-dlq-recorder", "sre-delivery-failures")
    before = scene.target()
    role = scene.role_of("RecordOnlyRole")
    good = scene.policy_of(role, _POLICY)
    put = ("aws", "iam", "put-role-policy", "--role-name", role, "--policy-name", _POLICY)
    iam = scene.client("iam")
    scene.heal_with(
        "the rule may start the recorder again",
        lambda: iam.put_role_policy(
            RoleName=role, PolicyName=_POLICY, PolicyDocument=json.dumps(good)
        ),
    )
    scene.do(
        "break",
        "the role's grant names a machine that is not the recorder",
        *(*put, "--policy-document", json.dumps(_elsewhere(good))),
    )
    alert = scene.fire("Target")
    incident_id = scene.expect_remediated(alert, "detect")
    scene.expect(
        "detect",
        "what the recorder was to write is in its dead-letter queue",
        lambda: scene.queued("recorder") >= _EVENTS and scene.queued("recorder"),
        within=60,
        where="'srectl dlq show recorder'",
        next_step="an event in no queue is lost for the record: 'srectl replay' brings it back",
        shown=lambda count: f"{count} events",
    )
    scene.expect_alarm("sre-dlq-recorder")
    scene.expect_alarm("sre-delivery-failures")
    record = scene.record(incident_id) or {}
    scene.check(
        "detect",
        "the record lacks the action meanwhile",
        not record.get("actions_taken"),
        f"status {record.get('status')}",
        where=f"'srectl incidents show {incident_id}'",
        next_step="the fault did not take: the recorder still writes",
    )
    scene.do(
        "recover",
        "the role has the template's policy again",
        *(*put, "--policy-document", json.dumps(good)),
    )
    scene.healed()
    answer = opened(
        scene.do(
            "recover",
            "the events go to the recorder, and to nobody else",
            *("srectl", "dlq", "redrive", "recorder", "--json"),
        )
    )
    scene.did("recover", "the queue was redriven", f"{len(answer[0]['delivered'])} delivered")
    scene.expect(
        "prove",
        "the record is complete",
        lambda: scene.record_that(incident_id, _is_complete),
        within=30,
        where=f"'srectl incidents show {incident_id}'",
        next_step="'srectl replay --from 1h' fills in what the archive has",
        shown=lambda found: f"{len(found['actions_taken'])} action, labels, target, summary",
    )
    scene.expect_closed(alert, incident_id)
    scene.expect_once([incident_id], before)
    scene.expect_empty()


def _elsewhere(policy: Mapping[str, Any]) -> dict[str, Any]:
    changed = copy.deepcopy(dict(policy))
    for statement in changed["Statement"]:
        statement["Resource"] = f"{statement['Resource']}-of-yesterday"
    return changed


def _is_complete(record: Mapping[str, Any]) -> bool:
    return bool(
        record.get("actions_taken")
        and record.get("labels")
        and record.get("target")
        and record.get("summary")
    )
