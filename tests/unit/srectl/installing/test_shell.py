"""The shell of the steps: a lock outlives who took it, and what does not answer is given up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from onemachine.processes.identity import ProcessIdentity
from srectl.errors import CommandFailed
from srectl.installing import shell
from srectl.installing.memory import Memory
from srectl.installing.plan import Plan
from srectl.installing.shell import Shell

PLAN = Plan({}, (), "", "", {}, ())
#: Installs until its command has ended, which it does with its standard input.
INSTALLER = """
import sys
from pathlib import Path
from srectl.installing.memory import Memory
from srectl.installing.plan import Plan
from srectl.installing.shell import Shell
with Memory(Path(sys.argv[1])).alone() as lock:
    Shell(Plan({}, (), "", "", {}, ()), Path("/"), {}, lock).run("echo begun; read -r _ || true")
"""


def free(path: Path) -> bool:
    try:
        with Memory(path).alone():
            return True
    except CommandFailed:
        return False


def test_the_lock_is_held_as_long_as_a_command_runs_whatever_became_of_srectl(
    tmp_path: Path,
) -> None:
    path = tmp_path / "it.json"
    with subprocess.Popen(
        [sys.executable, "-c", INSTALLER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as installer:
        assert installer.stdout is not None
        assert installer.stdout.readline() == b"begun\n"
        installer.send_signal(signal.SIGKILL)
        installer.wait()
        assert not free(path)
        assert installer.stdin is not None
        installer.stdin.close()
        until = time.monotonic() + 10
        while not free(path):
            assert time.monotonic() < until
            time.sleep(0.01)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.setattr(shell, "_CHECK_SECONDS", 0.2)
    monkeypatch.setattr(shell, "_VERSION_SECONDS", 0.2)
    return Shell(PLAN, tmp_path, {})


def test_a_check_that_nothing_answers_is_given_up_with_all_that_it_started(
    here: Shell, tmp_path: Path
) -> None:
    with pytest.raises(CommandFailed, match="nothing answers within 0 seconds: sleep 60"):
        here.holds(f"sleep 60 & echo $! > {tmp_path}/child; wait")
    child = ProcessIdentity.of(int((tmp_path / "child").read_text()))
    assert child is None or child.wait_gone(10)


def test_a_tool_that_does_not_tell_its_version_cannot_be_used(here: Shell) -> None:
    assert here.version("echo v1.2; sleep 60") == ""
    assert here.version("echo v1.2 | grep v") == "v1.2\n"
    assert here.version("echo v1.2; false") == ""


def test_a_check_that_cannot_tell_is_no_absence(here: Shell) -> None:
    assert here.holds("true")
    assert not here.holds("echo nothing >&2; false")
    with pytest.raises(CommandFailed, match=r"nobody can tell whether this is there.*: refused"):
        here.holds("echo refused >&2; exit 75")
