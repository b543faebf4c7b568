"""How the receiver is started, and how what it kept is read."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from onemachine.project import PROJECT_ROOT
from onemachine.receiver.pagers import Page
from onemachine.receiver.server import ChatMessage, Notification, Question, beside

#: What a deployment on this machine names in place of real addresses; nothing can have such names.
PAGERDUTY_URL = "https://events.pagerduty.invalid/v2/enqueue"
WEBHOOK_URL = "https://pager.invalid/calls"
SLACK_URL = "https://slack.invalid/services/local"
INVESTIGATOR_URL = "https://investigator.invalid/incidents"


@dataclass(frozen=True)
class Mail:
    """One e-mail.

    Parameters
    ----------
    sent_at : float
        Unix time in seconds.
    message_id : str
        SNS' id of the message.
    to, subject, body : str
        As a person would read them.
    """

    sent_at: float
    message_id: str
    to: str
    subject: str
    body: str


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
    def outside(self) -> dict[str, str]:
        """What the addresses that a template may name stand for: outside address → here."""
        here = f"http://127.0.0.1:{self.port}"
        return {
            PAGERDUTY_URL: f"{here}/pagerduty",
            WEBHOOK_URL: f"{here}/webhook",
            SLACK_URL: f"{here}/slack",
            INVESTIGATOR_URL: f"{here}/investigator",
        }

    @property
    def health_url(self) -> str:
        """Answers 200 when the receiver is there."""
        return f"http://127.0.0.1:{self.port}/healthz"

    def command(self) -> list[str]:
        """Return the command line."""
        return [
            *(sys.executable, "-m", "onemachine.receiver"),
            *("--port", str(self.port)),
            *("--file", str(self.file)),
            *("--aws-endpoint-url", self.aws_endpoint_url),
        ]

    def environment(self) -> dict[str, str]:
        """Return what it needs besides the base environment."""
        path = os.pathsep.join(filter(None, (str(PROJECT_ROOT), os.environ.get("PYTHONPATH"))))
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


def read_pages(file: Path) -> list[Page]:
    """Read what the pager would have got, from the file of the notifications."""
    try:
        lines = beside(file, "pages").read_text("utf-8").splitlines()
    except FileNotFoundError:
        return []
    return [Page(**json.loads(line)) for line in lines]


def read_chat(file: Path) -> list[ChatMessage]:
    """Read what the channel would have shown, from the file of the notifications."""
    try:
        lines = beside(file, "slack").read_text("utf-8").splitlines()
    except FileNotFoundError:
        return []
    return [ChatMessage(**json.loads(line)) for line in lines]


def read_questions(file: Path) -> list[Question]:
    """Read what the investigator was asked, from the file of the notifications."""
    try:
        lines = beside(file, "investigator").read_text("utf-8").splitlines()
    except FileNotFoundError:
        return []
    return [Question(**json.loads(line)) for line in lines]


def read_mails(file: Path) -> list[Mail]:
    """Read the local AWS' outgoing mail."""
    try:
        lines = file.read_text("utf-8").splitlines()
    except FileNotFoundError:
        return []
    return [Mail(**json.loads(line)) for line in lines]
