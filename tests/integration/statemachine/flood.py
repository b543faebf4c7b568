"""A runbook with limits of a flood of its own."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from tests.integration.statemachine.platform import ACCOUNT, REGION, Platform, incident
from tests.integration.statemachine.telling import id_of

#: Stands in for incident-digest, whose name is all that the runbook knows: it ends at once.
DIGEST = {"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}
WAITING = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 60, "End": True}}}
NO_DIGEST = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:no-such-digest"


@dataclass
class Flood:
    """A runbook with limits of its own, counting in windows that no other test looks at."""

    platform: Platform
    #: Longer than any test takes, and not the same for two of them: so are the counters' keys.
    window_seconds: int = field(default_factory=lambda: 1_000_000 + uuid.uuid4().int % 1_000_000)

    def __post_init__(self) -> None:
        self.target = f"svc-{uuid.uuid4().hex[:8]}"

    @property
    def window(self) -> int:
        return int(time.time() // self.window_seconds)

    def digest(self, definition: dict[str, Any] = WAITING) -> str:
        answer = self.platform.sfn.create_state_machine(
            name=f"{self.platform.name}-digest-{uuid.uuid4().hex[:6]}",
            definition=json.dumps(definition),
            roleArn=f"arn:aws:iam::{ACCOUNT}:role/{self.platform.name}",
        )
        return str(answer["stateMachineArn"])

    def runbook(self, **limits: str) -> str:
        """Create the runbook; returns its ARN."""
        settings = {"FloodWindowSeconds": str(self.window_seconds), **limits}
        return self.platform.variant(VerifyTimeoutSeconds="1", **settings)

    def alert(self, target: str | None = "", **changes: Any) -> dict[str, Any]:
        """An alert about the flood's target, or another one, with a runbook that may act."""
        name = target if target is None else target or self.target
        kind = None if name is None else "deployment"
        about = {"cluster": "sre-platform", "namespace": "apps", "kind": kind, "name": name}
        return incident(
            **{"runbook": self.platform.runbook(on_failure="keep"), "target": about, **changes}
        )

    def acted(self, event: dict[str, Any]) -> bool:
        return bool(self.platform.calls(id_of(event), "execute"))

    def code(self, event: dict[str, Any]) -> str:
        return str(self.platform.record(id_of(event)).get("escalation_code"))

    def told(self, event: dict[str, Any]) -> list[str]:
        """Reasons of the notifications about an incident, as far as there are any yet."""
        return [each["reason_code"] for each in self.platform.notifications(id_of(event))]

    def digests(self, machine: str) -> list[tuple[str, str]]:
        """Names and inputs of the digest's executions."""
        found = self.platform.sfn.list_executions(stateMachineArn=machine)["executions"]
        return [
            (
                each["name"],
                self.platform.sfn.describe_execution(executionArn=each["executionArn"])["input"],
            )
            for each in found
        ]
