"""What the data say of an incident, for one call of ``resolve`` or ``verify``.

Never raises for Prometheus: one that cannot be asked must not keep anybody from acting, nor from
what is heard. That it could not be asked is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from runbook_action.ports import Services
from runbook_action.prometheus.criterion import Criterion
from runbook_action.prometheus.judged import Verdict, by_query
from runbook_action.prometheus.own_alert import by_rule, seen_firing
from runbook_action.prometheus.port import Unanswered
from runbook_action.prometheus.promql import filled
from runbook_action.request import Request, Target

_HEARD = "so what is heard of the alert counts"


def seen_at_the_beginning(services: Services, alert: Mapping[str, Any]) -> dict[str, Any] | None:
    """Find the alert's own rule while it fires; None where there is no Prometheus, or no rule.

    Parameters
    ----------
    alert
        ``data`` of the incident's event.
    """
    if services.prometheus is None or alert.get("purpose") == "canary":
        return None
    labels = alert.get("labels")
    texts = {str(key): str(text) for key, text in (labels or {}).items()}
    name = texts.get("alertname") or str(alert.get("alert_name") or "")
    if alert.get("sender") not in (None, "alertmanager") or not name:
        return {"why_not": "its sender is not Alertmanager"}
    return seen_firing(services.prometheus, name, texts)


def recovery_of(request: Request, services: Services) -> Verdict | None:
    """Say whether the data show that it is over; None where nobody wants to know.

    Parameters
    ----------
    request
        Its ``criterion`` is the runbook's, its ``own_alert`` what ``seen_at_the_beginning`` gave.
    """
    criterion = request.criterion
    if services.prometheus is None:
        if not criterion.promql:
            return None
        return Verdict(
            "unknown",
            "promql",
            f"Prometheus could not be asked, {_HEARD}: the stack names none "
            f"(PrometheusWorkspaceArn or PrometheusService)",
        )
    try:
        verdict = _asked(request, criterion, services)
    except Unanswered as error:
        by: Literal["promql", "alert"] = "promql" if criterion.promql else "alert"
        return Verdict("unknown", by, f"Prometheus could not be asked, {_HEARD}: {error}")
    if verdict.state == "unknown":
        return Verdict("unknown", verdict.by, f"Prometheus: {verdict.text}, {_HEARD}")
    return replace(verdict, text=f"Prometheus: {verdict.text}")


def names_of(target: Target, cluster: str) -> dict[str, str]:
    """Give what the placeholders of a query stand for: names of Kubernetes, no text of an alert."""
    return {
        "cluster": cluster,
        "kind": target.kind,
        "name": target.name,
        "namespace": target.namespace or "",
    }


def _asked(request: Request, criterion: Criterion, services: Services) -> Verdict:
    prometheus, now = services.prometheus, services.clock.now().timestamp()
    if prometheus is None:
        raise Unanswered("there is none")
    if criterion.promql:
        query = filled(criterion.promql, names_of(request.target, services.cluster_name))
        return by_query(prometheus, criterion, query, now)
    return by_rule(prometheus, request.own_alert, now, criterion.seconds)
