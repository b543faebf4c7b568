"""What becomes of CloudWatch's alarm events: names, labels, severities; which firing is which."""

from __future__ import annotations

from datetime import datetime
from itertools import permutations
from typing import Any

import pytest

from alert_ingest import severity
from alert_ingest.ends import refuse_unknown_ends
from alert_ingest.errors import BodyRejected, DeliveryFailed
from alert_ingest.firings import Firings
from alert_ingest.model import Alert
from tests.unit.alert_ingest.bodies import REMOVE, changed, sample
from tests.unit.alert_ingest.remembering import InMemory
from tests.unit.alert_ingest.telling import NOW, T, aws_events, change, minutes, told

QUIET = minutes(1440)


def one(name: str, /, **changes: object) -> Alert:
    (alert,) = told(name, **changes).reading.alerts
    return alert


def test_an_alarm_is_an_alert_with_its_metric_and_where_it_is() -> None:
    alert = one("cloudwatch/alarm")
    assert (alert.alert_name, alert.status, alert.severity) == (
        "server-cpu-critical",
        "firing",
        "critical",
    )
    assert alert.started_at == datetime.fromisoformat("2026-11-23T15:13:44.704+00:00")
    assert alert.summary.startswith("Threshold Crossed: 1 out of the last 1 datapoints [99.5")
    assert alert.labels == {
        "InstanceId": "i-12345678901234567",
        "alertname": "server-cpu-critical",
        "account": "000000000000",
        "region": "us-east-1",
        "alarm_type": "metric",
    }
    assert alert.annotations["metrics"] == "AWS/EC2/CPUUtilization"
    assert alert.annotations["description"].startswith("CPU of the instance")
    assert alert.links["alarm"] == (
        "https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1"
        "#alarmsV2:alarm/server-cpu-critical"
    )
    assert not alert.notice


def test_tags_that_come_with_the_event_are_labels_and_select_runbook_and_target() -> None:
    alert = one("cloudwatch/alarm-tags-propagated")
    assert (alert.severity, alert.runbook) == ("critical", "CheckoutHighErrorRate")
    assert (alert.target.cluster, alert.target.namespace, alert.target.name) == (
        "sre-platform",
        "apps",
        "checkout",
    )
    assert alert.labels["team"] == "shop"
    assert alert.links["runbook"] == "https://wiki.example.com/checkout/errors"
    assert alert.labels["LoadBalancer"] == "app/checkout/50dc6c495c0c9188"


def test_a_composite_alarm_names_those_that_set_it_off() -> None:
    alert = one("cloudwatch/composite-alarm")
    assert alert.labels["alarm_type"] == "composite"
    assert alert.annotations["triggered_by"] == "checkout-errors, checkout-latency"
    assert alert.annotations["alarm_rule"] == "ALARM(checkout-errors) AND ALARM(checkout-latency)"
    assert one("cloudwatch/composite-ok").incident_id == alert.incident_id


def test_dimensions_of_container_insights_say_where_it_is() -> None:
    alert = one("cloudwatch/alarm-other-account")
    assert (alert.target.cluster, alert.target.namespace) == ("sre-platform", "apps")


def test_metrics_of_two_objects_name_none_of_them() -> None:
    metrics = sample("cloudwatch/alarm-tags-propagated")["detail"]["configuration"]["metrics"]
    metrics[1]["metricStat"]["metric"]["dimensions"]["LoadBalancer"] = "app/other/1"
    alert = one("cloudwatch/alarm-tags-propagated", detail__configuration__metrics=metrics)
    assert alert.labels["LoadBalancer"] == "app/other/1,app/checkout/50dc6c495c0c9188"


def test_a_dimension_selects_neither_runbook_nor_severity() -> None:
    event = sample("cloudwatch/alarm")
    stat = event["detail"]["configuration"]["metrics"][0]["metricStat"]
    stat["metric"]["dimensions"] = {"runbook": "CheckoutHighErrorRate", "severity": "info"}
    (alert,) = aws_events().read_event(event, NOW).reading.alerts
    assert (alert.runbook, alert.severity) == (None, "critical")
    assert "runbook" not in alert.labels


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("checkout-latency-critical", "critical"),
        ("[P1] checkout", "critical"),
        ("sev2/payments", "warning"),
        ("WARNING disk", "warning"),
        ("queue p4", "info"),
        # Words that tell of the metric, and words in the middle, say nothing.
        ("cpu-high", "warning"),
        ("free-memory-low", "warning"),
        ("no critical path", "warning"),
        ("golden-gold", "critical"),
    ],
)
def test_a_name_may_say_how_bad_it_is(name: str, found: str) -> None:
    severity.use({"gold": "critical"})
    try:
        arn = f"arn:aws:cloudwatch:us-east-1:000000000000:alarm:{name}"
        alert = one("cloudwatch/alarm", detail__alarmName=name, resources=[arn])
    finally:
        severity.use({})
    assert alert.severity == found


def test_a_tag_goes_before_the_name() -> None:
    event = changed(
        sample("cloudwatch/alarm"),
        detail__alarmTags={"severity": "info"},
        detail__alarmTagsStatus="SUCCESS",
    )
    (alert,) = aws_events().read_event(event, NOW).reading.alerts
    assert alert.severity == "info"


def test_what_is_suppressed_is_recorded_and_rises_when_it_is_no_more() -> None:
    memory = InMemory()
    quiet = hear(memory, sample("cloudwatch/composite-suppressed"))
    assert quiet is not None
    assert quiet.severity == "info"
    assert quiet.notes[-1].startswith("its actions are suppressed by WaitPeriod")
    released = changed(
        sample("cloudwatch/composite-alarm"),
        detail__previousState__value="ALARM",
        detail__state__timestamp="2026-11-23T15:17:30.456+0000",
    )
    loud = hear(memory, released)
    assert loud is not None
    assert (loud.incident_id, loud.severity) == (quiet.incident_id, "critical")


@pytest.mark.parametrize(
    ("name", "pointer"),
    [
        ("cloudwatch/invalid-alarm-of-another", "/resources/0"),
        ("cloudwatch/invalid-state", "/detail/state/value"),
    ],
)
def test_what_is_no_alarm_event_is_refused(name: str, pointer: str) -> None:
    with pytest.raises(BodyRejected) as refused:
        told(name)
    assert [problem.pointer for problem in refused.value.problems] == [pointer]


@pytest.mark.parametrize(
    "changes",
    [
        {"detail": {}},
        {"resources": []},
        {"detail__state": REMOVE},
        {"detail__alarmName": 7},
        {"region": "eu-west-1"},
        {"detail__alarmName": "another"},
    ],
)
def test_what_says_less_than_its_identity_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(BodyRejected):
        told("cloudwatch/alarm", **changes)


STRANGE: list[Any] = [None, 7, "text", [], [None], {}, {"metrics": 7}, {"metrics": [7, None]}]


@pytest.mark.parametrize("value", STRANGE, ids=str)
@pytest.mark.parametrize(
    "path",
    [
        "detail__configuration",
        "detail__configuration__metrics",
        "detail__configuration__metrics__0__metricStat",
        "detail__configuration__metrics__0__metricStat__metric",
        "detail__configuration__metrics__0__metricStat__metric__dimensions",
        "detail__configuration__description",
        "detail__previousState",
        "detail__state__timestamp",
        "detail__state__reason",
        "detail__state__reasonData",
        "detail__alarmTags",
    ],
)
def test_what_another_kind_of_alarm_has_instead_costs_no_alert(path: str, value: Any) -> None:
    alert = one("cloudwatch/alarm", **{path: value})
    assert (alert.alert_name, alert.status) == ("server-cpu-critical", "firing")


# ---------------------------------------------------------------- which firing is which
def hear(memory: InMemory, event: dict[str, Any], mode: Any = "unknown") -> Alert | None:
    """Take an event; return its alert, None where nothing is told of it."""
    reading = aws_events(mode).read_event(event, NOW).reading
    settled = Firings(memory, QUIET).settle(reading.alerts, NOW)
    found = [alert for alert in settled if not alert.moot]
    assert len(found) <= 1
    return found[0] if found else None


def heard(memory: InMemory, event: dict[str, Any]) -> Alert:
    alert = hear(memory, event)
    assert alert is not None
    return alert


def test_one_firing_is_one_incident_however_often_it_is_delivered() -> None:
    memory = InMemory()
    began, over = change("ALARM", T), change("OK", T + minutes(9), "ALARM", T)
    found = [heard(memory, each) for each in (began, began, over, over, began)]
    assert len({alert.incident_id for alert in found}) == 1


def test_the_next_firing_is_the_next_incident_however_soon() -> None:
    memory = InMemory()
    first = heard(memory, change("ALARM", T))
    heard(memory, change("OK", T + minutes(1), "ALARM", T))
    again = heard(memory, change("ALARM", T + minutes(2), "OK", T + minutes(1)))
    assert again.incident_id != first.incident_id


def test_every_order_of_two_firings_gives_two_incidents_that_are_over() -> None:
    events = [
        change("ALARM", T),
        change("OK", T + minutes(1), "ALARM", T),
        change("ALARM", T + minutes(2), "OK", T + minutes(1)),
        change("OK", T + minutes(3), "ALARM", T + minutes(2)),
    ]
    for order in permutations(range(4)):
        memory = InMemory()
        began: set[str] = set()
        over: set[str] = set()
        for index in order:
            alert = heard(memory, events[index])
            (began if alert.status == "firing" else over).add(alert.incident_id)
        assert began <= over, order


def test_a_new_firing_does_not_end_with_the_late_end_of_the_one_before() -> None:
    memory = InMemory()
    first = heard(memory, change("ALARM", T))
    second = heard(memory, change("ALARM", T + minutes(2), "OK", T + minutes(1)))
    late = heard(memory, change("OK", T + minutes(1), "ALARM", T))
    assert second.incident_id != first.incident_id == late.incident_id
    end = heard(memory, change("OK", T + minutes(8), "ALARM", T + minutes(2)))
    assert end.incident_id == second.incident_id


def test_an_end_that_comes_first_is_that_of_the_alarm_that_comes_late() -> None:
    memory = InMemory()
    end = heard(memory, change("OK", T + minutes(4), "ALARM", T))
    late = heard(memory, change("ALARM", T))
    assert (late.incident_id, late.forerunner) == (end.incident_id, None)


def test_no_data_in_between_neither_ends_nor_doubles_a_firing() -> None:
    memory = InMemory()
    first = heard(memory, change("ALARM", T))
    assert hear(memory, change("INSUFFICIENT_DATA", T + minutes(3), "ALARM", T)) is None
    goes_on = change("ALARM", T + minutes(6), "INSUFFICIENT_DATA", T + minutes(3))
    assert heard(memory, goes_on).incident_id == first.incident_id
    assert hear(memory, change("INSUFFICIENT_DATA", T + minutes(8), "ALARM", T)) is None
    end = heard(memory, change("OK", T + minutes(9), "INSUFFICIENT_DATA", T + minutes(8)))
    assert (end.incident_id, end.status) == (first.incident_id, "resolved")
    # Told again, because the first time may not have got further than the memory.
    again = heard(memory, change("OK", T + minutes(9), "INSUFFICIENT_DATA", T + minutes(8)))
    assert again.incident_id == first.incident_id


def test_an_alarm_that_has_its_first_data_ends_nothing() -> None:
    memory = InMemory()
    assert hear(memory, change("OK", T, "INSUFFICIENT_DATA")) is None
    assert memory.rows == {}


def test_a_lack_of_data_may_be_an_incident_of_its_own_without_a_runbook() -> None:
    memory = InMemory()
    event = changed(
        change("INSUFFICIENT_DATA", T, "OK"),
        detail__alarmTags={"runbook": "CheckoutHighErrorRate"},
        detail__alarmTagsStatus="SUCCESS",
    )
    blind = hear(memory, event, "incident")
    assert blind is not None
    assert (blind.alert_name, blind.runbook) == ("No data: server-cpu-critical", None)
    assert "runbook CheckoutHighErrorRate is not for that" in blind.notes[-1]
    back = aws_events("incident").read_event(
        change("ALARM", T + minutes(2), "INSUFFICIENT_DATA", T), NOW
    )
    ends, begins = Firings(memory, QUIET).settle(back.reading.alerts, NOW)
    assert (ends.incident_id, ends.status, ends.moot) == (blind.incident_id, "resolved", False)
    assert (begins.status, begins.incident_id == blind.incident_id) == ("firing", False)


def test_a_deleted_alarm_ends_what_it_had_begun_and_nothing_else() -> None:
    memory = InMemory()
    assert hear(memory, sample("cloudwatch/deleted")) is None
    began = heard(memory, sample("cloudwatch/alarm"))
    gone = heard(memory, sample("cloudwatch/deleted"))
    assert (gone.incident_id, gone.status) == (began.incident_id, "resolved")
    created = changed(sample("cloudwatch/deleted"), detail__operation="update")
    assert hear(memory, created) is None


def test_an_alarm_that_fires_for_days_is_not_taken_for_quiet() -> None:
    memory = InMemory()
    alarm = heard(memory, change("ALARM", T - minutes(5 * 1440)))
    end = heard(memory, change("OK", T, "ALARM", T - minutes(5 * 1440)))
    assert end.incident_id == alarm.incident_id


def test_an_end_whose_firing_cannot_be_looked_up_is_neither_told_nor_forgotten() -> None:
    memory = InMemory()
    memory.down = True
    reading = aws_events().read_event(change("OK", T, "INSUFFICIENT_DATA"), NOW).reading
    (alert,) = Firings(memory, QUIET).settle(reading.alerts, NOW)
    assert alert.moot
    with pytest.raises(DeliveryFailed):
        refuse_unknown_ends([alert])
