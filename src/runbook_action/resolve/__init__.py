"""Operation ``resolve``: from a runbook and an alert to what is done to which objects.

It only reads. The alert is data: it selects an object within the bounds that the catalogue states,
and nothing else. Whatever is not one object for certain is refused, with what was found.
"""

from runbook_action.resolve.operation import lock_of, resolve
from runbook_action.resolve.policy import Policy
from runbook_action.resolve.request import Alert, ResolveRequest, parse_resolve

__all__ = ["Alert", "Policy", "ResolveRequest", "lock_of", "parse_resolve", "resolve"]
