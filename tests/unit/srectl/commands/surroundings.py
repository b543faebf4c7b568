"""What an operator's shell may lack or have wrong, and every command that would then ask AWS."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

__all__ = ["COMMANDS", "ON_A_PLATFORM", "WITHOUT_AWS", "Shell", "answering", "leaves", "refusing"]

EVENT = "events/alertmanager/firing.json"
# Not the catalogue of the checkout, which may hold what the stack of a test does not allow.
CATALOGUE = "tests/unit/srectl/commands/catalogue"
TEMPLATE = "template.yaml"

#: One line for each command of srectl that asks AWS.
COMMANDS = (
    "alerts top",
    "incidents list",
    "incidents watch",
    "show",
    "show 0f3c",
    "incidents show 0f3c0c0e-6a3b-5d0e-9a55-2f1f4f0e8b11",
    "incidents postmortem 0f3c",
    "incidents evidence 0f3c",
    "incidents export /nowhere.jsonl",
    "incidents acknowledge 0f3c",
    "incidents resolve 0f3c --reason settled",
    "incidents erase 0f3c --yes",
    "incidents undo 0f3c --yes",
    "ack 0f3c",
    "take 0f3c",
    "release 0f3c",
    "stop 0f3c",
    "undo 0f3c --yes",
    "close 0f3c --reason settled",
    "approve 0f3c --yes",
    "deny 0f3c --reason no --yes",
    "handover",
    "backtest",
    "mode",
    "mode off",
    "maintenance list",
    "maintenance add --end 2099-01-01T00:00:00Z --reason work",
    "maintenance remove --all",
    f"runbooks publish --folder {CATALOGUE}",
    f"runbooks list --folder {CATALOGUE}",
    "runbooks enable Restart --yes",
    "runbooks ask Restart",
    "runbooks disable Restart",
    "runbooks report",
    "runbooks trust Restart",
    f"runbooks plan --live --event {EVENT}",
    "dlq list",
    "dlq show parked",
    "dlq redrive parked",
    "dlq redrive --all",
    "replay --from 1h",
    "console",
    "console export /nowhere",
    "install --list",
    "uninstall --list",
    f"adopt --template {TEMPLATE}",
    "doctor",
    "doctor --policy",
)
#: Those that need a platform in the account, and say so by what moto has of it.
ON_A_PLATFORM = tuple(
    each for each in COMMANDS if "install" not in each and not each.startswith("doctor")
)
WITHOUT_AWS = {
    "mcp",  # asks only when it is asked, and then answers why not
    "completion",
    "runbooks validate",
    "runbooks rbac",
    "runbooks test",
    "runbooks actions",
    "runbooks answers",
}


def leaves(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Give the words of every command below a group."""
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            yield from leaves(below, (*path, name))
    else:
        yield path


class Shell:
    """The environment of a command, begun without anything of AWS in it.

    Parameters
    ----------
    monkeypatch
        Changes the environment until the test ends.
    home
        An empty folder.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
        self._monkeypatch = monkeypatch
        self.home = home
        for name in list(os.environ):
            if name.startswith(("AWS_", "BOTO_", "SRECTL_PREFIX")):
                monkeypatch.delenv(name)
        monkeypatch.setenv("HOME", str(home))

    def export(self, **variables: str) -> None:
        """Set variables."""
        for name, value in variables.items():
            self._monkeypatch.setenv(name, value)

    def account(self) -> None:
        """Choose a region and credentials, and ask only once."""
        self.export(
            AWS_REGION="us-east-1",
            AWS_ACCESS_KEY_ID="AKIAIOSFODNN7EXAMPLE",
            AWS_SECRET_ACCESS_KEY="secret",
            AWS_MAX_ATTEMPTS="1",
        )

    def settings(self, text: str) -> None:
        """Write ``~/.aws/config``."""
        file = self.home / ".aws" / "config"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)


@contextlib.contextmanager
def refusing(code: str) -> Iterator[str]:
    """Serve an AWS that refuses every call with one error code; gives its address."""
    xml = f"<Error><Code>{code}</Code><Message>no</Message></Error>"
    document = {"__type": f"com.amazon.coral.service#{code}", "message": "no"}
    with _serving(400, document, f"<ErrorResponse>{xml}</ErrorResponse>", code) as address:
        yield address


@contextlib.contextmanager
def answering(document: object) -> Iterator[str]:
    """Serve an AWS that gives one answer to every call; gives its address."""
    with _serving(200, document, "", "") as address:
        yield address


@contextlib.contextmanager
def _serving(status: int, document: object, xml: str, error: str) -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            query = "x-www-form-urlencoded" in self.headers.get("Content-Type", "")
            body = (xml if query else json.dumps(document)).encode()
            self.send_response(status)
            if error:
                self.send_header("x-amzn-ErrorType", error)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
