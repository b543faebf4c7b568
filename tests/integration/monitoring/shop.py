"""A shop with customers: the shipped service and monitoring, and a webhook for its alerts."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

from onemachine.binaries import find
from onemachine.monitoring import Prometheus
from onemachine.processes.managed import ManagedProcess
from onemachine.traffic import Traffic

T = TypeVar("T")


API_KEY = "key-of-the-test"


class Webhook(ThreadingHTTPServer):
    """Takes Alertmanager's posts as the platform's API would."""

    def __init__(self) -> None:
        self.posts: list[tuple[str | None, dict[str, Any]]] = []
        super().__init__(("127.0.0.1", 0), _TakePost)

    @property
    def url(self) -> str:
        """Where to post."""
        return f"http://127.0.0.1:{self.server_address[1]}/live/webhook"

    def alerts(self, status: str, name: str) -> list[dict[str, Any]]:
        """All alerts posted so far that have this status and name."""
        return [
            alert
            for _key, body in self.posts
            for alert in body["alerts"]
            if (alert["status"], alert["labels"]["alertname"]) == (status, name)
        ]


class _TakePost(BaseHTTPRequestHandler):
    server: Webhook

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.posts.append((self.headers["X-Api-Key"], body))
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        pass


@dataclass
class Shop:
    """Everything that runs."""

    kubeconfig: Path
    webhook: Webhook
    traffic: Traffic
    prometheus: Prometheus
    processes: list[ManagedProcess] = field(default_factory=list)

    def kubectl(self, *arguments: str) -> str:
        """Run kubectl as admin."""
        command = [str(find("kubernetes") / "kubectl"), f"--kubeconfig={self.kubeconfig}"]
        # What is applied says itself where it belongs.
        place = [] if "apply" in arguments else ["--namespace=apps"]
        result = subprocess.run([*command, *place, *arguments], capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def rolled_out(self) -> None:
        """Wait for the rollout in progress."""
        self.kubectl("rollout", "status", "deployment/checkout", "--timeout=120s")

    def pods(self) -> set[str]:
        """Names of the pods that are not going away."""
        items = json.loads(self.kubectl("get", "pods", "-o", "json"))["items"]
        return {
            item["metadata"]["name"]
            for item in items
            if "deletionTimestamp" not in item["metadata"]
        }

    def start(self, name: str, argv: Any, env: dict[str, str], folder: Path) -> ManagedProcess:
        """Start a process that ends with the shop."""
        process = ManagedProcess(name, tuple(argv), env, folder / f"{name}.log")
        self.processes.append(process.start())
        return process
