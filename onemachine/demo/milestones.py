"""What must be seen on the way from a failing service to a closed incident, and by when."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from onemachine.demo.watch import Milestone, Sighting
from onemachine.demo.world import World, parse_time

__all__ = ["ACTION", "Baseline", "Pace", "incident_milestones"]

ACTION = "enable_degraded_mode"
INCIDENT_ANNOTATION = "sre-platform/incident-id"
_ALERT_THRESHOLD = 0.05


@dataclass(frozen=True)
class Pace:
    """How long things may take.

    Parameters
    ----------
    ratio_window : float
        Seconds over which error ratios are measured; several scrapes long.
    alert : float
        Seconds from the first error to a firing alert.
    delivery : float
        Seconds for each hop of a message; a refused webhook call and its repetition are one hop.
    rollout : float
        Seconds until all pods are replaced.
    recovery : float
        Seconds until the alert resolves once the service is well again.
    closing : float
        Seconds from there to the closed incident.
    """

    ratio_window: float
    alert: float
    delivery: float
    rollout: float
    recovery: float
    closing: float

    @classmethod
    def short(cls) -> Pace:
        """Give limits for the shortened waits, on a machine that is busy with other things."""
        return cls(10, alert=90, delivery=90, rollout=180, recovery=120, closing=90)

    @classmethod
    def realistic(cls) -> Pace:
        """Give limits for the waits of production."""
        return cls(60, alert=300, delivery=90, rollout=240, recovery=420, closing=420)


@dataclass(frozen=True)
class Baseline:
    """The stack before anything was broken.

    Parameters
    ----------
    pod_uids : frozenset of str
        Identity of each pod.
    replicas : int
        How many there must be.
    """

    pod_uids: frozenset[str]
    replicas: int


def incident_milestones(world: World, baseline: Baseline, pace: Pace) -> tuple[Milestone, ...]:
    """Give every milestone of one incident, in the order in which they should come."""
    see = _Probes(world, baseline, pace)
    return (
        Milestone(
            "first-error", "first failed checkout", pace.delivery, see.first_error,
            log="traffic",
        ),
        Milestone(
            "alert-pending", "alert pending in Prometheus", pace.alert, see.alert_pending,
            after=("first-error",), log="prometheus",
        ),
        Milestone(
            "alert-firing", "alert firing in Prometheus", pace.alert, see.alert_firing,
            after=("alert-pending",), log="prometheus",
        ),
        Milestone(
            "alertmanager", "Alertmanager has the alert", pace.delivery, see.alertmanager_has_it,
            after=("alert-firing",), log="alertmanager",
        ),
        Milestone(
            "webhook", "webhook accepted (202) by alert-ingest", pace.delivery, see.webhook,
            after=("alertmanager",), log="alertmanager",
        ),
        Milestone(
            "record", "incident record written", pace.delivery, see.record,
            after=("webhook",), log="aws",
        ),
        Milestone(
            "notified", "on-call notified of the incident", pace.delivery, see.notified,
            after=("webhook",), log="receiver",
        ),
        Milestone(
            "runbook", "runbook started", pace.delivery, see.runbook_started,
            after=("record",), log="aws",
        ),
        Milestone(
            "degraded-mode", "degraded mode switched on in SSM", pace.delivery, see.degraded_mode,
            after=("runbook",), log="runbook-action",
        ),
        Milestone(
            "rollout", "rolling restart ordered in Kubernetes", pace.delivery, see.rollout_ordered,
            after=("runbook",), log="runbook-action",
        ),
        Milestone(
            "pods-replaced", "every pod replaced and ready", pace.rollout, see.pods_replaced,
            after=("rollout",), log="node-agent",
        ),
        Milestone(
            "recovered", "error ratio below the alert's threshold", pace.recovery, see.recovered,
            after=("pods-replaced",), log="traffic",
        ),
        Milestone(
            "alert-resolved", "alert no longer firing", pace.recovery, see.alert_resolved,
            after=("recovered",), log="prometheus",
        ),
        Milestone(
            "resolution-received", "resolution recorded (resolved_at)", pace.closing,
            see.resolution_received, after=("alert-resolved",), log="alertmanager",
        ),
        Milestone(
            "closed", "incident resolved after verification", pace.closing, see.closed,
            after=("resolution-received",), log="aws",
        ),
        Milestone(
            "closing-notified", "on-call notified of the resolution", pace.delivery,
            see.closing_notified, after=("closed",), log="receiver",
        ),
    )  # fmt: skip


@dataclass
class _Probes:
    world: World
    baseline: Baseline
    pace: Pace
    _fired: bool = False

    def first_error(self) -> Sighting | None:
        for line in self.world.traffic():
            if line["error"]:
                return Sighting(line["time"], f"{line['error']} of {line['ok'] + line['error']}")
        return None

    def alert_pending(self) -> Sighting | None:
        alert = self.world.prometheus_alert()
        if alert is None:
            return None
        return Sighting(parse_time(alert["activeAt"]), _ratio_text(alert))

    def alert_firing(self) -> Sighting | None:
        alert = self.world.prometheus_alert()
        if alert is None or alert["state"] != "firing":
            return None
        self._fired = True
        return Sighting(time.time(), _ratio_text(alert))

    def alertmanager_has_it(self) -> Sighting | None:
        alert = self.world.alertmanager_alert()
        if alert is None:
            return None
        return Sighting(time.time(), f"fingerprint {alert['fingerprint']}")

    def webhook(self) -> Sighting | None:
        accepted = self.world.accepted()
        if not accepted:
            return None
        return Sighting(accepted[0].at, f"incident {', '.join(accepted[0].incident_ids)}")

    def record(self) -> Sighting | None:
        record = self.world.record()
        if record is None:
            return None
        return Sighting(time.time(), f"severity {record['severity']}")

    def notified(self) -> Sighting | None:
        return self._notification("incident.created")

    def runbook_started(self) -> Sighting | None:
        record = self.world.record()
        if record is None or "runbook_execution" not in record:
            return None
        execution = self.world.execution(record["runbook_execution"])
        return Sighting(execution["startDate"].timestamp(), execution["name"])

    def degraded_mode(self) -> Sighting | None:
        on, at = self.world.degraded_mode()
        return Sighting(at, "true") if on else None

    def rollout_ordered(self) -> Sighting | None:
        record = self.world.record()
        if record is None:
            return None
        deployment = self.world.deployment()
        annotations = deployment["metadata"].get("annotations", {})
        if annotations.get(INCIDENT_ANNOTATION) != record["incident_id"]:
            return None
        template = deployment["spec"]["template"]["metadata"].get("annotations", {})
        restarted_at = template.get("kubectl.kubernetes.io/restartedAt")
        if restarted_at is None:
            return None
        # The annotation knows whole seconds only, which would put it before what came before it.
        return Sighting(time.time(), f"restartedAt {restarted_at}")

    def pods_replaced(self) -> Sighting | None:
        pods = self.world.pods()
        replaced = (
            len(pods) == self.baseline.replicas
            and all(pod.ready for pod in pods)
            and not any(pod.uid in self.baseline.pod_uids for pod in pods)
        )
        return Sighting(time.time(), f"{len(pods)} new pods") if replaced else None

    def recovered(self) -> Sighting | None:
        if not self.world.degraded_mode()[0]:
            return None
        ratio = self.world.error_ratio(self.pace.ratio_window)
        if ratio is None or ratio >= _ALERT_THRESHOLD:
            return None
        return Sighting(time.time(), f"{ratio:.1%}")

    def alert_resolved(self) -> Sighting | None:
        alert = self.world.prometheus_alert()
        if not self._fired or (alert is not None and alert["state"] == "firing"):
            return None
        return Sighting(time.time())

    def resolution_received(self) -> Sighting | None:
        record = self.world.record()
        if record is None or "resolved_at" not in record:
            return None
        return Sighting(time.time(), f"MTTR {record['mttr_seconds']} s")

    def closed(self) -> Sighting | None:
        record = self.world.record()
        if record is None or record["status"] != "resolved":
            return None
        verified = record.get("verified_at")
        at = parse_time(verified) if verified else time.time()
        return Sighting(at, str(record.get("target_health", "")))

    def closing_notified(self) -> Sighting | None:
        # Where its end was heard before it was verified that is told, too, as ALERT OVER.
        return self._notification("incident.resolved", "OK ")

    def _notification(self, event: str, begins: str = "") -> Sighting | None:
        record = self.world.record()
        if record is None:
            return None
        for notification in self.world.notifications():
            message = notification.message
            if (
                isinstance(message, Mapping)
                and message.get("incident_id") == record["incident_id"]
                and message.get("event") == event
                and str(message.get("message", "")).startswith(begins)
            ):
                return Sighting(notification.received_at, str(message.get("message", "")))
        return None


def _ratio_text(alert: Mapping[str, Any]) -> str:
    return f"{float(alert['value']):.1%} of the checkouts fail"
