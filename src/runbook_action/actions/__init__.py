"""The registry: what is not in it cannot be asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module

from runbook_action.actions.base import Action

# Each in a file of its name.
_NAMES = (
    "enable_degraded_mode",
    "disable_degraded_mode",
    "restart_workload",
    "restart_deployment",
    "scale_workload",
    "scale_deployment",
    "rollback_workload",
    "rollback_deployment",
    "drain_node",
    "cordon_node",
    "uncordon_node",
    "evict_pod",
    "raise_autoscaler_maximum",
    "rerun_job",
    "expand_volume",
    "run_automation",
    "invoke_check",
    "probe_cluster",
)


class _Registry(Mapping[str, Action]):
    """Loads an action when it is asked for: a cold start waits for one of them, not for all."""

    def __getitem__(self, name: str) -> Action:
        if name not in _NAMES:
            raise KeyError(name)
        action: Action = import_module(f"{__name__}.{name}").ACTION
        return action

    def __contains__(self, name: object) -> bool:
        return name in _NAMES

    def __iter__(self) -> Iterator[str]:
        return iter(_NAMES)

    def __len__(self) -> int:
        return len(_NAMES)


REGISTRY: Mapping[str, Action] = _Registry()

__all__ = ["REGISTRY", "Action"]
