"""``enable_degraded_mode``: checkout skips its optional steps, all pods at once."""

from runbook_action.actions.degraded_mode import DegradedMode

ACTION = DegradedMode(name="enable_degraded_mode", enabled=True)
