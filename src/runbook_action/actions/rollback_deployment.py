"""``rollback_deployment``: the older name of ``rollback_workload``, for Deployments only."""

from runbook_action.actions.rollback_workload import RollbackWorkload

ACTION = RollbackWorkload("rollback_deployment", frozenset({"deployment"}))
