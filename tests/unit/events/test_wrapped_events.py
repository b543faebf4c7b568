"""The wrapped samples wrap the raw ones, and nobody edits one without the other."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from events import wrap


def test_wrapped_events_agree_with_their_raw_bodies() -> None:
    assert [path.name for path in wrap.disagreements()] == [], "run: python events/wrap.py"


def test_every_raw_body_is_wrapped() -> None:
    assert len(wrap.raw_files()) > 15
    for raw in wrap.raw_files():
        event = json.loads(raw.with_name(f"api-{raw.name}").read_text("utf-8"))
        assert json.loads(event["body"]) == json.loads(raw.read_text("utf-8"))
        assert event["requestContext"]["requestId"]
        assert event["httpMethod"] == "POST"
        assert event["resource"] == wrap.ROUTES.get(raw.parent.name, "/webhook")


def test_every_message_of_a_topic_is_wrapped() -> None:
    raw = [
        path
        for path in (wrap.EVENTS / wrap.TOPIC).glob("*.json")
        if not path.name.startswith("topic-")
    ]
    assert len(raw) >= 3
    for path in raw:
        event = json.loads(path.with_name(f"topic-{path.name}").read_text("utf-8"))
        [record] = event["Records"]
        assert record["EventSource"] == "aws:sns"
        assert record["Sns"]["Message"] == json.loads(path.read_text("utf-8"))["Message"]


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for sender in (*wrap.SENDERS, wrap.TOPIC):
        shutil.copytree(wrap.EVENTS / sender, tmp_path / sender)
    monkeypatch.setattr(wrap, "EVENTS", tmp_path)
    return tmp_path


def test_disagreement_is_noticed_and_mended(
    copied: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    raw = copied / "alertmanager" / "firing.json"
    raw.write_text(raw.read_text().replace("critical", "warning"))
    (copied / "datadog" / "api-orphan.json").write_text("{}")
    (copied / "datadog" / "api-warn.json").unlink()
    expected = ["api-firing-base64.json", "api-firing.json", "api-orphan.json", "api-warn.json"]
    assert sorted(path.name for path in wrap.disagreements()) == expected

    monkeypatch.setattr("sys.argv", ["wrap.py", "--check"])
    assert wrap.main() == 1
    assert "disagrees: alertmanager/api-firing.json" in capsys.readouterr().out
    monkeypatch.setattr("sys.argv", ["wrap.py"])
    assert wrap.main() == 0
    assert wrap.disagreements() == []
    assert not (copied / "datadog" / "api-orphan.json").exists()
