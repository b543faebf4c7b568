"""The receiver confirms subscriptions at the local AWS and nowhere else, and keeps what it gets."""

from __future__ import annotations

import http.client
import json
import threading
import urllib.parse
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from onemachine.receiver import (
    ReceiverServer,
    read_chat,
    read_mails,
    read_notifications,
    read_pages,
)
from tests.support.waiting import PATIENCE_SECONDS

TOPIC = "arn:aws:sns:us-east-1:000000000000:sre-incident-notifications"


class FakeSns(BaseHTTPRequestHandler):
    """Notes the confirmations that it is asked for."""

    asked: list[dict[str, list[str]]]
    status = 200

    def do_GET(self) -> None:
        self.asked.append(urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query))
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


@pytest.fixture
def sns() -> Iterator[tuple[str, type[FakeSns]]]:
    handler = type("Handler", (FakeSns,), {"asked": []})
    server = HTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", handler
    server.shutdown()
    server.server_close()


@pytest.fixture
def receiver(sns: tuple[str, type[FakeSns]], tmp_path: Path) -> Iterator[ReceiverServer]:
    server = ReceiverServer(("127.0.0.1", 0), tmp_path / "notifications.jsonl", sns[0])
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def post(receiver: ReceiverServer, body: bytes, path: str = "/notifications") -> int:
    connection = http.client.HTTPConnection(
        "127.0.0.1", receiver.server_port, timeout=PATIENCE_SECONDS
    )
    try:
        connection.request("POST", path, body=body)
        return connection.getresponse().status
    finally:
        connection.close()


def notification(**more: Any) -> bytes:
    message = json.dumps({"event": "incident.created", "severity": "critical"})
    envelope = {
        "Type": "Notification",
        "MessageId": "m-1",
        "TopicArn": TOPIC,
        "Subject": "Checkout fails",
        "Message": message,
        "MessageAttributes": {"severity": {"Type": "String", "Value": "critical"}},
    }
    return json.dumps({**envelope, **more}).encode()


def test_a_notification_is_kept_with_its_message_parsed(
    receiver: ReceiverServer, tmp_path: Path
) -> None:
    assert post(receiver, notification()) == 200
    file = tmp_path / "notifications.jsonl"
    (kept,) = read_notifications(file)
    assert kept.message == {"event": "incident.created", "severity": "critical"}
    assert kept.subject == "Checkout fails"
    assert kept.attributes == {"severity": "critical"}
    assert kept.topic_arn == TOPIC
    assert kept.received_at > 0
    assert file.stat().st_mode & 0o077 == 0


def test_a_message_that_is_not_json_is_kept_as_text(
    receiver: ReceiverServer, tmp_path: Path
) -> None:
    assert post(receiver, notification(Message="line\nbreaks {")) == 200
    assert read_notifications(tmp_path / "notifications.jsonl")[0].message == "line\nbreaks {"


def test_what_is_delivered_twice_is_read_once(receiver: ReceiverServer, tmp_path: Path) -> None:
    for body in (notification(), notification(), notification(MessageId="m-2")):
        assert post(receiver, body) == 200
    ids = [each.message_id for each in read_notifications(tmp_path / "notifications.jsonl")]
    assert ids == ["m-1", "m-2"]


def test_a_subscription_is_confirmed_at_the_local_aws_whatever_url_it_names(
    receiver: ReceiverServer, sns: tuple[str, type[FakeSns]]
) -> None:
    body = {
        "Type": "SubscriptionConfirmation",
        "TopicArn": TOPIC,
        "Token": "to&ken",
        "SubscribeURL": "http://elsewhere.invalid/?Action=Anything",
    }
    assert post(receiver, json.dumps(body).encode()) == 200
    assert sns[1].asked == [
        {"Action": ["ConfirmSubscription"], "TopicArn": [TOPIC], "Token": ["to&ken"]}
    ]


def test_a_confirmation_that_fails_is_asked_for_again(
    receiver: ReceiverServer, sns: tuple[str, type[FakeSns]]
) -> None:
    sns[1].status = 500
    body = {"Type": "SubscriptionConfirmation", "TopicArn": TOPIC, "Token": "t"}
    assert post(receiver, json.dumps(body).encode()) == 503


@pytest.mark.parametrize(
    "body",
    [b"not json", b"[]", b'{"Type": "Other"}', b'{"Type": "SubscriptionConfirmation"}', b"{}"],
)
def test_what_is_no_post_of_sns_is_refused(
    receiver: ReceiverServer, tmp_path: Path, body: bytes
) -> None:
    assert post(receiver, body) == 400
    assert read_notifications(tmp_path / "notifications.jsonl") == []


def test_a_body_without_a_length_or_too_long_is_refused(receiver: ReceiverServer) -> None:
    connection = http.client.HTTPConnection(
        "127.0.0.1", receiver.server_port, timeout=PATIENCE_SECONDS
    )
    connection.putrequest("POST", "/notifications")
    connection.putheader("Content-Length", str(10**9))
    connection.endheaders()
    assert connection.getresponse().status == 400
    connection.close()


def test_each_channel_keeps_its_own(receiver: ReceiverServer, tmp_path: Path) -> None:
    file = tmp_path / "notifications.jsonl"
    assert post(receiver, notification(MessageId="m-2"), "/pagerduty") == 200
    assert post(receiver, b'{"text": "2 &lt; 3 &amp;amp;"}', "/slack") == 200
    assert read_notifications(file) == []
    assert [each.message_id for each in read_pages(file)] == ["m-2"]
    [said] = read_chat(file)
    assert said.plain() == "2 < 3 &amp;"
    for name in ("pagerduty.jsonl", "slack.jsonl"):
        assert (tmp_path / name).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("path", "body"),
    [("/slack", b"{}"), ("/slack", b'{"text": ""}'), ("/slack", b"[]"), ("/else", notification())],
)
def test_what_no_channel_takes_is_refused(
    receiver: ReceiverServer, tmp_path: Path, path: str, body: bytes
) -> None:
    assert post(receiver, body, path) == 400
    assert list(tmp_path.glob("*.jsonl")) == []


def test_mail_that_was_never_sent_is_none(tmp_path: Path) -> None:
    file = tmp_path / "mail.jsonl"
    assert read_mails(file) == []
    mail = {"sent_at": 1.0, "message_id": "m", "to": "a@example.com", "subject": "s", "body": "b"}
    file.write_text(json.dumps(mail) + "\n")
    assert read_mails(file)[0].body == "b"
