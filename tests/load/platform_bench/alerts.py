"""The alerts of the measurements, and the bodies in which Alertmanager would send them."""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

#: What Kubernetes makes the names of pods from (``k8s.io/apimachinery/pkg/util/rand``).
_MADE_UP = "bcdfghjklmnpqrstvwxz2456789"


def _pod_of(deployment: str) -> str:
    """Make up a pod's name: one of another shape would be refused as another object's."""
    drawn = "".join(secrets.choice(_MADE_UP) for _ in range(15))
    return f"{deployment}-{drawn[:10]}-{drawn[10:]}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True)
class Alert:
    """One alert that begins now.

    Parameters
    ----------
    name : str
        Its name, which is that of a runbook where ``target`` is given.
    target : str
        Name of the Deployment that it is about; empty for none.
    """

    name: str
    target: str = ""
    fingerprint: str = field(default_factory=lambda: uuid.uuid4().hex[:16])
    started_at: str = field(default_factory=_now)
    pod: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pod", _pod_of(self.target or "nobody"))

    def as_sent(self, *, resolved: bool = False) -> dict[str, Any]:
        """Give it in Alertmanager's words."""
        labels = {
            "alertname": self.name,
            "cluster": "sre-platform",
            "namespace": "apps",
            "pod": self.pod,
            "severity": "critical",
        }
        if self.target:
            labels |= {"deployment": self.target, "runbook": self.name}
        return {
            "status": "resolved" if resolved else "firing",
            "labels": labels,
            "annotations": {
                "summary": f"{self.target or 'nothing'} fails on one request in five",
                "description": "An alert of a measurement; nobody need look at it.",
            },
            "startsAt": self.started_at,
            "endsAt": _now() if resolved else "0001-01-01T00:00:00Z",
            "generatorURL": "http://prometheus.monitoring:9090/graph?g0.expr=vector%281%29&g0.tab=1",
            "fingerprint": self.fingerprint,
        }


def body(alerts: Sequence[Alert], *, resolved: bool = False) -> bytes:
    """Put alerts into one body of Alertmanager."""
    name = alerts[0].name
    document = {
        "receiver": "sre-platform",
        "status": "resolved" if resolved else "firing",
        "alerts": [alert.as_sent(resolved=resolved) for alert in alerts],
        "groupLabels": {"alertname": name},
        "commonLabels": {"cluster": "sre-platform", "severity": "critical"},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.monitoring:9093",
        "version": "4",
        "groupKey": f'{{}}:{{alertname="{name}"}}',
        "truncatedAlerts": 0,
    }
    return json.dumps(document).encode()
