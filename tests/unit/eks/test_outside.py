"""The alarms on what the load balancer sees: when they ring, and what the platform makes of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.template import read
from tests.unit.alert_ingest.bodies import changed, sample
from tests.unit.alert_ingest.telling import NOW, aws_events

TEMPLATE = read(Path(__file__).parents[3] / "eks/outside.yaml")
ALARMS: dict[str, dict[str, Any]] = {
    name: resource["Properties"] for name, resource in TEMPLATE["Resources"].items()
}
CLUSTER = TEMPLATE["Parameters"]["ClusterName"]["Default"]


def event(alarm: dict[str, Any], tags: dict[str, str]) -> dict[str, Any]:
    """What EventBridge tells when this alarm goes off."""
    name = alarm["AlarmName"]["Fn::Sub"].replace("${ClusterName}", CLUSTER)
    return changed(
        sample("cloudwatch/alarm-tags-propagated"),
        resources=[f"arn:aws:cloudwatch:us-east-1:000000000000:alarm:{name}"],
        detail__alarmName=name,
        detail__alarmTags=tags,
    )


def tags_of(alarm: dict[str, Any]) -> dict[str, str]:
    """An alarm's tags, with the cluster filled in."""
    return {
        tag["Key"]: CLUSTER if tag["Value"] == {"Ref": "ClusterName"} else tag["Value"]
        for tag in alarm["Tags"]
    }


@pytest.mark.parametrize("name", ALARMS)
def test_each_becomes_an_incident_of_checkout_that_no_runbook_acts_on(name: str) -> None:
    tags = tags_of(ALARMS[name])
    (alert,) = aws_events().read_event(event(ALARMS[name], tags), NOW).reading.alerts

    assert alert.status == "firing"
    assert alert.severity == tags["severity"]
    assert alert.runbook is None
    where = alert.target
    assert (where.cluster, where.namespace, where.kind, where.name) == (
        *("sre-platform", "apps"),
        *("deployment", "checkout"),
    )


@pytest.mark.parametrize("name", ALARMS)
def test_its_name_says_how_bad_it_is_where_its_tags_cannot_be_read(name: str) -> None:
    (alert,) = aws_events().read_event(event(ALARMS[name], {}), NOW).reading.alerts

    assert alert.severity == tags_of(ALARMS[name])["severity"]


def test_no_data_is_no_errors_but_no_target_either() -> None:
    """CloudWatch is told of errors where there are any, and of targets where there are any."""
    judged = {
        alarm["MetricName"]: (alarm["ComparisonOperator"], alarm["TreatMissingData"])
        for alarm in ALARMS.values()
    }

    assert judged == {
        "HTTPCode_ELB_5XX_Count": ("GreaterThanOrEqualToThreshold", "notBreaching"),
        "UnHealthyHostCount": ("GreaterThanOrEqualToThreshold", "notBreaching"),
        "HealthyHostCount": ("LessThanThreshold", "breaching"),
    }


def test_they_are_about_the_load_balancer_and_the_target_group_that_are_given() -> None:
    dimensions = {
        alarm["MetricName"]: {each["Name"]: each["Value"] for each in alarm["Dimensions"]}
        for alarm in ALARMS.values()
    }
    whole = {"LoadBalancer": {"Ref": "LoadBalancer"}, "TargetGroup": {"Ref": "TargetGroup"}}

    assert dimensions["HTTPCode_ELB_5XX_Count"] == {"LoadBalancer": whole["LoadBalancer"]}
    assert dimensions["UnHealthyHostCount"] == dimensions["HealthyHostCount"] == whole


@pytest.mark.parametrize(
    ("parameter", "good", "bad"),
    [
        ("LoadBalancer", "app/k8s-apps-checkout/50dc6c495c0c9188", "net/k8s/50dc6c495c0c9188"),
        (
            "TargetGroup",
            "targetgroup/k8s-apps/50dc6c495c0c9188",
            "targetgroup/a/50dc6c495c0c9188\ttargetgroup/b/50dc6c495c0c9188",
        ),
    ],
)
def test_what_is_no_single_name_of_cloudwatch_is_refused(
    parameter: str, good: str, bad: str
) -> None:
    pattern = TEMPLATE["Parameters"][parameter]["AllowedPattern"]

    assert re.fullmatch(pattern, good)
    assert not re.fullmatch(pattern, bad)


def test_the_doctor_finds_them_by_how_their_names_begin() -> None:
    assert {alarm["AlarmName"]["Fn::Sub"][:8] for alarm in ALARMS.values()} == {"Checkout"}
