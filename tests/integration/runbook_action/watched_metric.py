"""A real Prometheus that watches one number of the test's, with a rule, behind a Service."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import urllib3
import yaml

from onemachine.binaries import find
from onemachine.processes.managed import ManagedProcess
from onemachine.processes.ports import free_port
from tests.support.serving import serving
from tests.support.waiting import eventually

ALERT = "ShopErrors"
LABELS = {"alertname": ALERT, "namespace": "apps", "deployment": "checkout", "severity": "critical"}


@dataclass
class Watched:
    """The number, and where Prometheus is."""

    port: int
    process: ManagedProcess | None = None
    #: Lines of the exposition format, scraped every second; None: the target is down.
    metrics: str | None = ""
    gone: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def errors(self, share: float | str) -> None:
        """Let the number be this from now on."""
        self.metrics = f'shop_errors{{namespace="apps",deployment="checkout"}} {share}\n'


@contextmanager
def watched(folder: Path) -> Iterator[Watched]:
    """Run a Prometheus with a rule that fires at once where the number is above 0.05."""
    found = Watched(free_port())

    class Target(_Quiet):
        def do_GET(self) -> None:
            text = found.metrics
            self.answer(200 if text is not None else 503, (text or "").encode())

    with ExitStack() as stack:
        target = stack.enter_context(serving(ThreadingHTTPServer(("127.0.0.1", 0), Target)))
        rule = {
            "alert": ALERT,
            "expr": "shop_errors > 0.05",
            "labels": {"severity": "critical"},
        }
        groups = [{"name": "shop", "interval": "1s", "rules": [rule]}]
        (folder / "rules.yaml").write_text(yaml.safe_dump({"groups": groups}), "utf-8")
        scraped = {"static_configs": [{"targets": [f"127.0.0.1:{target.server_port}"]}]}
        configuration = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(folder / "rules.yaml")],
            "scrape_configs": [
                {
                    "job_name": "shop",
                    **scraped,
                    "metric_relabel_configs": [
                        {"action": "labeldrop", "regex": "instance|job"},
                    ],
                }
            ],
        }
        (folder / "prometheus.yaml").write_text(yaml.safe_dump(configuration), "utf-8")
        argv = (
            str(find("prometheus") / "prometheus"),
            f"--config.file={folder / 'prometheus.yaml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{found.port}",
            "--log.level=warn",
        )
        found.process = ManagedProcess("prometheus", argv, {}, folder / "prometheus.log").start()
        stack.callback(found.process.stop)
        eventually("Prometheus is ready", lambda: _ready(found.url))
        yield found


@contextmanager
def gateway(port: int, upstream: str) -> Iterator[None]:
    """Stand for the addresses of Services: whatever the API server asks there is Prometheus."""
    pool = urllib3.PoolManager(retries=False)

    class Forward(_Quiet):
        def do_GET(self) -> None:
            # A proxy is asked with the whole address.
            path = "/" + self.path.split("/", 3)[-1]
            try:
                answer = pool.request("GET", upstream + path, redirect=False)
            except urllib3.exceptions.HTTPError as error:
                self.answer(502, str(error).encode())
                return
            self.answer(answer.status, answer.data, answer.headers.get("Content-Type", ""))

    with serving(ThreadingHTTPServer(("127.0.0.1", port), Forward)):
        yield


def _ready(url: str) -> bool:
    try:
        return urllib3.request("GET", f"{url}/-/ready", retries=False).status == 200
    except urllib3.exceptions.HTTPError:
        return False


class _Quiet(BaseHTTPRequestHandler):
    def answer(self, status: int, body: bytes, kind: str = "text/plain") -> None:
        """Answer the whole request."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
