"""``srectl incidents postmortem`` reads record, evidence, audit log and related incidents."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from srectl.operate import audit
from srectl.operate.account import Account
from tests.unit.srectl.postmortem.example import BEGAN, ID, evidence, notified, record

Put = Callable[..., dict[str, Any]]
Run = Callable[..., Result]
OTHER = "0f3c0c0e-6a3b-5d0e-9a55-2f1f4f0e8b11"


def kept(account: Account) -> None:
    s3, logs = account.client("s3"), account.logs
    s3.create_bucket(Bucket=account.evidence_bucket)
    s3.put_object(
        Bucket=account.evidence_bucket,
        Key=f"incidents/{ID}.json",
        Body=json.dumps(evidence()),
    )
    logs.create_log_group(logGroupName=account.audit_log_group)
    logs.create_log_stream(logGroupName=account.audit_log_group, logStreamName="one")
    at = round(datetime.datetime.fromisoformat(BEGAN).timestamp() * 1000)
    logs.put_log_events(
        logGroupName=account.audit_log_group,
        logStreamName="one",
        logEvents=[
            {"timestamp": at, "message": json.dumps(notified(incident_id=OTHER))},
            {"timestamp": at + 1, "message": "no event"},
            {"timestamp": at + 5000, "message": json.dumps(notified())},
        ],
    )


def test_it_is_written_from_all_that_is_known(
    account: Account, put_incident: Put, srectl: Run, tmp_path: Path
) -> None:
    kept(account)
    put_incident(**record())
    put_incident(**record(incident_id=OTHER, timestamp="2026-11-27T00:00:00Z"))
    done = srectl("incidents", "postmortem", ID, "--to", str(tmp_path / "here"))
    assert done.exit_code == 0, done.output
    text = (tmp_path / "here" / "postmortem-2026-11-28-5d51412f.md").read_text("utf-8")
    assert "by kubectl" in text
    assert text.count("People were told") == 1
    assert f"The same alert rang before: incident {OTHER}" in text
    told = json.loads((tmp_path / "here" / "postmortem-2026-11-28-5d51412f.json").read_text())
    assert told["chapters"][0]["title"] == "Summary"


def test_another_alerts_incident_that_had_its_target_in_hand_is_related(
    account: Account, put_incident: Put, srectl: Run, tmp_path: Path
) -> None:
    kept(account)
    lock = "target#prod#apps#deployment#parcels"
    hand = json.dumps({"runbook": "R", "locks": [lock], "steps": []})
    far = json.dumps({"runbook": "R", "locks": ["target#prod#apps#deployment#basket"]})
    put_incident(**record(in_hand=hand))
    same = {"fingerprint": "another", "alert_name": "Another"}
    hour = {"near": "06:41:00", "stale": "05:41:00", "later": "06:43:00"}
    for name, at in hour.items():
        began = f"2026-11-28T{at}.000Z"
        put_incident(**record(incident_id=name, timestamp=began, in_hand=hand, **same))
    began = "2026-11-28T06:41:30.000Z"
    put_incident(**record(incident_id="elsewhere", timestamp=began, in_hand=far, **same))
    done = srectl("incidents", "postmortem", ID, "--to", str(tmp_path))
    assert done.exit_code == 0, done.output
    (text,) = tmp_path.glob("*.md")
    said = text.read_text("utf-8")
    assert "The same target was in hand of the runbook of incident near (Another" in said
    assert not [each for each in ("stale", "later", "elsewhere") if f"incident {each}" in said]


def test_what_never_hung_on_anything_is_not_said_to_have_hung(
    account: Account, put_incident: Put, srectl: Run, tmp_path: Path
) -> None:
    """A cause ended before its child began, which was heard when that hung on it already."""
    kept(account)
    ended = Decimal(int(datetime.datetime.fromisoformat(BEGAN).timestamp()) - 1)
    began = {"timestamp": "2026-11-28T06:20:00Z", "caused_by": OTHER}
    cause = {"incident_id": OTHER, "fingerprint": "another", "resolved_at": ended}
    put_incident(**record(**{**began, **cause, "caused_by": "", "children": {ID, "hung", "moved"}}))
    put_incident(**record(caused_by=OTHER, let_go_at="2026-11-28T06:43:00Z"))
    put_incident(**record(**began, incident_id="hung", fingerprint="a third"))
    put_incident(**record(incident_id="moved", fingerprint="a third", caused_by="what goes on"))

    def story_of(name: str) -> str:
        assert srectl("incidents", "postmortem", name, "--to", str(tmp_path)).exit_code == 0
        (text,) = tmp_path.glob(f"*{name[:8]}.md")
        return text.read_text("utf-8")

    child, its_cause = story_of(ID), story_of(OTHER)
    assert f"let go of incident {OTHER}: that had ended before it began" in child
    assert f"It never hung on, but was for a time thought to hang on, incident {OTHER}" in child
    assert "hung on it" not in child
    assert "It hung on" not in child
    assert f"On it never hung, but was for a time thought to hang, incident {ID}" in its_cause
    assert "but was for a time thought to hang, incident moved" in its_cause
    assert "On it hung incident hung" in its_cause
    assert "1 other incident hung on it." in its_cause


def test_what_joined_it_is_related_and_an_earlier_one_of_its_alert_and_target_with_other_labels(
    account: Account, put_incident: Put, srectl: Run, tmp_path: Path
) -> None:
    kept(account)
    here = {"cluster": "prod", "namespace": "apps", "kind": "deployment", "name": "parcels"}
    there = {**here, "name": "basket"}
    put_incident(**record(target=here))
    more: dict[str, dict[str, Any]] = {
        # They joined it, before and after its own alert began; one followed somebody else.
        "joined-early": {"timestamp": "2026-11-28T06:41:50.000Z", "status": "escalated"},
        "joined-late": {"timestamp": "2026-11-28T06:45:00.000Z", "status": "resolved"},
        "elsewhere": {"timestamp": "2026-11-28T06:45:00.000Z", "attached_to": OTHER},
        # It never came to a target of its own, so that no runbook had one in hand.
        "same": {"timestamp": "2026-11-28T06:40:00.000Z", "target": here, "status": "escalated"},
        "other": {"timestamp": "2026-11-28T06:40:00.000Z", "target": there},
        "stale": {"timestamp": "2026-11-28T05:30:00.000Z", "target": here},
    }
    for name, changes in more.items():
        is_joined = {"attached_to": ID} if name.startswith("joined") else {}
        label = {"fingerprint": f"of-{name}"}
        put_incident(**record(incident_id=name, target=there, **label) | is_joined | changes)
    done = srectl("incidents", "postmortem", ID, "--to", str(tmp_path))
    assert done.exit_code == 0, done.output
    (text,) = tmp_path.glob("*.md")
    said = text.read_text("utf-8")
    assert "Its remediation was joined by incident joined-early (KubePodCrashLooping, esc" in said
    assert "Its remediation was joined by incident joined-late (KubePodCrashLooping, res" in said
    assert "The same alert rang for the same target, with other labels: incident same (" in said
    assert not [each for each in ("elsewhere", "other", "stale") if f"incident {each}" in said]


def test_what_is_related_is_found_behind_a_flood(
    account: Account, put_incident: Put, srectl: Run, tmp_path: Path
) -> None:
    kept(account)
    put_incident(**record())
    flood = {"fingerprint": "another", "alert_name": "Another"}
    for number in range(210):
        at = f"2026-11-28T06:42:{number % 50:02}.000Z"
        put_incident(**record(incident_id=f"flood-{number}", timestamp=at, **flood))
    at = "2026-11-28T06:50:00.000Z"
    put_incident(**record(incident_id="joined", timestamp=at, attached_to=ID, **flood))
    done = srectl("incidents", "postmortem", ID, "--to", str(tmp_path))
    assert done.exit_code == 0, done.output
    (text,) = tmp_path.glob("*.md")
    assert "Its remediation was joined by incident joined (Another" in text.read_text("utf-8")


def test_that_the_audit_log_is_longer_than_what_is_told_is_said(
    account: Account,
    put_incident: Put,
    srectl: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept(account)
    at = round(datetime.datetime.fromisoformat(BEGAN).timestamp() * 1000) - 1
    account.logs.put_log_events(
        logGroupName=account.audit_log_group,
        logStreamName="one",
        logEvents=[{"timestamp": at, "message": json.dumps(notified())}],
    )
    put_incident(**record())
    monkeypatch.setattr(audit, "_MOST_EVENTS", 1)
    assert srectl("incidents", "postmortem", ID, "--to", str(tmp_path)).exit_code == 0
    (text,) = tmp_path.glob("*.md")
    told = "The rest of the audit log could not be read: only its first 1 events are told here"
    assert told in text.read_text("utf-8")


def test_what_cannot_be_read_is_asked_and_the_rest_written(
    put_incident: Put, srectl: Run, tmp_path: Path
) -> None:
    put_incident(**record())
    done = srectl("incidents", "postmortem", ID, "--to", str(tmp_path))
    assert done.exit_code == 0, done.output
    text = (tmp_path / "postmortem-2026-11-28-5d51412f.md").read_text("utf-8")
    assert "The audit log could not be read" in text
    assert "The evidence could not be read" in text


def test_what_somebody_completed_is_not_lost(
    put_incident: Put, srectl: Run, tmp_path: Path
) -> None:
    put_incident(**record())
    mine = tmp_path / "postmortem-2026-11-28-5d51412f.md"
    mine.write_text("answered", "utf-8")
    asked = ("incidents", "postmortem", ID, "--to", str(tmp_path))
    assert srectl(*asked).exit_code == 1
    assert [each.name for each in tmp_path.iterdir()] == [mine.name]
    assert mine.read_text("utf-8") == "answered"
    assert srectl(*asked, "--overwrite").exit_code == 0
    assert mine.read_text("utf-8").startswith("# Post-mortem")


def test_where_nothing_can_be_written_it_says_so(
    put_incident: Put, srectl: Run, tmp_path: Path
) -> None:
    put_incident(**record())
    (tmp_path / "file").touch()
    refused = srectl("incidents", "postmortem", ID, "--to", str(tmp_path / "file" / "below"))
    assert refused.exit_code == 1
    assert "could not be written" in refused.output or "could not be written" in str(
        refused.exception
    )
