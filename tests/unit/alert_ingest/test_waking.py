"""Which severities may wake a human: a deployment says so, and by default info may not."""

from __future__ import annotations

import dataclasses

import pytest

from alert_ingest.errors import SettingsError
from alert_ingest.settings import Settings
from tests.unit.alert_ingest.bodies import alertmanager_body
from tests.unit.alert_ingest.invoking import ENVIRONMENT, Invoker, data_of


def settings(**given: str) -> Settings:
    return Settings.from_environment(ENVIRONMENT | given)


@pytest.mark.parametrize(
    ("given", "waking"),
    [({}, {"critical", "warning"}), ({"WAKING_SEVERITIES": "critical"}, {"critical"})],
    ids=["by default", "by parameter"],
)
def test_an_event_says_whether_its_alert_may_wake_a_human(
    invoke: Invoker, monkeypatch: pytest.MonkeyPatch, given: dict[str, str], waking: set[str]
) -> None:
    mine = dataclasses.replace(
        invoke.module.settings, waking_severities=settings(**given).waking_severities
    )
    monkeypatch.setattr(invoke.module, "settings", mine)
    wakes = {
        severity: data_of(invoke, alertmanager_body(alerts__0__labels__severity=severity))["wakes"]
        for severity in ("critical", "warning", "info")
    }
    assert wakes == {severity: severity in waking for severity in wakes}


@pytest.mark.parametrize("text", ["urgent", "critical,", "critical;info"])
def test_a_severity_that_is_none_stops_the_function_by_name(text: str) -> None:
    with pytest.raises(SettingsError, match=r"WAKING_SEVERITIES .* must be of critical, info"):
        settings(WAKING_SEVERITIES=text)
