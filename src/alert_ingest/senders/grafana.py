"""Grafana Alerting's webhook, version 1 of its message.

It is Alertmanager's message and more; the rules come from Grafana's documentation of the webhook
integration and from the source of grafana/alerting (receivers/webhook) and grafana/grafana
(ngalert/state/compat.go):

- `orgId` is always there, and `version` is "1". A fingerprint is unique inside an organisation.
- `values` is null where an alert has none.
- A rule that could not be evaluated, or got nothing, says so by the alert's name (see `blind`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from alert_ingest.model import Alert
from alert_ingest.senders.base import SUMMARY_LIMIT, tidy_text
from alert_ingest.senders.groups import GroupSender


def _recognises(body: Mapping[str, Any]) -> bool:
    """Tell it from Alertmanager, which has no organisation and is at version 4."""
    return "alerts" in body and (body.get("orgId") is not None or body.get("version") == "1")


def _scope(body: Mapping[str, Any]) -> tuple[str, ...]:
    return (str(body["orgId"]),)


def _links(item: Mapping[str, Any], body: Mapping[str, Any]) -> list[tuple[str, object]]:
    return [
        ("generator", item.get("generatorURL")),
        # The rule's own dashboard goes before one that its annotation names.
        ("dashboard", item.get("dashboardURL")),
        ("panel", item.get("panelURL")),
        ("silence", item.get("silenceURL")),
        ("image", item.get("imageURL")),
        ("grafana", body.get("externalURL")),
    ]


def _refine(alert: Alert, item: Mapping[str, Any]) -> Alert:
    values = _values(item.get("values"))
    if values and "values" not in alert.annotations:
        alert = replace(alert, annotations={**alert.annotations, "values": values})
    return alert


def _values(values: object) -> str:
    """Write what the rule's queries and expressions gave as ``B=44.24, C=1``."""
    if not isinstance(values, dict):
        return ""
    shown = (f"{name}={number}" for name, value in values.items() if (number := _number(value)))
    return tidy_text(", ".join(shown), SUMMARY_LIMIT)


def _number(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    try:
        return f"{value:.6g}"
    except OverflowError:  # JSON's integers have no limit
        return "inf"


SENDER = GroupSender(
    name="grafana",
    product="Grafana",
    shape='Grafana Alerting webhook version 1: {"version": "1", "orgId": 1, "alerts": [...]}',
    recognises=_recognises,
    scope=_scope,
    links=_links,
    refine=_refine,
)
