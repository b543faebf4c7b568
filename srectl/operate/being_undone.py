"""Of which incidents somebody has what their runbooks did taken back at this moment.

The record tells who has asked and when, and each step once it is taken back; whether an attempt
still goes on is only told by its execution of ``incident-restorer``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from srectl.operate.account import Account
from srectl.operate.refusals import calling
from srectl.operate.undo_attempts import name_of

__all__ = ["being_undone"]

_MOST = 1000  # executions: a flood's worth, and no scan without bound


def being_undone(account: Account, incidents: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Give the ids of those of which an attempt to take back goes on; asks nothing where none was.

    Raises
    ------
    CommandFailed
        Step Functions cannot be asked.
    """
    attempts = {name: str(each["incident_id"]) for each in incidents if (name := name_of(each))}
    if not attempts:
        return frozenset()
    with calling("what is being taken back at the moment could not be asked"):
        pages = account.states.get_paginator("list_executions").paginate(
            stateMachineArn=account.restorer_arn,
            statusFilter="RUNNING",
            PaginationConfig={"MaxItems": _MOST, "PageSize": 200},
        )
        names = {each["name"] for page in pages for each in page["executions"]}
    return frozenset(attempts[name] for name in names & attempts.keys())
