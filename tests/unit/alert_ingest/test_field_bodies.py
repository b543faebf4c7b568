"""What intake makes of the bodies that people's systems really send, and of their brothers."""

from __future__ import annotations

import dataclasses
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alert_ingest import severity
from alert_ingest.intake import WHICH_CLUSTER, Intake
from alert_ingest.model import Alert
from alert_ingest.moments import settle
from tests.field import field_body
from tests.unit.alert_ingest.bodies import alertmanager_body, changed, group_body, sample
from tests.unit.alert_ingest.invoking import Invoker, data_of

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)
FIRING_WITHOUT_A_VERDICT = {
    "Grafana's rule through another Alertmanager": field_body(
        "34-grafana-managed-via-external-am-nodata"
    ),
    "Grafana's rule": sample("grafana/datasource-no-data"),
    "a monitor of Datadog": sample("datadog/no-data"),
}


def read(body: dict[str, Any], **how: Any) -> list[Alert]:
    return list(Intake(**how).read(body, NOW).alerts)


def test_an_alert_without_a_name_gets_one_of_its_labels(invoke: Invoker) -> None:
    data = data_of(invoke, field_body("08-am-no-alertname"))
    assert data["alert_name"] == "Unnamed alert (service=billing, node=bar)"
    assert data["warnings"] == ["no label alertname, a name made of the other labels stands in"]
    assert (data["severity"], data["summary"]) == ("critical", "billing batch failed")


@pytest.mark.parametrize(
    "body", FIRING_WITHOUT_A_VERDICT.values(), ids=FIRING_WITHOUT_A_VERDICT.keys()
)
def test_an_alert_without_a_verdict_selects_no_runbook(
    invoke: Invoker, body: dict[str, Any]
) -> None:
    data = data_of(invoke, body)
    assert data["runbook"] is None
    assert data["alert_name"] != "CheckoutHighErrorRate"
    assert any("is not for that" in warning for warning in data["warnings"])


def test_the_severity_of_a_cycle_rises_with_its_transitions(invoke: Invoker) -> None:
    warned = data_of(invoke, field_body("36a-datadog-warn"))
    triggered = data_of(invoke, field_body("36b-datadog-triggered-same-cycle"))
    assert (warned["severity"], triggered["severity"]) == ("warning", "critical")
    assert warned["incident_id"] == triggered["incident_id"]
    first, second = (detail["metadata"]["event_id"] for detail in invoke.bus.details)
    assert first != second


def test_a_repetition_of_a_warning_is_a_warning(invoke: Invoker) -> None:
    again = changed(sample("datadog/renotify"), alert_type="warning")
    assert data_of(invoke, again)["severity"] == "warning"
    assert data_of(invoke, sample("datadog/renotify"))["severity"] == "critical"


@pytest.mark.parametrize("several", [True, False])
def test_an_alert_that_names_no_cluster_of_several_says_so(several: bool) -> None:
    alerts = [
        alert
        for name in ("33a-cluster-A", "33b-cluster-B")
        for alert in read(field_body(name), several_clusters=several)
    ]
    # Two replicas of one Alertmanager have two addresses, too: it tells no clusters apart.
    assert len({alert.incident_id for alert in alerts}) == 1
    for alert in alerts:
        assert alert.target.cluster is None
        assert (WHICH_CLUSTER in alert.notes) == several


def test_an_alert_that_names_its_cluster_needs_no_warning() -> None:
    (alert,) = read(sample("alertmanager/firing"), several_clusters=True)
    assert alert.notes == ()


def test_one_fingerprint_with_different_labels_is_as_many_incidents(invoke: Invoker) -> None:
    body = alertmanager_body(3)
    for number, item in enumerate(body["alerts"]):
        item["fingerprint"] = "the-same"
        item["labels"]["pod"] = f"checkout-{number}"
    status, answer = invoke.body(body)
    assert (status, answer["accepted"], len(answer["incident_ids"])) == (202, 3, 3)
    told = [detail["data"] for detail in invoke.bus.details]
    assert len({data["fingerprint"] for data in told}) == 3
    for data in told:
        assert data["warnings"] == ["its fingerprint is that of other labels, too"]
    # The same alerts, in whatever order, are the same incidents, and their ends find them.
    body["alerts"] = [{**item, "status": "resolved"} for item in reversed(body["alerts"])]
    assert set(invoke.body(body)[1]["incident_ids"]) == set(answer["incident_ids"])


def test_one_fingerprint_with_different_labels_and_starts_is_as_many_alerts() -> None:
    """Where a start moves an alert stays one: what is remembered of it must not be another's."""
    body = alertmanager_body(2)
    for number, item in enumerate(body["alerts"]):
        item["fingerprint"] = "the-same"
        item["labels"]["pod"] = f"checkout-{number}"
        item["startsAt"] = f"2026-11-23T15:1{number}:00Z"
    one, other = read(body)
    assert one.alert_key != other.alert_key
    assert one.incident_id != other.incident_id


def test_a_label_that_says_nothing_makes_no_other_alert(invoke: Invoker) -> None:
    body = alertmanager_body(2)
    body["alerts"][1]["fingerprint"] = body["alerts"][0]["fingerprint"]
    body["alerts"][1]["labels"]["team"] = ""
    assert invoke.body(body)[1]["accepted"] == 1


def test_an_alert_without_a_fingerprint_is_known_by_its_labels(invoke: Invoker) -> None:
    plain = alertmanager_body(alerts__0__fingerprint=None)
    other = changed(plain, alerts__0__labels__pod="checkout-0")
    first, again, another = (data_of(invoke, body)["incident_id"] for body in (plain, plain, other))
    assert first == again != another


# Start and end in minutes after the arrival, and what must come out; None: not given.
TIMES: dict[str, tuple[tuple[float | None, float | None], tuple[float | None, float | None]]] = {
    "in order": ((-9, -3), (-9, -3)),
    "clocks that differ a little": ((4, 4.9), (4, 4.9)),
    "start ahead": ((6, None), (0, None)),
    "end ahead": ((-9, 60), (-9, 0)),
    "both ahead": ((10, 11), (0, 0)),
    "end before the start": ((-3, -9), (-3, -3)),
    "end before a start that is ahead": ((10, -9), (0, 0)),
    "nothing known": ((None, None), (None, None)),
}


@pytest.mark.parametrize(("given_", "expected"), TIMES.values(), ids=TIMES.keys())
def test_moments_that_cannot_be_are_mended_and_named(
    given_: tuple[float | None, float | None], expected: tuple[float | None, float | None]
) -> None:
    def moment(minutes: float | None) -> datetime | None:
        return None if minutes is None else NOW + timedelta(minutes=minutes)

    start, end, notes = settle(moment(given_[0]), moment(given_[1]), NOW)
    assert (start, end) == (moment(expected[0]), moment(expected[1]))
    assert bool(notes) == (given_ != expected)


@pytest.mark.parametrize("sender", ["alertmanager", "grafana"])
def test_a_start_in_the_future_is_one_incident_however_often_it_comes(sender: str) -> None:
    body = group_body(sender, alerts__0__startsAt="2026-11-23T18:00:00Z")
    first, later = (
        Intake().read(body, arrival).alerts[0] for arrival in (NOW, NOW + timedelta(minutes=9))
    )
    assert first.incident_id == later.incident_id
    assert (first.started_at, later.started_at) == (NOW, NOW + timedelta(minutes=9))
    assert first.notes == (
        "its start 2026-11-23T18:00:00.000Z is in the future, the time of arrival stands in",
    )


def test_a_date_of_datadog_in_the_future_is_mended() -> None:
    ahead = int((NOW + timedelta(hours=1)).timestamp() * 1000)
    (alert,) = read(changed(sample("datadog/triggered"), date=str(ahead)))
    assert alert.started_at == NOW
    assert any("in the future" in note for note in alert.notes)


WORDS = {
    **dict.fromkeys(("P0", "S1", "SEV0", "sev-1", "SEV 1", "blocker", "page"), "critical"),
    **dict.fromkeys(("S2", "sev_3", "average", "MODERATE"), "warning"),
    **dict.fromkeys(("p5", "S4", "Trivial"), "info"),
}


@pytest.mark.parametrize(("word", "expected"), WORDS.items())
def test_words_of_other_teams_are_known(word: str, expected: str) -> None:
    assert severity.severity_of(word) == (expected, None)


def test_the_guide_has_the_table_of_words() -> None:
    guide = (ROOT / "docs" / "senders.md").read_text("utf-8")
    rows = re.findall(r"^\| `(critical|warning|info)` \| (.*) \|$", guide, re.M)
    assert {word: found for found, words in rows for word in words.split(", ")} == severity.WORDS


def test_a_deployment_adds_words_and_overrules_the_tables() -> None:
    severity.use(severity.words_from("Gold=critical, tier-1 = WARNING,page=info,"))
    try:
        found = [severity.severity_of(word)[0] for word in ("gold", "Tier 1", "page", "fatal")]
        assert found == ["critical", "warning", "info", "critical"]
    finally:
        severity.use({})
    assert severity.severity_of("gold")[0] == "warning"


@pytest.mark.parametrize("text", ["gold", "gold=", "=info", "gold=urgent", "a=info,b"])
def test_words_that_are_none_are_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="is not WORD=SEVERITY"):
        severity.words_from(text)


def test_six_hundred_alerts_of_two_kilobytes_are_taken(invoke: Invoker) -> None:
    body = alertmanager_body(600)
    for item in body["alerts"]:
        item["annotations"]["description"] = "x" * 1_400
    status, answer = invoke.body(body)
    assert (status, answer["accepted"], len(answer["incident_ids"])) == (202, 600, 600)
    assert len(invoke.bus.taken) == 600


def test_the_largest_body_that_the_shipped_alertmanager_sends_is_taken(invoke: Invoker) -> None:
    """Without a bound there is one that nobody can take, however often it comes again."""
    shipped = yaml.safe_load((ROOT / "eks/monitoring/alertmanager.yaml").read_text("utf-8"))
    bounds = {
        webhook["max_alerts"]
        for receiver in shipped["receivers"]
        for webhook in receiver.get("webhook_configs", [])
    }
    assert bounds
    assert min(bounds) > 0
    body = alertmanager_body(max(bounds))
    for item in body["alerts"]:
        item["annotations"]["description"] = "x" * 1_400
    status, answer = invoke.body(body)
    assert (status, answer["accepted"]) == (202, max(bounds))


NOTHING = st.sampled_from(["absent", None, "", "null", "<no value>"])
OPTIONAL = (
    *("receiver", "groupKey", "externalURL", "status", "truncatedAlerts", "title", "message"),
    *(f"alerts__0__{name}" for name in ("annotations", "endsAt", "generatorURL", "fingerprint")),
    *("alerts__0__labels", "alerts__0__labels__alertname", "alerts__0__labels__severity"),
    *("alerts__0__labels__runbook", "alerts__0__labels__cluster", "alerts__0__labels__namespace"),
    *("alerts__0__annotations__summary", "alerts__0__annotations__runbook_url"),
)


@pytest.mark.parametrize("sender", ["alertmanager", "grafana"])
@given(nothing=st.dictionaries(st.sampled_from(OPTIONAL), NOTHING, max_size=8))
@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_optional_field_may_say_nothing_in_any_way(
    sender: str, nothing: dict[str, str | None]
) -> None:
    def without(spelled: object) -> Alert:
        body = group_body(sender)
        for path, how in sorted(nothing.items(), reverse=True):
            *parents, last = (int(part) if part.isdigit() else part for part in path.split("__"))
            inner: Any = body
            for parent in parents:
                inner = inner.get(parent, {}) if isinstance(parent, str) else inner[parent]
            if isinstance(inner, dict):
                inner.pop(last, None)
                if spelled == "as drawn" and how != "absent":
                    inner[last] = how
        (alert,) = read(body)
        return alert

    drawn, absent = (dataclasses.asdict(without(how)) for how in ("as drawn", "absent"))
    assert drawn == absent
