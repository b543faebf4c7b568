"""Where evidence comes from, a module for each source. They are asked side by side."""

from collections.abc import Sequence

from runbook_action.evidence.scene import Source
from runbook_action.evidence.sources.budgets import Budgets
from runbook_action.evidence.sources.ends import Ends
from runbook_action.evidence.sources.events import Events
from runbook_action.evidence.sources.last_words import LastWords
from runbook_action.evidence.sources.measurements import AlertsOwnQuery
from runbook_action.evidence.sources.nodes import Nodes
from runbook_action.evidence.sources.resources import Resources
from runbook_action.evidence.sources.rollouts import Rollouts
from runbook_action.evidence.sources.scaling import Scaling

SOURCES: Sequence[Source] = (
    Rollouts(),
    Scaling(),
    Ends(),
    LastWords(),
    Events(),
    Resources(),
    Budgets(),
    Nodes(),
    AlertsOwnQuery(),
)

__all__ = ["SOURCES"]
