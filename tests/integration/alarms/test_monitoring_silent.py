"""A cluster's monitoring dies, in each of its three places: the alarm rings, and names the cluster.

Prometheus and Alertmanager are real, with the route that is shipped; their times and those of the
alarms are divided, so that minutes take seconds. What Prometheus watches is nothing but itself.
"""

from __future__ import annotations

import http.client
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from onemachine.binaries import find
from onemachine.monitoring import QUICK, Alertmanager
from onemachine.processes.managed import ManagedProcess
from onemachine.processes.ports import free_port
from tests.integration.alarms.platform import Deployment, alert, eventually

pytestmark = [pytest.mark.localaws, pytest.mark.monitoring]

ALARM = "sre-monitoring-silent"
# As kube-prometheus has it. Prometheus says that it lasts for four times its resend delay.
RULES = {
    "groups": [
        {
            "name": "general.rules",
            "rules": [
                {"alert": "Watchdog", "expr": "vector(1)", "labels": {"severity": "none"}},
            ],
        }
    ]
}


class Way(ThreadingHTTPServer):
    """The network between a cluster and the platform, which can be cut."""

    daemon_threads = True

    def __init__(self, to: str) -> None:
        self.to = to
        self.cut = False
        super().__init__(("127.0.0.1", 0), _Pass)

    @property
    def url(self) -> str:
        """Where it begins."""
        return f"http://127.0.0.1:{self.server_address[1]}/webhook"


class _Pass(BaseHTTPRequestHandler):
    server: Way

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.cut:
            self.close_connection = True
            return
        headers = {name: self.headers[name] for name in ("Content-Type", "X-Api-Key")}
        request = urllib.request.Request(self.server.to, body, headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                status = answer.status
        except urllib.error.HTTPError as error:
            status = error.code
        except (OSError, http.client.HTTPException):
            status = 502
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        pass


@dataclass
class Monitored:
    """A cluster's monitoring, and the way from there."""

    prometheus: ManagedProcess
    alertmanager: ManagedProcess
    way: Way


@pytest.fixture(scope="module")
def east(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monitored]:
    """The monitoring of the cluster that the deployment watches as Heartbeat1."""
    folder = tmp_path_factory.mktemp("east")
    to = f"{deployment.aws.endpoint_url}/_aws/execute-api/{deployment.outputs['WebhookApiId']}"
    way = Way(f"{to}/live/webhook")
    threading.Thread(target=way.serve_forever, daemon=True).start()
    shipped = Alertmanager(
        bin_folder=find("alertmanager"),
        state_dir=folder / "alertmanager",
        port=free_port(),
        webhook_url=way.url,
        api_key=deployment.api_key(),
        pace=QUICK,
    )
    shipped.prepare()
    alertmanager = ManagedProcess("alertmanager", shipped.command(), {}, folder / "am.log")
    prometheus = ManagedProcess(
        "prometheus", _prometheus(folder, shipped.address), {}, folder / "prometheus.log"
    )
    try:
        alertmanager.start()
        shipped.wait_ready(alertmanager)
        prometheus.start()
        yield Monitored(prometheus, alertmanager, way)
    finally:
        prometheus.stop()
        alertmanager.stop()
        way.shutdown()
        way.server_close()


def _prometheus(folder: Path, alertmanager: str) -> tuple[str, ...]:
    rules, config = folder / "rules.yaml", folder / "prometheus.yaml"
    rules.write_text(yaml.safe_dump(RULES))
    times = {"evaluation_interval": "1s", "external_labels": {"cluster": "east"}}
    targets = [{"static_configs": [{"targets": [alertmanager]}]}]
    config.write_text(
        yaml.safe_dump(
            {
                "global": times,
                "rule_files": [str(rules)],
                "alerting": {"alertmanagers": targets},
            }
        )
    )
    return (
        str(find("prometheus") / "prometheus"),
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{free_port()}",
        "--rules.alert.resend-delay=1s",
        "--log.level=warn",
    )


@contextmanager
def _stopped(process: ManagedProcess) -> Iterator[None]:
    process.stop()
    try:
        yield
    finally:
        process.start()


@contextmanager
def _cut(way: Way) -> Iterator[None]:
    way.cut = True
    try:
        yield
    finally:
        way.cut = False


@pytest.mark.parametrize("dies", ["alertmanager", "prometheus", "way"])
def test_the_alarm_rings_names_the_cluster_and_comes_back(
    deployment: Deployment, east: Monitored, dies: str
) -> None:
    eventually(lambda: deployment.is_state(ALARM, "OK"), "the heartbeat is heard")
    paged = len(deployment.pages(f":alarm:{ALARM}"))
    broken = _cut(east.way) if dies == "way" else _stopped(getattr(east, dies))
    with broken:
        eventually(lambda: deployment.is_state(ALARM, "ALARM"), f"silence of {dies} rings")
        eventually(lambda: len(deployment.pages(f":alarm:{ALARM}")) > paged, "somebody is paged")
    assert "of the cluster east" in deployment.alarms()[ALARM]["AlarmDescription"]
    eventually(lambda: deployment.is_state(ALARM, "OK"), "it is heard again")
    # However often it came: nothing was recorded of it.
    with pytest.raises(ValueError, match="empty"):
        deployment.newest_record("Watchdog")


def test_only_its_own_sender_ends_the_silence_of_a_cluster(deployment: Deployment) -> None:
    """Heartbeat2 is west, for which the sender busy speaks."""
    watchdog = alert("Watchdog")
    watchdog["alerts"][0]["labels"] |= {"severity": "none", "cluster": "west"}
    own, of_everybody = deployment.sender_key(1)[1], deployment.api_key()

    def is_heard() -> bool:
        return deployment.is_state(f"{ALARM}-2", "OK")

    for _ in range(3):
        assert deployment.post(watchdog, of_everybody) == 202
    eventually(lambda: deployment.is_state(f"{ALARM}-2", "ALARM"), "west is silent")
    eventually(is_heard, "west is heard", lambda: deployment.post(watchdog, own))
