"""The Grafana dashboards ask for what there is, in a language that Prometheus understands."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from checkout import metrics
from onemachine.binaries import BinaryUnavailable, find
from onemachine.monitoring import SHIPPED_RULES, rule_file
from onemachine.monitoring.rules import MONITORING_FOLDER

pytestmark = pytest.mark.monitoring

ROOT = Path(__file__).parents[2]
FILES = sorted((MONITORING_FOLDER / "dashboards").glob("*.json"))
BOARDS: dict[str, dict[str, Any]] = {file.stem: json.loads(file.read_text()) for file in FILES}
RULES = [rule for g in yaml.safe_load(rule_file(SHIPPED_RULES))["groups"] for rule in g["rules"]]
# What kube-state-metrics, cAdvisor and Prometheus itself give, as far as it is used here.
OF_OTHERS = {
    "ALERTS",
    "container_cpu_cfs_periods_total",
    "container_cpu_cfs_throttled_periods_total",
    "container_cpu_usage_seconds_total",
    "container_memory_working_set_bytes",
    "kube_deployment_spec_replicas",
    "kube_deployment_status_condition",
    "kube_deployment_status_replicas_available",
    "kube_deployment_status_replicas_updated",
    "kube_horizontalpodautoscaler_spec_max_replicas",
    "kube_horizontalpodautoscaler_status_desired_replicas",
    "kube_node_spec_unschedulable",
    "kube_node_status_condition",
    "kube_pod_container_resource_limits",
    "kube_pod_container_status_last_terminated_reason",
    "kube_pod_container_status_restarts_total",
    "kube_pod_container_status_running",
    "kube_pod_container_status_waiting_reason",
    "kube_pod_deletion_timestamp",
    "kube_pod_info",
    "kube_pod_status_ready",
    "kube_replicaset_spec_replicas",
    "up",
}
WORDS = {"and", "or", "unless", "bool", "offset"}
WIDTH = 24


def panels() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every panel with the name of its dashboard."""
    for name, board in BOARDS.items():
        for panel in board["panels"]:
            yield name, panel


def expressions(kind: str) -> list[str]:
    """Every query to one kind of data source, with Grafana's own variables filled in."""
    marks = [mark for board in BOARDS.values() for mark in board["annotations"]["list"]]
    return [
        re.sub(
            r"\$__(rate_)?interval", "1m", target["expr" if kind == "prometheus" else "expression"]
        )
        for target in [*marks, *(each for _name, panel in panels() for each in panel["targets"])]
        if target["datasource"]["type"] == kind
    ]


def metrics_of(expression: str) -> set[str]:
    """The names of the metrics that an expression selects."""
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\"[^\"]*\"", "", expression)
    bare = re.sub(r"\b(by|on|without|ignoring|group_left|group_right)\s*\([^)]*\)", "", bare)
    return set(re.findall(r"(?<![\w:.])[a-zA-Z_:][\w:]*(?![\w:]|\s*\()", bare)) - WORDS


def known() -> set[str]:
    """The metrics that there are: of checkout, of the recording rules, of the exporters."""
    metrics.initialise()
    metrics.PARAMETER_FAILURES.labels("any", "any")
    own = {
        sample.name
        for family in text_string_to_metric_families(metrics.scrape().decode())
        for sample in family.samples
    }
    return own | OF_OTHERS | {rule["record"] for rule in RULES if "record" in rule}


def test_what_is_asked_of_prometheus_is_promql(tmp_path: Path) -> None:
    try:
        promtool = find("prometheus") / "promtool"
    except BinaryUnavailable as error:
        pytest.fail(str(error), pytrace=False)
    rules = [
        {"record": f"panel:{number}", "expr": expression}
        for number, expression in enumerate(expressions("prometheus"))
    ]
    assert len(rules) > len(BOARDS)
    file = tmp_path / "panels.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))

    done = subprocess.run([promtool, "check", "rules", file], capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr


def test_panels_and_rules_select_only_metrics_that_there_are() -> None:
    asked = expressions("prometheus") + [rule["expr"] for rule in RULES]
    selected = set().union(*(metrics_of(expression) for expression in asked))

    assert "checkout_requests_total" in selected
    assert selected - known() == set()
    # And none of the exporters' is listed for nothing.
    assert selected >= OF_OTHERS


def test_panels_ask_cloudwatch_for_metrics_that_the_platform_writes() -> None:
    written = "".join(
        file.read_text("utf-8")
        for file in (ROOT / "template.yaml", *(ROOT / "src").rglob("handler.py"))
    )
    of_aws = {"ExecutionsStarted", "ExecutionsSucceeded", "ExecutionsTimedOut"}
    targets = [target for _name, panel in panels() for target in panel["targets"]]
    asked = [
        name
        for expression in expressions("cloudwatch")
        for name in re.findall(r'MetricName="(\w+)"', expression)
    ] + [target["metricName"] for target in targets if target.get("metricName")]

    assert asked
    assert [name for name in asked if name not in written and name not in of_aws] == []


@pytest.mark.parametrize("name", BOARDS)
def test_a_dashboard_can_be_told_apart_and_read(name: str) -> None:
    board = BOARDS[name]
    ids = [panel["id"] for panel in board["panels"]]

    assert len(ids) == len(set(ids))
    assert len({other["uid"] for other in BOARDS.values()}) == len(BOARDS)
    assert len(board["uid"]) <= 40
    assert board["description"]
    assert "sre-platform" in board["tags"]
    assert all(panel["title"] for panel in board["panels"])


@pytest.mark.parametrize("name", BOARDS)
def test_panels_lie_beside_each_other(name: str) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in BOARDS[name]["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert at["x"] + at["w"] <= WIDTH
        assert not cells & taken, panel["title"]
        taken |= cells


def test_every_panel_takes_its_data_source_from_a_variable() -> None:
    for name, panel in panels():
        variables = {f"${{{each['name']}}}": each for each in BOARDS[name]["templating"]["list"]}
        for used in (panel, *panel["targets"]):
            variable = variables[used["datasource"]["uid"]]
            assert variable["type"] == "datasource"
            assert variable["query"] == used["datasource"]["type"]
        refs = [target["refId"] for target in panel["targets"]]
        assert len(refs) == len(set(refs))


def test_no_panel_asks_for_more_days_than_are_kept() -> None:
    values = yaml.safe_load((MONITORING_FOLDER / "kube-prometheus-stack.values.yaml").read_text())
    kept_days = int(values["prometheus"]["prometheusSpec"]["retention"].removesuffix("d"))
    asked = [
        int(days)
        for expression in expressions("prometheus")
        for days in re.findall(r"\[(\d+)d\]", expression)
    ]

    assert asked
    assert max(asked) <= kept_days


def test_the_lines_of_checkout_show_when_an_alert_fired_and_a_version_began() -> None:
    for name, board in BOARDS.items():
        marks = {mark["name"]: mark for mark in board["annotations"]["list"]}
        # What happens to the platform is what the panels of "incidents" are about.
        assert marks.keys() == (set() if name == "incidents" else {"Alerts", "Versions"})
        assert all(mark["enable"] and mark["titleFormat"] for mark in marks.values())
        assert {mark["datasource"]["uid"] for mark in marks.values()} <= {"${datasource}"}


def test_what_was_asked_for_can_be_seen() -> None:
    titles = {name: [panel["type"] for panel in board["panels"]] for name, board in BOARDS.items()}

    assert titles.keys() == {
        "checkout-service-health",
        "checkout-error-rate",
        "checkout-latency",
        "incidents",
    }
    assert "heatmap" in titles["checkout-latency"]
    (heatmap,) = (p for p in BOARDS["checkout-latency"]["panels"] if p["type"] == "heatmap")
    assert heatmap["targets"][0]["format"] == "heatmap"
    assert "sum by (le)" in heatmap["targets"][0]["expr"]


def test_the_sidecar_loads_every_dashboard() -> None:
    kustomization = yaml.safe_load((MONITORING_FOLDER / "kustomization.yaml").read_text())
    (generator,) = (each for each in kustomization["configMapGenerator"] if "files" in each)
    values = yaml.safe_load((MONITORING_FOLDER / "kube-prometheus-stack.values.yaml").read_text())
    sidecar = values["grafana"]["sidecar"]["dashboards"]

    assert generator["files"] == [f"dashboards/{file.name}" for file in FILES]
    assert generator["options"]["labels"] == {sidecar["label"]: sidecar["labelValue"]}
    assert sidecar["folderAnnotation"] in generator["options"]["annotations"]
    assert generator["namespace"] == sidecar["searchNamespace"]
    # etcd takes a megabyte an object.
    assert sum(file.stat().st_size for file in FILES) < 900_000
