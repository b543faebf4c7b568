"""The receiver's HTTP server: confirmations, notifications, chat messages, and nothing else."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from onemachine.receiver.pagers import MAX_BODY_BYTES, PAGERS, Page

log = logging.getLogger(__name__)

_CONFIRM_SECONDS = 10.0


class NotANotification(ValueError):
    """A request is not what SNS sends."""


@dataclass(frozen=True)
class Notification:
    """One delivered notification.

    Parameters
    ----------
    received_at : float
        Unix time in seconds.
    message_id : str
        SNS' id of the message: equal for two deliveries of one.
    topic_arn : str
        Topic that it came from.
    subject : str
        Subject, empty where there is none.
    message : object
        The message, parsed where it is JSON.
    attributes : dict
        Message attributes, name → value.
    """

    received_at: float
    message_id: str
    topic_arn: str
    subject: str
    message: Any
    attributes: dict[str, str]

    @classmethod
    def parse(cls, envelope: Mapping[str, Any], received_at: float) -> Notification:
        """Read the JSON that SNS posts."""
        text = envelope.get("Message", "")
        try:
            message = json.loads(text)
        except ValueError:
            message = text
        attributes = envelope.get("MessageAttributes") or {}
        return cls(
            received_at=received_at,
            message_id=str(envelope.get("MessageId", "")),
            topic_arn=str(envelope.get("TopicArn", "")),
            subject=str(envelope.get("Subject") or ""),
            message=message,
            attributes={name: str(each.get("Value", "")) for name, each in attributes.items()},
        )


@dataclass(frozen=True)
class ChatMessage:
    """One message in the channel.

    Parameters
    ----------
    received_at : float
        Unix time in seconds.
    text : str
        As it was posted: in Slack's mrkdwn, with & < > escaped.
    """

    received_at: float
    text: str

    def plain(self) -> str:
        """Return the text as Slack would show it."""
        return self.text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


@dataclass(frozen=True)
class Question:
    """One incident that an investigator was handed.

    Parameters
    ----------
    received_at : float
        Unix time in seconds.
    authorization : str
        The header of that name.
    body : dict
        As it was posted.
    """

    received_at: float
    authorization: str
    body: dict[str, Any]


class ReceiverServer(ThreadingHTTPServer):
    """Takes posts and appends each to a file of its channel, as one line of JSON.

    ``/notifications`` hears everything that a topic says, ``/slack`` is an incoming webhook, and
    ``/pagerduty``, ``/opsgenie`` and ``/webhook`` are pagers that refuse what those would refuse,
    ``/investigator`` keeps what it is asked, and answers nothing by itself.

    Parameters
    ----------
    address : (str, int)
        Loopback address and port to listen on.
    file : Path
        Where notifications go; made with mode 0600. ``pages.jsonl``, ``slack.jsonl`` and
        ``investigator.jsonl`` lie beside it.
    aws_endpoint_url : str
        The only place that a confirmation is ever sent to, whatever the request says.
    """

    daemon_threads = True

    def __init__(self, address: tuple[str, int], file: Path, aws_endpoint_url: str) -> None:
        super().__init__(address, _Handler)
        self._file = file
        self._endpoint = aws_endpoint_url
        self._lock = threading.Lock()

    def keep(self, channel: str, message: Notification | ChatMessage | Page | Question) -> None:
        """Append one message to the file of its channel."""
        line = (json.dumps(asdict(message)) + "\n").encode()
        file = self._file if channel == "notifications" else beside(self._file, channel)
        with self._lock:
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(descriptor, line)
            finally:
                os.close(descriptor)

    def confirm(self, topic_arn: str, token: str) -> None:
        """Confirm a subscription at the local AWS.

        Raises
        ------
        OSError
            It refused or does not answer.
        """
        query = urllib.parse.urlencode(
            {"Action": "ConfirmSubscription", "TopicArn": topic_arn, "Token": token}
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{self._endpoint}/?{query}", timeout=_CONFIRM_SECONDS):
            log.info("subscription to %s confirmed", topic_arn)


#: What has a file of its own beside that of the notifications.
CHANNELS = ("pages", "slack", "investigator")


def beside(file: Path, channel: str) -> Path:
    """Return the file of a channel, from that of the notifications."""
    return file.with_name(f"{channel}.jsonl")


class _Handler(BaseHTTPRequestHandler):
    server: ReceiverServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Say that the receiver is there."""
        self._answer(HTTPStatus.OK if self.path == "/healthz" else HTTPStatus.NOT_FOUND)

    def do_POST(self) -> None:
        """Take a post of SNS, or one to the channel."""
        channel = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path).strip("/")
        try:
            body = self._body()
            if channel.partition("/")[0] in PAGERS:
                self._take_page(channel, body)
                return
            if channel == "slack":
                self._take_chat(body)
            elif channel == "investigator":
                told_by = self.headers.get("Authorization", "")
                self.server.keep(channel, Question(time.time(), told_by, dict(body)))
            else:
                self._take(channel, body)
        except NotANotification as error:
            log.warning("refused: %s", error)
            self._answer(HTTPStatus.BAD_REQUEST)
        except OSError as error:
            # SNS tries again, so the subscription is not lost.
            log.warning("the subscription could not be confirmed: %s", error)
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE)
        else:
            self._answer(HTTPStatus.OK)

    def _take_page(self, path: str, body: Mapping[str, Any]) -> None:
        read = PAGERS[path.partition("/")[0]](path, body, time.time())
        if isinstance(read, Page):
            self.server.keep("pages", read)
            self._answer(HTTPStatus.ACCEPTED, {"status": "success", "dedup_key": read.key})
            return
        log.warning("page refused: %s", "; ".join(read))
        self._answer(HTTPStatus.BAD_REQUEST, {"status": "invalid event", "errors": read})

    def _take_chat(self, body: Mapping[str, Any]) -> None:
        text = body.get("text")
        if not isinstance(text, str) or not text:
            raise NotANotification("Slack refuses a message without a text (no_text)")
        self.server.keep("slack", ChatMessage(time.time(), text))

    def _take(self, channel: str, envelope: Mapping[str, Any]) -> None:
        if channel != "notifications":
            raise NotANotification(f"there is no channel {channel!r}")
        kind = envelope.get("Type")
        if kind == "SubscriptionConfirmation":
            topic_arn, token = envelope.get("TopicArn"), envelope.get("Token")
            if not (isinstance(topic_arn, str) and isinstance(token, str)):
                raise NotANotification("a confirmation must name a topic and a token")
            self.server.confirm(topic_arn, token)
        elif kind == "Notification":
            self.server.keep(channel, Notification.parse(envelope, time.time()))
        elif kind != "UnsubscribeConfirmation":
            raise NotANotification("the body is none of the kinds of message that SNS posts")

    def _body(self) -> Mapping[str, Any]:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
            self.close_connection = True
            raise NotANotification(f"the body must be given a length below {MAX_BODY_BYTES}")
        try:
            body = json.loads(self.rfile.read(int(length)))
        except ValueError as error:
            raise NotANotification("the body is not JSON") from error
        if not isinstance(body, dict):
            raise NotANotification("the body is not a JSON object")
        return body

    def _answer(self, status: HTTPStatus, body: Mapping[str, Any] | None = None) -> None:
        text = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:
        """Keep each request in the log; it holds no more than the request line."""
        log.info(format, *args)
