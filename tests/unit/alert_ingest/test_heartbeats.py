"""Watchdog is counted for its cluster, by who may speak for it, and never becomes an incident."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from alert_ingest.heartbeats import Heard, Watched, watched_from
from alert_ingest.speakers import speakers_from
from tests.unit.alert_ingest.bodies import alertmanager_body, changed, proxy_event
from tests.unit.alert_ingest.invoking import Invoker

WATCHDOG = {"alertname": "Watchdog", "severity": "none", "prometheus": "monitoring/k8s"}


def beat(cluster: str | None = "east", status: str = "firing") -> dict[str, Any]:
    """A body as Alertmanager sends it of kube-prometheus' Watchdog."""
    labels = {**WATCHDOG, **({} if cluster is None else {"cluster": cluster})}
    ends = "2026-11-23T15:20:00Z" if status == "resolved" else "0001-01-01T00:00:00Z"
    body = alertmanager_body()
    return changed(body, alerts__0__labels=labels, alerts__0__status=status, alerts__0__endsAt=ends)


@pytest.fixture
def watching(invoke: Invoker, monkeypatch: pytest.MonkeyPatch) -> Invoker:
    """The handler of a deployment that watches east, and west for the sender busy."""
    settings = dataclasses.replace(
        invoke.module.settings,
        watched=watched_from("east,,west=busy"),
        speakers=speakers_from("busy=alertmanager", "keyofbusy", ""),
    )
    monkeypatch.setattr(invoke.module, "settings", settings)
    return invoke


def counted(records: list[dict[str, Any]]) -> dict[str, float]:
    """The heartbeats among log records, by their cluster."""
    return {
        each["cluster"]: each["MonitoringHeartbeats"]
        for each in records
        if "MonitoringHeartbeats" in each
    }


def from_busy(body: dict[str, Any]) -> dict[str, Any]:
    event: dict[str, Any] = proxy_event(body)
    event["requestContext"].setdefault("identity", {})["apiKeyId"] = "keyofbusy"
    return event


def test_a_heartbeat_is_counted_for_its_cluster_and_is_no_incident(watching: Invoker) -> None:
    status, answer = watching.body(beat())
    assert (status, answer["accepted"], answer["incident_ids"]) == (202, 0, [])
    assert answer["heartbeats"] == ["east"]
    assert watching.bus.details == []
    records = watching.log()
    assert counted(records) == {"east": 1}
    (line,) = [each for each in records if "MonitoringHeartbeats" in each]
    (described,) = line["_aws"]["CloudWatchMetrics"]
    assert (described["Namespace"], described["Dimensions"]) == ("SREPlatform", [["cluster"]])


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (beat("north"), "in no parameter"),
        (beat("west"), "not that of the sender"),
        (beat(None), "no label cluster"),
        (beat(status="resolved"), "has ended"),
    ],
    ids=["unknown cluster", "another's cluster", "no cluster", "ended"],
)
def test_what_says_nothing_of_a_watched_cluster_is_taken_and_not_counted(
    watching: Invoker, body: dict[str, Any], why: str
) -> None:
    status, answer = watching.body(body)
    assert (status, answer["accepted"], answer["heartbeats"]) == (202, 0, [])
    assert watching.bus.details == []
    records = watching.log()
    assert counted(records) == {}
    (told,) = [each for each in records if each.get("message") == "heartbeat not counted"]
    assert why in told["reasons"][0]


def test_a_sender_speaks_for_its_own_cluster_and_for_no_other(watching: Invoker) -> None:
    assert watching.event(from_busy(beat("west")))[1]["heartbeats"] == ["west"]
    assert watching.event(from_busy(beat("east")))[1]["heartbeats"] == []
    assert counted(watching.log()) == {"west": 1}


def test_alerts_beside_a_heartbeat_are_taken_as_ever(watching: Invoker) -> None:
    body = alertmanager_body()
    both = {**body, "alerts": [*beat()["alerts"], *body["alerts"], *beat()["alerts"]]}
    _, answer = watching.body(both)
    assert (answer["accepted"], answer["heartbeats"]) == (1, ["east"])
    assert len(watching.bus.details) == 1
    assert counted(watching.log()) == {"east": 1}


def test_somebody_elses_watchdog_is_an_alert(watching: Invoker) -> None:
    body = changed(beat(), alerts__0__labels__severity="critical")
    _, answer = watching.body(body)
    assert (answer["accepted"], "heartbeats" in answer) == (1, False)


def test_no_sender_makes_a_metric_of_its_own(watching: Invoker) -> None:
    one = beat()["alerts"][0]
    many = [{**one, "labels": {**WATCHDOG, "cluster": f"made-up-{n}"}} for n in range(200)]
    watching.body({**beat(), "alerts": many})
    assert counted(watching.log()) == {}


def test_without_a_place_nothing_is_watched(invoke: Invoker) -> None:
    assert invoke.body(beat())[1]["heartbeats"] == []
    assert watched_from("") == watched_from(",,,") == Watched()
    assert not Heard()


@pytest.mark.parametrize("text", ["a b", "-x", "east=", "east=Busy", "east,east=busy", "x" * 101])
def test_a_place_that_names_no_cluster_stops_the_start(text: str) -> None:
    with pytest.raises(ValueError, match="is not CLUSTER or CLUSTER=SENDER"):
        watched_from(text)
