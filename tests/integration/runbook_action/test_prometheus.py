"""Prometheus through the real API server's proxy: the shipped right, and what its answers mean.

One Prometheus for the file, about 25 seconds: what is to be quiet has to be quiet for a while.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client

from runbook_action.adapters.prometheus_service import ServiceProxy
from runbook_action.errors import InvalidRequest
from runbook_action.ports import Services
from runbook_action.prometheus.criterion import parse_criterion
from runbook_action.prometheus.judged import Verdict
from runbook_action.prometheus.port import Unanswered
from runbook_action.prometheus.reader import Reader
from runbook_action.prometheus.recovery import recovery_of, seen_at_the_beginning
from tests.integration.kubernetes_fixtures import KubernetesApi, StartedControlPlane
from tests.integration.runbook_action.support import Place
from tests.integration.runbook_action.watched_metric import (
    ALERT,
    LABELS,
    READER,
    SERVICE,
    Watched,
    behind_a_service,
    gateway,
    watched,
)
from tests.support.waiting import eventually

pytestmark = [pytest.mark.kubernetes, pytest.mark.monitoring]

ERRORS = 'shop_errors{namespace="apps",deployment="$name"}'
ALERT_SENT = {
    "alert_name": ALERT,
    "labels": {**LABELS, "cluster": "sre-platform"},
    "sender": "alertmanager",
}


@pytest.fixture(scope="module")
def watching(
    own_control_plane: StartedControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Watched]:
    with (
        watched(tmp_path_factory.mktemp("prometheus")) as found,
        gateway(own_control_plane.gateway_port, found.url),
    ):
        yield found


@pytest.fixture(scope="module")
def reader(
    control_plane: KubernetesApi, admin: Any, unchanged_place: Place, watching: Watched
) -> Reader:
    """As the remediation's own identity, with the shipped right."""
    if control_plane.given:
        pytest.skip("the given cluster's API server does not know our gateway")
    behind_a_service(admin)
    found = Reader(ServiceProxy(unchanged_place.cluster, SERVICE))

    def said() -> str:
        try:
            return "" if found.at("vector(1)", time.time()) else "nothing"
        except Unanswered as error:  # the Role is a moment old
            return str(error)

    deadline = time.monotonic() + 20
    while (why := said()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not why
    return found


def asked(place: Place, reader: Reader, wanted: Any, own: Any = None) -> Verdict:
    services: Services = replace(place.services(), prometheus=reader)
    call = place.request("restart_workload", "verify", criterion=parse_criterion(wanted))
    verdict = recovery_of(replace(call, own_alert=own or {}), services)
    assert verdict is not None
    return verdict


def test_only_that_service_at_that_port_and_nothing_but_reading(
    unchanged_place: Place, admin: Any, reader: Reader
) -> None:
    name, _, port = SERVICE[1].partition(":")
    for other in (name, f"http:{SERVICE[1]}", f"{name}:http-web", f"alertmanager:{port}"):
        with pytest.raises(Unanswered, match=r"answered 403.*services/proxy|answered 403"):
            Reader(ServiceProxy(unchanged_place.cluster, (SERVICE[0], other))).at("up", 1)
    access: Any = client.AuthorizationV1Api(admin)
    for verb, namespace in (("create", SERVICE[0]), ("update", SERVICE[0]), ("get", "default")):
        review = access.create_subject_access_review(
            {
                "spec": {
                    "user": "system:serviceaccount:apps:checkout-remediation",
                    "resourceAttributes": {
                        "verb": verb,
                        "resource": "services",
                        "subresource": "proxy",
                        "name": SERVICE[1],
                        "namespace": namespace,
                    },
                }
            }
        )
        assert not review.status.allowed


def test_the_policy_lets_only_questions_through_whatever_stands_behind_the_service(
    unchanged_place: Place, reader: Reader
) -> None:
    proxy = ServiceProxy(unchanged_place.cluster, SERVICE)
    for path in ("/-/healthy", "/api/v1/status/config", "/api/v1/query/", "/metrics", ""):
        status, said = proxy.get(path, [], 10_000, 5)
        assert status == 403, path
        assert b"nothing of this kind" in said


def test_without_the_right_it_is_said_and_what_is_heard_counts(
    unchanged_place: Place, reader: Reader
) -> None:
    other = Reader(ServiceProxy(unchanged_place.cluster, ("default", SERVICE[1])))
    verdict = asked(unchanged_place, other, {"promql": ERRORS, "is": "below 1"})
    assert verdict.state == "unknown"
    assert "so what is heard of the alert counts" in verdict.text
    assert "cannot get resource" in verdict.text


def test_an_alert_that_is_seen_firing_and_then_quiet_has_recovered(
    unchanged_place: Place, reader: Reader, watching: Watched
) -> None:
    watching.errors(0.4)
    services = replace(unchanged_place.services(), prometheus=reader)

    def found() -> Any:
        own = seen_at_the_beginning(services, copy.deepcopy(ALERT_SENT))
        return own if own and "labels" in own else None

    own = eventually("the alert fires", found)
    assert own["labels"] == LABELS
    wanted = {"promql": ERRORS, "is": "below 0.05", "for": "5s"}
    assert asked(unchanged_place, reader, None, own).text == (
        "Prometheus: the rule of the alert is firing"
    )
    assert asked(unchanged_place, reader, wanted).state == "not-recovered"
    watching.errors(0.01)
    quiet = {"for": "5s"}
    eventually(
        "the rule has been quiet for 5 seconds",
        lambda: asked(unchanged_place, reader, quiet, own).state == "recovered",
        60,
    )
    # It was active within the last minute, so by the usual time it is not over yet.
    assert "was active within 60 seconds" in asked(unchanged_place, reader, None, own).text
    eventually(
        "the query has been below for 5 seconds",
        lambda: asked(unchanged_place, reader, wanted).state == "recovered",
        60,
    )
    said = asked(unchanged_place, reader, wanted)
    assert said.text == "Prometheus: the query has been below 0.05 for 5 seconds, now 0.01"


def test_no_number_no_data_and_no_such_query_are_no_recovery(
    unchanged_place: Place, reader: Reader, watching: Watched
) -> None:
    def said(query: str) -> Verdict:
        return asked(unchanged_place, reader, {"promql": query, "is": "below 1", "for": "2s"})

    watching.errors(0.01)
    eventually("it is scraped again", lambda: said("shop_errors").state == "recovered", 60)
    assert "has no data" in said("no_such_metric").text
    assert "no number (NaN)" in said("shop_errors * 0 / 0").text
    wrong = said("rate(shop_errors)")
    assert wrong.state == "unknown"
    assert "expected type range vector" in wrong.text
    several = said('label_replace(shop_errors, "pod", "b", "", "") * 200 or shop_errors')
    assert several.state == "not-recovered"
    assert "of deployment=checkout, namespace=apps, pod=b was not below 1" in several.text
    # The target goes down: Prometheus marks its series as ended, and that is no recovery.
    watching.metrics = lambda: None
    eventually("its series has ended", lambda: "no data" in said("shop_errors").text, 60)


def test_a_prometheus_that_is_gone_is_said(
    unchanged_place: Place,
    own_control_plane: StartedControlPlane,
    reader: Reader,
    watching: Watched,
) -> None:
    """The last one: it stops it."""
    assert watching.process is not None
    watching.process.stop()
    verdict = asked(unchanged_place, reader, {"promql": ERRORS, "is": "below 1"})
    assert verdict.state == "unknown"
    assert "answered 502" in verdict.text or "answered 503" in verdict.text


def test_a_query_that_cannot_be_asked_never_reaches_it() -> None:
    with pytest.raises(InvalidRequest, match="it compares by >"):
        parse_criterion({"promql": "up > 0", "is": "below 1"})


def test_the_shipped_role_is_about_one_service(tmp_path: Path) -> None:
    role, binding = yaml.safe_load_all(READER.read_text("utf-8"))
    assert role["rules"] == [
        {
            "apiGroups": [""],
            "resources": ["services/proxy"],
            "resourceNames": [SERVICE[1]],
            "verbs": ["get"],
        }
    ]
    assert binding["subjects"][0]["name"] == "sre:checkout-remediation"
