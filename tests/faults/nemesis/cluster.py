"""The cluster's own faults: its API server dies, knows nobody any more, or lets no pod leave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from onemachine.stack.names import CLUSTER_NAME
from tests.faults.ground import API_SERVER, Ground
from tests.faults.processes import Revivable

__all__ = ["FAULTS", "ApiRestart", "BudgetDeadlock", "ExpiredToken"]


@dataclass
class ApiRestart:
    """The API server is killed and started again some seconds later."""

    name: str = "api-restart"
    stages: Sequence[str] = ("guard", "act", "verify", "restore")
    seconds: float = 4.0
    _killed: Revivable | None = field(default=None, init=False)

    def apply(self, ground: Ground) -> str:
        """Kill it."""
        killed = ground.process(API_SERVER)
        killed.kill()
        self._killed = killed
        return f"process {killed.identity.pid} killed"

    def heal(self, ground: Ground) -> None:
        """Start it again."""
        if self._killed is not None:
            ground.revive(API_SERVER, self._killed)
            self._killed = None


@dataclass
class ExpiredToken:
    """The API server takes the tokens of remediation no more, as if they had run out."""

    name: str = "expired-token"
    stages: Sequence[str] = ("guard", "act", "verify", "undo")
    seconds: float = 9.0  # an API server remembers a token that it knows for five
    _entry: dict[str, Any] | None = field(default=None, init=False)

    def apply(self, ground: Ground) -> str:
        """Take the access entry away."""
        eks = ground.client("eks")
        listed = eks.list_access_entries(clusterName=CLUSTER_NAME)["accessEntries"]
        (principal,) = [each for each in listed if each.endswith("checkout-remediation-role")]
        self._entry = eks.describe_access_entry(clusterName=CLUSTER_NAME, principalArn=principal)[
            "accessEntry"
        ]
        eks.delete_access_entry(clusterName=CLUSTER_NAME, principalArn=principal)
        return f"{principal} is nobody to the cluster"

    def heal(self, ground: Ground) -> None:
        """Give it back."""
        if self._entry is None:
            return
        ground.client("eks").create_access_entry(
            clusterName=CLUSTER_NAME,
            principalArn=self._entry["principalArn"],
            kubernetesGroups=self._entry["kubernetesGroups"],
            type="STANDARD",
        )
        self._entry = None


@dataclass
class BudgetDeadlock:
    """Disruption budgets let no pod of some targets leave."""

    name: str = "budget-deadlock"
    stages: Sequence[str] = ("act",)
    seconds: float = 12.0
    _held: list[str] = field(default_factory=list, init=False)

    def apply(self, ground: Ground) -> str:
        """Make the budgets."""
        self._held = list(ground.names)
        ground.targets.forbid_disruption(self._held)
        return f"no pod of {len(self._held)} targets may leave"

    def heal(self, ground: Ground) -> None:
        """Take them away."""
        ground.targets.allow_disruption(self._held)
        self._held = []


FAULTS = (ApiRestart(), ExpiredToken(), BudgetDeadlock())
