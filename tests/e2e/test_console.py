"""An incident in a browser: it appears by itself, is approved by a click, ends, is taken back."""

from __future__ import annotations

import datetime
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from onemachine.processes.waiting import wait_until
from onemachine.project import PROJECT_ROOT
from onemachine.receiver import read_notifications
from onemachine.stack.clients import client_of
from onemachine.stack.state import StackFolder
from srectl import runbooks
from tests.support.chromium import chromium
from tests.support.stacks import post_alert, state_of
from tests.support.waiting import PATIENCE_SECONDS

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

NAME = "AskInTheConsole"
RUNBOOK: dict[str, Any] = {
    "name": NAME,
    "description": "Gives checkout one more pod, once somebody has said so.",
    "severities": ["critical"],
    "strategy": "ladder",
    "steps": [
        {
            "name": "more",
            "action": "scale_deployment",
            "parameters": {"step": 1, "max_replicas": 9},
            "approval": {"required": True, "timeout_seconds": 600},
        },
    ],
    "target": {"kind": "deployment", "namespace": "apps", "name": "checkout"},
    "on_failure": "keep",
    "guard": {"cooldown_seconds": 0, "max_actions": 20, "window_seconds": 3600},
}
# The browser has it three seconds after the record.
SOON = 1000 * PATIENCE_SECONDS


@contextmanager
def console(exports: dict[str, str], log: Path) -> Iterator[str]:
    """Run 'srectl console' as one types it, while the block lasts; gives the printed address."""
    with (
        log.open("w") as errors,
        subprocess.Popen(
            [sys.executable, "-m", "srectl.cli", "console", "--by", "ada"],
            cwd=PROJECT_ROOT,
            env={**os.environ, **exports, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            assert address.startswith("http://127.0.0.1:"), log.read_text()
            yield address
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0
        finally:
            process.kill()


def test_an_incident_is_watched_from_firing_to_resolved_and_approved_by_a_click(
    stack: StackFolder, exports: dict[str, str], tmp_path: Path
) -> None:
    dynamodb = client_of(state_of(stack), "dynamodb")
    asks = runbooks.Runbook(NAME, RUNBOOK, Path(__file__))
    runbooks.publish(dynamodb, "sre-runbooks", [asks])
    began = f"{datetime.datetime.now(datetime.UTC):%Y-%m-%dT%H:%M:%S.000Z}"
    alert = {"fingerprint": "c0450e0000000001", "startsAt": began}
    log = tmp_path / "console.log"
    with console(exports, log) as address, chromium() as browser:
        page = browser.new_page()
        page.goto(address)
        expect(page.get_by_role("heading", name="Needs you")).to_be_visible()
        page.evaluate("window.since = 'the beginning'")

        incident_id = post_alert(exports, NAME, **alert)
        card = page.locator("#needs .card").filter(has_text=incident_id[:8])
        expect(card).to_contain_text(f"{NAME}, until", timeout=SOON)
        # Nobody has loaded the page anew.
        assert page.evaluate("window.since") == "the beginning"

        card.get_by_role("link").click()
        page.evaluate("window.since = 'the asking'")
        plan = page.locator(".ask .plan")
        expect(plan).to_contain_text("replicas")
        page.get_by_role("button", name="Approve").click()
        expect(page.locator("main [role=status]")).to_contain_text("Approved by arn:")
        page.evaluate("window.since = 'the click'")
        timeline = page.locator(".timeline")
        expect(timeline.locator(".event", has_text="execute").first).to_contain_text(
            "scale_deployment", timeout=SOON
        )
        ended = f"{datetime.datetime.now(datetime.UTC):%Y-%m-%dT%H:%M:%S.000Z}"
        post_alert(exports, NAME, **alert, status="resolved", endsAt=ended)
        expect(page.locator("#head .status")).to_have_text("resolved", timeout=3 * SOON)
        expect(timeline.locator(".event", has_text="answered")).to_contain_text("approved")
        expect(timeline.locator(".event", has_text="verified")).to_be_visible(timeout=SOON)
        assert page.evaluate("window.since") == "the click"

        take_back(page)
        wait_until(
            lambda: "UNDO apps/checkout: by ada" in subjects(stack, incident_id),
            "people to be told who has it taken back",
            PATIENCE_SECONDS,
        )
        assert page.evaluate("window.stolen") is None
    assert "Traceback" not in log.read_text()


def subjects(stack: StackFolder, incident_id: str) -> list[str]:
    """Give what people were told of an incident, by subject."""
    told = read_notifications(stack.notifications_file)
    return [each.subject for each in told if each.message.get("incident_id") == incident_id]


def take_back(page: Page) -> None:
    """Leave checkout as it was, by the console's own button; the page shows how it goes."""
    page.locator("#do-undo > summary").click()
    page.get_by_role("button", name="Take this back").click()
    expect(page.locator("main [role=status]")).to_contain_text("being taken back")
    record = page.locator("#facts .record").first
    expect(record).to_contain_text(re.compile("restoration\\s*restored"), timeout=3 * SOON)
