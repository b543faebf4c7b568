"""Prometheus Alertmanager's webhook, version 4 of its message.

Repeats of one firing are byte-identical (observed on 0.25 to 0.31).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alert_ingest.senders.groups import GroupSender


def _recognises(body: Mapping[str, Any]) -> bool:
    """Of the two that send a list of `alerts`, the one that is not Grafana."""
    return "alerts" in body and body.get("orgId") is None and body.get("version") != "1"


def _links(item: Mapping[str, Any], body: Mapping[str, Any]) -> list[tuple[str, object]]:
    return [("generator", item.get("generatorURL")), ("alertmanager", body.get("externalURL"))]


SENDER = GroupSender(
    name="alertmanager",
    product="Alertmanager",
    shape='Alertmanager webhook version 4: {"version": "4", "alerts": [...]}',
    recognises=_recognises,
    links=_links,
)
