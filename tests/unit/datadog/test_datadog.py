"""What is shipped for Datadog: a monitor that fires leads to the right target and runbook."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from alert_ingest.senders.datadog import Datadog
from onemachine.monitoring import SHIPPED_RULES, rule_file
from srectl import runbooks
from tests.support import shipped

ROOT = Path(__file__).parents[3]
DATADOG = ROOT / "eks" / "datadog"
TEMPLATE = (ROOT / "events/datadog/webhook-template.json").read_text("utf-8")
NOW = datetime(2026, 11, 23, 15, 14, 52, tzinfo=UTC)
HOOK = "@webhook-sre-platform"


def loaded(folder: str) -> dict[str, dict[str, Any]]:
    """The JSON files of a folder by their names."""
    return {
        path.stem: json.loads(path.read_text("utf-8"))
        for path in sorted((DATADOG / folder).glob("*.json"))
    }


MONITORS = loaded("monitors")
BURN_RATES = loaded("burn-rates")
SLOS = loaded("slos")
(SYNTHETIC,) = loaded("synthetics").values()
# A synthetic test carries its monitor's name and priority in its options.
ALERTING = {
    **MONITORS,
    **{f"burn rate of {name}": monitor for name, monitor in BURN_RATES.items()},
    "synthetic": {
        **SYNTHETIC,
        "name": SYNTHETIC["options"]["monitor_name"],
        "priority": SYNTHETIC["options"]["monitor_priority"],
        "query": "no_query",
    },
}
# Long and short window, and how many times the pace of the budget. Datadog looks back two days at
# most, so 1 x over three days is not among them.
BURNS = {"": ("1h", "5m", 14.4), "6h": ("6h", "30m", 6), "slow": ("24h", "2h", 3)}
RULES = {
    rule["alert"]: rule["labels"]
    for group in yaml.safe_load(rule_file(SHIPPED_RULES))["groups"]
    for rule in group["rules"]
    if "alert" in rule
}
CATALOGUE = {runbook.name: runbook.definition for runbook in runbooks.load(shipped.RUNBOOKS)}
GROUP_VALUES = {
    "kube_cluster_name": "sre-platform",
    "node": "ip-10-0-1-2.ec2.internal",
    "pod_name": "checkout-6c9f7d8b5-x2x9q",
}


def sent(monitor: dict[str, Any], transition: str = "Triggered") -> dict[str, Any]:
    """The body that Datadog makes of the template when a monitor changes."""
    grouped = re.search(r"by \{([\w,]+)\}", monitor["query"])
    scope = [f"{key}:{GROUP_VALUES[key]}" for key in grouped[1].split(",")] if grouped else []
    values = {
        "ID": "7716548234011234567",
        "ALERT_ID": "148275309",
        "ALERT_CYCLE_KEY": "7716548234011230001",
        "ALERT_TRANSITION": transition,
        "ALERT_TYPE": "error" if transition == "Triggered" else "success",
        "ALERT_PRIORITY": f"P{monitor['priority']}",
        "PRIORITY": "normal",
        "ALERT_TITLE": f"[{transition} on {{{','.join(scope)}}}] {monitor['name']}",
        "ALERT_SCOPE": ",".join(scope),
        "TAGS": ",".join(sorted({*monitor["tags"], *scope, "monitor"})),
        "DATE": "1795446892000",
        "ORG_ID": "11023",
        "ORG_NAME": "Demo",
    }
    # What is not filled in stays as Datadog leaves it.
    filled = re.sub(r"\$([A-Z_]+)", lambda name: values.get(name[1], name[0]), TEMPLATE)
    body: dict[str, Any] = json.loads(filled)
    return body


@pytest.mark.parametrize("name", ALERTING)
def test_a_monitor_that_fires_becomes_the_alert_it_means(name: str) -> None:
    monitor = ALERTING[name]
    (alert,) = Datadog().read(sent(monitor), NOW).alerts
    tags = dict(tag.split(":", 1) for tag in monitor["tags"])

    assert alert.alert_name == monitor["name"]
    assert alert.status == "firing"
    assert alert.severity == tags["severity"]
    assert alert.runbook == tags.get("runbook")
    assert alert.notes == ()
    if "runbook" in tags:
        wanted = CATALOGUE[tags["runbook"]]["target"]
        assert alert.target.cluster == "sre-platform"
        assert alert.severity in CATALOGUE[tags["runbook"]]["severities"]
        if "from_alert" in wanted:
            assert alert.labels[wanted["from_alert"]] == GROUP_VALUES["pod_name"]
        elif wanted["kind"] != "node":  # of an autoscaler the Deployment of its name
            assert alert.target.kind == "deployment"
            assert (alert.target.namespace, alert.target.name) == (
                wanted["namespace"],
                wanted["name"],
            )
        else:
            assert alert.target.kind == "node"
            assert alert.target.name == GROUP_VALUES["node"]


@pytest.mark.parametrize("name", ALERTING)
def test_its_recovery_closes_the_same_incident(name: str) -> None:
    (fired,) = Datadog().read(sent(ALERTING[name]), NOW).alerts
    (recovered,) = Datadog().read(sent(ALERTING[name], "Recovered"), NOW).alerts

    assert recovered.status == "resolved"
    assert recovered.incident_id == fired.incident_id


@pytest.mark.parametrize("name", ALERTING)
def test_every_monitor_calls_the_webhook_also_when_it_recovers(name: str) -> None:
    message = ALERTING[name]["message"]

    assert HOOK in message
    # Within {{#is_alert}} the recovery would not be sent, and the incident would stay open.
    assert "{{#" not in message


@pytest.mark.parametrize("name", MONITORS)
def test_a_monitor_and_its_prometheus_rule_agree(name: str) -> None:
    monitor = MONITORS[name]
    tags = dict(tag.split(":", 1) for tag in monitor["tags"])
    labels = RULES[monitor["name"]]

    assert labels["severity"] == tags["severity"]
    assert labels.get("runbook") == tags.get("runbook")
    assert f" {monitor['options']['thresholds']['critical']}" in monitor["query"]
    assert "by {kube_cluster_name" in monitor["query"]
    # A metric that ceases is no recovery by itself, and no alarm either: CheckoutDown is one.
    assert monitor["options"]["on_missing_data"] == "default"


@pytest.mark.parametrize("name", [*MONITORS, *(f"burn rate of {each}" for each in BURN_RATES)])
def test_a_monitor_that_goes_on_is_told_again(name: str) -> None:
    """What the platform has lost is there again within the hour."""
    assert 0 < ALERTING[name]["options"]["renotify_interval"] <= 60


def test_the_monitors_ask_for_what_the_agents_send() -> None:
    values = yaml.safe_load((DATADOG / "agent.values.yaml").read_text("utf-8"))["datadog"]
    (instance,) = yaml.safe_load(values["confd"]["openmetrics.yaml"])["instances"]
    sent_names = {
        f"{instance['namespace']}.{name}" for each in instance["metrics"] for name in each.values()
    }
    queries = [each["query"] for each in MONITORS.values()]
    queries += [query for slo in SLOS.values() for query in slo["query"].values()]
    asked = {
        re.sub(r"\.count$", "", name)
        for query in queries
        for name in re.findall(r":(checkout\.[\w.]+)\{", query)
    }

    assert asked
    assert asked <= sent_names
    assert values["kubeStateMetricsCore"]["enabled"] is True
    assert values["clusterName"] == GROUP_VALUES["kube_cluster_name"]


def test_the_objectives_are_those_of_the_prometheus_rules() -> None:
    targets = {name: slo["thresholds"][0]["target"] for name, slo in SLOS.items()}
    rules = (ROOT / "eks/monitoring/rules/checkout-slo.yaml").read_text("utf-8")

    assert targets == {"checkout-availability": 99.9, "checkout-latency": 99.0}
    assert "v<=0.25" in SLOS["checkout-latency"]["query"]["numerator"]
    assert 'le="0.25"' in rules
    for name, monitor in BURN_RATES.items():
        slo, _, how = name.removeprefix("checkout-").partition("-")
        long, short, rate = BURNS[how]
        kind = "Slow" if how == "slow" else "Fast"
        assert f"slo:{slo}" in monitor["tags"]
        assert RULES[monitor["name"]]["slo"] == slo
        assert f"severity:{RULES[monitor['name']]['severity']}" in monitor["tags"]
        assert monitor["name"].endswith(f"BudgetBurn{kind}")
        assert '"SLO_ID"' in monitor["query"]
        assert f'.long_window("{long}").short_window("{short}") > {rate}' in monitor["query"]
        assert monitor["options"]["thresholds"]["critical"] == rate
        hours = long.replace("24h", "1d")
        assert re.search(rf"ratio_rate{hours} > {rate} \* 0\.01? ", rules), "no such rule"
        assert re.search(rf"ratio_rate{short} > {rate} \* 0\.001?", rules), "no such rule"


def test_each_objective_burns_in_each_of_the_windows_that_datadog_can_look_at() -> None:
    wanted = {f"{slo}{'-' if how else ''}{how}" for slo in SLOS for how in BURNS}

    assert BURN_RATES.keys() == wanted


def test_an_alert_of_the_service_rings_in_datadog_as_well_or_the_reason_is_written_down() -> None:
    missing = {name for name in RULES if name.startswith("Checkout")} - {
        monitor["name"] for monitor in [*MONITORS.values(), *BURN_RATES.values()]
    }
    reasons = (ROOT / "docs/monitoring-review.md").read_text("utf-8")
    (row,) = re.findall(r"^\| 17 \|.*$", reasons, re.MULTILINE)

    assert "CheckoutSaturation" not in missing
    assert "CheckoutBadRollout" not in missing
    assert [name for name in sorted(missing) if f"`{name}`" not in row] == []


def test_degraded_mode_is_not_for_what_the_service_breaks_by_itself() -> None:
    optional = MONITORS["checkout-high-error-rate"]["query"]
    internal = MONITORS["checkout-internal-errors"]["query"]

    assert "checkout.errors.count{kube_namespace:apps,kube_deployment:checkout,!reason:" in optional
    assert internal == optional.replace("!reason:internal", "reason:internal")


def test_saturation_is_the_share_that_the_prometheus_rule_has() -> None:
    rules = (ROOT / "eks/monitoring/rules/checkout-service.yaml").read_text("utf-8")
    for name in ("checkout-saturation", "checkout-autoscaler-at-maximum"):
        assert MONITORS[name]["options"]["thresholds"]["critical"] == 0.85
    assert rules.count("checkout:saturation:ratio_rate2m > 0.85") == 2


def test_the_outside_test_asks_as_a_customer_does() -> None:
    request = SYNTHETIC["config"]["request"]

    assert request["url"].startswith("https://")
    assert request["url"].endswith("/checkout")
    assert request["method"] == "GET"  # a quote: nothing is charged
    assert len(SYNTHETIC["locations"]) > SYNTHETIC["options"]["min_location_failed"] > 1
