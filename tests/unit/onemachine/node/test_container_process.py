"""Processes, logs and settings of the agent that need no API server."""

from __future__ import annotations

import os
import queue
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from onemachine.node import container_process
from onemachine.node.__main__ import build_parser, main, settings_from
from onemachine.node.cluster import Cluster
from onemachine.node.container_process import ContainerProcess, StartError
from onemachine.node.errors import SettingsError
from onemachine.node.files import clear, pod_directory, prepare, prune
from onemachine.node.guard import Guard
from onemachine.node.launch import NodeAgent
from onemachine.node.logs import ContainerLog
from srectl.private_files import write_private
from tests.support.waiting import PATIENCE_SECONDS

ENV = {"PATH": "/usr/bin:/bin"}


@pytest.fixture
def guard() -> Iterator[Guard]:
    running = Guard()
    yield running
    running.close()


class Run:
    """Runs a command and collects its exit code."""

    def __init__(self, guard: Guard, folder: Path, *argv: str, workdir: Path | None = None) -> None:
        self.codes: queue.Queue[int] = queue.Queue()
        self.path = folder / "x.log"
        log = ContainerLog(self.path, 1000)
        self.process = ContainerProcess(argv, ENV, workdir or folder, log, guard, self.codes.put)

    def code(self) -> int:
        return self.codes.get(timeout=PATIENCE_SECONDS)


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137)])
def test_the_exit_code_is_that_of_a_container(
    guard: Guard, tmp_path: Path, script: str, code: int
) -> None:
    assert Run(guard, tmp_path, "sh", "-c", script).code() == code


def test_output_of_both_kinds_goes_to_the_log(guard: Guard, tmp_path: Path) -> None:
    run = Run(guard, tmp_path, "sh", "-c", "echo out; echo err >&2")
    run.code()
    assert set(run.path.read_text().split()) == {"out", "err"}


def test_the_end_is_told_when_the_log_has_all_that_was_written(
    guard: Guard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = ContainerLog.write

    def slowly(log: ContainerLog, data: bytes, *run: Any) -> None:
        time.sleep(0.3)
        at_once(log, data, *run)

    monkeypatch.setattr(ContainerLog, "write", slowly)
    run = Run(guard, tmp_path, "sh", "-c", "echo last words")
    run.code()
    assert run.path.read_text() == "last words\n"


def test_who_has_left_the_group_and_holds_the_output_does_not_hold_the_end_up(
    guard: Guard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(container_process, "_LAST_OUTPUT_SECONDS", 0.1)
    leaves = "setsid sh -c 'echo $$ > pid; : > up; exec sleep 60' & "
    waits = "until [ -e up ]; do sleep 0.05; done"
    assert Run(guard, tmp_path, "sh", "-c", leaves + waits).code() == 0
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


def test_what_a_run_has_written_last_is_not_the_next_runs(tmp_path: Path) -> None:
    """It is still to be read when that begins."""
    log = ContainerLog(tmp_path / "x.log", 1000)
    readers, writers = [], []
    for _ in range(2):
        reads, writes = os.pipe()
        log.recent.begin()
        readers.append(log.follow(os.fdopen(reads, "rb"), "run"))
        writers.append(writes)
    for number, writes in enumerate(writers, start=1):
        os.write(writes, b"of run %d" % number)
        os.close(writes)
        readers[number - 1].join(PATIENCE_SECONDS)
    told = [
        log.recent.tail(previous=previous, lines=None, most=None, timestamps=False)
        for previous in (True, False)
    ]
    assert told == [b"of run 1\n", b"of run 2\n"]
    log.close()


def test_a_command_or_folder_that_is_not_there_is_a_start_error(
    guard: Guard, tmp_path: Path
) -> None:
    with pytest.raises(StartError, match="no-such"):
        Run(guard, tmp_path, "no-such")
    with pytest.raises(StartError, match="working directory"):
        Run(guard, tmp_path, "true", workdir=tmp_path / "none")


def test_stopping_sends_sigterm_first(guard: Guard, tmp_path: Path) -> None:
    code = "import signal,sys; signal.signal(15, lambda *_: sys.exit(5)); print('up', flush=True)"
    run = Run(guard, tmp_path, sys.executable, "-c", code + "; signal.pause()")
    while "up" not in run.path.read_text():
        assert not run.process.wait(0.02)
    run.process.stop(grace=20)
    assert run.code() == 5


def test_a_grace_of_zero_kills_at_once(guard: Guard, tmp_path: Path) -> None:
    run = Run(guard, tmp_path, "sh", "-c", "trap '' TERM; while true; do sleep 0.1; done")
    run.process.stop(grace=0)
    assert run.code() == 128 + signal.SIGKILL


def test_a_log_never_outgrows_twice_its_limit_and_keeps_the_newest(tmp_path: Path) -> None:
    log = ContainerLog(tmp_path / "a.log", 100)
    for number in range(100):
        log.write(f"{number:09}\n".encode())
    log.close()
    log.write(b"dropped")
    now, before = (tmp_path / "a.log").read_text(), (tmp_path / "a.log.1").read_text()
    assert len(now) <= 100
    assert len(before) <= 100
    assert now.endswith("000000099\n")
    assert int(before.split()[-1]) + 1 == int(now.split()[0])


def test_a_private_file_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "aws" / "token"
    write_private(path, "one")
    write_private(path, "two")
    assert path.read_text() == "two"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["token"]


def test_a_pod_leaves_its_logs_and_nothing_else(tmp_path: Path) -> None:
    directory = pod_directory(tmp_path, "apps", "web")
    prepare(directory)
    (directory / "web.log").write_text("x")
    write_private(directory / "aws" / "token", "t")
    clear(directory)
    assert [one.name for one in directory.iterdir()] == ["web.log"]
    other = pod_directory(tmp_path, "apps", "other")
    prepare(other)
    prune(tmp_path, 0, {other})
    assert [one.name for one in other.parent.iterdir()] == ["apps_other"]


def kubeconfig(path: Path, server: str) -> Path:
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.mark.parametrize(
    "server", ["https://10.0.0.1:6443", "https://example.com", "https://127.0.0.1.example.com"]
)
def test_an_api_server_that_is_not_on_loopback_is_refused(tmp_path: Path, server: str) -> None:
    with pytest.raises(SettingsError, match="not on a loopback address"):
        Cluster(kubeconfig(tmp_path / "k", server))
    Cluster(kubeconfig(tmp_path / "k", "https://127.0.0.1:6443"))


def test_the_launcher_writes_a_command_line_that_the_agent_understands(tmp_path: Path) -> None:
    launch = NodeAgent(
        kubeconfig=tmp_path / "k",
        nodes=("node-a", "node-b"),
        state_dir=tmp_path,
        pod_range="127.99.0.0/16",
        aws_endpoint_url="http://127.0.0.1:1",
        restart_backoff_scale=0.1,
    )
    settings = settings_from(build_parser().parse_args(launch.command()[3:]))
    assert settings.nodes == ("node-a", "node-b")
    assert str(settings.pod_range) == "127.99.0.0/16"
    assert (settings.backoff.initial, settings.backoff.maximum) == (1.0, 30.0)
    assert settings.aws.url == "http://127.0.0.1:1"


def test_the_agents_environment_holds_no_credentials(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of the host")
    launch = NodeAgent(tmp_path, ("n",), tmp_path, "127.99.0.0/16")
    assert set(launch.environment()) == {"PATH", "HOME", "LANG", "PYTHONPATH", "PYTHONUNBUFFERED"}


def test_a_wrong_flag_ends_with_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    launch = NodeAgent(tmp_path / "none", ("n",), tmp_path, "10.0.0.0/8")
    assert main(launch.command()[3:]) == 1
    assert capsys.readouterr().err == (
        "node agent: pod range 10.0.0.0/8 must lie in 127.0.0.0/8 and be a /22 or larger, "
        "e.g. 127.20.0.0/16\n"
    )
