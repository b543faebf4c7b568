"""The disaster guide, rehearsed: every drill holds, and one whose recovery fails says so."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from onemachine.project import PROJECT_ROOT
from onemachine.stack.children import processes_of_stack
from onemachine.stack.clients import client_of
from onemachine.stack.control import stop_stack
from onemachine.stack.state import StackFolder, StackState

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

GUIDE = (PROJECT_ROOT / "docs" / "disaster-recovery.md").read_text("utf-8")


@dataclass(frozen=True)
class Run:
    """Drills under a name and with a report of their own."""

    folder: StackFolder
    report: Path

    def drill(self, *names: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                *(sys.executable, "-m", "srectl.cli", "drill", *names),
                *("--name", self.folder.name, "--report", str(self.report)),
            ],
            cwd=PROJECT_ROOT,
            capture_output=True,
            text=True,
            check=False,
        )

    def told(self) -> dict[str, dict[str, Any]]:
        return {each["name"]: each for each in json.loads(self.report.read_text())["drills"]}


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    one = Run(StackFolder.named(f"e2e-drill-{os.getpid()}"), tmp_path / "report.json")
    yield one
    stop_stack(one.folder, lambda _: None)


def test_every_disaster_is_noticed_and_brought_back_without_loss(run: Run) -> None:
    done = run.drill("all")
    assert done.returncode == 0, done.stdout + done.stderr
    told = run.told()
    assert set(told) == {"ingest", "cluster", "target", "table"}
    for drill in told.values():
        kinds = {step["kind"] for step in drill["steps"]}
        assert kinds >= {"break", "detect", "recover", "prove"}, drill["name"]
        assert "heal" not in kinds, drill["name"]  # all of it was taken back by recovery itself
    assert processes_of_stack(run.folder) == []
    commands = [
        step["command"]
        for drill in told.values()
        for step in drill["steps"]
        if step["kind"] == "recover" and step["command"]
    ]
    assert len(commands) >= 10
    for command in commands:
        assert " ".join(command[:3]) in GUIDE, command


def test_a_drill_whose_recovery_is_sabotaged_fails_and_says_what_to_do(run: Run) -> None:
    over = threading.Event()
    destroyed: list[str] = []

    def destroy_backups() -> None:
        """Delete what DynamoDB has kept of the table, as soon as it is there."""
        while not over.wait(0.5):
            state = StackState.read(run.folder)
            if state is None or "webhook_url" not in state.endpoints:
                continue
            dynamodb = client_of(state, "dynamodb")
            try:
                for backup in dynamodb.list_backups(BackupType="SYSTEM")["BackupSummaries"]:
                    dynamodb.delete_backup(BackupArn=backup["BackupArn"])
                    destroyed.append(backup["BackupArn"])
            except (BotoCoreError, ClientError):
                continue  # it is starting or stopping

    saboteur = threading.Thread(target=destroy_backups)
    saboteur.start()
    try:
        done = run.drill("table")
    finally:
        over.set()
        saboteur.join()
    assert len(destroyed) == 1, done.stdout + done.stderr
    assert done.returncode == 1, done.stdout + done.stderr
    drill = run.told()["table"]
    assert (drill["outcome"], drill["problem"]) == ("failed", "there is a system backup: 0 found")
    assert "srectl replay --from 7d" in drill["next_step"]
    assert drill["next_step"] in done.stdout.replace("\n", " ")
    assert drill["steps"][-1]["kind"] == "heal"
    assert processes_of_stack(run.folder) == []
