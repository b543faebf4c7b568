"""The shipped alert rules, as Prometheus and promtool read them.

In the cluster the operator takes the groups out of PrometheusRule objects; here this does. Where
a pace is given, durations are divided by it (``interval``, ``for``, ``keep_firing_for``, range
selectors such as ``[1m]``, ``offset``); nothing else of a rule is touched.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from onemachine.monitoring.durations import DURATION, divide
from onemachine.monitoring.pace import REALISTIC, Pace
from onemachine.project import PROJECT_ROOT

__all__ = ["KUBERNETES_RULES", "MONITORING_FOLDER", "SHIPPED_RULES", "rule_file"]

MONITORING_FOLDER = PROJECT_ROOT / "eks" / "monitoring"
"""The manifests that production uses, too."""

SHIPPED_RULES = tuple(sorted((MONITORING_FOLDER / "rules").glob("*.yaml")))
"""The PrometheusRule manifests, one for each topic."""

KUBERNETES_RULES = Path(__file__).with_name("kubernetes_rules.yaml")
"""What kube-prometheus-stack says of any workload, for a stack that has no chart installed."""

_IN_EXPRESSION = re.compile(rf"(?P<before>\[|\boffset\s+|(?<=\d[smhdwy]):)(?P<duration>{DURATION})")


def rule_file(manifests: Sequence[Path], pace: Pace = REALISTIC) -> str:
    """Make one rule file of PrometheusRule objects.

    Parameters
    ----------
    manifests : sequence of Path
        YAML files of one PrometheusRule each.
    pace : Pace
        What to divide their durations by.

    Returns
    -------
    str
        YAML with ``groups`` on top.

    Raises
    ------
    ValueError
        There is no file, one is no PrometheusRule, or a duration in it is none.
    """
    if not manifests:
        raise ValueError("there are no rules: name at least one PrometheusRule manifest")
    groups = [
        _group(group, pace.factor) for manifest in manifests for group in _groups_of(manifest)
    ]
    return yaml.safe_dump({"groups": groups}, sort_keys=False, width=100)


def _groups_of(manifest: Path) -> list[dict[str, Any]]:
    document = yaml.safe_load(manifest.read_text("utf-8"))
    if not isinstance(document, dict) or document.get("kind") != "PrometheusRule":
        raise ValueError(f"{manifest} is not a PrometheusRule")
    groups: list[dict[str, Any]] = document["spec"]["groups"]
    return groups


def _group(group: dict[str, Any], factor: float) -> dict[str, Any]:
    result = _with_durations(group, ("interval",), factor)
    result["rules"] = [
        _with_durations(rule, ("for", "keep_firing_for"), factor)
        | {"expr": _expression(str(rule["expr"]), factor)}
        for rule in group["rules"]
    ]
    return result


def _with_durations(entry: dict[str, Any], names: tuple[str, ...], factor: float) -> dict[str, Any]:
    return entry | {name: divide(entry[name], factor) for name in names if name in entry}


def _expression(text: str, factor: float) -> str:
    return _IN_EXPRESSION.sub(
        lambda match: match["before"] + divide(match["duration"], factor), text
    )
