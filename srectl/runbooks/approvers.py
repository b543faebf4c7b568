"""Whom the approvers of a step can be: two ARNs, or all that fit a pattern, may be one person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from srectl.consent import person_of


def too_few(approval: Mapping[str, Any]) -> bool:
    """Tell whether those who may approve can never be as many as have to.

    Parameters
    ----------
    approval
        Of a step: ``approvers``, ARNs that may have ``*``, and ``persons``.
    """
    approvers = approval.get("approvers")
    if not approvers or any(_several(each) for each in approvers):
        return False
    return len({person_of(each) for each in approvers}) < int(approval.get("persons", 1))


def _several(pattern: str) -> bool:
    """Tell whether a pattern fits ARNs of several persons; of one that does not ``person_of`` says.

    Neither the account nor the partition makes another person, and where only a session of a role
    varies whom IAM Identity Center does not name, that is one person, too.
    """
    kind, _, rest = pattern.rpartition(":")[2].partition("/")
    if "*" in kind:
        return True
    if kind == "user":
        return "*" in rest.rpartition("/")[2]
    if kind != "assumed-role":
        return False
    role, _, session = rest.partition("/")
    if role.startswith("AWSReservedSSO_"):
        return "*" in session or "/" not in rest
    return "*" in role
