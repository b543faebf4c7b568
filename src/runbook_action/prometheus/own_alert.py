"""The rule of the alert itself: found while the alert fires, and looked at afterwards.

No text of an alert becomes a query. Its name and labels are compared with what Prometheus says of
its own rules; the labels that are asked for later are Prometheus's. That the alert was *seen*
firing under exactly these labels is what makes their absence mean something: one that Alertmanager
knows by other labels (relabelled), or that another Prometheus evaluates, is never found, and then
only what is heard counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from runbook_action.prometheus.judged import Verdict
from runbook_action.prometheus.port import AlertRule, Prometheus, Unanswered
from runbook_action.prometheus.promql import escaped
from runbook_action.resolve.labels import NAMES

_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
#: What says which object it is about, where, and which of several that are alike.
_NAMING = frozenset({"cluster", "namespace", "container", "instance", *NAMES.values()})
_MOST_LABELS = 64
_MOST_CHARACTERS = 4000
#: Evaluations that may be missed before a rule counts as not looked at any more.
_MISSED = 3
_LEAST_SECONDS = 30.0


def seen_firing(prometheus: Prometheus, name: str, labels: Mapping[str, str]) -> dict[str, Any]:
    """Find the alert among those that fire.

    Parameters
    ----------
    name, labels
        As the alert came. Prometheus adds labels to what it sends (``external_labels``) and
        Alertmanager may be told to drop some, so those that both have must agree; what names an
        object the alert must have come with.

    Returns
    -------
    dict
        ``{rule, labels}`` as Prometheus has them, or ``{why_not}`` in words.
    """
    try:
        rules = prometheus.alert_rules(name)
    except Unanswered as error:
        return {"why_not": str(error)}
    found = [
        (rule, known)
        for rule in rules
        for known, state in rule.active
        if state == "firing" and is_of(known, labels)
    ]
    if not rules:
        return {"why_not": "it has no rule of the alert's name"}
    if len(found) != 1:
        many = f"{len(found)} alerts" if found else "no alert"
        return {"why_not": f"{many} of this name and these labels fired there at the beginning"}
    rule, known = found[0]
    size = sum(len(key) + len(text) for key, text in known.items())
    if len(known) > _MOST_LABELS or size > _MOST_CHARACTERS:
        return {"why_not": "the alert has more labels than can be asked for"}
    if not all(_LABEL.fullmatch(key) for key in known):
        return {"why_not": "a label of the alert has a name that a query cannot hold"}
    return {"rule": rule.identity, "labels": dict(known)}


def by_rule(prometheus: Prometheus, seen: Mapping[str, Any], now: float, seconds: int) -> Verdict:
    """Ask whether an alert that was seen firing has been quiet for a time.

    Parameters
    ----------
    seen
        What ``seen_firing`` has given.

    Raises
    ------
    Unanswered
        Then nothing is known.
    """
    labels = seen.get("labels")
    if not isinstance(labels, Mapping) or not labels.get("alertname"):
        why = str(seen.get("why_not") or "the alert was not looked for at the beginning")
        return Verdict("unknown", "alert", f"the rule of the alert is not known, {why}")
    rules = [
        each
        for each in prometheus.alert_rules(str(labels["alertname"]))
        if each.identity == seen.get("rule")
    ]
    if not rules:
        return Verdict("unknown", "alert", "the rule of the alert is gone or was changed")
    for rule in rules:
        states = [state for known, state in rule.active if known == labels]
        if states:
            return Verdict("not-recovered", "alert", f"the rule of the alert is {states[0]}")
        if why := _why_stale(rule, now):
            return Verdict("unknown", "alert", why)
    matchers = ",".join(f'{key}="{escaped(str(text))}"' for key, text in sorted(labels.items()))
    step = max(1, seconds // 30)
    if prometheus.over(f"ALERTS{{{matchers}}}", now - seconds, now, step):
        why = f"the rule of the alert was active within {seconds} seconds"
        return Verdict("recovering", "alert", why)
    said = f"the rule of the alert has been quiet for {seconds} seconds"
    return Verdict("recovered", "alert", said, now - seconds)


def agree(known: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Whether labels say the same as far as both speak of it."""
    return all(labels.get(key, text) == text for key, text in known.items())


def is_of(known: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Whether an alert that came is the one that Prometheus knows.

    One that names no object would agree with the only one of its name that fires, whoever's that
    is, and its silence would close the incident of another. So each label that names an object has
    to have come along; others may have been dropped on the way.
    """
    return agree(known, labels) and not (known.keys() & _NAMING) - labels.keys()


def _why_stale(rule: AlertRule, now: float) -> str:
    if not rule.healthy:
        return "the rule of the alert could not be evaluated"
    age = now - rule.evaluated
    if age > max(_LEAST_SECONDS, _MISSED * rule.interval):
        said = "never" if rule.evaluated == 0 else f"{age:.0f} seconds ago"
        return f"the rule of the alert was evaluated {said}"
    return ""
