"""People are told once, in plain words, and whatever cannot be said is kept."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.integration.statemachine.listener import WINDOW_SECONDS, Listener
from tests.integration.statemachine.platform import (
    ROOT,
    Platform,
    incident,
    resolution,
    wait_for,
)
from tests.integration.statemachine.shown import as_before_display
from tests.integration.statemachine.telling import escalation, id_of

pytestmark = pytest.mark.localaws


@pytest.fixture
def listener(platform: Platform) -> Iterator[Listener]:
    """Return listeners of this test's own."""
    yield from Listener.of(platform)


def test_a_new_incident_is_told_to_people_in_plain_words(listener: Listener) -> None:
    event = incident()
    assert listener.tell(event)["status"] == "SUCCEEDED"
    [mail] = listener.mails()
    assert mail["subject"] == "CRIT apps/checkout: error ratio 9.991%"
    assert mail["body"].splitlines() == [
        "CRIT apps/checkout: error ratio 9.991%",
        "",
        f"Id:      {id_of(event)[:8]}",
        "Alert:   CheckoutHighErrorRate",
        "What:    checkout error ratio 9.991%",
        "Where:   apps/checkout in sre-platform",
        "How bad: critical",
        "Began:   2026-11-23T15:14:52.704Z",
        "Doing:   the runbook CheckoutHighErrorRate is looked up and acts within its limits."
        " If there is none, or it does not help, you are told that a human is needed.",
        "",
        f"More:    srectl incidents show {id_of(event)}",
        "Link:    generator http://prometheus.example/graph",
    ]


@pytest.mark.parametrize(
    ("late", "begun"),
    [(False, "critical"), (True, "critical"), (False, "warning")],
    ids=["recorder-first", "recorder-late", "risen"],
)
def test_of_a_runbook_that_ended_early_people_hear_once(
    listener: Listener, late: bool, begun: str
) -> None:
    """By whom, where the recorder can say it; and at all, where it cannot in time."""
    event = incident(severity=begun)
    notifier = listener.variant(RecorderWait="1")
    detail = {"executionArn": "arn:mine", "name": "e-1", "status": "ABORTED"}
    ended = {
        "source": "aws.states",
        "detail-type": "Step Functions Execution Status Change",
        "detail": {**detail, "input": json.dumps(event)},
    }
    why = "It was stopped by arn:ada (sale)."
    known = escalation(event, reason_code="runbook-abandoned", reason=why, severity="critical")
    first, second = (ended, known) if late else (known, ended)
    listener.tell(first, notifier)
    [mail] = listener.mails()
    assert ("stopped by arn:ada" in mail["body"]) is not late
    listener.tell(second, notifier)
    assert listener.mails() == [mail]


def test_a_new_incident_is_told_to_machines_as_a_pagerduty_event(listener: Listener) -> None:
    event = incident()
    listener.tell(event)
    [envelope] = listener.messages()
    told = json.loads(envelope["Message"])
    assert told["event"] == "incident.created"
    assert told["incident_id"] == told["dedup_key"] == id_of(event)
    assert (told["event_action"], told["severity"]) == ("trigger", "critical")
    assert told["started_at"] == "2026-11-23T15:14:52.704Z"
    assert told["target"] == event["detail"]["data"]["target"]
    assert told["correlation_id"] == event["detail"]["metadata"]["correlation_id"]
    assert told["links"] == [{"href": "http://prometheus.example/graph", "text": "generator"}]
    payload = told["payload"]
    assert set(payload) >= {"summary", "source", "severity", "timestamp", "custom_details"}
    assert payload["summary"] == told["message"]
    assert {name: each["Value"] for name, each in envelope["MessageAttributes"].items()} == {
        "event": "incident.created",
        "severity": "critical",
    }


def test_chat_is_told_what_slack_takes(listener: Listener) -> None:
    event = incident()
    listener.tell(event)
    [whole] = listener.chat_events()
    schema = json.loads((ROOT / "events/schemas/incident.notified.json").read_text())
    Draft202012Validator(schema).validate(whole["detail"])
    told = whole["detail"]["data"]
    assert (told["incident_id"], told["event"]) == (id_of(event), "incident.created")
    assert told["slack_text"].splitlines() == [
        "CRIT apps/checkout: error ratio 9.991%",
        "CheckoutHighErrorRate on apps/checkout in sre-platform, critical,"
        " since 2026-11-23T15:14:52.704Z",
        "checkout error ratio 9.991%",
        f"`srectl incidents show {id_of(event)}`",
        "http://prometheus.example/graph",
    ]


@pytest.mark.parametrize(
    ("seconds", "words"), [(90, "90 s"), (150.4, "2 min 30 s"), (7260, "2 h 1 min")]
)
def test_the_end_is_told_with_the_mttr(listener: Listener, seconds: float, words: str) -> None:
    event = resolution(incident(), duration_seconds=seconds)
    listener.tell(event)
    [mail] = listener.mails()
    assert mail["subject"] == f"OK apps/checkout: over in {words}"
    assert mail["body"].startswith(f"OK apps/checkout: over in {words}\n")
    assert f"MTTR:    {words}\n" in mail["body"]
    [envelope] = listener.messages()
    told = json.loads(envelope["Message"])
    assert (told["event_action"], told["dedup_key"]) == ("resolve", id_of(event))
    assert told["mttr_seconds"] == seconds
    [chat] = listener.chats()
    assert chat["slack_text"].startswith(f"OK apps/checkout: over in {words}\n")


def test_an_end_that_is_heard_while_a_runbook_is_at_work_is_not_told_as_verified(
    listener: Listener,
) -> None:
    event = incident()
    listener.platform.ddb.put_item(
        TableName=listener.guard,
        Item={"guard_key": {"S": f"incident#{id_of(event)}"}, "in_hand": {"S": "a runbook"}},
    )
    listener.tell(resolution(event, duration_seconds=90))
    [mail] = listener.mails()
    assert mail["subject"] == "ALERT OVER apps/checkout, verifying"


def test_a_recovery_that_does_not_know_the_start_takes_it_from_the_incident(
    listener: Listener,
) -> None:
    event = incident()
    listener.platform.ddb.put_item(
        TableName=listener.guard,
        Item={
            "guard_key": {"S": f"incident#{id_of(event)}"},
            "incident_timestamp": {"S": "2026-11-23T15:14:22.704Z"},
        },
    )
    end = resolution(event, started_at=None, duration_seconds=None)
    listener.tell(end)
    [mail] = listener.mails()
    assert "MTTR:    2 min 0 s" in mail["body"]


def test_a_recovery_of_which_nobody_knows_the_start_says_so(listener: Listener) -> None:
    end = resolution(incident(), started_at=None, duration_seconds=None)
    listener.tell(end)
    [mail] = listener.mails()
    assert mail["body"].startswith("OK apps/checkout: over\n")
    assert "MTTR:    unknown" in mail["body"]


def test_an_escalation_goes_to_chat_only_because_the_runbook_has_told_the_topic(
    listener: Listener,
) -> None:
    listener.tell(escalation(incident()))
    assert listener.mails() == listener.messages() == []
    [told] = listener.chats()
    assert told["slack_text"].startswith("NEEDS YOU apps/checkout: nothing has helped\n")
    assert "not resolved 300 seconds after" in told["slack_text"]


def test_a_beginning_that_comes_after_its_escalation_says_so(listener: Listener) -> None:
    event = incident("CheckoutHighErrorRate", fingerprint="slower")
    listener.tell(escalation(event))
    listener.tell(event)
    [mail] = listener.mails()
    assert "Doing:   a human has been called for it already" in mail["body"]
    assert "is looked up" not in mail["body"]


def test_a_cause_says_how_many_hang_on_it(listener: Listener) -> None:
    event = incident()
    row = {"place": {"S": "web"}, "children": {"SS": ["one", "another"]}}
    key = {"guard_key": {"S": f"relation#{id_of(event)}"}}
    listener.platform.ddb.put_item(TableName=listener.guard, Item={**key, **row})
    listener.tell(event)
    [mail] = listener.mails()
    assert "is not told one by one, so far 2 other incidents." in mail["body"]


def test_the_canary_is_never_announced(listener: Listener) -> None:
    event = incident(alert_name="Whatever", purpose="canary")
    for each in (event, escalation(event), resolution(event)):
        assert listener.tell(each)["status"] == "SUCCEEDED"
    assert listener.mails() == listener.messages() == listener.chats() == []


def test_twice_is_once_a_repetition_is_not_announced_again(listener: Listener) -> None:
    event = incident()
    for each in (event, event, resolution(event), resolution(event)):
        listener.tell(each)
    kinds = [json.loads(envelope["Message"])["event"] for envelope in listener.messages()]
    assert sorted(kinds) == ["incident.created", "incident.resolved"]
    assert len(listener.chats()) == 2


def test_who_takes_gives_back_and_settles_an_incident_is_told_to_who_heard_of_it(
    listener: Listener,
) -> None:
    def said(kind: str, by: str, minute: int, of: dict[str, Any]) -> dict[str, Any]:
        metadata = {**of["detail"]["metadata"], "occurred_at": f"2026-11-23T15:{minute}:00.000Z"}
        data = {**of["detail"]["data"], "by": by, "because": "rolled back"}
        return {**of, "detail-type": kind, "detail": {"metadata": metadata, "data": data}}

    heard, unheard = incident(), incident()
    listener.tell(heard)
    for of in (heard, unheard):
        ada = said("incident.acknowledged", "arn:aws:iam::000000000000:user/ada", 20, of)
        for each in (
            ada,
            ada,
            said("incident.released", "ada", 21, of),
            said("incident.acknowledged", "grace", 22, of),
            said("incident.undo-asked", "grace", 23, of),
            said("incident.undo-asked", "grace", 23, of),
            said("incident.undo-asked", "ada", 24, of),
            said("incident.closed", "grace", 25, of),
        ):
            assert listener.tell(each)["status"] == "SUCCEEDED"
    told = [
        "TAKEN apps/checkout: by ada",
        "GIVEN BACK apps/checkout: by ada, nobody has it",
        "TAKEN apps/checkout: by grace",
        "UNDO apps/checkout: by grace",
        "UNDO apps/checkout: by ada",
        "CLOSED apps/checkout: by grace",
    ]
    assert [mail["subject"] for mail in listener.mails()][1:] == told
    assert [chat["headline"] for chat in listener.chats()][1:] == told


def test_what_a_human_has_said_is_told_once_though_the_severity_rises_meanwhile(
    listener: Listener,
) -> None:
    """Two ask for the same at the same moment, and each tells it as he has read the record."""
    event = incident(severity="warning")
    listener.tell(event)
    kinds = ("incident.acknowledged", "incident.released", "incident.undo-asked", "incident.closed")
    for kind in kinds:
        for severity in ("warning", "critical"):
            data = {**event["detail"]["data"], "by": "ada", "severity": severity}
            detail = {**event["detail"], "data": data}
            listener.tell({**event, "detail-type": kind, "detail": detail})
    assert [chat["event"] for chat in listener.chats()][1:] == list(kinds)


def closed_by_hand(event: dict[str, Any]) -> dict[str, Any]:
    data = {**event["detail"]["data"], "by": "ada", "because": "rolled back"}
    return {**event, "detail-type": "incident.closed", "detail": {**event["detail"], "data": data}}


def test_what_somebody_has_closed_is_over_with_that_and_not_once_more(listener: Listener) -> None:
    """With another MTTR, and as if its target had been looked at."""
    event = incident()
    for each in (
        event,
        closed_by_hand(event),
        resolution(event),
        resolution(event, severity="info"),
    ):
        assert listener.tell(each)["status"] == "SUCCEEDED"
    told = ["incident.created", "incident.closed"]
    assert [chat["event"] for chat in listener.chats()] == told
    assert len(listener.mails()) == len(told)


def test_what_becomes_worse_after_it_was_closed_is_told_to_its_end(listener: Listener) -> None:
    event = incident(severity="warning")
    worse = incident(**{**event["detail"]["data"], "severity": "critical"})
    for each in (event, closed_by_hand(event), worse, resolution(worse)):
        listener.tell(each)
    told = ["incident.created", "incident.closed", "incident.created", "incident.resolved"]
    assert [chat["event"] for chat in listener.chats()] == told


def test_a_team_hears_of_its_own_from_the_beginning_to_the_end(listener: Listener) -> None:
    """Whoever takes it, and its end, say no label; everybody's mail hears of all."""
    address = f"payments-{listener.address}"
    listener.platform.aws.client("sns").subscribe(
        TopicArn=listener.topic,
        Protocol="email",
        Endpoint=address,
        Attributes={"FilterPolicy": json.dumps({"team": ["payments"]})},
    )
    began = incident(labels={"team": "Payments "})
    bare = incident(**{**began["detail"]["data"], "labels": {}})
    said = {**bare["detail"], "data": {**bare["detail"]["data"], "by": "ada"}}
    taken = {**bare, "detail-type": "incident.acknowledged", "detail": said}
    misspelt = incident(labels={"team": "paymnets"})
    for each in (began, taken, resolution(bare), misspelt, incident()):
        assert listener.tell(each)["status"] == "SUCCEEDED"
    assert [mail["subject"].split()[0] for mail in listener.mails()] == [
        *("CRIT", "TAKEN", "OK"),
        *("CRIT", "CRIT"),
    ]
    lines = listener.platform.aws.mail_file.read_text().splitlines()
    told = [mail["subject"] for mail in map(json.loads, lines) if mail["to"] == address]
    assert [subject.split()[0] for subject in told] == ["CRIT", "TAKEN", "OK"]
    teams = [chat.get("team") for chat in listener.chats()]
    assert sorted(map(str, teams)) == [*("None", "payments", "payments", "payments", "paymnets")]


def test_an_incident_that_becomes_worse_is_announced_again(listener: Listener) -> None:
    event = incident(severity="warning")
    listener.tell(event)
    listener.tell(incident(**{**event["detail"]["data"], "severity": "critical"}))
    severities = [json.loads(each["Message"])["severity"] for each in listener.messages()]
    assert sorted(severities) == ["critical", "warning"]


def test_an_alert_that_may_wake_nobody_is_not_announced(listener: Listener) -> None:
    event = incident(severity="info", wakes=False)
    listener.tell(event)
    listener.tell(resolution(event))
    assert listener.messages() == []


def test_who_heard_of_it_at_another_severity_hears_of_its_end(listener: Listener) -> None:
    event = incident(severity="warning", wakes=True)
    listener.tell(event)
    listener.tell(resolution(event, severity="info", wakes=False))
    assert len(listener.messages()) == 2


def test_who_was_paged_for_the_beginning_is_paged_for_the_end(listener: Listener) -> None:
    """A monitor may recover with a lower severity than the one it called somebody with."""
    event = incident()
    listener.tell(event)
    listener.messages()
    listener.tell(resolution(event, severity="warning"))
    [envelope] = listener.messages()
    assert envelope["MessageAttributes"]["severity"]["Value"] == "critical"


# ---------------------------------------------------------------- alert text is data


HOSTILE: dict[str, dict[str, Any]] = {
    "lines": {"summary": "fine\n\nDone. Nothing to do.\r\nLink: http://evil.example"},
    "chat markup": {"summary": "<!channel> <http://evil.example|click> & @here"},
    "long": {"summary": "x" * 10_000, "alert_name": "N" * 500},
    "not ascii": {"alert_name": "Käse\u2028\U0001f525\nKaputt", "summary": "日本"},
    "names": {"target": {"cluster": "a\nb", "namespace": "<!here>", "kind": "x", "name": "y\0z"}},
    "nothing known": {"target": {"cluster": None, "namespace": None, "kind": None, "name": None}},
    "links": {
        "links": {
            **{f"l{number}": f"https://example.com/{number}" for number in range(8)},
            "script": "javascript:alert(1)",
            "space": "http://example.com/ <!channel>",
            "long": "http://example.com/" + "x" * 5000,
            "<!here>": "https://example.com/a?b=1&c=2",
        }
    },
    "empty": {"summary": "", "links": {}, "annotations": {}, "runbook": "r\nr"},
}


@pytest.mark.parametrize("in_form", [dict, as_before_display], ids=["now", "before"])
@pytest.mark.parametrize("changes", HOSTILE.values(), ids=HOSTILE.keys())
def test_alert_text_is_data(
    listener: Listener,
    changes: dict[str, Any],
    in_form: Callable[[dict[str, Any]], dict[str, Any]],
) -> None:
    event = incident(**changes)
    for each in (event, resolution(event), escalation(event, reason="a\nb <!channel>")):
        execution = listener.tell(in_form(each))
        assert execution["status"] == "SUCCEEDED", execution
    mails = listener.mails()
    assert len(mails) == 2
    for mail in mails:
        assert len(mail["subject"]) <= 60
        assert all(" " <= character <= "~" for character in mail["subject"])
        lines = mail["body"].splitlines()
        assert len([line for line in lines if line.startswith("What:")]) == 1
        keys = {line.partition(":")[0] for line in lines[2:] if line}
        assert keys <= {
            "Id",
            "Alert",
            "What",
            "Where",
            "How bad",
            "Began",
            "MTTR",
            "Doing",
            "More",
            "Link",
        }
        assert len(mail["body"]) < 8_000
    for envelope in listener.messages():
        told = json.loads(envelope["Message"])
        assert len(told["links"]) <= 5
        assert all(link["href"].startswith("http") for link in told["links"])
        assert len(told["payload"]["summary"]) <= 60
    chats = listener.chats()
    assert len(chats) == 3
    for told in chats:
        text = told["slack_text"]
        assert "<" not in text
        assert ">" not in text
        assert text.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "").count("&") == 0
        assert "javascript:" not in text


def test_an_event_of_before_display_is_told_in_its_own_words(listener: Listener) -> None:
    """The archive replays events of months ago; a dead-letter queue holds them for two weeks."""
    event = incident()
    end = resolution(event)
    end["detail"]["data"]["headline"] = (
        "Resolved after 90 s: CheckoutHighErrorRate on apps/checkout."
    )
    for each in (event, end, escalation(event)):
        assert listener.tell(as_before_display(each))["status"] == "SUCCEEDED"
    beginning, ending = sorted(listener.mails(), key=lambda mail: str(mail["subject"]))
    assert beginning["subject"] == "CRIT apps/checkout: error ratio 9.991%"
    assert "What:    checkout error ratio 9.991%" in beginning["body"]
    assert "Where:   apps/checkout\n" in beginning["body"]
    assert ending["body"].startswith("OK apps/checkout: over in 90 s\n")
    texts = sorted(told["slack_text"] for told in listener.chats())
    firsts = [text.splitlines()[0] for text in texts]
    assert firsts == [
        "CRIT apps/checkout: error ratio 9.991%",
        "NEEDS YOU apps/checkout: nothing has helped",
        "OK apps/checkout: over in 90 s",
    ]


# ---------------------------------------------------------------- nothing is lost


def test_what_the_topic_refuses_is_parked_whole_and_chat_hears_it(listener: Listener) -> None:
    event = incident()
    notifier = listener.variant(TopicArn=f"{listener.topic}-gone")
    assert listener.tell(event, notifier)["status"] == "SUCCEEDED"
    [parked] = listener.parked()
    assert (parked["event"], parked["incident_id"]) == ("incident.created", id_of(event))
    assert parked["subject"].startswith("CRIT apps/checkout: ")
    assert parked["message_structure"] == "json"
    message = json.loads(parked["message"])
    assert json.loads(message["default"])["dedup_key"] == id_of(event)
    assert message["email"].startswith("CRIT apps/checkout: ")
    assert len(listener.chats()) == 1


def test_what_the_bus_refuses_is_parked_as_an_entry_for_it(listener: Listener) -> None:
    event = incident()
    role = listener.platform.role_that_may_only(
        "dynamodb:UpdateItem", "sns:Publish", "sqs:SendMessage"
    )
    notifier = listener.variant(role=role, ParkingQueueUrl=listener.dead)
    assert listener.tell(event, notifier)["status"] == "SUCCEEDED"
    assert len(listener.messages()) == 1
    [parked] = listener.parked()
    assert (parked["Source"], parked["DetailType"]) == ("sre.notifier", "incident.notified")
    assert json.loads(parked["Detail"])["data"]["incident_id"] == id_of(event)


def test_where_nothing_can_be_said_or_kept_the_execution_fails_so_that_its_alarm_rings(
    listener: Listener,
) -> None:
    notifier = listener.variant(
        TopicArn=f"{listener.topic}-gone", NotificationDeadLetterQueueUrl=f"{listener.dead}-gone"
    )
    execution = listener.tell(incident(), notifier)
    assert (execution["status"], execution["error"]) == ("FAILED", "NobodyTold")


def test_an_event_of_another_kind_fails_by_name(listener: Listener) -> None:
    execution = listener.tell({**incident(), "detail-type": "something.else"})
    assert (execution["status"], execution["error"]) == ("FAILED", "UnknownEvent")


def test_with_the_guard_table_unwritable_it_is_announced_all_the_same(listener: Listener) -> None:
    notifier = listener.variant(GuardTable="no-such-table")
    assert listener.tell(incident(), notifier)["status"] == "SUCCEEDED"
    assert len(listener.messages()) == len(listener.chats()) == 1


# ---------------------------------------------------------------- floods


FLOOD_COUNTERS = ("other#", "held", "created", "held_created_warning")


def flood_row(listener: Listener) -> dict[str, Any]:
    window = int(time.time()) // WINDOW_SECONDS
    item = listener.platform.ddb.get_item(
        TableName=listener.guard,
        Key={"guard_key": {"S": f"flood#notify#{window}"}},
        ConsistentRead=True,
    ).get("Item", {})
    return {name: next(iter(value.values())) for name, value in item.items()}


def test_a_flood_is_left_to_one_digest(listener: Listener) -> None:
    notifier = listener.variant(FloodNotifications="2")
    events = [incident(severity="warning") for _ in range(5)]
    for event in events:
        assert listener.tell(event, notifier)["status"] == "SUCCEEDED"
    told = [json.loads(each["Message"])["incident_id"] for each in listener.messages()]
    assert told == [id_of(event) for event in events[:2]]
    assert len(listener.chats()) == 2
    window = int(time.time()) // WINDOW_SECONDS
    assert listener.running_digests() == [f"digest-{window}"]
    after = flood_row(listener)
    assert {name: after[name] for name in FLOOD_COUNTERS} == {
        "other#": "5",
        "held": "3",
        "created": "5",
        "held_created_warning": "3",
    }
    assert after["alerts"] == ["CheckoutHighErrorRate on apps/checkout in sre-platform"]
    assert int(after["expires_at"]) > time.time()


def test_a_flood_of_warnings_holds_no_critical_alert_back(listener: Listener) -> None:
    notifier = listener.variant(FloodNotifications="2", FloodCriticalReserve="50")
    warnings = [incident(severity="warning") for _ in range(6)]
    risen = incident(**{**warnings[-1]["detail"]["data"], "severity": "critical"})
    for event in (*warnings, risen, resolution(risen), incident()):
        assert listener.tell(event, notifier)["status"] == "SUCCEEDED"
    told = [json.loads(each["Message"]) for each in listener.messages()]
    assert [(each["event"], each["severity"], each["incident_id"]) for each in told] == [
        ("incident.created", "warning", id_of(warnings[0])),
        ("incident.created", "critical", id_of(risen)),
        ("incident.resolved", "critical", id_of(risen)),
    ]
    # Five were held back and then one more: it is told again at twice the limit.
    window = int(time.time()) // WINDOW_SECONDS
    assert sorted(listener.running_digests()) == [f"digest-{window}", f"digest-{window}-4"]


def test_whoever_heard_of_the_beginning_hears_of_the_end(listener: Listener) -> None:
    notifier = listener.variant(FloodNotifications="1")
    heard, unheard = incident(), incident()
    for event in (heard, unheard, resolution(heard), resolution(unheard)):
        listener.tell(event, notifier)
    told = [json.loads(each["Message"]) for each in listener.messages()]
    assert [(each["event"], each["incident_id"]) for each in told] == [
        ("incident.created", id_of(heard)),
        ("incident.resolved", id_of(heard)),
    ]


def test_the_end_of_what_a_human_was_called_for_is_told_in_a_flood(listener: Listener) -> None:
    notifier = listener.variant(FloodNotifications="0")
    event = incident()
    for each in (event, escalation(event), resolution(event)):
        listener.tell(each, notifier)
    told = [json.loads(each["Message"])["event"] for each in listener.messages()]
    assert told == ["incident.resolved"]


def test_what_the_flood_escalated_is_told_by_the_digest(listener: Listener) -> None:
    listener.tell(escalation(incident(), reason_code="flood"))
    assert listener.chats() == []


def test_where_no_digest_can_be_started_it_is_announced_by_itself(listener: Listener) -> None:
    notifier = listener.variant(FloodNotifications="0", DigestArn=f"{listener.digests}-gone")
    event = incident()
    assert listener.tell(event, notifier)["status"] == "SUCCEEDED"
    [envelope] = listener.messages()
    assert json.loads(envelope["Message"])["incident_id"] == id_of(event)


def test_a_digest_names_a_readable_number_of_alerts(listener: Listener) -> None:
    window = int(time.time()) // WINDOW_SECONDS
    listener.platform.ddb.update_item(
        TableName=listener.guard,
        Key={"guard_key": {"S": f"flood#notify#{window}"}},
        UpdateExpression="ADD alerts :many",
        ExpressionAttributeValues={":many": {"SS": [f"Alert{number}" for number in range(40)]}},
    )
    notifier = listener.variant(FloodNotifications="0")
    listener.tell(incident(alert_name="OneTooMany"), notifier)
    after = flood_row(listener)
    assert (len(after["alerts"]), after["held_created_critical"]) == (40, "1")


def test_the_express_machine_is_the_one_that_was_tested(listener: Listener) -> None:
    """Tests look into a Standard variant; what runs on the bus says the same."""
    event = incident()
    listener.platform.sfn.start_execution(
        stateMachineArn=listener.platform.notifier_arn, input=json.dumps(event)
    )
    told = wait_for(lambda: listener.platform.notifications(id_of(event)), "the announcement")
    assert [each["event"] for each in told] == ["incident.created"]
