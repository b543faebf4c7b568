"""``make bench`` counts what it is answered, sends again as Alertmanager does, and knows goals."""

from __future__ import annotations

import json
import math
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from rich.table import Table

from tests.load.platform_bench.alerts import Alert
from tests.load.platform_bench.floor import floor
from tests.load.platform_bench.flow import Flow, send
from tests.load.platform_bench.intake import Webhook, answers
from tests.load.platform_bench.records import percentile
from tests.load.platform_bench.report import cost
from tests.load.platform_bench.targets import runbook_name
from tests.load.platform_bench.usage import Cpu, Spent, cpu, find_emulator, memory_mb


class _Table:
    """Stands in for the table: what was accepted is recorded at the next look but one."""

    def __init__(self) -> None:
        self.looked = 0

    def seen(self, timestamps: dict[str, str]) -> set[str]:
        self.looked += 1
        return set(timestamps) if self.looked > 1 else set()


@contextmanager
def _platform(*statuses: int) -> Iterator[Webhook]:
    """Answer with each status once, then with 202, an id for each alert."""
    left = list(statuses)
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                status = left.pop(0) if left else 202
            ids = [f"id-{alert['fingerprint']}" for alert in given["alerts"]]
            answer = json.dumps({"incident_ids": ids}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:
            """Keep the test's output quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Webhook(f"http://127.0.0.1:{server.server_address[1]}/webhook", "key")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _send(webhook: Webhook, table: Any, bodies: list[list[Alert]], *, retry: bool) -> Flow:
    return send(webhook, table, bodies, clients=2, seconds=5, interval=0.01, retry=retry)


def test_every_alert_of_every_body_is_followed_to_its_record() -> None:
    bodies = [[Alert("A"), Alert("A")] for _ in range(3)]
    with _platform() as webhook:
        flow = _send(webhook, _Table(), bodies, retry=False)
    assert len(flow.seen_at) == len(flow.latencies) == 6
    assert flow.all_accepted
    assert flow.rate > 0
    assert answers(flow.deliveries) == "202: 3"


def test_what_is_refused_is_not_waited_for() -> None:
    with _platform(503) as webhook:
        flow = _send(webhook, _Table(), [[Alert("A")]], retry=False)
    assert (flow.begun, flow.latencies, flow.all_accepted) == ({}, [], False)
    assert answers(flow.deliveries) == "503: 1"


def test_with_retries_a_refused_body_is_sent_again_and_its_time_counts_from_the_first() -> None:
    with _platform(503) as webhook:
        flow = _send(webhook, _Table(), [[Alert("A")]], retry=True)
    assert answers(flow.deliveries) == "202: 1, 503: 1"
    assert not flow.all_accepted
    assert min(flow.latencies) >= 1


def test_a_percentile_of_nothing_is_no_number() -> None:
    assert percentile([3, 1, 2], 0.5) == 2
    assert percentile(range(1, 101), 0.99) == 100
    assert math.isnan(percentile([], 0.5))


def test_a_runbook_has_the_name_of_its_target() -> None:
    assert runbook_name("storm-007") == "BenchStorm007"


def test_cpu_and_memory_of_a_process_are_read() -> None:
    before = cpu(os.getpid())
    sum(number * number for number in range(3_000_000))
    assert (cpu(os.getpid()) - before).emulator > 0.05
    assert memory_mb(os.getpid())[0] > 1


def test_without_a_local_aws_there_is_nothing_to_measure() -> None:
    with pytest.raises(SystemExit, match="no local AWS"):
        find_emulator("http://127.0.0.1:9")


def test_what_a_machine_takes_is_told_as_a_multiple_of_the_floor_on_it() -> None:
    """A machine of half the speed has the same ratio, and twice the seconds."""
    told = []
    for speed in (1, 2):
        made = Table("", "measured")
        cost(made, "CPU", Spent(Cpu(8.0 * speed, 2.0 * speed), 0.02 * speed), 200)
        told.append(list(made.columns[1].cells))
    assert told == [
        ["50.0 s (emulator 40.0, Lambdas 10.0)", "2,500 x 20.0 ms"],
        ["100.0 s (emulator 80.0, Lambdas 20.0)", "2,500 x 40.0 ms"],
    ]


def test_the_floor_is_work_that_takes_time() -> None:
    assert 0 < floor() < 10
