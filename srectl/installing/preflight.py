"""Whether what the steps take is there: programs of the right age, and rights of the caller."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from srectl.installing.plan import Plan, Step
from srectl.installing.shell import Shell

__all__ = ["Finding", "rights", "tools"]

_AT_ONCE = 50


@dataclass(frozen=True)
class Finding:
    """What is missing, for which steps, and what to do about it."""

    what: str
    steps: tuple[str, ...]
    advice: str


def tools(plan: Plan, steps: Iterable[Step], shell: Shell) -> list[Finding]:
    """Give the programs of steps that are missing, too old, or cannot be used."""
    found = []
    for name, users in _users((step.id, step.tools) for step in steps).items():
        tool = plan.tools[name]
        said = shell.version(tool.version)
        version = re.search(r"\d+(?:\.\d+)+", said)
        if version is None:
            what = f"{name} is missing or does not work ('{tool.version}')"
        elif _numbers(version[0]) < _numbers(tool.at_least):
            what = f"{name} {version[0]} is too old: {tool.at_least} or newer"
        else:
            continue
        found.append(Finding(what, users, tool.get))
    return found


def rights(iam: Any, caller: str, region: str, steps: Iterable[Step]) -> tuple[list[Finding], str]:
    """Give the actions of steps that the caller may not do, as far as IAM tells.

    Parameters
    ----------
    iam
        A client of IAM.
    caller
        The caller's ARN, as GetCallerIdentity says it.
    region
        What policies that allow only some regions are judged by.

    Returns
    -------
    tuple
        What is missing, and why it could not be asked for; empty where it could.
    """
    wanted = _users((step.id, step.rights) for step in steps)
    if caller.endswith(":root") or not wanted:
        return [], ""
    try:
        refused = _refused(iam, _principal(iam, caller), region, sorted(wanted))
    except (ClientError, BotoCoreError) as error:
        return [], " ".join(str(error).split())
    advice = "ask who administers the account for it"
    return [Finding(f"{action} is refused", wanted[action], advice) for action in refused], ""


def _refused(iam: Any, principal: str, region: str, actions: list[str]) -> list[str]:
    where = {
        "ContextKeyName": "aws:RequestedRegion",
        "ContextKeyValues": [region],
        "ContextKeyType": "string",
    }
    found = []
    for start in range(0, len(actions), _AT_ONCE):
        answer = iam.simulate_principal_policy(
            PolicySourceArn=principal,
            ActionNames=actions[start : start + _AT_ONCE],
            ContextEntries=[where],
        )
        found += [
            result["EvalActionName"]
            for result in answer["EvaluationResults"]
            if result["EvalDecision"] != "allowed"
        ]
    return found


def _principal(iam: Any, caller: str) -> str:
    """Give whose policies count: of a session, those of its role, which may have a path."""
    kind, _, rest = caller.split(":", 5)[-1].partition("/")
    if kind != "assumed-role":
        return caller
    return str(iam.get_role(RoleName=rest.partition("/")[0])["Role"]["Arn"])


def _users(wants: Iterable[tuple[str, tuple[str, ...]]]) -> dict[str, tuple[str, ...]]:
    users: dict[str, tuple[str, ...]] = {}
    for step, names in wants:
        for name in names:
            users[name] = (*users.get(name, ()), step)
    return users


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
