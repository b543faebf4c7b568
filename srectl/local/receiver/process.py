"""How the receiver is started, and how what it kept is read."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from srectl.local.receiver.server import Notification

_PROJECT_ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class NotificationReceiver:
    """Command line and environment of a receiver process.

    Parameters
    ----------
    port : int
        Port on 127.0.0.1.
    file : Path
        Where notifications go.
    aws_endpoint_url : str
        The local AWS.
    """

    port: int
    file: Path
    aws_endpoint_url: str

    @property
    def url(self) -> str:
        """Endpoint for the subscription."""
        return f"http://127.0.0.1:{self.port}/notifications"

    @property
    def health_url(self) -> str:
        """Answers 200 when the receiver is there."""
        return f"http://127.0.0.1:{self.port}/healthz"

    def command(self) -> list[str]:
        """Return the command line."""
        return [
            *(sys.executable, "-m", "srectl.local.receiver"),
            *("--port", str(self.port)),
            *("--file", str(self.file)),
            *("--aws-endpoint-url", self.aws_endpoint_url),
        ]

    def environment(self) -> dict[str, str]:
        """Return what it needs besides the base environment."""
        path = os.pathsep.join(filter(None, (str(_PROJECT_ROOT), os.environ.get("PYTHONPATH"))))
        return {"PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}


def read_notifications(file: Path) -> list[Notification]:
    """Read what was kept, the oldest first; a message that was delivered twice stands once."""
    try:
        lines = file.read_text("utf-8").splitlines()
    except FileNotFoundError:
        return []
    unique: dict[str, Notification] = {}
    for line in lines:
        notification = Notification(**json.loads(line))
        unique.setdefault(notification.message_id, notification)
    return list(unique.values())
