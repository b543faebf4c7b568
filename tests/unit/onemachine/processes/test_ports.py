"""Ports and pod ranges are handed out once, whoever asks at the same time."""

from __future__ import annotations

import random
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from onemachine.node import choose_pod_range
from onemachine.processes.claims import claim
from onemachine.processes.ports import free_port
from onemachine.project import PROJECT_ROOT

RANDRANGE = "onemachine.processes.ports.random.randrange"
PROCESSES, EACH = 4, 25

# Only a few ports to choose among, so that the processes get into each other's way.
PORTS = f"""
import random, sys
from onemachine.processes import ports
ports._FIRST_PORT, ports._first_ephemeral_port = 21000, lambda: 21150
sys.stdin.read(1)
print(*(ports.free_port() for _ in range({EACH})), flush=True)
sys.stdin.read()
"""
RANGES = """
import sys
from onemachine.node import choose_pod_range
sys.stdin.read(1)
print(choose_pod_range("the-same-name"), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def at_once() -> Iterator[Callable[[str], list[str]]]:
    """Run a program in several processes at once; give what all of them printed."""
    running: list[subprocess.Popen[str]] = []

    def run(program: str) -> list[str]:
        running.extend(
            subprocess.Popen(
                [sys.executable, "-c", program],
                cwd=PROJECT_ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(PROCESSES)
        )
        printed: list[str] = []
        for each in running:
            assert each.stdin
            each.stdin.write("!")
            each.stdin.flush()
        for each in running:
            assert each.stdout
            printed += each.stdout.readline().split()
        return printed

    yield run
    for each in running:
        each.communicate("")


def ask_for(monkeypatch: pytest.MonkeyPatch, ports: list[int]) -> None:
    """Let these be the first ones that are tried."""
    first, others = iter(ports), random.randrange
    monkeypatch.setattr(RANDRANGE, lambda *bounds: next(first, None) or others(*bounds))


def test_processes_that_ask_at_once_get_different_ports(
    at_once: Callable[[str], list[str]],
) -> None:
    ports = at_once(PORTS)
    assert len(ports) == len(set(ports)) == PROCESSES * EACH


def test_stacks_of_one_name_that_start_at_once_get_different_pod_ranges(
    at_once: Callable[[str], list[str]],
) -> None:
    ranges = at_once(RANGES)
    assert len(ranges) == len(set(ranges)) == PROCESSES


def test_what_a_process_chose_is_its_own_until_it_ends() -> None:
    first = choose_pod_range("a-stack-of-this-process")
    assert choose_pod_range("a-stack-of-this-process") == first
    assert claim(f"pod-range-{first}") is None


def test_no_port_is_given_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    first = free_port()
    ask_for(monkeypatch, [first, first])
    assert free_port() != first
    with socket.socket() as server:
        server.bind(("127.0.0.1", first))


def test_a_port_in_use_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        taken = server.getsockname()[1]
        ask_for(monkeypatch, [taken, taken])
        assert free_port() != taken


def test_where_every_port_is_taken_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = free_port()
    monkeypatch.setattr(RANDRANGE, lambda *_: taken)
    with pytest.raises(OSError, match=r"no free port on 127\.0\.0\.1"):
        free_port()
