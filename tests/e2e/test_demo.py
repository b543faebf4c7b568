"""The whole loop on one machine: it closes by itself, it says so when it does not, it cleans up."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from onemachine.processes.waiting import wait_until
from onemachine.project import PROJECT_ROOT
from onemachine.stack.children import processes_of_stack
from onemachine.stack.control import stop_stack
from onemachine.stack.state import StackFolder, StackState
from tests.support.waiting import PATIENCE_SECONDS

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

SHOWN_VARIABLE = "SRECTL_SHOWN_DEMO"  # a log of 'make demo' that has just ended well
SSM_STATEMENT_BEGIN = "              - Sid: SwitchDegradedMode\n"
STATEMENT_BEGIN = "              - "


@dataclass(frozen=True)
class Run:
    """A demo under a name and with a report of its own."""

    folder: StackFolder
    report: Path

    def command(self, *more: str) -> list[str]:
        return [
            *(sys.executable, "-m", "srectl.cli", "demo"),
            *("--name", self.folder.name),
            *("--report", str(self.report)),
            *more,
        ]

    def told(self) -> dict[str, Any]:
        report: dict[str, Any] = json.loads(self.report.read_text())
        return report

    def left(self) -> bool:
        return self.folder.is_supervised() or bool(processes_of_stack(self.folder))


@pytest.fixture
def demo(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Run]:
    # Builds and binaries are shared with the user's own stacks, ports and addresses are not.
    name = f"e2e-{os.getpid()}"
    run = Run(StackFolder.named(name), tmp_path / "report.json")
    yield run
    stop_stack(run.folder, lambda _: None)


def run_to_its_end(demo: Run, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        demo.command(*more), cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
    )


def shown_or_run(demo: Run) -> tuple[Run, str]:
    """Give the demonstration and what it printed.

    Where the gate has just shown it with ``make demo``, that is what is judged.
    """
    shown = os.environ.get(SHOWN_VARIABLE)
    if shown:
        report = PROJECT_ROOT / "build" / "demo" / "report.json"
        return Run(StackFolder.named("demo"), report), Path(shown).read_text("utf-8")
    ended = run_to_its_end(demo)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return demo, ended.stdout


def test_the_loop_closes_by_itself(demo: Run) -> None:
    demo, printed = shown_or_run(demo)
    report = demo.told()
    assert report["outcome"] == "resolved"
    assert report["incident"]["status"] == "resolved"
    assert [action["action"] for action in report["incident"]["actions_taken"]] == [
        "enable_degraded_mode"
    ]
    before, after = report["pods"]["before"].values(), report["pods"]["after"].values()
    assert len(after) == len(before)
    assert not set(before) & set(after)
    assert report["error_ratio"]["after"] < 0.05 < report["error_ratio"]["peak"]
    told = {notification["message"]["event"] for notification in report["notifications"]}
    assert {"incident.created", "incident.resolved"} <= told
    incident_id = report["incident"]["incident_id"]
    subjects = [mail["subject"] for mail in report["mails"] if incident_id in mail["body"]]
    # Its end is heard before it was verified, or seen in the data with the target healthy.
    verdicts = (["CRIT", "ALERT", "OK"], ["CRIT", "OK"])
    assert [subject.partition(" ")[0] for subject in subjects] in verdicts
    pages = [page for page in report["pages"] if page["key"] == incident_id]
    assert [page["action"] for page in pages] == ["trigger", "resolve"]
    assert pages[0]["severity"] == "critical"
    said = [message["text"] for message in report["chat"] if incident_id in message["text"]]
    assert [text.partition(" ")[0] for text in said] in verdicts
    assert "Timeline" in printed
    assert not demo.left()


def test_without_the_permission_for_ssm_the_incident_is_escalated_and_the_demo_fails(
    demo: Run, tmp_path: Path
) -> None:
    template = tmp_path / "template.yaml"
    template.write_text(without_ssm_statement((PROJECT_ROOT / "template.yaml").read_text()))
    ended = run_to_its_end(demo, "--template", str(template))
    assert ended.returncode == 11, ended.stdout + ended.stderr
    report = demo.told()
    assert report["outcome"] == "escalated"
    assert report["incident"]["status"] == "escalated"
    assert report["incident"]["escalation_code"] == "action-failed"
    assert "escalated to a human" in ended.stdout
    assert not demo.left()


def test_a_stack_that_breaks_during_the_demo_is_named_and_the_demo_fails(demo: Run) -> None:
    running = subprocess.Popen(
        demo.command(),
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert running.stdout is not None
        for line in running.stdout:
            if line.startswith("chaos on"):
                break
        state = StackState.read(demo.folder)
        assert state is not None
        os.kill(state.processes["alertmanager"].pid, signal.SIGKILL)
        output, _ = running.communicate(timeout=180)
    finally:
        running.kill()
        running.wait()
    assert running.returncode == 10, output
    assert "alertmanager" in demo.told()["problem"]
    assert demo.told()["log_tail"]["source"] == "alertmanager"
    assert not demo.left()


def test_ctrl_c_leaves_nothing_behind(demo: Run) -> None:
    running = subprocess.Popen(
        demo.command(), cwd=PROJECT_ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_until(
            lambda: "node-agent" in processes(demo), "the stack to be half way up", PATIENCE_SECONDS
        )
        running.send_signal(signal.SIGINT)
        running.wait(PATIENCE_SECONDS)
    finally:
        running.kill()
        running.wait()
    assert running.returncode == 130
    assert not demo.left()


def test_a_killed_demo_takes_its_stack_with_it(demo: Run) -> None:
    running = subprocess.Popen(
        demo.command(), cwd=PROJECT_ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_until(
            lambda: "node-agent" in processes(demo), "the stack to be half way up", PATIENCE_SECONDS
        )
    finally:
        running.kill()
        running.wait()
    wait_until(lambda: not demo.left(), "the stack to end, too", PATIENCE_SECONDS)


def processes(demo: Run) -> set[str]:
    state = StackState.read(demo.folder)
    return set() if state is None else set(state.processes)


def without_ssm_statement(template: str) -> str:
    """Cut the statement out of the function's role, as a mistake in the template would."""
    begin = template.index(SSM_STATEMENT_BEGIN)
    end = template.index(STATEMENT_BEGIN, begin + len(SSM_STATEMENT_BEGIN))
    cut = template[begin:end]
    assert "ssm:PutParameter" in cut
    assert cut.count("- Sid:") == 1
    return template[:begin] + template[end:]
