"""``disable_degraded_mode``: checkout does its optional steps again."""

from runbook_action.actions.degraded_mode import DegradedMode

ACTION = DegradedMode(name="disable_degraded_mode", enabled=False)
