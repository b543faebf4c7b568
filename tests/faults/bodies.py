"""The bodies in which the planned firings are told, as Alertmanager words them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.faults.kinds import Firing, Status

__all__ = ["PREFIX", "Bodies", "poisoned", "runbook_of", "written"]

#: What the names of all alerts of a campaign begin with.
PREFIX = "Faults"
_HOSTILE = (
    "${jndi:ldap://x} {% $states.input %} '; DROP TABLE x; -- <script>alert(1)</script> "
    "$(touch /tmp/x) \u202e\u0000 [[1]] {{template}}"
)
_NEVER = "0001-01-01T00:00:00Z"


def runbook_of(kind: str, target: str) -> str:
    """Give the name of the runbook for a kind of firing on a target."""
    words = "".join(word.capitalize() for word in target.split("-") if word != "faults")
    return f"{PREFIX}{kind.capitalize()}{words}"


@dataclass(frozen=True)
class Bodies:
    """Words firings in terms of real time.

    Parameters
    ----------
    began : datetime
        The campaign's beginning.
    run : str
        Told apart from other campaigns on the same stack by this.
    pod_of : callable
        Gives a pod of a target, which stays the same for a firing.
    """

    began: datetime
    run: str
    pod_of: Callable[[Firing], str]

    def of(self, firings: Sequence[Firing], status: Status) -> bytes:
        """Give a body that tells of firings."""
        alerts = [self._alert(firing, status) for firing in firings]
        return json.dumps(
            {
                "receiver": "sre-platform",
                "status": status,
                "alerts": alerts,
                "groupLabels": {},
                "commonLabels": {},
                "commonAnnotations": {},
                "externalURL": "http://alertmanager.monitoring:9093",
                "version": "4",
                "groupKey": f"{{}}:{{campaign={json.dumps(self.run)}}}",
                "truncatedAlerts": 0,
            }
        ).encode()

    def fingerprint(self, firing: Firing) -> str:
        """Give the identity of its alert in this campaign."""
        return f"{firing.fingerprint}{self.run}"

    def _alert(self, firing: Firing, status: Status) -> dict[str, Any]:
        name = f"{PREFIX}Nobody"
        if firing.acts:
            name = runbook_of(firing.kind, firing.target)
        labels = {
            "alertname": name,
            "campaign": self.run,
            "cluster": "sre-platform",
            "namespace": "apps",
            "number": str(firing.number),
            "severity": firing.severity,
        }
        if firing.kind == "evict":
            labels |= {"pod": self.pod_of(firing)}
        elif firing.target:
            labels |= {"deployment": firing.target}
        text = _HOSTILE if firing.hostile else "one request in five fails"
        return {
            "status": status,
            "labels": labels,
            "annotations": {"summary": f"{firing.kind} {firing.number}: {text}"},
            "startsAt": self._time(firing.fires_at + firing.skew),
            "endsAt": self._time(firing.ends_at + firing.skew) if status == "resolved" else _NEVER,
            "generatorURL": "http://prometheus.monitoring:9090/graph?g0.expr=vector%281%29",
            "fingerprint": self.fingerprint(firing),
        }

    def _time(self, seconds: float) -> str:
        return written(self.began.timestamp(), seconds)


def written(began: float, seconds: float) -> str:
    """Write a moment as the bodies do: so many seconds after a beginning (Unix time)."""
    when = datetime.fromtimestamp(began, UTC) + timedelta(seconds=seconds)
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def poisoned(kind: str) -> bytes:
    """Give a body that nobody may take."""
    whole: dict[str, Any] = {
        "version": "4",
        "status": "firing",
        "receiver": "sre-platform",
        "groupKey": "{}",
        "alerts": [{"status": "firing", "labels": {"alertname": f"{PREFIX}Poison"}}],
    }
    if kind == "no-json":
        return json.dumps(whole).encode()[:-20]
    if kind == "wrong-types":
        return json.dumps({**whole, "alerts": [{**whole["alerts"][0], "labels": ["a"]}]}).encode()
    if kind == "no-alerts":
        return json.dumps(
            {name: value for name, value in whole.items() if name != "alerts"}
        ).encode()
    if kind == "too-deep":
        return b'{"version":"4","alerts":' + b"[" * 5000 + b"]" * 5000 + b"}"
    if kind == "not-utf-8":
        return b'{"version":"4","status":"\xff\xfe","alerts":[]}'
    return b""
