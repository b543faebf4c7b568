"""A step that asks: how it is published, planned, signed and called."""

from __future__ import annotations

from typing import Any

from runbook_action import handler as module
from tests.unit.runbook_action.fakes import INCIDENT, World
from tests.unit.runbook_action.invocations import Context, event

ADA = "arn:aws:sts::000000000000:assumed-role/oncall/ada"
ASKS: dict[str, Any] = {
    "name": "Asks",
    "action": "scale_deployment",
    "target": {"kind": "deployment", "namespace": "apps", "name": "checkout"},
    "parameters": {"step": 1, "max_replicas": 6},
    "on_failure": "undo",
    "approval": {"required": True},
}


def call(operation: str = "execute", **changes: Any) -> dict[str, Any]:
    """A call of the machine; what was planned goes beside what came back to the question."""
    approval = dict(changes.pop("approval", None) or {})
    more = {"plan_hash": approval.pop("plan_hash", ""), "approval": approval or None, **changes}
    asked = event(operation=operation, runbook="Asks", action="scale_deployment", **more)
    return {**asked, "parameters": ASKS["parameters"]}


def asking(world: World, who: str = ADA, **approval: Any) -> dict[str, Any]:
    """Publish it, let it be planned and signed; give the approval."""
    asks = {**ASKS, "approval": {"required": True, **approval}}
    world.catalogue.runbooks = (*world.catalogue.runbooks, asks)
    planned = module.handler(call("plan"), Context())["plan_hash"]
    world.identities.signatures["proof"] = (who, f"{INCIDENT}/1/{planned}")
    world.calls.log.clear()
    return {"proofs": ["proof"], "plan_hash": planned}
