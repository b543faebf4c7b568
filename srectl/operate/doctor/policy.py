"""The IAM policy that exactly these checks need, for the role of whoever runs the doctor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from srectl.operate.doctor.check import OF_THE_STACK, Check

__all__ = ["policy_of"]


def policy_of(checks: Iterable[Check], names: Mapping[str, str]) -> dict[str, Any]:
    """Write the policy.

    Parameters
    ----------
    checks
        Those that are to be run.
    names
        What stands for ``partition``, ``region``, ``account``, ``prefix`` and ``stack`` in ARNs.

    Returns
    -------
    dict
        A policy document; each resource once, with all that is done to it.
    """
    wanted: dict[str, set[str]] = {}
    for check in checks:
        for grant in (OF_THE_STACK, *check.grants):
            wanted.setdefault(grant.resource.format(**names), set()).update(grant.actions)
    statements = [
        {"Effect": "Allow", "Action": sorted(actions), "Resource": resource}
        for resource, actions in sorted(wanted.items())
    ]
    return {"Version": "2012-10-17", "Statement": statements}
