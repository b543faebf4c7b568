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
    assert post(receiver, page(), "/pagerduty") == 202
    assert post(receiver, b'{"text": "2 &lt; 3 &amp;amp;"}', "/slack") == 200
    assert read_notifications(file) == []
    [call] = read_pages(file)
    assert (call.action, call.key, call.severity, call.summary) == ("trigger", "k", "info", "s")
    assert "routing_key" not in call.body
    [said] = read_chat(file)
    assert said.plain() == "2 < 3 &amp;"
    for name in ("pages.jsonl", "slack.jsonl"):
        assert (tmp_path / name).stat().st_mode & 0o077 == 0


EVENT: dict[str, Any] = {
    "routing_key": "0" * 32,
    "event_action": "trigger",
    "dedup_key": "k",
    "payload": {"summary": "s", "source": "here", "severity": "info"},
}


def page(**more: Any) -> bytes:
    return json.dumps({**EVENT, **more}).encode()


@pytest.mark.parametrize(
    "wrong",
    [
        {"routing_key": "short"},
        {"event_action": "open"},
        {"event_action": "resolve", "dedup_key": None, "payload": None},
        {"dedup_key": "k" * 256},
        {"payload": None},
        {"payload": {**EVENT["payload"], "summary": "s" * 1025}},
        {"payload": {**EVENT["payload"], "summary": ""}},
        {"payload": {"summary": "s", "severity": "info"}},
        {"payload": {**EVENT["payload"], "severity": "gold"}},
        {"payload": {**EVENT["payload"], "custom_details": "text"}},
        {"payload": {**EVENT["payload"], "timestamp": "yesterday"}},
        {"links": [{"text": "a", "href": "javascript:a"}]},
        {"links": 1},
    ],
    ids=str,
)
def test_the_pager_refuses_what_pagerduty_refuses(
    receiver: ReceiverServer, tmp_path: Path, wrong: dict[str, Any]
) -> None:
    assert post(receiver, page(**wrong), "/pagerduty") == 400
    assert read_pages(tmp_path / "notifications.jsonl") == []


def test_a_page_is_ended_by_its_key_alone(receiver: ReceiverServer, tmp_path: Path) -> None:
    for action in ("acknowledge", "resolve"):
        body = {"routing_key": "0" * 32, "event_action": action, "dedup_key": "k"}
        assert post(receiver, json.dumps(body).encode(), "/pagerduty") == 202
    assert post(receiver, b'{"note": "over"}', "/opsgenie/k/close?identifierType=alias") == 202
    pages = read_pages(tmp_path / "notifications.jsonl")
    assert [each.action for each in pages] == ["acknowledge", "resolve", "resolve"]
    assert {each.key for each in pages} == {"k"}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/opsgenie", {"priority": "P1"}),
        ("/opsgenie", {"message": "m" * 131, "priority": "P1"}),
        ("/opsgenie", {"message": "m", "priority": "high"}),
        ("/opsgenie", {"message": "m", "priority": "P1", "details": {"n": 1}}),
        ("/opsgenie", {"message": "m", "priority": "P1", "details": {"n": "x" * 8001}}),
        ("/opsgenie/k/open", {}),
        ("/webhook", {"action": "trigger"}),
    ],
)
def test_other_pagers_refuse_what_is_not_theirs(
    receiver: ReceiverServer, path: str, body: dict[str, Any]
) -> None:
    assert post(receiver, json.dumps(body).encode(), path) == 400


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
