"""The handler with a container of fakes: what it is given, and what it logs."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

from runbook_action.evidence import Tools
from runbook_action.ports import Services
from runbook_action.settings import Settings
from tests.unit.runbook_action.environment import GOOD
from tests.unit.runbook_action.evidence.place import FakeLogs
from tests.unit.runbook_action.fakes import INCIDENT, World

LOG = StringIO()


class Context:
    """Lambda's context, with two minutes left."""

    function_name = "runbook-action"

    def get_remaining_time_in_millis(self) -> int:
        return 120_000


class FakeContainer:
    """The container with the fakes in it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.settings = Settings.from_environment(GOOD)
        self.approval = world.approval

    def services(self, cluster: str | None, context: Any) -> Services:
        return self.world.services

    def evidence_tools(self, cluster: str | None) -> Tools:
        return Tools(self.world.cluster, FakeLogs(denied=True), self.world.catalogue)


#: Runbooks that do what ``event`` and its changes ask for.
IN_THE_CATALOGUE = tuple(
    {
        "name": f"Of-{action}",
        "action": action,
        "target": {"from_alert": kind, "namespaces": ["apps"], "names": ["*"]},
        "on_failure": "undo",
    }
    for action, kind in (
        ("enable_degraded_mode", "deployment"),
        ("restart_deployment", "deployment"),
        ("drain_node", "node"),
    )
)


def event(**changes: Any) -> dict[str, Any]:
    return {
        "operation": "execute",
        "action": "enable_degraded_mode",
        "target": {
            "cluster": None,
            "namespace": "apps",
            "kind": "deployment",
            "name": "checkout",
        },
        "parameters": {},
        "incident_id": INCIDENT,
        "undo": None,
        "runbook": f"Of-{changes.get('action', 'enable_degraded_mode')}".replace(" ", "-"),
        **changes,
    }


def logged() -> list[dict[str, Any]]:
    return [json.loads(line) for line in LOG.getvalue().splitlines()]
