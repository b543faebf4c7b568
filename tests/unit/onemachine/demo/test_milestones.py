"""Each milestone is seen when it is there, and not a moment earlier."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from onemachine.demo.milestones import Baseline, Pace, incident_milestones
from onemachine.demo.watch import Sighting
from onemachine.demo.world import Accepted, World
from onemachine.receiver import Notification
from onemachine.stack.under_care import Pod

INCIDENT = "827b6fec-df76-5527-8084-a38a1fb5c3c6"
BASELINE = Baseline(frozenset({"old-1", "old-2"}), 2)
RECORD = {"incident_id": INCIDENT, "severity": "critical", "status": "remediating"}
FIRING = {"state": "firing", "activeAt": "2026-11-23T22:10:22Z", "value": "1.75e-01"}


@dataclass
class Scene:
    """A stack as it could be; stands in for :class:`World`."""

    alert: Mapping[str, Any] | None = None
    incident: dict[str, Any] | None = None
    degraded: bool = False
    ratio: float | None = 0.3
    seconds: list[Mapping[str, Any]] = field(default_factory=list)
    messages: list[Any] = field(default_factory=list)
    webhooks: list[Accepted] = field(default_factory=list)
    annotations: dict[str, str] = field(default_factory=dict)
    template: dict[str, str] = field(default_factory=dict)
    running: list[Pod] = field(default_factory=list)

    def traffic(self) -> list[Mapping[str, Any]]:
        return self.seconds

    def error_ratio(self, seconds: float) -> float | None:
        return self.ratio

    def prometheus_alert(self) -> Mapping[str, Any] | None:
        return self.alert

    def record(self) -> dict[str, Any] | None:
        return self.incident

    def accepted(self) -> list[Accepted]:
        return self.webhooks

    def notifications(self) -> list[Notification]:
        return [Notification(9.0, "m", "arn", "", message, {}) for message in self.messages]

    def degraded_mode(self) -> tuple[bool, float]:
        return self.degraded, 7.0

    def deployment(self) -> Mapping[str, Any]:
        pods = {"metadata": {"annotations": self.template}}
        return {"metadata": {"annotations": self.annotations}, "spec": {"template": pods}}

    def pods(self) -> list[Pod]:
        return self.running


def pod(uid: str, *, ready: bool = True) -> Pod:
    return Pod(f"checkout-{uid}", uid, "127.20.1.1", ready)


def look(scene: Scene, name: str, *before: str) -> Sighting | None:
    """Look for a milestone, after having looked for others."""
    found = incident_milestones(cast(World, scene), BASELINE, Pace.short())
    probes = {milestone.name: milestone.probe for milestone in found}
    for each in before:
        probes[each]()
    return probes[name]()


def test_the_first_error_is_the_first_second_with_one() -> None:
    quiet: Mapping[str, Any] = {"time": 1.0, "ok": 20, "error": 0}
    assert look(Scene(seconds=[quiet]), "first-error") is None
    failing = [quiet, {"time": 2.0, "ok": 17, "error": 3}, {"time": 3.0, "ok": 10, "error": 10}]
    assert look(Scene(seconds=failing), "first-error") == Sighting(2.0, "3 of 20")


def test_a_pending_alert_is_not_a_firing_one() -> None:
    scene = Scene(alert={**FIRING, "state": "pending"})
    seen = look(scene, "alert-pending")
    assert seen is not None
    assert seen.detail == "17.5% of the checkouts fail"
    assert look(scene, "alert-firing") is None
    assert look(Scene(alert=FIRING), "alert-firing") is not None


def test_an_alert_that_never_fired_has_not_resolved() -> None:
    scene = Scene()
    assert look(scene, "alert-resolved") is None
    scene.alert = FIRING
    assert look(scene, "alert-resolved", "alert-firing") is None


def test_an_alert_that_fired_and_is_gone_has_resolved() -> None:
    scene = Scene(alert=FIRING)
    found = incident_milestones(cast(World, scene), BASELINE, Pace.short())
    probes = {milestone.name: milestone.probe for milestone in found}
    assert probes["alert-firing"]() is not None
    scene.alert = None
    assert probes["alert-resolved"]() is not None


def test_a_webhook_counts_when_it_was_accepted() -> None:
    assert look(Scene(), "webhook") is None
    assert look(Scene(webhooks=[Accepted(5.0, (INCIDENT,))]), "webhook") == Sighting(
        5.0, f"incident {INCIDENT}"
    )


@pytest.mark.parametrize(
    ("name", "event"),
    [("notified", "incident.created"), ("closing-notified", "incident.resolved")],
)
def test_a_notification_counts_for_its_own_incident_and_event(name: str, event: str) -> None:
    right = {"event": event, "incident_id": INCIDENT, "message": "OK told"}
    other = {"event": "incident.escalated", "incident_id": INCIDENT}
    foreign = {"event": event, "incident_id": "another", "message": "OK told"}
    scene = Scene(incident=RECORD, messages=["text", other, foreign])
    assert look(scene, name) is None
    scene.messages.append(right)
    assert look(scene, name) == Sighting(9.0, "OK told")


def test_an_end_is_notified_once_it_was_verified() -> None:
    heard = {"event": "incident.resolved", "incident_id": INCIDENT, "message": "ALERT OVER a/b"}
    scene = Scene(incident=RECORD, messages=[heard])
    assert look(scene, "closing-notified") is None
    scene.messages.append({**heard, "message": "OK a/b: over"})
    assert look(scene, "closing-notified") == Sighting(9.0, "OK a/b: over")


def test_a_restart_counts_when_it_is_this_incidents() -> None:
    scene = Scene(incident=RECORD, template={"kubectl.kubernetes.io/restartedAt": "now"})
    scene.annotations = {"sre-platform/incident-id": "another"}
    assert look(scene, "rollout") is None
    scene.annotations = {"sre-platform/incident-id": INCIDENT}
    assert look(scene, "rollout") is not None
    scene.template = {}
    assert look(scene, "rollout") is None


@pytest.mark.parametrize(
    "running",
    [
        [],
        [pod("new-1")],
        [pod("new-1"), pod("old-2")],
        [pod("new-1"), pod("new-2", ready=False)],
        [pod("new-1"), pod("new-2"), pod("old-1")],
    ],
)
def test_pods_are_not_replaced_before_all_are_new_and_ready(running: list[Pod]) -> None:
    assert look(Scene(running=running), "pods-replaced") is None


def test_pods_are_replaced_when_all_are_new_and_ready() -> None:
    assert look(Scene(running=[pod("new-1"), pod("new-2")]), "pods-replaced") is not None


@pytest.mark.parametrize(
    ("degraded", "ratio", "recovered"),
    [(False, 0.0, False), (True, 0.05, False), (True, None, False), (True, 0.04, True)],
)
def test_recovered_means_fewer_errors_because_of_degraded_mode(
    degraded: bool, ratio: float | None, recovered: bool
) -> None:
    seen = look(Scene(degraded=degraded, ratio=ratio), "recovered")
    assert (seen is not None) is recovered


def test_an_incident_is_closed_when_its_record_says_resolved() -> None:
    noted = {**RECORD, "resolved_at": 1, "mttr_seconds": 8}
    assert look(Scene(incident=noted), "resolution-received") is not None
    assert look(Scene(incident=noted), "closed") is None
    closed = {**noted, "status": "resolved", "verified_at": "1970-01-01T00:00:30Z"}
    assert look(Scene(incident=closed), "closed") == Sighting(30.0, "")


def test_every_milestone_comes_after_ones_that_exist_and_names_a_log() -> None:
    found = incident_milestones(cast(World, Scene()), BASELINE, Pace.realistic())
    names = [milestone.name for milestone in found]
    assert len(set(names)) == len(names)
    for index, milestone in enumerate(found):
        assert set(milestone.after) <= set(names[:index])
        assert milestone.log
        assert milestone.within > 0
