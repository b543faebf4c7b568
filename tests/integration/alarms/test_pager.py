"""The pager on the deployed template: a call is heard each time that a human must do something."""

from __future__ import annotations

import datetime

import pytest

from srectl.operate import acknowledging
from srectl.operate.account import Account
from tests.integration.alarms.platform import Deployment, alert, eventually

pytestmark = pytest.mark.localaws

HOSTILE = '"}],\n{"a": <what> \\ \u2028 😀 ${Region} {% $now() %} <!channel> & \'</script>'


def test_each_call_has_a_key_of_its_own_and_all_of_them_end(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing acts here, so a human is needed as soon as it has begun."""
    body = alert(f"Pages {HOSTILE}")
    [firing] = body["alerts"]
    firing["labels"]["severity"] = "critical"
    firing["annotations"] = {"summary": HOSTILE * 40}
    firing["fingerprint"] = "00000000000000bb"
    assert deployment.post(body) == 202

    def begun() -> list[str]:
        return [page.key for page in deployment.pages("-human") if "Pages" in page.summary]

    [key] = eventually(begun, "a human is called")
    incident_id = key.removesuffix("-human")
    [beginning] = eventually(lambda: deployment.pages(incident_id), "the beginning pages")
    payload = beginning.body["payload"]
    assert (beginning.action, payload["severity"]) == ("trigger", "critical")
    assert payload["summary"].startswith("CRIT Pages")
    [needed] = deployment.pages(key)
    assert needed.body["payload"]["summary"].startswith("NEEDS YOU Pages")

    for name, value in deployment.aws.operator_environment().items():
        monkeypatch.setenv(name, value)
    now = datetime.datetime.now(datetime.UTC)
    acknowledging.acknowledge(Account(), incident_id, "ada", now)

    def actions(action: str) -> set[str]:
        keys = {incident_id, f"{incident_id}-human", f"{incident_id}-approval"}
        return {each for each in keys for page in deployment.pages(each) if page.action == action}

    eventually(lambda: len(actions("acknowledge")) == 3, "every call is acknowledged")
    firing["status"] = body["status"] = "resolved"
    firing["endsAt"] = "2026-11-23T15:16:22.704Z"
    assert deployment.post(body) == 202
    eventually(lambda: len(actions("resolve")) == 3, "every call is over")
    assert actions("trigger") == {incident_id, f"{incident_id}-human"}
