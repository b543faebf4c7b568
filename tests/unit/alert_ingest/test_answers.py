"""What an investigator answers: taken with its own key, cleaned, bounded, and only told."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from alert_ingest.answers import (
    LINE_LIMIT,
    MAX_BODY_BYTES,
    SUMMARY_LIMIT,
    TooManyAnswers,
    read_answer,
    refuse_too_many,
)
from alert_ingest.errors import AlertIngestError, ChannelRefused, ChannelUnavailable
from tests.unit.alert_ingest.bodies import EVENTS, alertmanager_body, proxy_event, sample
from tests.unit.alert_ingest.investigated import ID, SAID
from tests.unit.alert_ingest.invoking import Invoker

KEY, OTHER = "investigatorkey", "alertmanagerkey"
STARTED = "2026-11-23T15:14:52.704Z"
ERASED = "11111111-f844-58cc-b5c9-dc4169c35240"
SCHEMA = Draft202012Validator(
    json.loads((EVENTS / "schemas" / "incident.investigated.json").read_text("utf-8"))
)


@dataclass
class Known:
    """Knows one incident, and one that was erased, and counts answers."""

    broken: AlertIngestError | None = None
    uncounted: AlertIngestError | None = None
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)

    def count_answer(self, key_id: str, began: int) -> int:
        if self.uncounted is not None:
            raise self.uncounted
        self.answers[key_id, began] += 1
        return self.answers[key_id, began]

    def incident(self, incident_id: str) -> tuple[str, bool] | None:
        if self.broken is not None:
            raise self.broken
        return (STARTED, incident_id == ERASED) if incident_id in (ID, ERASED) else None


@pytest.fixture
def known(invoke: Invoker, monkeypatch: pytest.MonkeyPatch) -> Known:
    settings = dataclasses.replace(
        invoke.module.settings, investigator_key_id=KEY, investigator_name="AWS DevOps Agent"
    )
    monkeypatch.setattr(invoke.module, "settings", settings)
    found = Known()
    monkeypatch.setattr(invoke.module, "guard_table", found)
    return found


def post(
    invoke: Invoker, body: object, key: object = KEY, path: str = "/findings"
) -> tuple[int, dict[str, Any]]:
    event = proxy_event(body, resource=path, path=path)
    event["requestContext"] = {"requestId": "r-1", "identity": {"apiKeyId": key}}
    return invoke.event(event)


@pytest.mark.usefixtures("known")
def test_an_answer_is_an_event_under_the_investigators_name(invoke: Invoker) -> None:
    status, answer = post(invoke, SAID)
    assert (status, answer["incident_id"], answer["shortened"]) == (202, ID, False)
    [entry] = invoke.bus.taken
    assert (entry["Source"], entry["DetailType"]) == ("sre.investigator", "incident.investigated")
    [detail] = invoke.bus.details
    SCHEMA.validate(detail)
    assert detail["metadata"]["correlation_id"] == "r-1"
    assert detail["data"] == {
        **SAID,
        "timestamp": STARTED,
        "answer_id": answer["answer_id"],
        "by": "AWS DevOps Agent",
        "shortened": False,
    }


@pytest.mark.usefixtures("known")
def test_the_sample_is_an_answer(invoke: Invoker) -> None:
    event = sample("investigator/api-answer")
    event["requestContext"]["identity"]["apiKeyId"] = KEY
    status, answer = invoke.event(event)
    assert (status, answer["incident_id"]) == (202, ID)


@pytest.mark.usefixtures("known")
def test_the_same_answer_twice_is_one_and_another_is_another(invoke: Invoker) -> None:
    first, again, other = (
        post(invoke, body)[1]["answer_id"] for body in (SAID, SAID, SAID | {"summary": "A disk."})
    )
    assert first == again != other
    ids = [detail["metadata"]["event_id"] for detail in invoke.bus.details]
    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize(
    ("key", "path"),
    [(OTHER, "/findings"), (None, "/findings"), (KEY, "/webhook"), (KEY, "/slack")],
)
@pytest.mark.usefixtures("known")
def test_each_key_opens_its_own_door_only(invoke: Invoker, key: object, path: str) -> None:
    for body in (SAID, alertmanager_body()):
        status, answer = post(invoke, body, key, path)
        assert status == 403
        assert "InvestigatorKeyId" in answer["error"]
    assert invoke.bus.batches == []


def test_where_nobody_investigates_the_door_is_shut(invoke: Invoker) -> None:
    for key in (KEY, "", None):
        assert post(invoke, SAID, key)[0] == 403
    assert invoke.bus.batches == []


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"summary": ""}, "/summary"),
        ({"summary": "\u200b\u2028"}, "/summary"),
        ({"summary": {"$ref": "x"}}, "/summary"),
        ({"incident_id": "incident#" + ID}, "/incident_id"),
        ({"incident_id": ID + "\n"}, "/incident_id"),
        ({"findings": "one"}, "/findings"),
        ({"findings": [1]}, "/findings/0"),
        ({"findings": ["x"] * 51}, "/findings"),
        ({"link": 7}, "/link"),
        ({"status": "resolved"}, "/status"),
        ({"runbook": "RestartEverything"}, "/runbook"),
        ({"a\nb": 1}, "/?"),
        ({"token=hunter2": 1}, "/?"),
    ],
)
@pytest.mark.usefixtures("known")
def test_what_is_no_answer_is_refused_with_its_place(
    invoke: Invoker, change: dict[str, object], pointer: str
) -> None:
    status, answer = post(invoke, SAID | change)
    assert status == 400
    assert pointer in [error["pointer"] for error in answer["errors"]]
    assert invoke.bus.batches == []


@pytest.mark.usefixtures("known")
def test_who_misspells_a_field_is_told_which_there_are(invoke: Invoker) -> None:
    _status, answer = post(invoke, SAID | {"finding": ["x"]})
    said = "is no field of it; there are incident_id, summary, findings, suggestions, link"
    assert answer["errors"] == [{"pointer": "/finding", "message": said}]


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "http://host.example/",
        "https://user@host.example/",
        "https://host.example/<script>",
        "https://host.example/\n",
        "https://host.example/" + "x" * 500,
    ],
)
@pytest.mark.usefixtures("known")
def test_a_link_that_cannot_be_shown_is_left_out_alone_and_it_says_so(
    invoke: Invoker, link: str
) -> None:
    status, answer = post(invoke, SAID | {"link": link})
    assert (status, answer["shortened"]) == (202, True)
    [left] = answer["left_out"]
    assert left["pointer"] == "/link"
    assert "https address" in left["message"]
    [detail] = invoke.bus.details
    SCHEMA.validate(detail)
    assert (detail["data"]["link"], detail["data"]["summary"]) == (None, SAID["summary"])
    assert "left_out" not in post(invoke, SAID)[1]


@pytest.mark.parametrize("body", ["", "{", "[" * 2000, "NaN", "[]", "null", '"text"'])
@pytest.mark.usefixtures("known")
def test_what_is_no_json_object_is_refused(invoke: Invoker, body: str) -> None:
    assert post(invoke, body)[0] == 400
    assert invoke.bus.batches == []


@pytest.mark.usefixtures("known")
def test_what_is_too_large_is_refused(invoke: Invoker) -> None:
    status, answer = post(invoke, SAID | {"findings": ["x" * 20_000] * 4})
    assert status == 413
    assert str(MAX_BODY_BYTES) in answer["error"]
    assert invoke.bus.batches == []


@pytest.mark.usefixtures("known")
def test_whatever_it_says_is_one_line_without_secrets_and_of_bounded_length(
    invoke: Invoker,
) -> None:
    token = "ghp_" + "a" * 36
    hostile = f"\x1b[31m<!channel>\n# Ignore all\u202e rules\x00 password=hunter2 {token} "
    status, answer = post(
        invoke,
        SAID
        | {
            "summary": hostile + "x" * 5000,
            # What nobody sees hides a word; what stands at the cut is half a secret.
            "findings": ["pass\u200bword: hunter2", " ", "y" * (LINE_LIMIT - 20) + f" {token}"] * 5,
            "suggestions": ["😀" * 1000, "\ud800"],
        },
    )
    assert (status, answer["shortened"]) == (202, True)
    [detail] = invoke.bus.details
    SCHEMA.validate(detail)
    data = detail["data"]
    assert len(data["summary"]) == SUMMARY_LIMIT
    assert data["summary"].startswith(
        "<!channel> # Ignore all rules password=[redacted] [redacted]"
    )
    assert (len(data["findings"]), len(data["suggestions"])) == (5, 2)
    whole = json.dumps(data, ensure_ascii=False)
    assert "hunter2" not in whole
    assert "ghp_" not in whole
    assert all(each.isprintable() for each in (data["summary"], *data["findings"]))
    assert data["suggestions"][1] == "?"


def test_what_stands_for_a_secret_may_be_longer_than_that() -> None:
    answer = read_answer(SAID | {"summary": "its token=x"})
    assert (answer.summary, answer.shortened) == ("its token=[redacted]", False)


@pytest.mark.parametrize(("incident", "status"), [(ID.replace("e", "a"), 404), (ERASED, 410)])
@pytest.mark.usefixtures("known")
def test_of_what_is_unknown_or_erased_nothing_is_written(
    invoke: Invoker, incident: str, status: int
) -> None:
    found, answer = post(invoke, SAID | {"incident_id": incident})
    assert found == status
    assert incident in answer["error"]
    assert invoke.bus.batches == []


def test_ten_answers_within_five_seconds_are_taken_and_the_next_window_takes_more() -> None:
    known, at = Known(), datetime(2026, 11, 28, 12, 0, 5, tzinfo=UTC)
    for _ in range(10):
        refuse_too_many(known, KEY, at)
    with pytest.raises(TooManyAnswers, match=r"2 a second \(10 within 5 seconds\)"):
        refuse_too_many(known, KEY, at + timedelta(seconds=4.9))
    refuse_too_many(known, OTHER, at)
    refuse_too_many(known, KEY, at + timedelta(seconds=5))


def test_beyond_its_limit_it_is_told_so_and_to_send_it_again(invoke: Invoker, known: Known) -> None:
    now = int(datetime.now(UTC).timestamp())
    for second in range(now - 5, now + 60):
        known.answers[KEY, second] = 10
    status, answer = post(invoke, SAID)
    assert status == 429
    assert answer["error"].startswith("The investigator is at its limit of 2 a second")
    assert answer["error"].endswith("; send this answer again.")
    assert invoke.bus.batches == []
    # What is refused for its key is not counted, and what cannot be counted is taken.
    assert post(invoke, SAID, OTHER)[0] == 403
    known.uncounted = ChannelUnavailable("UpdateItem failed")
    assert post(invoke, SAID)[0] == 202


def test_an_answer_that_cannot_be_kept_is_to_be_sent_again(invoke: Invoker, known: Known) -> None:
    for broken in (ChannelUnavailable("GetItem failed"), ChannelRefused("GetItem was refused")):
        known.broken = broken
        status, answer = post(invoke, SAID)
        assert (status, "sent again" in answer["error"]) == (503, True)
    known.broken = None
    invoke.bus.broken = ChannelRefused("PutEvents was refused")
    assert post(invoke, SAID)[0] == 202
    [parked] = invoke.parking.taken
    assert parked["DetailType"] == "incident.investigated"
    invoke.parking.broken = ChannelRefused("SendMessage was refused")
    assert post(invoke, SAID)[0] == 503


@pytest.mark.usefixtures("known")
def test_no_log_line_has_what_was_said(invoke: Invoker) -> None:
    post(invoke, SAID)
    post(invoke, SAID | {"note": "Ignore all rules"})
    post(invoke, SAID, OTHER)
    lines = [json.dumps(line) for line in invoke.messages()]
    assert len(lines) >= 3
    assert not [line for line in lines if "image" in line or "Ignore" in line]


def test_what_an_answer_is_known_by_never_changes() -> None:
    assert read_answer(SAID).answer_id == "60666d19-1aad-5fe2-983b-b5c92e0f8f50"
