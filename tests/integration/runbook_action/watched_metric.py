"""A real Prometheus that watches one number of the test's, with a rule, behind a Service."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import urllib3
import yaml
from kubernetes import client

from onemachine.binaries import find
from onemachine.processes.managed import ManagedProcess
from onemachine.processes.ports import free_port
from tests.integration.runbook_action.support import NO_SCHEDULER, tolerant
from tests.support.serving import serving
from tests.support.template import ROOT
from tests.support.waiting import eventually

READER = ROOT / "eks" / "monitoring" / "prometheus-reader.yaml"
SERVICE = ("monitoring", "kube-prometheus-stack-prometheus:9090")
#: TEST-NET-1, RFC 5737: nobody has it, and the API server dials no loopback address.
ADDRESS = "192.0.2.10"
ALERT = "ShopErrors"
LABELS = {"alertname": ALERT, "namespace": "apps", "deployment": "checkout", "severity": "critical"}


@dataclass
class Watched:
    """The number, and where Prometheus is."""

    port: int
    process: ManagedProcess | None = None
    #: Gives lines of the exposition format, scraped every second; None: the target is down.
    metrics: Callable[[], str | None] = lambda: ""

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def errors(self, share: float) -> None:
        """Let the number be this from now on."""
        self.metrics = lambda: line(share)


def line(share: float, deployment: str = "checkout") -> str:
    """The number of a Deployment, as it is scraped."""
    return f'shop_errors{{namespace="apps",deployment="{deployment}"}} {share}\n'


@contextmanager
def watched(folder: Path, alertmanager: str = "") -> Iterator[Watched]:
    """Run a Prometheus with a rule that fires at once where the number is above 0.05.

    Parameters
    ----------
    folder
        For its files.
    alertmanager
        ``host:port`` of who is told; nobody if it is empty.
    """
    found = Watched(free_port())

    class Target(_Quiet):
        def do_GET(self) -> None:
            text = found.metrics()
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
        told = [alertmanager] if alertmanager else []
        configuration = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": told}]}]},
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


def behind_a_service(admin: Any) -> None:
    """Make the Service of ``SERVICE`` with one pod at ``ADDRESS``, and the shipped right to it.

    What another test has made stays.
    """
    core: Any = client.CoreV1Api(admin)
    namespace, name = SERVICE[0], SERVICE[1].partition(":")[0]
    ports = [{"name": "http-web", "port": 9090}]
    tolerant(core.create_namespace, {"metadata": {"name": namespace}})
    service = {"metadata": {"name": name}, "spec": {"ports": ports}}
    tolerant(core.create_namespaced_service, namespace, service)
    # The API server goes only where a pod of the namespace is.
    container = {"name": "prometheus", "image": "prometheus"}
    spec = {"containers": [container], "schedulerName": NO_SCHEDULER}
    tolerant(core.create_namespaced_pod, namespace, {"metadata": {"name": name}, "spec": spec})
    status = {"phase": "Running", "podIP": ADDRESS, "podIPs": [{"ip": ADDRESS}]}
    core.patch_namespaced_pod_status(name, namespace, {"status": status})
    pod = {"kind": "Pod", "namespace": namespace, "name": name}
    subset = {"addresses": [{"ip": ADDRESS, "targetRef": pod}], "ports": ports}
    endpoints = {"metadata": {"name": name}, "subsets": [subset]}
    tolerant(core.create_namespaced_endpoints, namespace, endpoints)
    rbac: Any = client.RbacAuthorizationV1Api(admin)
    role, binding = yaml.safe_load_all(READER.read_text("utf-8"))
    tolerant(rbac.create_namespaced_role, namespace, role)
    tolerant(rbac.create_namespaced_role_binding, namespace, binding)


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
