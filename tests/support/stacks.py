"""Whole stacks for tests: started, reached and asked as a user does it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from onemachine.project import PROJECT_ROOT
from onemachine.stack.state import StackFolder, StackState
from onemachine.traffic import FEW_ORDERS_PER_SECOND
from tests.support.granted import GRANTED_NAMESPACES
from tests.support.waiting import PATIENCE_SECONDS, eventually

FIRING = PROJECT_ROOT / "events" / "alertmanager" / "firing.json"


def srectl(
    *arguments: str, exports: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command, whatever becomes of it; with ``exports`` on the stack that they are of."""
    return subprocess.run(
        [sys.executable, "-m", "srectl.cli", *arguments],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **(exports or {})},
    )


def start(name: str) -> StackFolder:
    """Start a stack whose shop has few customers, so that the machine has time for the test.

    It allows what this checkout's catalogue is about, which may be more than the shipped one is.
    """
    folder = StackFolder.named(name)
    few = f"{FEW_ORDERS_PER_SECOND:g}"
    allowed = f"AllowedNamespaces={','.join(GRANTED_NAMESPACES)}"
    started = srectl("up", "--name", name, "--ttl", "60m", "--orders", few, "--set", allowed)
    assert started.returncode == 0, started.stdout + started.stderr
    return folder


def state_of(folder: StackFolder) -> StackState:
    """Give what a stack's state file says."""
    state = StackState.read(folder)
    assert state is not None
    return state


def exports_of(folder: StackFolder) -> dict[str, str]:
    """Give what 'eval "$(srectl local env)"' puts into a shell."""
    printed = srectl("env", "--name", folder.name)
    assert printed.returncode == 0, printed.stderr
    shell = subprocess.run(
        ["sh", "-c", f"{printed.stdout}\nenv -0"],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": os.environ["PATH"]},
    )
    pairs = (each.split("=", 1) for each in shell.stdout.split("\0") if "=" in each)
    return dict(pairs)


def post(url: str, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    """Post JSON; give the answer's status and body."""
    request = urllib.request.Request(
        url, data=body, headers={"Content-Type": "application/json", **headers}
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=PATIENCE_SECONDS) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def post_alert(exports: dict[str, str], runbook: str, **changes: Any) -> str:
    """Send one firing alert that asks for a runbook; give its incident's id."""
    body = json.loads(FIRING.read_text("utf-8"))
    (alert,) = body["alerts"]
    alert["labels"]["runbook"] = runbook
    alert |= changes
    key = {"X-Api-Key": exports["WEBHOOK_API_KEY"]}
    given = json.dumps(body).encode()

    def taken() -> str:
        """Send it; as an Alertmanager does, again where that could not be done now (503)."""
        status, answer = post(exports["WEBHOOK_URL"], given, key)
        assert status in (202, 503), answer
        return answer if status == 202 else ""

    answer = eventually("the alert to be taken", taken)
    (incident_id,) = json.loads(answer)["incident_ids"]
    return str(incident_id)
