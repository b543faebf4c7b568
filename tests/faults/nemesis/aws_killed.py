"""All of AWS dies in the middle of everything and is there again some seconds later."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from onemachine.aws.durable import SIGNAL
from onemachine.stack.clients import aws_of
from tests.faults.ground import AWS, Ground
from tests.faults.processes import Revivable

__all__ = ["FAULTS", "AwsKilled"]

_GONE_SECONDS, _READY_SECONDS = 60.0, 90.0


@dataclass
class AwsKilled:
    """The local AWS writes down what AWS keeps, and kills itself (``onemachine.aws.durable``)."""

    name: str = "aws-killed"
    stages: Sequence[str] = ("intake", "verify")
    seconds: float = 4.0
    _killed: Revivable | None = field(default=None, init=False)

    def apply(self, ground: Ground) -> str:
        """Kill it, its functions with it."""
        killed = ground.process(AWS)
        began = time.monotonic()
        killed.identity.signal(SIGNAL)
        if not killed.identity.wait_gone(_GONE_SECONDS):
            killed.kill()
        self._killed = killed
        return f"process {killed.identity.pid} died within {time.monotonic() - began:.1f} s"

    def heal(self, ground: Ground) -> None:
        """Start it again, and wait until it answers."""
        if self._killed is None:
            return
        ground.revive(AWS, self._killed)
        secret = self._killed.env["SRECTL_LOCAL_AWS_SECRET"]
        self._killed = None
        replace(aws_of(ground.state), secret=secret).wait_ready(_READY_SECONDS)


FAULTS = (AwsKilled(),)
