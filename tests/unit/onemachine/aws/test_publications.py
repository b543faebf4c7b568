"""Whoever keeps or counts what a topic delivers goes by one decision."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ministack.services import sns

from onemachine.aws.mends import sns_email
from onemachine.aws.meter import Meter, messages
from onemachine.aws.publications import Copy, Publication, follow
from onemachine.aws.variables import MAIL_FILE_VARIABLE

TEXTS = {"default": "{}", "email": "The disk is full.", "https": '{"kind": "call"}'}
ONLY_CALLS = {"FilterPolicy": json.dumps({"kind": ["call"]})}
CALL = {"kind": {"DataType": "String", "StringValue": "call"}}
NOTE = {"kind": {"DataType": "String", "StringValue": "note"}}


def subscription(protocol: str, name: str, confirmed: bool = True, **more: Any) -> dict[str, Any]:
    return {"protocol": protocol, "endpoint": name, "confirmed": confirmed, **more}


@pytest.fixture(autouse=True)
def topic(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {
        "subscriptions": [
            subscription("email", "everything@example.com"),
            subscription("email", "calls@example.com", attributes=ONLY_CALLS),
            subscription("email", "nobody@example.com", confirmed=False),
            subscription("https", "https://pager.example.com"),
        ]
    }
    monkeypatch.setattr(sns, "_topic_by_arn_any_scope", {"arn:t": found}.get)
    monkeypatch.setattr(sns, "_fanout", lambda *_arguments, **_named: None)


def publish(attributes: dict[str, Any]) -> None:
    sns._fanout("arn:t", "m-1", json.dumps(TEXTS), "", "json", attributes)


def test_a_copy_goes_to_who_is_confirmed_and_asks_for_it() -> None:
    heard: list[Publication] = []
    follow(heard.append)
    publish(NOTE)
    assert list(heard[0].copies()) == [
        Copy("email", "everything@example.com", "The disk is full."),
        Copy("https", "https://pager.example.com", '{"kind": "call"}'),
    ]
    assert list(Publication("arn:gone", "m", "", "", "", {}).copies()) == []


def test_as_many_mails_are_counted_as_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mails.jsonl"
    monkeypatch.setenv(MAIL_FILE_VARIABLE, str(file))
    meter = Meter()
    sns_email.apply()
    messages._count_publishes(meter)
    publish(CALL)
    publish(NOTE)
    mails = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert [mail["to"].partition("@")[0] for mail in mails] == ["everything", "calls", "everything"]
    counts = meter.taken() or {}
    assert sum(counts["mail_deliveries"].values()) == len(mails)
    assert sum(counts["http_deliveries"].values()) == 2
