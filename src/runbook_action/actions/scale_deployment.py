"""``scale_deployment``: the older name of ``scale_workload``, for Deployments only."""

from runbook_action.actions.scale_workload import ScaleWorkload

ACTION = ScaleWorkload("scale_deployment", frozenset({"deployment"}))
