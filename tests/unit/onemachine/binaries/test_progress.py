"""What a person or a CI log sees of a build."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from onemachine.binaries.progress import LineProgress, TerminalProgress, showing


@pytest.fixture
def seen() -> io.StringIO:
    return io.StringIO()


def test_without_a_terminal_each_step_is_one_plain_line(seen: io.StringIO) -> None:
    with showing(Console(file=seen, force_terminal=False, width=200)) as progress:
        assert isinstance(progress, LineProgress)
        progress.update("etcd-3.6.16", "fetching sources")
        for done in range(100):
            progress.update("etcd-3.6.16", "compiling packages", done, 100)
        progress.update("etcd-3.6.16", "ready", 1, 1)
    lines = [line.rpartition(" (")[0] for line in seen.getvalue().splitlines()]
    assert lines == [
        "etcd-3.6.16: fetching sources",
        "etcd-3.6.16: compiling packages 0 of 100",
        "etcd-3.6.16: ready",
    ]
    assert "\x1b" not in seen.getvalue()


def test_a_long_step_gives_a_sign_of_life(
    seen: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(0, 1000, 10))  # every update ten seconds after the one before
    monkeypatch.setattr("onemachine.binaries.progress.time.monotonic", lambda: next(clock))
    progress = LineProgress(Console(file=seen, width=200))
    for done in range(5):
        progress.update("etcd-3.6.16", "compiling packages", done, 5)
    assert seen.getvalue().splitlines() == [
        "etcd-3.6.16: compiling packages 0 of 5 (0 s)",
        "etcd-3.6.16: compiling packages 2 of 5 (20 s)",
        "etcd-3.6.16: compiling packages 4 of 5 (40 s)",
    ]


def test_a_terminal_gets_a_bar_for_each_component(seen: io.StringIO) -> None:
    console = Console(file=seen, force_terminal=True, width=160)
    with showing(console) as progress:
        assert isinstance(progress, TerminalProgress)
        progress.update("etcd-3.6.16", "compiling packages", 290, 580)
        progress.update("prometheus-0.316.0", "fetching sources", 12)
    shown = seen.getvalue()
    assert "etcd-3.6.16: compiling packages" in shown
    assert "290 of 580" in shown
    assert "prometheus-0.316.0: fetching sources" in shown


def test_a_download_is_counted_in_megabytes(seen: io.StringIO) -> None:
    progress = LineProgress(Console(file=seen, width=200))
    progress.update("etcd-3.6.16", "downloading etcd.tar.gz", 3, 11, "MB")
    progress.update("etcd-3.6.16", "downloading etcdctl.tar.gz", 3, None, "MB")
    assert [line.rpartition(" (")[0] for line in seen.getvalue().splitlines()] == [
        "etcd-3.6.16: downloading etcd.tar.gz 3 of 11 MB",
        "etcd-3.6.16: downloading etcdctl.tar.gz 3 MB",
    ]


@pytest.mark.parametrize("terminal", [False, True])
def test_what_must_be_read_is_printed_whole(seen: io.StringIO, terminal: bool) -> None:
    text = "etcd-3.6.16 could not be downloaded: " + "because of [this] and that " * 5
    with showing(Console(file=seen, force_terminal=terminal, width=80)) as progress:
        progress.note(text)
    assert text in seen.getvalue()
