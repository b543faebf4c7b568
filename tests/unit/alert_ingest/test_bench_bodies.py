"""What ``make bench`` sends is taken, and its records are where it looks for them."""

from __future__ import annotations

import json

from tests.load.platform_bench.alerts import Alert, body
from tests.unit.alert_ingest.invoking import Invoker


def test_each_alert_of_a_body_is_an_incident_under_the_start_that_was_sent(
    invoke: Invoker,
) -> None:
    alerts = [Alert("BenchNoRunbook"), Alert("BenchStorm001", "storm-001")]
    status, answer = invoke.body(json.loads(body(alerts)))
    assert (status, answer["accepted"]) == (202, 2)
    found = [detail["data"] for detail in invoke.bus.details]
    # In the order of the body: the bench tells ids and alerts apart by it.
    assert [data["incident_id"] for data in found] == answer["incident_ids"]
    assert [data["timestamp"] for data in found] == [alert.started_at for alert in alerts]
    assert found[1]["target"]["name"] == "storm-001"


def test_a_resolution_belongs_to_the_same_incident(invoke: Invoker) -> None:
    alerts = [Alert("BenchBurst001", "burst-001")]
    _, fired = invoke.body(json.loads(body(alerts)))
    _, resolved = invoke.body(json.loads(body(alerts, resolved=True)))
    assert resolved["incident_ids"] == fired["incident_ids"]
