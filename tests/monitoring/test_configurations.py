"""Prometheus and Alertmanager accept the configurations made for them."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import pytest
import yaml

from srectl.local.binaries import BinaryUnavailable, find
from srectl.local.monitoring import QUICK, REALISTIC, Alertmanager, Pace, Prometheus

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
        (["alertname=Watchdog", "severity=none"], "nobody"),
    ],
)
def test_every_alert_goes_to_the_platform_but_the_watchdog(
    labels: list[str], receiver: str
) -> None:
    amtool = _binaries("alertmanager") / "amtool"
    config = f"--config.file={Alertmanager.shipped}"
    _check(amtool, "config", "routes", "test", config, f"--verify.receivers={receiver}", *labels)


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
