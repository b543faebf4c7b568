"""A stack starts as a whole, is watched, and leaves nothing behind, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from onemachine.commands.status import effective_phase
from onemachine.processes.waiting import wait_until
from onemachine.stack.children import processes_of_stack
from onemachine.stack.control import AlreadyRunning, StackFailed, spawn_supervisor, stop_stack
from onemachine.stack.progress import Event
from onemachine.stack.state import StackFolder, StackState
from tests.support.waiting import PATIENCE_SECONDS
from tests.unit.onemachine.stack.trivial_stack import REPOSITORY, command


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StackFolder]:
    monkeypatch.setenv("SRECTL_STATE_DIR", str(tmp_path))
    made = StackFolder.named("trivial")
    yield made
    stop_stack(made, lambda _: None)


def up(folder: StackFolder, mode: str = "ok", *more: str) -> tuple[StackState, list[Event]]:
    events: list[Event] = []
    return spawn_supervisor(folder, command(folder.name, mode, *more), events.append), events


def state_of(folder: StackFolder) -> StackState:
    state = StackState.read(folder)
    assert state is not None
    return state


def nothing_is_left(folder: StackFolder) -> bool:
    return not folder.is_supervised() and not processes_of_stack(folder)


def test_a_stack_is_ready_when_all_its_stages_are_done(folder: StackFolder) -> None:
    state, events = up(folder)
    assert state.phase == "ready"
    with urllib.request.urlopen(state.endpoints["web_url"], timeout=PATIENCE_SECONDS) as answer:
        assert answer.status == 200
    assert all(record.identity.alive() for record in state.processes.values())
    assert set(state.processes) == {"web", "second"}
    assert set(state.timings) == {"web", "second"}
    told = [(event.kind, event.stage) for event in events]
    assert told.index(("finished", "web")) < told.index(("started", "second"))
    assert ("report", "second") in told
    assert folder.state_file.stat().st_mode & 0o077 == 0


def test_down_ends_every_process_and_says_so(folder: StackFolder) -> None:
    state, _ = up(folder)
    outcome = stop_stack(folder, lambda _: None)
    assert (outcome.was_running, outcome.killed) == (True, 0)
    assert "left over" not in folder.log("supervisor").read_text()
    assert not any(record.identity.alive() for record in state.processes.values())
    assert nothing_is_left(folder)
    assert state_of(folder).phase == "stopped"
    assert not stop_stack(folder, lambda _: None).was_running


def test_a_second_start_of_the_same_name_is_refused(folder: StackFolder) -> None:
    first, _ = up(folder)
    with pytest.raises(AlreadyRunning) as refused:
        up(folder)
    assert refused.value.state is not None
    assert refused.value.state.phase == "ready"
    assert state_of(folder).processes == first.processes


def test_of_two_starts_at_once_one_wins(folder: StackFolder) -> None:
    folder.path.mkdir(parents=True)
    with folder.supervising() as ours:
        assert ours
        code = subprocess.run(
            command(folder.name, "ok"), cwd=REPOSITORY, check=False, timeout=PATIENCE_SECONDS
        ).returncode
    assert code == 3


def test_two_stacks_run_side_by_side(folder: StackFolder) -> None:
    other = StackFolder.named("another")
    try:
        first, _ = up(folder)
        second, _ = up(other)
        stop_stack(folder, lambda _: None)
        with urllib.request.urlopen(
            second.endpoints["web_url"], timeout=PATIENCE_SECONDS
        ) as answer:
            assert answer.status == 200
        assert first.endpoints != second.endpoints
    finally:
        stop_stack(other, lambda _: None)


def test_a_failed_start_names_the_stage_shows_its_log_and_leaves_nothing(
    folder: StackFolder,
) -> None:
    with pytest.raises(StackFailed, match=r"second: .*second ended") as failed:
        up(folder, "fails")
    assert "no space left on device" in str(failed.value)
    assert nothing_is_left(folder)
    assert state_of(folder).phase == "failed"


def test_an_interrupted_start_leaves_nothing(folder: StackFolder) -> None:
    # In a process of its own: cleaning up makes the process deaf to further interruptions.
    script = (
        "import sys\n"
        "from onemachine.stack.control import spawn_supervisor\n"
        "from onemachine.stack.state import StackFolder\n"
        "from tests.unit.onemachine.stack.trivial_stack import command\n"
        "def tell(event):\n"
        "    if event.kind == 'report': print('interrupt me', flush=True)\n"
        "spawn_supervisor(StackFolder.named('trivial'), command('trivial', 'hangs'), tell)\n"
    )
    starting = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert starting.stdout is not None
    assert starting.stdout.readline() == "interrupt me\n"
    assert processes_of_stack(folder)
    starting.send_signal(signal.SIGINT)
    starting.communicate(timeout=PATIENCE_SECONDS)
    assert nothing_is_left(folder)
    assert state_of(folder).phase == "stopped"


def test_a_child_that_dies_makes_the_stack_degraded_and_is_not_restarted(
    folder: StackFolder,
) -> None:
    state, _ = up(folder, "short-lived")
    degraded = wait_until(
        lambda: state_of(folder) if state_of(folder).phase == "degraded" else None,
        "the stack to be degraded",
        20,
    )
    assert degraded.problem == "not running any more: second"
    assert degraded.processes["second"].exit_code == 0
    assert degraded.processes["web"].identity.alive()
    assert state.processes["second"].pid == degraded.processes["second"].pid


def test_status_sees_a_death_before_the_supervisor_tells_of_it(folder: StackFolder) -> None:
    state, _ = up(folder)
    state.processes["web"].identity.signal(signal.SIGKILL)
    assert state.processes["web"].identity.wait_gone(5)
    assert effective_phase(folder, state) == "degraded"


def test_a_stack_stops_by_itself_when_its_time_is_over(folder: StackFolder) -> None:
    up(folder, "ok", "--ttl", "3")
    wait_until(lambda: not folder.is_supervised(), "the end of its time", PATIENCE_SECONDS)
    assert nothing_is_left(folder)
    assert state_of(folder).phase == "stopped"


def test_a_stack_does_not_outlive_the_command_that_owns_it(folder: StackFolder) -> None:
    owner = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        up(folder, "ok", "--owner", str(owner.pid))
    finally:
        owner.kill()
        owner.wait()
    wait_until(lambda: not folder.is_supervised(), "the stack to end, too", PATIENCE_SECONDS)
    assert nothing_is_left(folder)


def test_workers_in_sessions_of_their_own_are_found_and_ended(folder: StackFolder) -> None:
    up(folder, "workers")
    assert len(processes_of_stack(folder)) == 3  # two children and the worker of one of them
    stop_stack(folder, lambda _: None)
    assert nothing_is_left(folder)
    assert "left over" in folder.log("supervisor").read_text()


def test_down_cleans_up_after_a_killed_supervisor(folder: StackFolder) -> None:
    state, _ = up(folder, "workers")
    assert state.supervisor is not None
    os.kill(state.supervisor.pid, signal.SIGKILL)
    assert state.supervisor.identity.wait_gone(5)
    # Its first thread is gone; the lock goes with the last one, a moment later.
    wait_until(
        lambda: effective_phase(folder, state_of(folder)) == "stopped", "the lock to be let go", 5
    )
    outcome = stop_stack(folder, lambda _: None)
    assert outcome.killed >= 1
    assert nothing_is_left(folder)


def test_a_process_that_only_names_the_folder_is_not_the_stacks(folder: StackFolder) -> None:
    up(folder)
    shell = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)", str(folder.path)],
        env={**os.environ, "KUBECONFIG": str(folder.path / "kubeconfig")},
    )
    try:
        assert shell.pid not in {identity.pid for identity in processes_of_stack(folder)}
        stop_stack(folder, lambda _: None)
        assert shell.poll() is None
    finally:
        shell.kill()
        shell.wait()
