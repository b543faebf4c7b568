"""What an action refuses of itself, as conditions: a step that asks for the contrary never runs.

The words are those of a step's ``when``, so that one judge (``conditions``) finds both: conditions
that exclude each other, and conditions that exclude the action.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from srectl.runbooks.conditions import bounds

__all__ = ["needs_of"]

_SCALES = frozenset({"scale_workload", "scale_deployment"})
_ROLLS = frozenset(
    {
        "enable_degraded_mode",
        "disable_degraded_mode",
        "restart_workload",
        "restart_deployment",
        "rollback_workload",
        "rollback_deployment",
    }
)
Need = tuple[Mapping[str, Any], str]


def needs_of(
    action: str, parameters: Mapping[str, Any], when: Sequence[Mapping[str, Any]]
) -> Iterator[Need]:
    """Give what must hold for an action to act at all.

    Parameters
    ----------
    action
        Its name.
    parameters
        Of the step; limits are numbers, as the schema has them.
    when
        Conditions of the step: a share of the replicas depends on how many there are.

    Yields
    ------
    tuple
        A condition as a runbook writes it, and why it must hold.
    """
    if action in _ROLLS:
        yield {"fact": "replicas", "at_least": 1}, "where none is asked for there is no pod to roll"
        yield from _ready(parameters, when)
    elif action in _SCALES:
        limit = parameters.get("max_replicas")
        if isinstance(limit, int):
            yield (
                {"fact": "replicas", "below": limit},
                f"max_replicas {limit} allows no more then",
            )
        yield {"fact": "replicas", "at_least": 1}, "where none is asked for, somebody has chosen so"
    elif action == "uncordon_node":
        yield {"fact": "node_ready", "is": True}, "pods are put on no node that cannot run them"


def _ready(parameters: Mapping[str, Any], when: Sequence[Mapping[str, Any]]) -> Iterator[Need]:
    lowest, _ = bounds("replicas", when)
    share = int(parameters.get("min_ready_percent", 0))
    by_share = -(-max(1, int(lowest)) * share // 100)
    limit = max(int(parameters.get("min_ready", 0)), by_share)
    if limit:
        why = f"min_ready or min_ready_percent wants {limit} to stay ready"
        yield {"fact": "ready_replicas", "at_least": limit}, why
        yield {"fact": "replicas", "at_least": limit}, why
