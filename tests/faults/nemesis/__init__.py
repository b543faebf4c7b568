"""The faults that strike a running stack, one file for what is made in the same way.

What the sender itself does (repeats, reorders, delays, cuts, poisons) stands in the plan.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.faults.nemesis import aborted, aws_killed, cluster, denied, killed, slow, throttled
from tests.faults.nemesis.base import Fault

__all__ = ["FAULTS", "SHORT", "Fault"]

FAULTS: Mapping[str, Fault] = {
    fault.name: fault
    for fault in (
        *throttled.FAULTS,
        *denied.FAULTS,
        *slow.FAULTS,
        *killed.FAULTS,
        *aborted.FAULTS,
        *aws_killed.FAULTS,
        *cluster.FAULTS,
    )
}

#: Those of the short form: quickly over, and nothing of the stack is another process afterwards.
SHORT = ("half-done", "action-killed", "throttled-action", "ssm-denied", "bus-refused")
