"""What a fault is, and the way in which most are made: a role is denied something for a while."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tests.faults.ground import Ground

__all__ = ["Denial", "Fault"]

_POLICY = "faults-denial"


class Fault(Protocol):
    """One kind of fault."""

    @property
    def name(self) -> str:
        """Its name in plan, journal and report."""

    @property
    def stages(self) -> Sequence[str]:
        """Stages of an incident at which it is aimed."""

    @property
    def seconds(self) -> float:
        """How long it lasts before it is healed."""

    def apply(self, ground: Ground) -> str:
        """Make it; gives in words what was done to what."""

    def heal(self, ground: Ground) -> None:
        """Take it back; does nothing where there is nothing to take back."""


@dataclass(frozen=True)
class Denial:
    """AWS answers AccessDenied to some roles for some actions.

    Parameters
    ----------
    name, stages, seconds
        As of every fault.
    roles : sequence of str
        Names of roles.
    actions : sequence of str
        What they may not do meanwhile, whatever else allows it.
    """

    name: str
    stages: Sequence[str]
    roles: Sequence[str]
    actions: Sequence[str]
    seconds: float = 6.0

    def apply(self, ground: Ground) -> str:
        """Put a policy onto the roles that denies."""
        document = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Deny", "Action": list(self.actions), "Resource": "*"}],
        }
        for role in self.roles:
            ground.client("iam").put_role_policy(
                RoleName=role, PolicyName=_POLICY, PolicyDocument=json.dumps(document)
            )
        return f"{', '.join(self.actions)} denied to {', '.join(self.roles)}"

    def heal(self, ground: Ground) -> None:
        """Take the policy away."""
        iam = ground.client("iam")
        for role in self.roles:
            try:
                iam.delete_role_policy(RoleName=role, PolicyName=_POLICY)
            except iam.exceptions.NoSuchEntityException:
                continue
