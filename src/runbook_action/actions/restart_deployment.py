"""``restart_deployment``: the older name of ``restart_workload``, for Deployments only."""

from runbook_action.actions.restart_workload import RestartWorkload

ACTION = RestartWorkload("restart_deployment", frozenset({"deployment"}))
