"""The rules that decide what becomes of some alerts: a case about them evaluates no others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_NAME = re.compile(r"[a-zA-Z_:][\w:]*")


def asked_rules(groups: Sequence[Mapping[str, Any]], alerts: Iterable[str]) -> dict[str, Any]:
    """Give the groups of a rule file with those rules only that some alerts come from.

    promtool evaluates every rule in every step, and the windows of days have thousands of them.

    Parameters
    ----------
    groups : sequence of mapping
        The groups of the whole file.
    alerts : iterable of str
        The alerts that are asked for.

    Returns
    -------
    dict
        A rule file with the alerts, the recorded series and the other alerts (by ``ALERTS``) that
        they look at, and what these look at in turn; in the order of the whole.
    """
    rules = {_name(rule): rule for group in groups for rule in group["rules"]}
    asked: set[str] = set()
    open_ends = set(alerts)
    while open_ends:
        asked |= open_ends
        seen = set().union(*(_NAME.findall(str(rules[name]["expr"])) for name in open_ends))
        if "ALERTS" in seen and not seen & {name for name in rules if "alert" in rules[name]}:
            return {"groups": list(groups)}  # it looks at alerts by another label than their names
        open_ends = seen & set(rules) - asked
    kept = [
        {**group, "rules": [rule for rule in group["rules"] if _name(rule) in asked]}
        for group in groups
    ]
    return {"groups": [group for group in kept if group["rules"]]}


def _name(rule: Mapping[str, Any]) -> str:
    return str(rule.get("alert") or rule["record"])
