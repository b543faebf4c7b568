"""A flood of alerts is told once, in plain words, when its window is over."""

from __future__ import annotations

import datetime
import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.integration.statemachine.listener import Listener
from tests.integration.statemachine.platform import ROOT, Platform
from tests.integration.statemachine.window_row import counted

pytestmark = pytest.mark.localaws

#: Length of the windows.
MINUTE = 60


@pytest.fixture
def listener(platform: Platform) -> Iterator[Listener]:
    """Return listeners of this test's own."""
    yield from Listener.of(platform)


def count(listener: Listener, window: int, **counts: int | list[str]) -> None:
    """Write a window's counters, as the notifier does."""
    item: dict[str, Any] = {"guard_key": {"S": f"flood#notify#{window}"}}
    for name, value in counts.items():
        item[name] = {"SS": value} if isinstance(value, list) else {"N": str(value)}
    listener.platform.ddb.put_item(TableName=listener.guard, Item=item)


def iso(seconds: float) -> str:
    at = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def left_to_humans(
    listener: Listener,
    at: float,
    name: str,
    code: str = "flood",
    fired: float = 90,
    more: dict[str, Any] | None = None,
) -> None:
    """Write the record of an incident that was escalated after it had fired for some seconds."""
    listener.platform.ddb.put_item(
        TableName=listener.platform.table("incidents"),
        Item={
            "incident_id": {"S": str(uuid.uuid4())},
            "timestamp": {"S": iso(at - fired)},
            "status": {"S": "escalated"},
            "escalation_code": {"S": code},
            "escalated_at": {"S": iso(at)},
            "alert_name": {"S": "Down\n<!channel>"},
            "severity": {"S": "critical"},
            "target": {"M": {"namespace": {"S": "apps"}, "name": {"S": name}}},
            **(more or {}),
        },
    )


def digest(listener: Listener, window: int, **changes: str) -> dict[str, Any]:
    """Write the digest of a window."""
    machine = listener.variant("incident-digest", **changes)
    return listener.platform.run({"window": window}, machine)


def a_window() -> int:
    """Give a window of a minute that no other test has, long over."""
    return uuid.uuid4().int % 20_000_000


@pytest.fixture
def window(listener: Listener) -> int:
    """Return a window with 3 announced and 40 held back, and 5 incidents left to humans."""
    number = a_window()
    count(
        listener,
        number,
        notifications=50,
        created=43,
        resolved=7,
        held_created_critical=30,
        held_created_warning=10,
        held_resolved_critical=7,
        alerts=["Down on apps/checkout in sre-platform"],
    )
    for second in range(4):
        left_to_humans(listener, number * MINUTE + second, f"checkout-{number}")
    left_to_humans(listener, number * MINUTE + 30, f"basket-{number}")
    # None of another window.
    left_to_humans(listener, (number + 1) * MINUTE, f"later-{number}")
    left_to_humans(listener, number * MINUTE - 1, f"sooner-{number}")
    return number


def test_people_are_told_what_the_flood_was_and_what_to_type(
    listener: Listener, window: int
) -> None:
    execution = digest(listener, window, FloodWindowSeconds=str(MINUTE))
    assert execution["status"] == "SUCCEEDED", execution
    [mail] = listener.mails()
    first = "FLOOD: 40 alerts held back, 5 need you"
    assert mail["subject"] == first
    begins, ends = iso(window * MINUTE), iso((window + 1) * MINUTE)
    assert mail["body"].splitlines() == [
        first,
        "",
        f"Flood of alerts from {begins} to {ends}: 40 alerts and 7 ends of alerts were not"
        " announced one by one, 5 incidents need somebody, 5 of them because of the flood, without"
        " a remediation.",
        "All of them are recorded. Announced one by one were 3 alerts. A window may bring 20; ends"
        " of what was announced, and what has become worse, are told beyond that.",
        "Escalated without a remediation, because a flood says that something larger is wrong:",
        f"  5 x Down <!channel> on apps/basket-{window}, apps/checkout-{window}",
        "Among the alerts that were not announced:",
        "  Down on apps/checkout in sre-platform",
        "",
        "Next: srectl handover   (who needs somebody and what is at work, many that are alike as"
        " one)",
        "      srectl incidents list --status escalated",
        "      srectl mode observe   (if the runbooks should stop acting meanwhile)",
    ]


def test_machines_are_told_once_for_a_flood_of_many_windows(
    listener: Listener, window: int
) -> None:
    digest(listener, window, FloodWindowSeconds=str(MINUTE))
    [envelope] = listener.messages()
    told = json.loads(envelope["Message"])
    assert (told["event"], told["severity"]) == ("incidents.flood", "critical")
    assert (told["event_action"], told["dedup_key"]) == (
        "trigger",
        f"{listener.platform.name}-sre-platform-flood",
    )
    assert told["held_back"] == {"created": 40, "resolved": 7}
    assert told["announced"] == {"created": 3, "resolved": 0}
    assert (told["escalated"], told["because_of_flood"], told["complete"]) == (5, 5, True)
    apps = {each["what"]: (each["code"], each["times"]) for each in told["targets"]}
    assert apps[f"Down <!channel> on apps/basket-{window}, apps/checkout-{window}"] == ("flood", 5)
    assert envelope["MessageAttributes"]["severity"]["Value"] == "critical"


def test_chat_is_told_without_markup_from_alerts(listener: Listener, window: int) -> None:
    digest(listener, window, FloodWindowSeconds=str(MINUTE))
    [event] = listener.chat_events()
    schema = json.loads((ROOT / "events/schemas/incident.notified.json").read_text())
    Draft202012Validator(schema).validate(event["detail"])
    text = event["detail"]["data"]["slack_text"]
    told = f"5 x Down &lt;!channel&gt; on apps/basket-{window}, apps/checkout-{window}"
    assert told in text.splitlines()
    assert "<" not in text


def test_it_waits_until_the_window_is_over(listener: Listener) -> None:
    seconds = 5
    number = int(time.time()) // seconds
    begun = time.time()
    digest(listener, number, FloodWindowSeconds=str(seconds), DigestGraceSeconds="2")
    assert time.time() >= (number + 1) * seconds + 2
    assert time.time() - begun < 60
    assert len(listener.mails()) == 1


def added_up_by(listener: Listener, window: int) -> str:
    return str(counted(listener, window).get("added_up_by", ""))


def test_it_is_told_again_as_it_grows_unless_a_larger_one_is_on_its_way(
    listener: Listener,
) -> None:
    number = int(time.time()) // MINUTE + 100
    count(listener, number, created=70, held=50, held_created_critical=50)
    machine = listener.variant("incident-digest", FloodWindowSeconds=str(MINUTE))
    smaller = listener.platform.start({"window": number, "grown": 20}, machine)
    ended = listener.platform.run({"window": number, "grown": 40}, machine)
    assert ended["status"] == "SUCCEEDED", ended
    # It stands in for the digest of the window, which is long to come.
    listener.platform.sfn.stop_execution(executionArn=smaller)
    assert stands_in(listener, smaller)
    [mail] = listener.mails()
    assert mail["subject"].startswith("FLOOD SO FAR: 50 alerts held back, ")
    assert f"Flood of alerts that goes on, from {iso(number * MINUTE)} to " in mail["body"]
    [envelope] = listener.messages()
    told = json.loads(envelope["Message"])
    assert told["dedup_key"] == f"{listener.platform.name}-sre-platform-flood-40"
    assert told["window_ended"] < iso(number * MINUTE)
    assert added_up_by(listener, number) == ""


def stands_in(listener: Listener, execution: str) -> bool:
    """Tell whether one of growth waits for the end of its window, too."""
    history = listener.platform.history(execution)
    entered = [each.get("stateEnteredEventDetails", {}).get("name") for each in history]
    return entered.count("WaitForItsEnd") == 2 and entered[-2] == "WaitForItsEnd"


@pytest.mark.parametrize("came", [True, False], ids=["the-window's-came", "none-came"])
def test_what_grew_just_before_the_end_is_told_by_the_digest_of_the_window_or_by_its_own(
    listener: Listener, came: bool
) -> None:
    number = a_window()
    count(listener, number, created=60, held=40, held_created_critical=40)
    if came:
        digest(listener, number, FloodWindowSeconds=str(MINUTE))
        assert len(listener.mails()) == 1
    machine = listener.variant("incident-digest", FloodWindowSeconds=str(MINUTE))
    ended = listener.platform.run({"window": number, "grown": 40}, machine)
    assert ended["status"] == "SUCCEEDED", ended
    [mail] = listener.mails()
    assert mail["subject"] == "FLOOD: 40 alerts held back, 0 need you"


def test_a_window_is_known_to_be_added_up_from_its_digest_on(
    listener: Listener, window: int
) -> None:
    digest(listener, window, FloodWindowSeconds=str(MINUTE))
    first = added_up_by(listener, window)
    assert first
    # Another one that was asked for tells all the same: twice is better than never.
    digest(listener, window, FloodWindowSeconds=str(MINUTE))
    assert added_up_by(listener, window) == first
    assert len(listener.mails()) == 2


def test_what_has_fired_for_days_when_a_flood_escalates_it_is_told(listener: Listener) -> None:
    """An Alertmanager that is connected for the first time tells of all that fires."""
    number = a_window()
    for days in (0.5, 2, 40):
        at = number * MINUTE + 10
        left_to_humans(listener, at, f"old-{number}", fired=days * 86400)
    digest(listener, number, FloodWindowSeconds=str(MINUTE))
    [mail] = listener.mails()
    assert mail["subject"] == "FLOOD: 0 alerts held back, 3 need you"
    assert f"  3 x Down <!channel> on apps/old-{number}" in mail["body"].splitlines()


def test_all_of_a_flood_who_need_somebody_are_counted_whatever_for(
    listener: Listener, window: int
) -> None:
    """Of a flood without runbooks each is called for by itself, and nobody is told to be needed."""
    at = window * MINUTE + 5
    for code in ("no-runbook", "no-runbook", "loop-breaker", "target-not-found"):
        left_to_humans(listener, at, f"other-{window}", code=code)
    # It runs again after somebody had stopped a runbook of it, which alone would be nothing.
    runs = {"abandoned": {"S": "a"}, "in_flight": {"S": "a"}}
    left_to_humans(listener, at, f"stopped-{window}", code="runbook-abandoned", more=runs)
    nobodys: dict[str, Any] = {
        "acknowledged_by": {"S": "ada"},
        "sender_name": {"S": "platform-canary"},
        "wakes": {"BOOL": False},
        "in_flight": {"S": "another"},
    }
    for name, value in nobodys.items():
        left_to_humans(listener, at, f"nobodys-{name}", code="no-runbook", more={name: value})
    digest(listener, window, FloodWindowSeconds=str(MINUTE))
    [mail] = listener.mails()
    assert mail["subject"] == "FLOOD: 40 alerts held back, 10 need you"
    lines = mail["body"].splitlines()
    assert lines[2].endswith(
        "10 incidents need somebody, 5 of them because of the flood, without a remediation."
    )
    first = lines.index("Called for one by one, each for a reason of its own:") + 1
    assert lines[first] == f"  2 x Down <!channel> on apps/other-{window}: no runbook for it"
    assert sorted(lines[first + 1 : first + 4]) == [
        f"  1 x Down <!channel> on apps/other-{window}: loop breaker",
        f"  1 x Down <!channel> on apps/other-{window}: target not found",
        f"  1 x Down <!channel> on apps/stopped-{window}: its runbook was stopped",
    ]
    assert "nobodys" not in mail["body"]
    [envelope] = listener.messages()
    told = json.loads(envelope["Message"])
    assert (told["escalated"], told["because_of_flood"]) == (10, 5)


def test_who_was_called_by_itself_is_no_second_page(listener: Listener) -> None:
    number = a_window()
    left_to_humans(listener, number * MINUTE + 5, f"other-{number}", code="no-runbook")
    count(listener, number, created=30, held=10, held_created_warning=10)
    digest(listener, number, FloodWindowSeconds=str(MINUTE))
    [envelope] = listener.messages()
    assert envelope["MessageAttributes"]["severity"]["Value"] == "warning"
    assert listener.mails()[0]["subject"] == "FLOOD: 10 alerts held back, 1 needs you"


def test_announced_are_beginnings_and_ends_and_the_limit_is_not_of_both(
    listener: Listener,
) -> None:
    number = a_window()
    counts = {"created": 37, "resolved": 5, "held": 17, "held_created_warning": 17}
    count(listener, number, **counts)
    digest(listener, number, FloodWindowSeconds=str(MINUTE))
    [mail] = listener.mails()
    assert "Announced one by one were 20 alerts and 5 ends. A window may bring 20;" in mail["body"]


def test_those_of_one_alert_are_told_together_the_most_first(listener: Listener) -> None:
    number = a_window()
    disk = {"alert_name": {"S": "DiskAlmostFull"}}
    left_to_humans(listener, number * MINUTE + 55, "basket")
    for second in range(40):
        left_to_humans(listener, number * MINUTE + second, f"svc-{second}", more=disk)
    count(listener, number, created=61, held=41, held_created_warning=41)
    digest(listener, number, FloodWindowSeconds=str(MINUTE))
    lines = listener.mails()[0]["body"].splitlines()
    assert [line for line in lines if " x " in line] == [
        "  40 x DiskAlmostFull on apps/svc-39, apps/svc-38, apps/svc-37 and others",
        "  1 x Down <!channel> on apps/basket",
    ]


@pytest.mark.parametrize(
    ("counts", "needs", "said"),
    [
        (
            {"created": 1, "resolved": 1, "held_created_info": 1, "held_resolved_info": 1},
            1,
            (
                "FLOOD: 1 alert held back, 1 needs you",
                "1 alert and 1 end of an alert were not announced one by one, 1 incident needs"
                " somebody because of the flood, without a remediation.",
                "None was announced by itself.",
            ),
        ),
        (
            {"created": 3, "resolved": 2, "held_resolved_info": 1},
            0,
            (
                "FLOOD: 0 alerts held back, 0 need you",
                "1 end of an alert was not announced one by one, 0 incidents need somebody.",
                "Announced one by one were 3 alerts and 1 end.",
            ),
        ),
    ],
    ids=["one-of-each", "an-end"],
)
def test_of_one_it_speaks_as_of_one_and_of_none_not_at_all(
    listener: Listener, counts: dict[str, int], needs: int, said: tuple[str, str, str]
) -> None:
    number = a_window()
    for _ in range(needs):
        left_to_humans(listener, number * MINUTE + 5, "checkout")
    count(listener, number, held=1, **counts)
    digest(listener, number, FloodWindowSeconds=str(MINUTE))
    first, _, whole, where, *_ = listener.mails()[0]["body"].splitlines()
    assert first == said[0]
    assert whole.endswith(f"Z: {said[1]}")
    assert said[2] in where


def test_what_a_digest_told_while_the_flood_went_on_is_said_to_be_told_again(
    listener: Listener,
) -> None:
    number = int(time.time()) // MINUTE + 100
    machine = listener.variant("incident-digest", FloodWindowSeconds=str(MINUTE))
    for held, given in ((50, {"grown": 40}), (90, {"grown": 80}), (95, {})):
        listener.platform.ddb.update_item(
            TableName=listener.guard,
            Key={"guard_key": {"S": f"flood#notify#{number}"}},
            UpdateExpression="SET created = :held, held = :held, held_created_warning = :held",
            ExpressionAttributeValues={":held": {"N": str(held)}},
        )
        if not given:
            # The same row, as of a window that is over.
            key = {"guard_key": {"S": f"flood#notify#{number}"}}
            row = listener.platform.ddb.get_item(TableName=listener.guard, Key=key)["Item"]
            number = a_window()
            over = {**row, "guard_key": {"S": f"flood#notify#{number}"}}
            listener.platform.ddb.put_item(TableName=listener.guard, Item=over)
        ended = listener.platform.run({"window": number, **given}, machine)
        assert ended["status"] == "SUCCEEDED", ended
    mails = listener.mails()
    assert [mail["subject"].partition(",")[0] for mail in mails] == [
        "FLOOD SO FAR: 50 alerts held back",
        "FLOOD SO FAR: 90 alerts held back (50 told before)",
        "FLOOD: 95 alerts held back (90 told before)",
    ]
    again = "90 of the alerts held back were told before, while the flood went on."
    assert again in mails[-1]["body"].splitlines()
    assert "told before" not in mails[0]["body"]


def test_many_pages_of_escalations_are_added_up(listener: Listener) -> None:
    number = a_window()
    for second in range(130):
        left_to_humans(listener, number * MINUTE + second / 3, f"many-{number}")
    count(listener, number, notifications=1, created=1)
    execution = digest(listener, number, FloodWindowSeconds=str(MINUTE))
    assert execution["status"] == "SUCCEEDED", execution
    [mail] = listener.mails()
    assert f"  130 x Down <!channel> on apps/many-{number}" in mail["body"].splitlines()


def test_a_flood_of_warnings_that_left_nothing_to_humans_wakes_nobody(listener: Listener) -> None:
    number = a_window()
    count(listener, number, notifications=30, created=30, held_created_warning=10)
    digest(listener, number, FloodWindowSeconds=str(MINUTE))
    [envelope] = listener.messages()
    assert envelope["MessageAttributes"]["severity"]["Value"] == "warning"
    assert "No runbook was held back." in listener.mails()[0]["body"]


@pytest.mark.parametrize(
    "character", ["警", "\U0001f525", '"'], ids=["three-bytes", "four", "quotes"]
)
def test_however_long_the_names_of_a_flood_are_the_first_are_told_and_the_rest_counted(
    listener: Listener, character: str
) -> None:
    """A task may answer 256 KiB, a state assign as much, and a topic's message be as long."""
    number, each = a_window(), 60
    names = [f"checkout-{count}-" for count in range(2 * each)]
    for second, name in enumerate(names):
        left_to_humans(
            listener,
            number * MINUTE + second / 3,
            name + character * (254 - len(name)),
            code="flood" if second % 2 else "no-runbook",
            more={
                "alert_name": {"S": f"{name}{character * (256 - len(name))}"},
                "target": {
                    "M": {
                        "namespace": {"S": character * 254},
                        "name": {"S": name + character * (254 - len(name))},
                    }
                },
            },
        )
    told = [f"{count} {character * 195}" for count in range(40)]
    count(listener, number, created=90, held=70, held_created_critical=70, alerts=told)
    execution = digest(listener, number, FloodWindowSeconds=str(MINUTE))
    assert execution["status"] == "SUCCEEDED", execution
    [mail] = listener.mails()
    assert mail["subject"] == f"FLOOD: 70 alerts held back, {2 * each} need you"
    lines = mail["body"].splitlines()
    assert lines.count(f"  and {each - 40} more") == 2
    assert sum(line.startswith("  1 x checkout-") for line in lines) == 80


def test_a_record_that_no_task_may_answer_with_leaves_the_digest_told(listener: Listener) -> None:
    number = a_window()
    for second in range(80):
        name = {"alert_name": {"S": "x" * 8000}}
        left_to_humans(listener, number * MINUTE + second / 2, "checkout", more=name)
    count(listener, number, created=60, held=40, held_created_warning=40)
    execution = digest(listener, number, FloodWindowSeconds=str(MINUTE))
    assert execution["status"] == "SUCCEEDED", execution
    [mail] = listener.mails()
    assert mail["subject"].startswith("FLOOD: not all could be counted, at least ")


@pytest.mark.parametrize("table", ["GuardTable", "IncidentTable"])
def test_what_cannot_be_counted_is_said_and_pages(
    listener: Listener, window: int, table: str
) -> None:
    execution = digest(listener, window, FloodWindowSeconds=str(MINUTE), **{table: "no-such-table"})
    assert execution["status"] == "SUCCEEDED", execution
    [mail] = listener.mails()
    first, _, whole = mail["body"].splitlines()[:3]
    assert first.startswith("FLOOD: not all could be counted, at least ")
    assert "Not everything could be counted." in whole
    [envelope] = listener.messages()
    assert envelope["MessageAttributes"]["severity"]["Value"] == "critical"


def test_what_the_topic_refuses_is_parked_whole_and_chat_hears_it(
    listener: Listener, window: int
) -> None:
    execution = digest(
        listener, window, FloodWindowSeconds=str(MINUTE), TopicArn=f"{listener.topic}-gone"
    )
    assert execution["status"] == "SUCCEEDED", execution
    [parked] = listener.parked()
    assert parked["event"] == "incidents.flood"
    assert json.loads(parked["message"])["email"].startswith("FLOOD: ")
    assert len(listener.chats()) == 1


def test_where_nothing_can_be_said_or_kept_the_execution_fails_so_that_its_alarm_rings(
    listener: Listener,
) -> None:
    execution = digest(
        listener,
        a_window(),
        FloodWindowSeconds=str(MINUTE),
        TopicArn=f"{listener.topic}-gone",
        NotificationDeadLetterQueueUrl=f"{listener.dead}-gone",
    )
    assert (execution["status"], execution["error"]) == ("FAILED", "NobodyTold")
