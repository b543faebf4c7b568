"""Builds of a tiny module with the real Go: whole or not at all, once, and with clear messages."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import pytest

from onemachine.binaries import BinaryUnavailable, Component
from onemachine.binaries.progress import SilentProgress
from onemachine.binaries.provide import provide, reported_version
from tests.support.waiting import PATIENCE_SECONDS, eventually
from tests.unit.onemachine.binaries.tool import component_in

GO = shutil.which("go")
needs_go = pytest.mark.skipif(GO is None, reason="builds with the real Go, which is not installed")

MAIN = """
package main

var version = "none"

func main() { println("tool, version " + version) }
"""
# What a second process runs: the same component, from the files that the test wrote.
BUILD_IN_A_PROCESS = """
import sys
from pathlib import Path
from tests.unit.onemachine.binaries.tool import component_in
from onemachine.binaries.provide import provide
from onemachine.binaries.progress import SilentProgress
print(provide(component_in(Path(sys.argv[1])), SilentProgress()).origin)
"""


class Told(SilentProgress):
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, int, int | None]] = []

    def update(
        self, component: str, doing: str, done: int = 0, total: int | None = None, unit: str = ""
    ) -> None:
        self.steps.append((doing, done, total))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SRECTL_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    return tmp_path / "cache"


@pytest.fixture
def tool(tmp_path: Path, cache: Path) -> Component:
    folder = tmp_path / "module"
    folder.mkdir()
    (folder / "go.mod").write_text("module example.test/tool\n\ngo 1.26\n")
    (folder / "main.go").write_text(MAIN)
    return component_in(folder)


@pytest.fixture
def recorded_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A go on PATH that writes down each of its calls, waits a little, and is then the real one."""
    calls = tmp_path / "go-calls"
    folder = tmp_path / "path"
    folder.mkdir()
    script = folder / "go"
    script.write_text(f'#!/bin/sh\necho "$$ $1" >> {calls}\nsleep 0.5\nexec {GO} "$@"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return calls


def leftovers(cache: Path) -> list[str]:
    """Everything in the cache but lock files."""
    return sorted(path.name for path in cache.iterdir() if path.suffix != ".lock")


def in_a_process(tool: Component) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", BUILD_IN_A_PROCESS, str(tool.module_folder)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@needs_go
def test_a_built_binary_reports_its_version_and_is_found_the_next_time(
    tool: Component, cache: Path
) -> None:
    first = provide(tool, SilentProgress())
    assert first.folder == cache / "tool-1.2.3" / "bin"
    assert first.origin == "built now"
    assert reported_version(tool, first.folder, "tool") == "1.2.3"
    assert provide(tool, SilentProgress()).origin == "cache"
    assert leftovers(cache) == ["tool-1.2.3"]


@needs_go
def test_progress_names_the_step_and_counts_the_packages(
    tool: Component, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOCACHE", str(tmp_path / "gocache"))  # empty: all is to be compiled
    told = Told()
    provide(tool, told)
    counted = [step for step in told.steps if step[0] in ("compiling packages", "linking")]
    total = counted[0][2]
    assert total is not None
    assert total > 10  # the Go runtime's packages
    assert [done for _, done, _ in counted] == list(range(total + 1))
    assert {doing for doing, _, _ in counted[:-1]} == {"compiling packages"}
    assert counted[-1][0] == "linking"
    assert [doing for doing, _, _ in told.steps[-2:]] == ["checking that it runs", "ready"]


@needs_go
def test_nothing_that_is_not_pinned_is_built_in(tool: Component, cache: Path) -> None:
    dependency = tool.module_folder / "dep"
    dependency.mkdir()
    (dependency / "go.mod").write_text("module example.test/dep\n\ngo 1.26\n")
    (dependency / "dep.go").write_text("package dep\n")
    with (tool.module_folder / "go.mod").open("a") as pins:
        pins.write("\nreplace example.test/dep => ./dep\n")  # where it is, but no 'require'
    imports = MAIN.replace("package main\n", 'package main\n\nimport _ "example.test/dep"\n')
    (tool.module_folder / "main.go").write_text(imports)
    with pytest.raises(BinaryUnavailable, match=r"example\.test/dep"):
        provide(tool, SilentProgress())
    assert leftovers(cache) == []


@needs_go
def test_an_incomplete_folder_in_the_cache_is_replaced(tool: Component, cache: Path) -> None:
    half = cache / "tool-1.2.3" / "bin"
    half.mkdir(parents=True)
    (half / "tool").write_text("not executable: a copy that was cut off")
    assert provide(tool, SilentProgress()).origin == "built now"
    assert reported_version(tool, half, "tool") == "1.2.3"
    assert leftovers(cache) == ["tool-1.2.3"]


@needs_go
def test_two_processes_build_once(tool: Component, recorded_go: Path) -> None:
    both = [in_a_process(tool), in_a_process(tool)]
    origins = sorted(process.communicate(timeout=PATIENCE_SECONDS)[0].strip() for process in both)
    assert origins == ["built now", "cache"]
    assert [line.split()[1] for line in recorded_go.read_text().splitlines()] == ["list", "build"]


@needs_go
def test_a_build_that_is_killed_leaves_no_half_cache(
    tool: Component, cache: Path, recorded_go: Path
) -> None:
    process = in_a_process(tool)
    wait_for_call(recorded_go, "build")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=PATIENCE_SECONDS)
    assert not (cache / "tool-1.2.3").exists()
    assert len(leftovers(cache)) == 1  # its temporary folder, which the next build clears away
    assert provide(tool, SilentProgress()).origin == "built now"
    assert leftovers(cache) == ["tool-1.2.3"]


@needs_go
def test_an_interrupt_ends_the_compiler_too(
    tool: Component, cache: Path, recorded_go: Path
) -> None:
    process = in_a_process(tool)
    go_pid = wait_for_call(recorded_go, "list")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode != 0
    # Whoever takes in orphans may take a moment to see that this one has ended.
    eventually("the compiler has ended", lambda: not Path(f"/proc/{go_pid}").exists())
    assert leftovers(cache) == []


@needs_go
def test_a_binary_that_does_not_run_never_reaches_the_cache(tool: Component, cache: Path) -> None:
    (tool.module_folder / "main.go").write_text('package main\n\nfunc main() { panic("broken") }\n')
    with pytest.raises(BinaryUnavailable, match="does not run on this machine"):
        provide(tool, SilentProgress())
    assert leftovers(cache) == []


@needs_go
def test_a_compiler_error_is_shown(tool: Component, cache: Path) -> None:
    (tool.module_folder / "main.go").write_text("package main\n\nfunc main() { undefined() }\n")
    with pytest.raises(BinaryUnavailable, match="undefined: undefined"):
        provide(tool, SilentProgress())
    assert leftovers(cache) == []


@needs_go
def test_no_network_is_told_as_such(
    tool: Component, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOMODCACHE", str(tmp_path / "empty"))
    # A port on which nothing listens: what a machine without a network sees.
    monkeypatch.setenv("GOPROXY", "http://127.0.0.1:9")
    imports = MAIN.replace("package main\n", 'package main\n\nimport _ "example.test/dep"\n')
    (tool.module_folder / "main.go").write_text(imports)
    with (tool.module_folder / "go.mod").open("a") as pins:
        pins.write("\nrequire example.test/dep v1.0.0\n")
    (tool.module_folder / "go.sum").write_text(
        textwrap.dedent(
            """\
            example.test/dep v1.0.0 h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=
            example.test/dep v1.0.0/go.mod h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=
            """
        )
    )
    with pytest.raises(BinaryUnavailable, match="sources could not be fetched") as caught:
        provide(tool, SilentProgress())
    assert "GOPROXY" in str(caught.value)


@needs_go
def test_a_go_that_is_too_old_is_told_as_such(
    tool: Component, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOTOOLCHAIN", "local")
    (tool.module_folder / "go.mod").write_text("module example.test/tool\n\ngo 1.999\n")
    with pytest.raises(BinaryUnavailable, match="the installed Go is too old"):
        provide(tool, SilentProgress())


def test_without_go_the_message_says_what_to_do(
    tool: Component, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with pytest.raises(BinaryUnavailable) as caught:
        provide(replace(tool, name="etcd"), SilentProgress())
    for advice in (
        "no 'go' on PATH",
        "Install Go 1.26",
        "KUBEBUILDER_ASSETS",
        "SRECTL_TEST_KUBECONFIG",
    ):
        assert advice in str(caught.value)


def test_a_cache_that_cannot_be_written_is_named(
    tool: Component, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SRECTL_CACHE_DIR", str(tmp_path / "file" / "cache"))
    with pytest.raises(BinaryUnavailable, match="name another folder in SRECTL_CACHE_DIR"):
        provide(tool, SilentProgress())


def wait_for_call(calls: Path, command: str) -> int:
    """Wait until go was called with a command; give that go's process id."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        for line in calls.read_text().splitlines() if calls.exists() else ():
            pid, called = line.split()
            if called == command:
                return int(pid)
        time.sleep(0.02)
    raise AssertionError(f"go {command} was never called")
