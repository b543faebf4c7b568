"""Prometheus and Alertmanager accept the configurations made for them."""

from __future__ import annotations

import dataclasses
import re
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from onemachine.binaries import BinaryUnavailable, find
from onemachine.monitoring import QUICK, REALISTIC, Alertmanager, Pace, Prometheus
from onemachine.monitoring.durations import parse_duration
from onemachine.monitoring.rules import MONITORING_FOLDER

pytestmark = pytest.mark.monitoring

SECRET = "a-key-that-nobody-may-see"
PACES = pytest.mark.parametrize("pace", [REALISTIC, QUICK], ids=["realistic", "quick"])


def _binaries(component: str) -> Path:
    try:
        return find(component)
    except BinaryUnavailable as error:
        pytest.fail(str(error), pytrace=False)


def _prometheus(folder: Path, pace: Pace) -> Prometheus:
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text("{}")
    prometheus = Prometheus(
        bin_folder=_binaries("prometheus"),
        state_dir=folder / "prometheus",
        port=9090,
        kubeconfig=kubeconfig,
        alertmanager="127.0.0.1:9093",
        pace=pace,
    )
    prometheus.prepare()
    return prometheus


def _alertmanager(folder: Path, pace: Pace) -> Alertmanager:
    alertmanager = Alertmanager(
        bin_folder=_binaries("alertmanager"),
        state_dir=folder / "alertmanager",
        port=9093,
        webhook_url="http://127.0.0.1:4566/webhook",
        api_key=SECRET,
        pace=pace,
    )
    alertmanager.prepare()
    return alertmanager


def _check(*command: object) -> None:
    result = subprocess.run([str(each) for each in command], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


@PACES
def test_prometheus_accepts_its_configuration(pace: Pace, tmp_path: Path) -> None:
    prometheus = _prometheus(tmp_path, pace)
    _check(prometheus.bin_folder / "promtool", "check", "config", prometheus.config_file)


@PACES
def test_the_clusters_own_metrics_come_with_the_jobs_that_the_charts_rules_ask_for(
    pace: Pace, tmp_path: Path
) -> None:
    plain = _prometheus(tmp_path, pace)
    assert [each["job_name"] for each in plain.config()["scrape_configs"]] == ["pods"]
    prometheus = dataclasses.replace(
        plain, kube_state_metrics="127.0.0.1:8080", kubelet="127.0.0.1:10250"
    )
    prometheus.prepare()
    _check(prometheus.bin_folder / "promtool", "check", "config", prometheus.config_file)
    _, *cluster = prometheus.config()["scrape_configs"]
    labels = [each["static_configs"][0]["labels"] for each in cluster]
    assert [each["job"] for each in labels] == ["kube-state-metrics", "kubelet", "kubelet"]
    # Else a pod's metrics would say that they are about the pod of kube-state-metrics.
    assert all(each["honor_labels"] for each in cluster)
    assert [each.get("metrics_path") for each in labels] == [
        None,
        "/metrics",
        "/metrics/cadvisor",
    ]


@PACES
def test_alertmanager_accepts_its_configuration(pace: Pace, tmp_path: Path) -> None:
    alertmanager = _alertmanager(tmp_path, pace)
    _check(alertmanager.bin_folder / "amtool", "check-config", alertmanager.config_file)


def test_the_shipped_alertmanager_configuration_is_valid() -> None:
    amtool = _binaries("alertmanager") / "amtool"
    _check(amtool, "check-config", Alertmanager.shipped)


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (["alertname=CheckoutHighErrorRate", "severity=critical"], "sre-platform"),
        (["alertname=Anything", "severity=info"], "sre-platform"),
        (["alertname=Anything"], "sre-platform"),
        (["alertname=Watchdog", "severity=none"], "sre-platform"),
        (["alertname=InfoInhibitor", "severity=none"], "nobody"),
    ],
)
def test_every_alert_goes_to_the_platform_but_what_never_ends_and_is_no_heartbeat(
    labels: list[str], receiver: str
) -> None:
    amtool = _binaries("alertmanager") / "amtool"
    config = f"--config.file={Alertmanager.shipped}"
    _check(amtool, "config", "routes", "test", config, f"--verify.receivers={receiver}", *labels)


@PACES
def test_left_its_own_times_it_has_no_others_but_for_the_heartbeat(
    pace: Pace, tmp_path: Path
) -> None:
    alertmanager = dataclasses.replace(_alertmanager(tmp_path, pace), own_waits=True)
    alertmanager.prepare()
    _check(alertmanager.bin_folder / "amtool", "check-config", alertmanager.config_file)
    route = alertmanager.config()["route"]
    assert not {"group_wait", "group_interval", "repeat_interval"} & set(route)
    assert any("group_interval" in each for each in route["routes"])


def test_a_heartbeat_is_told_every_minute(tmp_path: Path) -> None:
    (heartbeat,) = [
        route
        for route in _alertmanager(tmp_path, REALISTIC).config()["route"]["routes"]
        if 'alertname="Watchdog"' in route["matchers"]
    ]
    # Shorter than the interval: what was told a minute ago, less a moment, is not yet due again.
    assert parse_duration(heartbeat["group_interval"]) == 60_000
    assert parse_duration(heartbeat["repeat_interval"]) < 60_000


def _matchers(matchers: list[dict[str, str]]) -> list[str]:
    return [f'{each["name"]}{each["matchType"]}"{each["value"]}"' for each in matchers]


def _plain(route: dict[str, Any]) -> dict[str, Any]:
    """A route of the operator's object, as Alertmanager writes it."""
    plain = {re.sub("[A-Z]", lambda c: f"_{c[0].lower()}", key): route[key] for key in route}
    if "matchers" in plain:
        plain["matchers"] = _matchers(plain["matchers"])
    if "routes" in plain:
        plain["routes"] = [_plain(child) for child in plain["routes"]]
    return plain


def test_the_operators_object_says_the_same_but_for_the_key() -> None:
    shipped = yaml.safe_load(Alertmanager.shipped.read_text())
    spec = yaml.safe_load((MONITORING_FOLDER / "alertmanager-config.yaml").read_text())["spec"]
    inhibitions = [
        {
            "source_matchers": _matchers(rule["sourceMatch"]),
            "target_matchers": _matchers(rule["targetMatch"]),
            "equal": rule["equal"],
        }
        for rule in spec["inhibitRules"]
    ]
    (theirs,) = spec["receivers"][1]["webhookConfigs"]
    (ours,) = shipped["receivers"][1]["webhook_configs"]
    secret = theirs["urlSecret"]

    assert _plain(spec["route"]) == shipped["route"]
    assert inhibitions == shipped["inhibit_rules"]
    assert [r["name"] for r in spec["receivers"]] == [r["name"] for r in shipped["receivers"]]
    assert ours["url_file"] == f"/etc/alertmanager/secrets/{secret['name']}/{secret['key']}"
    assert (theirs["sendResolved"], theirs["maxAlerts"], theirs["timeout"]) == (
        ours["send_resolved"],
        ours["max_alerts"],
        ours["timeout"],
    )
    assert theirs["httpConfig"] == {"followRedirects": ours["http_config"]["follow_redirects"]}


def test_the_values_mount_what_the_configuration_reads() -> None:
    values = yaml.safe_load((MONITORING_FOLDER / "kube-prometheus-stack.values.yaml").read_text())
    mounted = values["alertmanager"]["alertmanagerSpec"]["secrets"]
    read = re.findall(r"/etc/alertmanager/secrets/([^/]+)/", Alertmanager.shipped.read_text())

    assert set(read) == set(mounted)
    assert values["alertmanager"]["alertmanagerSpec"]["useExistingSecret"] is True


def test_production_keeps_the_numbers_that_were_asked_for() -> None:
    values = yaml.safe_load((MONITORING_FOLDER / "kube-prometheus-stack.values.yaml").read_text())
    prometheus = values["prometheus"]["prometheusSpec"]
    times = _numbers(prometheus, "replicas", "retention", "scrapeInterval", "evaluationInterval")
    (remote,) = prometheus["remoteWrite"]
    storage = yaml.safe_load((MONITORING_FOLDER / "storage-class.yaml").read_text())
    claims = [
        section["volumeClaimTemplate"]["spec"]["storageClassName"]
        for section in (
            prometheus["storageSpec"],
            values["alertmanager"]["alertmanagerSpec"]["storage"],
        )
    ]

    assert times == [2, "15d", "15s", "30s"]
    assert prometheus["externalLabels"] == {"cluster": "sre-platform"}
    assert remote["sigv4"]["region"] in remote["url"]
    assert claims == [storage["metadata"]["name"]] * 2
    assert storage["parameters"]["encrypted"] == "true"


def test_grafana_asks_the_workspace_that_samples_are_written_to() -> None:
    values = yaml.safe_load((MONITORING_FOLDER / "kube-prometheus-stack.values.yaml").read_text())
    (remote,) = values["prometheus"]["prometheusSpec"]["remoteWrite"]
    (source,) = (
        each for each in values["grafana"]["additionalDataSources"] if each["type"] == "prometheus"
    )

    assert remote["url"] == f"{source['url']}/api/v1/remote_write"
    assert source["jsonData"]["sigV4Region"] == remote["sigv4"]["region"]
    assert source["jsonData"]["sigV4Auth"] is True
    assert values["grafana"]["grafana.ini"]["auth"]["sigv4_auth_enabled"] is True
    assert values["prometheus"]["service"]["sessionAffinity"] == "ClientIP"


def _numbers(section: dict[str, Any], *names: str) -> list[Any]:
    return [section[name] for name in names]


def test_monitoring_may_run_on_the_nodes_it_is_sent_to() -> None:
    cluster = yaml.safe_load((MONITORING_FOLDER.parent / "cluster.yaml").read_text())
    (system,) = (group for group in cluster["managedNodeGroups"] if group.get("taints"))
    values = yaml.safe_load((MONITORING_FOLDER / "kube-prometheus-stack.values.yaml").read_text())
    sections = [
        values["prometheus"]["prometheusSpec"],
        values["alertmanager"]["alertmanagerSpec"],
        values["prometheusOperator"],
        values["prometheusOperator"]["admissionWebhooks"]["patch"],
        values["kube-state-metrics"],
        values["grafana"],
    ]

    for section in sections:
        assert section["nodeSelector"].items() <= system["labels"].items()
        assert {each["key"] for each in section["tolerations"]} == {
            taint["key"] for taint in system["taints"]
        }


def test_production_scrapes_evaluates_and_repeats_as_asked(tmp_path: Path) -> None:
    times = _prometheus(tmp_path, REALISTIC).config()["global"]
    assert (times["scrape_interval"], times["evaluation_interval"]) == ("15s", "30s")
    route = _alertmanager(tmp_path, REALISTIC).config()["route"]
    assert route["repeat_interval"] == "5m"


def test_the_key_is_in_a_private_file_and_nowhere_else(tmp_path: Path) -> None:
    alertmanager = _alertmanager(tmp_path, REALISTIC)
    assert SECRET not in repr(alertmanager)
    assert SECRET not in " ".join(alertmanager.command())
    holders = [p for p in alertmanager.state_dir.iterdir() if SECRET in p.read_text()]
    assert [stat.S_IMODE(p.stat().st_mode) for p in holders] == [0o600]
    (webhook,) = (
        webhook
        for receiver in yaml.safe_load(alertmanager.config_file.read_text())["receivers"]
        for webhook in receiver.get("webhook_configs", [])
    )
    assert webhook["http_config"]["http_headers"] == {"X-Api-Key": {"files": [str(holders[0])]}}
    assert webhook["send_resolved"] is True


def test_both_listen_on_loopback_only(tmp_path: Path) -> None:
    assert "--web.listen-address=127.0.0.1:9090" in _prometheus(tmp_path, QUICK).command()
    command = _alertmanager(tmp_path, QUICK).command()
    assert "--web.listen-address=127.0.0.1:9093" in command
    assert "--cluster.listen-address=" in command
