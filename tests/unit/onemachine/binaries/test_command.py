"""``python -m onemachine.binaries``: what it prints, and how it ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from onemachine.binaries import COMPONENTS
from onemachine.binaries.__main__ import main


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SRECTL_CACHE_DIR", str(tmp_path))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    return tmp_path


def put_program(folder: Path, name: str, body: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)


def test_the_table_says_where_each_came_from_and_what_it_reports(
    cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = cache / "etcd-3.6.16" / "bin"
    put_program(folder, "etcd", "echo etcd Version: 3.6.16")
    assert main(["etcd"]) == 0
    (row,) = (line for line in capsys.readouterr().out.splitlines() if "etcd-3.6.16 " in line)
    assert row.split() == ["etcd-3.6.16", "3.6.16", "cache", str(folder / "etcd")]


def test_the_users_own_are_named_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put_program(tmp_path / "mine", "etcd", "echo etcd Version: 3.5.99")
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path / "mine"))
    assert main(["etcd"]) == 0
    output = capsys.readouterr().out
    assert "KUBEBUILDER_ASSETS" in output
    assert "3.5.99" in output


def test_what_is_missing_is_an_error_and_the_rest_is_still_shown(
    cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put_program(cache / "etcd-3.6.16" / "bin", "etcd", "echo etcd Version: 3.6.16")
    assert main(["--check"]) == 1
    captured = capsys.readouterr()
    assert "etcd-3.6.16" in captured.out
    for missing in ("kubernetes-1.36.3", "prometheus-0.316.0", "alertmanager-0.31.1"):
        assert f"{missing} is not here" in captured.err


def put_all_that_is_needed(cache: Path) -> None:
    for component in COMPONENTS.values():
        for binary in component.binaries if not component.optional else ():
            put_program(cache / component.label / "bin", binary, "echo 1.2.3")


def test_what_a_stack_starts_without_may_be_missing_and_is_said(
    cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put_all_that_is_needed(cache)
    assert main(["--check"]) == 0
    said = capsys.readouterr().err
    assert "kube-state-metrics-2.19.1 is not here" in said
    assert "A stack starts without it." in said


def test_what_was_named_must_be_there(cache: Path) -> None:
    put_all_that_is_needed(cache)
    assert main(["--check", "kube-state-metrics"]) == 1


def test_of_the_needed_ones_the_optional_are_not_spoken(
    cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put_all_that_is_needed(cache)
    assert main(["--check", "--needed"]) == 0
    captured = capsys.readouterr()
    assert "kube-state-metrics" not in captured.out + captured.err


def test_a_binary_for_another_machine_is_an_error(
    cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put_program(cache / "etcd-3.6.16" / "bin", "etcd", "exit 126")
    assert main(["etcd"]) == 1
    assert "does not run on this machine" in capsys.readouterr().err


def test_an_unknown_component_is_refused_with_the_known_ones(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["grafana"])
    assert (
        "kubernetes, etcd, prometheus, alertmanager, kube-state-metrics" in capsys.readouterr().err
    )
