"""Probes: defaults, thresholds, and what counts as success."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from onemachine.node.actions import Surroundings, perform
from onemachine.node.probes import ProbeSpec, ProbeTracker, parse_probes


def test_a_probe_has_the_defaults_of_the_pod_api() -> None:
    spec = ProbeSpec.parse("readiness", {"tcpSocket": {"port": 1}})
    assert (spec.initial_delay, spec.period, spec.timeout) == (0, 10, 1)
    assert (spec.success_threshold, spec.failure_threshold, spec.grace) == (1, 3, None)
    assert spec.action == {"tcpSocket": {"port": 1}}


def test_only_the_probes_that_are_there_are_asked() -> None:
    probes = parse_probes({"livenessProbe": {"exec": {"command": ["true"]}}})
    assert set(probes) == {"liveness"}


def verdicts(results: str, success: int, failure: int) -> list[bool | None]:
    tracker = ProbeTracker(
        ProbeSpec("readiness", {}, success_threshold=success, failure_threshold=failure)
    )
    seen = []
    for result in results:
        tracker.record(result == "+")
        seen.append(tracker.verdict)
    return seen


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ("--+", [None, None, True]),
        ("---", [None, None, False]),
        ("+--+--", [True] * 6),
        ("+---", [True, True, True, False]),
        ("---+", [None, None, False, True]),
    ],
)
def test_a_verdict_needs_its_threshold_in_a_row(results: str, expected: list[bool | None]) -> None:
    assert verdicts(results, success=1, failure=3) == expected


def test_a_success_threshold_counts_too() -> None:
    assert verdicts("+-++", success=2, failure=1) == [None, False, False, True]


def test_a_change_of_verdict_is_told_once() -> None:
    tracker = ProbeTracker(ProbeSpec("liveness", {}, failure_threshold=2))
    assert [tracker.record(ok) for ok in (True, True, False, False, False)] == [
        True,
        False,
        False,
        True,
        False,
    ]


class Answer(BaseHTTPRequestHandler):
    """Answers with the status in the path, and says whether the header came."""

    def do_GET(self) -> None:
        self.send_response(int(self.path[1:]) if self.headers["X-Probe"] == "yes" else 400)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def where(tmp_path: Path) -> Iterator[Surroundings]:
    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    env = {"PATH": "/usr/bin:/bin", "MOOD": "well"}
    yield Surroundings("127.0.0.1", {"http": server.server_port}, env, tmp_path)
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("status", "success"), [(200, True), (204, True), (302, True), (404, False), (503, False)]
)
def test_http_succeeds_from_200_to_399(where: Surroundings, status: int, success: bool) -> None:
    headers = [{"name": "X-Probe", "value": "yes"}]
    action = {"httpGet": {"path": f"/{status}", "port": "http", "httpHeaders": headers}}
    outcome = perform(action, where, 2)
    assert outcome.success is success
    assert success or str(status) in outcome.message


def test_a_port_name_that_the_container_lacks_fails_and_is_named(where: Surroundings) -> None:
    outcome = perform({"httpGet": {"path": "/", "port": "metrics"}}, where, 2)
    assert not outcome.success
    assert "metrics" in outcome.message


def test_tcp_succeeds_where_somebody_listens(where: Surroundings) -> None:
    assert perform({"tcpSocket": {"port": "http"}}, where, 2).success
    assert not perform({"tcpSocket": {"port": 1}}, where, 2).success


@pytest.mark.parametrize(
    ("script", "success"),
    [('test "$MOOD" = well', True), ("echo broken; exit 1", False), ("sleep 60", False)],
)
def test_a_command_succeeds_with_0_in_time(where: Surroundings, script: str, success: bool) -> None:
    outcome = perform({"exec": {"command": ["/bin/sh", "-c", script]}}, where, 0.5)
    assert outcome.success is success
    assert "exit 1" not in script or outcome.message == "broken"


def test_an_unknown_handler_fails_instead_of_passing(where: Surroundings) -> None:
    outcome = perform({"grpc": {"port": 1}}, where, 1)
    assert not outcome.success
    assert "not supported" in outcome.message
