"""What AWS DevOps Agent's webhook would be sent, on the deployed template: its form, always."""

from __future__ import annotations

import pytest

from tests.integration.alarms.platform import Deployment, alert, eventually

pytestmark = pytest.mark.localaws

HOSTILE = '"}],\n{"a": <incident>, \\ \u2028 😀 ${Region} {% $now() %} <!channel> & \'</script>'
#: Of its documentation, "Invoking DevOps Agent through Webhook"; all but data are texts.
TEXTS = (
    *("eventType", "action", "incidentId", "priority", "title", "description", "service"),
    "timestamp",
)


def test_it_is_sent_an_incident_whatever_the_alert_says(deployment: Deployment) -> None:
    """Nothing acts here, so a human is needed as soon as it has begun."""
    body = alert(f"Investigate {HOSTILE}")
    [firing] = body["alerts"]
    firing["labels"]["severity"] = "critical"
    firing["annotations"] = {"summary": HOSTILE * 40}
    firing["fingerprint"] = "00000000000000dd"
    assert deployment.post(body) == 202

    [question] = eventually(
        lambda: deployment.questions("Investigate"), "the investigator is asked"
    )
    asked = question.body
    assert question.authorization == "token-of-nobody"
    assert asked.keys() == {*TEXTS, "data"}
    assert all(isinstance(asked[each], str) for each in TEXTS)
    assert (asked["eventType"], asked["action"], asked["priority"]) == (
        *("incident", "created"),
        "HIGH",
    )
    assert asked["title"] == asked["data"]["display"]["name"]
    assert asked["title"].startswith('Investigate "}], {"a": <incident>')
    assert asked["incidentId"] == asked["data"]["incident_id"]
    assert asked["description"] == asked["data"]["display"]["headline"]
    assert asked["data"]["severity"] == "critical"
    assert "routing_key" not in asked
