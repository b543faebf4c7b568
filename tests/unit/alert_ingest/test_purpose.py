"""What a sender's own test button sends is an incident for the record, and no alert is one."""

from __future__ import annotations

import pytest

from tests.field import field_body
from tests.unit.alert_ingest.bodies import REMOVE, alertmanager_body, changed, group_body, sample
from tests.unit.alert_ingest.invoking import Invoker, data_of

RELAY = "35b-datadog-test-notification-relay-form"
TITLED = {"alert_title": "[P1] [Triggered on {host:a}] Errors", "event_title": REMOVE}
TEST_LABELS = {"alertname": "TestAlert", "instance": "Alertmanager"}
WRITTEN = {"summary": "Notification test"}

# Each case: a body, and what it is for.
PURPOSES: dict[str, tuple[dict[str, object], str]] = {
    "an alert of Alertmanager": (sample("alertmanager/firing"), "alert"),
    "an alert of Grafana": (sample("grafana/firing"), "alert"),
    "an alert of Datadog": (sample("datadog/triggered"), "alert"),
    "Test of a contact point": (sample("grafana/test-notification"), "test"),
    "Test with labels of one's own": (
        group_body("grafana", groupKey="sre-57c6d9296de2ad39-1795446892"),
        "test",
    ),
    "a test by Alertmanager's tools": (alertmanager_body(alerts__0__labels=TEST_LABELS), "test"),
    "the same words in the summary": (
        alertmanager_body(
            alerts__0__labels={"alertname": "TestAlert"}, alerts__0__annotations=WRITTEN
        ),
        "test",
    ),
    "the name alone": (
        alertmanager_body(alerts__0__labels={"alertname": "TestAlert", "severity": "critical"}),
        "alert",
    ),
    "the summary alone": (alertmanager_body(alerts__0__annotations=WRITTEN), "alert"),
    "no group": (group_body("grafana", groupKey=REMOVE), "alert"),
    "a group without matchers": (group_body("grafana", groupKey="{}:{}"), "alert"),
    "a group that is no text": (group_body("grafana", groupKey=""), "alert"),
    "Test Notifications": (field_body(RELAY), "test"),
    "its recovery": (
        changed(field_body(RELAY), alert_transition="Recovered", event_title="[Recovered] [TEST]"),
        "test",
    ),
    "TEST before the prefix": (
        changed(sample("datadog/triggered"), **{**TITLED, "alert_title": "[TEST] [P1] Errors"}),
        "test",
    ),
    "TEST only in the event's title": (
        changed(sample("datadog/triggered"), event_title="[Triggered] [TEST] Errors"),
        "test",
    ),
    "a monitor about a test": (
        changed(sample("datadog/triggered"), **{**TITLED, "alert_title": "[P1] Errors [TEST]"}),
        "alert",
    ),
}


@pytest.mark.parametrize(("body", "purpose"), PURPOSES.values(), ids=PURPOSES.keys())
def test_a_test_button_is_told_from_an_alert(
    invoke: Invoker, body: dict[str, object], purpose: str
) -> None:
    assert data_of(invoke, body)["purpose"] == purpose


def test_a_test_is_never_part_of_the_incident_that_its_monitor_has(invoke: Invoker) -> None:
    firing = sample("datadog/triggered")
    alert = data_of(invoke, firing)
    test = data_of(invoke, changed(firing, alert_title="[Triggered] [TEST] Errors"))
    assert alert["incident_id"] != test["incident_id"]
