"""The preStop hook of a container."""

from collections.abc import Callable, Mapping
from typing import Any

from onemachine.node.actions import Outcome, Surroundings, perform

Wait = Callable[[float], bool]
"""Waits up to the given seconds for the process to end by itself; tells whether it did."""


def pre_stop(
    container: Mapping[str, Any], where: Surroundings, wait: Wait, report: Callable[[Outcome], None]
) -> Callable[[float], None] | None:
    """Return what to do before SIGTERM, or None if the container has no preStop hook.

    Parameters
    ----------
    container : Mapping
        The container of the pod spec.
    where : Surroundings
        The running container.
    wait : callable
        Used for ``sleep``, so that a process that ends early is not waited for.
    report : callable
        Told about a hook that failed; SIGTERM follows all the same.
    """
    hook = (container.get("lifecycle") or {}).get("preStop")
    if not hook:
        return None

    def run(seconds: float) -> None:
        if "sleep" in hook:
            wait(min(float(hook["sleep"].get("seconds") or 0), seconds))
            return
        outcome = perform(hook, where, seconds)
        if not outcome.success:
            report(outcome)

    return run
