"""A stand-in of Slack: signs what it posts as Slack does, and takes only what Slack takes.

Bodies of the Web API are read by slack_sdk's own models, which hold them to Slack's limits; what
those let through and Slack refuses is refused here besides.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlencode

from slack_sdk.models.blocks import Block
from slack_sdk.signature import SignatureVerifier

from onemachine.aws.local_aws import LocalAws

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
TOKEN = "-".join(("xoxb", "0" * 12, "1" * 12, "standin"))
CHANNEL = "C024BE91L"
ADA, EVE = "U024BE7LH", "U0EVEEVE"
#: Nobody answers there.
_AWAY = "https://slack.invalid/api/"
_MOST_BLOCKS, _MOST_TEXT = 50, 40_000


def slack_app(aws: LocalAws) -> dict[str, str]:
    """Keep the secret of an app, and give the parameters of a deployment that names it."""
    text = json.dumps({"signing_secret": SECRET, "bot_token": TOKEN})
    kept = aws.client("secretsmanager").create_secret(Name="sre/slack", SecretString=text)
    return {
        "SlackAppSecretArn": kept["ARN"],
        "SlackChannel": CHANNEL,
        "SlackPeople": f"{ADA}=ada",
        "SlackApiUrl": _AWAY,
    }


def pressed(button: dict[str, Any], message: str, user: str = ADA, channel: str = CHANNEL) -> str:
    """Give the body that Slack posts when somebody presses a button of a message."""
    payload = {
        "type": "block_actions",
        "user": {"id": user, "username": "somebody", "team_id": "T0"},
        "api_app_id": "A0",
        "container": {"type": "message", "message_ts": message, "channel_id": channel},
        "trigger_id": "1.2.3",
        "team": {"id": "T0", "domain": "example"},
        "channel": {"id": channel, "name": "incidents"},
        "response_url": "https://hooks.slack.com/actions/T0/1/x",
        "actions": [{**button, "block_id": "b", "type": "button", "action_ts": message}],
    }
    return urlencode({"payload": json.dumps(payload)})


def signed(body: str, secret: str = SECRET, age: float = 0, **changes: Any) -> dict[str, Any]:
    """Give the event of API Gateway for a body, signed some seconds ago."""
    stamp = str(int(time.time() - age))
    signature = SignatureVerifier(secret).generate_signature(timestamp=stamp, body=body)
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": signature,
    }
    return {
        "httpMethod": "POST",
        "path": "/slack",
        "headers": headers,
        "body": body,
        "isBase64Encoded": False,
        **changes,
    }


@dataclass
class Message:
    """One message of a channel, as it is shown now."""

    channel: str
    ts: str
    text: str
    blocks: list[dict[str, Any]]
    thread: str = ""
    edits: int = 0
    broadcast: bool = False

    def buttons(self) -> dict[str, dict[str, Any]]:
        """Give the buttons by what they say."""
        return {
            each["text"]["text"]: {key: each.get(key, "") for key in ("action_id", "value")}
            for block in self.blocks
            if block["type"] == "actions"
            for each in block["elements"]
        }

    def everything(self) -> str:
        """Give all that it says."""
        return self.text + json.dumps(self.blocks, ensure_ascii=False)


@dataclass
class Workspace:
    """What people see."""

    messages: list[Message] = field(default_factory=list)
    whispers: list[tuple[str, str]] = field(default_factory=list)
    #: Answers that come instead of the next ones: status, headers and body.
    instead: list[tuple[int, dict[str, str], dict[str, Any]]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    url: str = ""

    def cards(self) -> list[Message]:
        """Messages that are in no thread."""
        return [each for each in self.messages if not each.thread]

    def thread(self, ts: str) -> list[str]:
        """What the thread of a message says."""
        return [each.text for each in self.messages if each.thread == ts]

    def take(self, method: str, token: str, body: dict[str, Any]) -> dict[str, Any]:
        """Do what a method of the Web API does."""
        if token != f"Bearer {TOKEN}":
            return {"ok": False, "error": "invalid_auth"}
        if body.get("channel") != CHANNEL:
            return {"ok": False, "error": "channel_not_found"}
        if not body.get("text") or len(body["text"]) > _MOST_TEXT:
            return {"ok": False, "error": "no_text" if not body.get("text") else "msg_too_long"}
        blocks = body.get("blocks") or []
        try:
            for each in Block.parse_all(blocks):
                each.validate_json()
        except Exception as error:  # noqa: BLE001 - whatever a model finds wrong
            return {"ok": False, "error": "invalid_blocks", "why": str(error)}
        if len(blocks) > _MOST_BLOCKS or len(Block.parse_all(blocks)) != len(blocks):
            return {"ok": False, "error": "invalid_blocks"}
        known = {each.ts: each for each in self.messages}
        if method == "chat.postEphemeral":
            self.whispers.append((str(body["user"]), str(body["text"])))
            return {"ok": True, "message_ts": "1.0"}
        if method == "chat.update":
            found = known.get(body["ts"])
            if found is None:
                return {"ok": False, "error": "message_not_found"}
            found.text, found.blocks, found.edits = body["text"], blocks, found.edits + 1
            return {"ok": True, "ts": found.ts}
        thread = body.get("thread_ts", "")
        if method != "chat.postMessage" or (thread and thread not in known):
            return {"ok": False, "error": "unknown_method"}
        ts = f"1700000000.{len(self.messages) + 1:06}"
        broadcast = body.get("reply_broadcast", False)
        if broadcast and not thread:
            return {"ok": False, "error": "invalid_arguments"}
        new = Message(body["channel"], ts, body["text"], blocks, thread, broadcast=broadcast)
        self.messages.append(new)
        return {"ok": True, "ts": ts, "channel": body["channel"]}


@contextmanager
def slack() -> Iterator[Workspace]:
    """Answer as Slack's Web API on loopback while the block lasts."""
    workspace, lock = Workspace(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            method = self.path.removeprefix("/api/")
            with lock:
                workspace.calls.append(method)
                if workspace.instead:
                    status, headers, answer = workspace.instead.pop(0)
                else:
                    token = self.headers.get("Authorization", "")
                    status, headers, answer = 200, {}, workspace.take(method, token, body)
            text = json.dumps(answer).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    workspace.url = f"http://127.0.0.1:{server.server_port}/api/"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield workspace
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
