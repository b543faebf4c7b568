"""Child processes: started, watched, and ended with all that they started."""

from __future__ import annotations

import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from onemachine.processes.errors import StartFailed
from onemachine.processes.identity import ProcessIdentity
from onemachine.processes.managed import ManagedProcess
from onemachine.processes.waiting import wait_until
from tests.support.waiting import PATIENCE_SECONDS

SLEEPER = "import time; print('up', flush=True); time.sleep(600)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print('up', flush=True); time.sleep(600)"
)


class Start(Protocol):
    """Runs a piece of Python in a child with the given additional environment."""

    def __call__(self, code: str, **env: str) -> ManagedProcess: ...


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[ManagedProcess] = []

    def run(code: str, **env: str) -> ManagedProcess:
        name = f"child-{len(started)}"
        child = ManagedProcess(
            name, [sys.executable, "-c", code], env, tmp_path / "logs" / f"{name}.log"
        )
        started.append(child)
        return child.start()

    yield run
    for each in started:
        each.stop(0.1)


def says(child: ManagedProcess, text: str) -> None:
    wait_until(lambda: text in child.log_tail(), f"{text!r} in the log", PATIENCE_SECONDS, child)


def identity_of(pid: int) -> ProcessIdentity:
    identity = ProcessIdentity.of(pid)
    assert identity is not None
    return identity


def test_a_started_process_is_alive_until_it_is_stopped(start: Start) -> None:
    child = start(SLEEPER)
    says(child, "up")
    assert child.alive()
    assert child.pid is not None
    assert child.identity == ProcessIdentity.of(child.pid)
    child.stop()
    assert not child.alive()
    assert child.exit_code == -signal.SIGTERM
    assert child.identity is not None
    assert not child.identity.alive()


def test_what_does_not_listen_to_sigterm_is_killed_after_the_grace_period(start: Start) -> None:
    child = start(STUBBORN)
    says(child, "up")
    child.stop(0.2)
    assert child.exit_code == -signal.SIGKILL


def test_stopping_twice_or_before_the_start_does_nothing(start: Start, tmp_path: Path) -> None:
    ManagedProcess("never", ["true"], {}, tmp_path / "never.log").stop()
    child = start(SLEEPER)
    child.stop()
    child.stop()


def test_workers_of_a_process_end_with_it(start: Start) -> None:
    child = start(
        "import subprocess, sys, time;"
        f"worker = subprocess.Popen([sys.executable, '-c', {STUBBORN!r}]);"
        "print('worker', worker.pid, flush=True); time.sleep(600)"
    )
    says(child, "worker")
    says(child, "up")
    worker = identity_of(int(child.log_tail().split("worker ")[1].split()[0]))
    assert worker.alive()
    child.stop()
    assert worker.wait_gone(5)


def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "child.log"
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time; from pathlib import Path;"
            "from onemachine.processes.managed import ManagedProcess;"
            f"child = ManagedProcess('child', [sys.executable, '-c', {SLEEPER!r}], {{}},"
            f" Path({str(log)!r})).start(); print(child.pid, flush=True); time.sleep(600)",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    child = identity_of(int(parent.stdout.readline()))
    assert child.alive()
    parent.kill()
    parent.communicate()
    assert child.wait_gone(5)


def test_a_child_outlives_the_thread_that_asked_for_it(start: Start) -> None:
    children: list[ManagedProcess] = []
    asking = threading.Thread(target=lambda: children.append(start(SLEEPER)))
    asking.start()
    asking.join()
    says(children[0], "up")
    time.sleep(0.2)  # the kernel would have sent the signal when the thread ended
    assert children[0].alive()


def test_nothing_of_the_users_environment_but_the_needed_is_inherited(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-the-real-account")
    child = start("import os; print(sorted(os.environ), flush=True)", GIVEN="1")
    says(child, "]")
    assert "AWS_SECRET_ACCESS_KEY" not in child.log_tail()
    assert "GIVEN" in child.log_tail()
    assert "PATH" in child.log_tail()


def test_logs_can_be_read_by_their_owner_only_and_are_appended_to(start: Start) -> None:
    child = start("print('first', flush=True)")
    says(child, "first")
    wait_until(lambda: not child.alive(), "its end", PATIENCE_SECONDS)
    child.start()
    wait_until(lambda: child.log_tail().count("first") == 2, "the second run", PATIENCE_SECONDS)
    assert stat.S_IMODE(child.log_path.stat().st_mode) == 0o600
    assert child.log_tail(1) == "first"


def test_a_recycled_process_id_is_never_signalled(start: Start) -> None:
    child = start(SLEEPER)
    assert child.identity is not None
    other = ProcessIdentity(child.identity.pid, child.identity.start_time - 1)
    assert not other.alive()
    assert not other.signal(signal.SIGKILL)
    assert child.alive()
    assert child.identity.signal(signal.SIGTERM)
    assert child.identity.wait_gone(5)


def test_a_process_that_ended_but_is_not_reaped_counts_as_gone() -> None:
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    identity = identity_of(child.pid)
    assert identity.wait_gone(10)
    assert not identity.signal(signal.SIGTERM)
    child.wait()


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    missing = ManagedProcess("etcd", ["/nowhere/etcd"], {}, tmp_path / "etcd.log")
    with pytest.raises(StartFailed, match=r"etcd to start: /nowhere/etcd: .*No such file"):
        missing.start()


def test_waiting_ends_with_the_answer() -> None:
    answers = iter([None, None, "ready"])
    assert wait_until(lambda: next(answers), "an answer", PATIENCE_SECONDS) == "ready"


def test_waiting_ends_when_the_process_ends_and_shows_its_last_words(start: Start) -> None:
    child = start("print('no space left'); raise SystemExit(3)")
    with pytest.raises(StartFailed) as failed:
        wait_until(lambda: None, "the database", 60, child)
    assert failed.value.what == "the database"
    assert "child-0 ended" in failed.value.reason
    assert failed.value.log_tail == "no space left"
    assert "no space left" in str(failed.value)


def test_waiting_names_the_stage_when_time_is_up() -> None:
    def refused() -> None:
        raise ConnectionRefusedError("nobody listens")

    with pytest.raises(StartFailed, match=r"waiting for Prometheus.*0.1 s.*nobody listens"):
        wait_until(refused, "Prometheus", 0.1)


def test_a_mistake_in_a_probe_is_not_taken_for_not_yet() -> None:
    def wrong() -> None:
        raise KeyError("status")

    with pytest.raises(KeyError):
        wait_until(wrong, "anything", 10)
