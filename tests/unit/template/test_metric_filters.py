"""What is counted out of the audit log: alerts, but not the canary; events of before, too."""

from __future__ import annotations

import json
from typing import Any

import pytest

from onemachine.aws.mends.metric_filters import matcher
from tests.support.template import of_type

OF_INCIDENTS = {
    "IncidentsCreatedFilter": "incident.created",
    "IncidentsResolvedFilter": "incident.resolved",
    "IncidentsEscalatedFilter": "incident.escalated",
    "IncidentResolvedSecondsFilter": "incident.resolved",
}


@pytest.mark.parametrize(
    ("given", "counted"),
    [({"purpose": "alert"}, True), ({}, True), ({"purpose": "canary"}, False)],
    ids=["an alert", "of before purpose", "the canary"],
)
@pytest.mark.parametrize("name", OF_INCIDENTS)
def test_all_but_the_canary_is_counted(
    template: dict[str, Any], name: str, given: dict[str, str], counted: bool
) -> None:
    """Like AWS, the local one compares only what is there."""
    pattern = of_type(template, "AWS::Logs::MetricFilter")[name]["FilterPattern"]
    event = {
        "detail-type": OF_INCIDENTS[name],
        "detail": {"data": {"duration_seconds": 90.5, **given}},
    }
    assert matcher(pattern)(json.dumps(event)) is counted
