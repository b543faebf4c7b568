"""The service as it runs in a pod: several processes, signals, and an AWS that may be away."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.checkout.support import ADDRESS, APP, Service, running
from tests.support.waiting import PATIENCE_SECONDS, eventually

INGRESS = APP.parent / "eks" / "apps" / "overlays" / "production" / "ingress.yaml"
AWS_KEYS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


def test_a_scrape_sums_up_all_workers(tmp_path: Path) -> None:
    with running(tmp_path, WEB_CONCURRENCY="3") as service:
        served: set[int] = set()

        def ask() -> bool:
            service.get("/checkout")
            served.update(_pids_that_served(service))
            return len(served) > 1

        # Which worker gets a connection is the kernel's choice.
        eventually("two workers have served", ask)
        asked = service.log.read_text().count('"path": "/checkout"')
        assert {service.metric("checkout_requests_total") for _ in range(10)} == {asked}
        assert service.metric("checkout_request_duration_seconds_count") == asked


def test_the_capacity_is_all_threads_but_one_of_all_live_workers(tmp_path: Path) -> None:
    with running(tmp_path, WEB_CONCURRENCY="2", THREADS="3") as service:
        eventually("both say it", lambda: service.metric("checkout_order_threads") == 4)
        before = service.workers()
        os.kill(before[0], signal.SIGKILL)
        eventually("a new worker", lambda: set(service.workers()) - set(before))
        eventually("the dead one's are gone", lambda: service.metric("checkout_order_threads") == 4)


def test_probes_and_scrapes_are_answered_while_orders_hang(tmp_path: Path) -> None:
    with running(tmp_path, WEB_CONCURRENCY="1", THREADS="3", LATENCY_MS="4000") as service:
        hanging = [_ordering(service) for _ in range(2)]

        def in_progress() -> bool:
            return service.metric("checkout_requests_in_progress") == 2

        eventually("both orders are seen, though neither is answered", in_progress)
        assert service.metric("checkout_requests_total") == 0
        status, body = service.get("/checkout")
        assert (status, json.loads(body)["error"]) == (503, "busy")
        assert service.get("/healthz")[0] == 200
        assert service.metric("checkout_errors_total", reason="busy") == 1
        # All of that while they hung: had it queued behind them, they would be through.
        assert in_progress()
        assert [each.getresponse().status for each in hanging] == [200, 200]
        assert service.metric("checkout_request_duration_seconds_count") == 2
        eventually("there is room again", lambda: not in_progress())
        later = _ordering(service)
        assert later.getresponse().status == 200


def _ordering(service: Service) -> http.client.HTTPConnection:
    """Send an order and do not wait for its answer."""
    connection = http.client.HTTPConnection(ADDRESS, service.port, timeout=PATIENCE_SECONDS)
    connection.request("GET", "/checkout")
    return connection


def test_an_idle_connection_outlives_the_load_balancers_patience(tmp_path: Path) -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py", "--print-config"],
        cwd=APP,
        env={"PATH": os.environ["PATH"], "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    (kept_seconds,) = re.findall(r"^keepalive\s*= (\d+)$", printed, re.MULTILINE)
    ingress = yaml.safe_load(INGRESS.read_text("utf-8"))
    attributes = ingress["metadata"]["annotations"][
        "alb.ingress.kubernetes.io/load-balancer-attributes"
    ]
    (idle_seconds,) = re.findall(r"idle_timeout\.timeout_seconds=(\d+)", attributes)
    assert int(kept_seconds) > int(idle_seconds)
    with running(tmp_path, WEB_CONCURRENCY="1") as service:
        connection = _ordering(service)
        connection.getresponse().read()
        time.sleep(3)  # Gunicorn's own choice is two seconds
        connection.request("GET", "/checkout")
        assert connection.getresponse().status == 200


def test_a_worker_needs_a_thread_for_probes(tmp_path: Path) -> None:
    with (
        pytest.raises(AssertionError, match="THREADS=1: use 2 or more"),
        running(tmp_path, THREADS="1"),
    ):
        pass


def test_the_numbers_of_a_worker_that_died_are_kept_and_its_gauge_is_not(tmp_path: Path) -> None:
    metrics = tmp_path / "metrics"
    with running(tmp_path, WEB_CONCURRENCY="1", PROMETHEUS_MULTIPROC_DIR=str(metrics)) as service:
        for _ in range(5):
            service.get("/checkout")
        (worker,) = service.workers()
        gauge = metrics / f"gauge_livemax_{worker}.db"
        assert gauge.exists()
        os.kill(worker, signal.SIGKILL)
        eventually("a new worker", lambda: service.workers() not in ([], [worker]))
        eventually("the gauge of the old one is gone", lambda: not gauge.exists())
        eventually("the new one answers", service.answers)
        assert service.metric("checkout_requests_total") == 5


def test_the_numbers_of_an_earlier_run_are_forgotten(tmp_path: Path) -> None:
    metrics = tmp_path / "metrics"
    with running(tmp_path, PROMETHEUS_MULTIPROC_DIR=str(metrics)) as service:
        service.get("/checkout")
        assert service.metric("checkout_requests_total") == 1
        os.killpg(service.process.pid, signal.SIGKILL)
        service.process.wait()
    with running(tmp_path, PROMETHEUS_MULTIPROC_DIR=str(metrics)) as service:
        assert service.metric("checkout_requests_total") == 0


def test_sigterm_loses_no_request(tmp_path: Path) -> None:
    """A sender that looks at readiness, as a load balancer does, sees nothing but good answers."""
    outcomes: Counter[str] = Counter()
    stop_sending = threading.Event()
    # All four senders may meet one worker: it has room for each, and is not too busy.
    settings = {"DRAIN_SECONDS": "2", "THREADS": "5"}
    with running(tmp_path, **settings) as service, _senders(service, outcomes, stop_sending):
        eventually("traffic flows", lambda: outcomes["200"] > 20)
        service.terminate()
        eventually("readiness says so", lambda: service.get("/healthz")[0] == 503)
        before = outcomes["200"]
        eventually("requests are served on", lambda: outcomes["200"] > before + 20)
        stop_sending.set()
        assert service.process.wait(PATIENCE_SECONDS) == 0
    assert set(outcomes) == {"200"}, outcomes


@contextmanager
def _senders(service: Service, outcomes: Counter[str], stop: threading.Event) -> Iterator[None]:
    """Four clients that send one request after the other until told to stop."""

    def send() -> None:
        while not stop.is_set():
            try:
                outcomes[str(service.get("/checkout")[0])] += 1
            except (OSError, http.client.HTTPException) as error:
                outcomes[type(error).__name__] += 1

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_a_request_that_runs_is_finished(tmp_path: Path) -> None:
    with running(tmp_path, LATENCY_MS="1500", DRAIN_SECONDS="0") as service:
        connection = http.client.HTTPConnection(ADDRESS, service.port, timeout=PATIENCE_SECONDS)
        connection.request("GET", "/checkout")
        # A connection that only the kernel has taken would be lost, as it should be.
        eventually("the request was read", lambda: _unread(service.port) == [0])
        service.terminate()
        assert connection.getresponse().status == 200
        assert service.process.wait(PATIENCE_SECONDS) == 0


def test_a_kept_connection_is_closed_while_draining(tmp_path: Path) -> None:
    with running(tmp_path, DRAIN_SECONDS="5") as service:
        connection = http.client.HTTPConnection(ADDRESS, service.port, timeout=PATIENCE_SECONDS)
        connection.request("GET", "/checkout")
        kept = connection.getresponse()
        kept.read()
        assert kept.headers["Connection"] == "keep-alive"
        service.terminate()
        eventually("readiness says so", lambda: service.get("/healthz")[0] == 503)
        connection.request("GET", "/checkout")
        last = connection.getresponse()
        assert (last.status, last.headers["Connection"]) == (200, "close")


def test_a_second_sigterm_ends_the_drain(tmp_path: Path) -> None:
    with running(tmp_path, DRAIN_SECONDS="3600") as service:
        service.terminate()
        eventually("it drains", lambda: service.get("/healthz")[0] == 503)
        service.terminate()
        assert service.process.wait(PATIENCE_SECONDS) == 0


def test_it_listens_on_the_pods_address_only_and_opens_no_control_socket(tmp_path: Path) -> None:
    with running(tmp_path) as service:
        for other in ("127.0.0.1", "127.0.0.84"):
            with socket.socket() as probe:
                assert probe.connect_ex((other, service.port)) != 0
        assert not (tmp_path / ".gunicorn").exists()
        assert not list(tmp_path.rglob("*.ctl"))


def test_a_wrong_setting_stops_the_start(tmp_path: Path) -> None:
    with (
        pytest.raises(AssertionError, match="ERROR_RATE='2': use a number from 0 to 1"),
        running(tmp_path, ERROR_RATE="2"),
    ):
        pass


class SlowParameters(ThreadingHTTPServer):
    """Speaks SSM's protocol, but holds every answer back until ``speak`` is set."""

    def __init__(self) -> None:
        self.speak = threading.Event()
        self.asked = threading.Event()
        super().__init__(("127.0.0.1", 0), _SlowAnswer)


class _SlowAnswer(BaseHTTPRequestHandler):
    server: SlowParameters

    def do_POST(self) -> None:
        self.server.asked.set()
        self.server.speak.wait()
        body = b'{"Parameter": {"Name": "/checkout/degraded_mode", "Value": "true"}}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


def test_requests_do_not_wait_for_ssm(tmp_path: Path) -> None:
    server = SlowParameters()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environment = AWS_KEYS | {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_address[1]}",
        "DEGRADED_MODE_PARAMETER": "/checkout/degraded_mode",
        "DEGRADED_MODE_TTL_SECONDS": "0.1",
        "PARAMETER_TIMEOUT_SECONDS": "0.3",
        "ERROR_RATE": "0",
    }
    try:
        with running(tmp_path, **environment) as service:
            assert server.asked.wait(PATIENCE_SECONDS), "SSM was never asked"
            for _ in range(50):
                assert service.get("/checkout")[0] == 200
            # A read that is not answered fails only once its time is over.
            eventually(
                "every worker says that the parameter cannot be read",
                lambda: service.log.read_text().count("cannot be read") == len(service.workers()),
            )
            assert service.metric("checkout_parameter_failures_total", reason="unavailable") > 0
            assert service.metric("checkout_degraded_mode_enabled") == 0
            server.speak.set()
            eventually(
                "degraded mode is on in every worker",
                lambda: service.log.read_text().count("parameter changed") == 2,
            )
            assert service.metric("checkout_degraded_mode_enabled") == 1
            server.shutdown()
            server.server_close()
            failed = service.metric("checkout_parameter_failures_total")
            eventually(
                "reads fail again",
                lambda: service.metric("checkout_parameter_failures_total") > failed + 2,
            )
            assert service.get("/checkout")[0] == 200
            assert service.metric("checkout_degraded_mode_enabled") == 1
    finally:
        server.speak.set()
        server.shutdown()
        server.server_close()


def _pids_that_served(service: Service) -> set[int]:
    lines = [json.loads(line) for line in service.log.read_text().splitlines()]
    return {line["pid"] for line in lines if line.get("path") == "/checkout"}


def _unread(port: int) -> list[int]:
    """Bytes that wait to be read, for each open connection to a port of ours (proc(5)'s tcp)."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    # Somebody else's connection may have the same port on another address.
    here = f"{socket.inet_aton(ADDRESS)[::-1].hex().upper()}:{port:04X}"
    open_here = [row for row in rows if row[1] == here and row[3] == "01"]
    return [int(row[4].split(":")[1], 16) for row in open_here]
