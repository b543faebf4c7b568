"""Which question of a record still waits for an answer.

The operator's tool and the function behind the buttons have this one file; the machines say the
same of a record (``Unanswered`` of the template).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def unanswered(incident: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Give the question about an incident that nobody has answered; None where none is open.

    Whoever answers notes that in the record only afterwards, and it counts without. So a question
    is answered, too, once its runbook has begun a step since; and one of an earlier runbook waits
    for nobody. Whether its runbook is at work is another matter.

    Parameters
    ----------
    incident
        The record. A question that does not name its execution, as those of before, is taken for
        one of the runbook that has the record.
    """
    approval = incident.get("approval")
    if not isinstance(approval, Mapping):
        return None
    asked_at = str(approval.get("requested_at") or "")
    if not asked_at and not approval.get("token"):
        return None
    execution = incident.get("runbook_execution")
    if approval.get("answer") or approval.get("execution") not in (None, execution):
        return None
    begun_at = incident.get("begun_at") if execution and incident.get("begun") == execution else ""
    return None if begun_at and str(begun_at) >= asked_at else approval
