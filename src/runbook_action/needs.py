"""The rights that a whole catalogue needs: what its steps' actions declare, in its namespaces.

``srectl runbooks rbac`` writes them down as Roles, ``probe_cluster`` asks the cluster for them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from runbook_action.actions.base import Action, looks_at_target
from runbook_action.ports import Right
from runbook_action.request import TargetKind
from runbook_action.rights import known_by, looked_at, needed
from runbook_action.steps import kinds_of, steps_of

_RESOLVE = "resolve"  # the operation that comes before any action
_WHEN = "when"  # the conditions of a step

# A right → what needs it.
Needs = dict[Right, list[str]]


def needs_of(
    definitions: Iterable[Mapping[str, Any]],
    actions: Mapping[str, Action],
    namespaces: Sequence[str],
) -> tuple[dict[str, Needs], Needs]:
    """Work out what a catalogue needs.

    Parameters
    ----------
    definitions
        Runbooks; those that are not enabled need nothing, nor does a step whose action is none.
    actions
        The registry.
    namespaces
        Those that count, and what a pattern of a target can mean.

    Returns
    -------
    tuple
        Rights in each namespace, and rights beyond namespaces.
    """
    within: dict[str, Needs] = {}
    beyond: Needs = {}
    for definition in definitions:
        if definition.get("enabled") is False:
            continue
        for step in steps_of(definition):
            action = actions.get(step["action"])
            if action is None:
                continue
            for right, by in _wanted(action, step):
                if right.where != "target":
                    beyond.setdefault(right, []).append(by)
                    continue
                for namespace in _namespaces_of(step["target"], namespaces):
                    within.setdefault(namespace, {}).setdefault(right, []).append(by)
    return within, beyond


def _wanted(action: Action, step: Mapping[str, Any]) -> list[tuple[Right, str]]:
    target = step["target"]
    facts = [condition["fact"] for condition in step["when"]]
    found = []
    for kind in cast(tuple[TargetKind, ...], kinds_of(target)):
        found += [(right, action.name) for right in needed(action, kind)]
        found += [(right, _WHEN) for right in known_by(kind, facts)]
    if looks_at_target(action):
        found += [(right, _RESOLVE) for right in looked_at(target)]
    return found


def _namespaces_of(target: Mapping[str, Any], allowed: Sequence[str]) -> list[str]:
    wanted = target.get("namespaces", [target.get("namespace")])
    # Only `*` means something.
    patterns = [".*".join(map(re.escape, str(one).split("*"))) for one in wanted]
    return [each for each in allowed if any(re.fullmatch(one, each) for one in patterns)]
