"""One mail in the morning says what needs somebody and what the night was, as srectl does."""

from __future__ import annotations

import datetime
import json
import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer

from srectl.console.overview import of_records, summary
from srectl.operate.moments import moment
from srectl.operate.noise import noisiest
from srectl.operate.recent import recent
from srectl.operate.recent import since as begun_since
from tests.integration.statemachine.listener import Listener
from tests.integration.statemachine.platform import Platform

pytestmark = pytest.mark.localaws

NOW = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
MONTH = NOW - datetime.timedelta(days=30)
#: The heartbeat's own record, and one of somebody whose alert has the same name.
CANARY = {"alert_name": "PlatformCanary", "sender_name": "platform-canary"}
NAMED_ALIKE = {"alert_name": "PlatformCanary", "sender_name": ""}
TAKEN = "arn:aws:iam::000000000000:user/ada"
#: What must not get into a mail: a line break, an override, a control, markup.
HOSTILE = "Down\r\nSubject: x\n\n.\n\u202e\x1b[2J\u2028<b>{{x}}</b> ${Y} {% $z %} %0aBcc: a"


class Night:
    """Records of a table of its own, and who hears of them."""

    def __init__(self, platform: Platform, listener: Listener) -> None:
        self.platform, self.listener = platform, listener
        self.table = f"{listener.name}-incidents"
        index = [
            {"AttributeName": "status", "KeyType": "HASH"},
            {"AttributeName": "timestamp", "KeyType": "RANGE"},
        ]
        names = ("incident_id", "timestamp", "status")
        platform.ddb.create_table(
            TableName=self.table,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in names],
            KeySchema=[
                {"AttributeName": "incident_id", "KeyType": "HASH"},
                {"AttributeName": "timestamp", "KeyType": "RANGE"},
            ],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "by-status",
                    "KeySchema": index,
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
        )

    def put(self, hours: float, status: str = "resolved", **more: Any) -> str:
        """Write a record; gives the beginning of its id, by which it is told."""
        at = NOW - datetime.timedelta(hours=hours)
        record = {
            "incident_id": str(uuid.uuid4()),
            "timestamp": f"{at:%Y-%m-%dT%H:%M:%S}.000Z",
            "status": status,
            "alert_name": "CheckoutHighErrorRate",
            "severity": "critical",
            "target": {"cluster": "c", "namespace": "apps", "kind": "deployment", "name": "web"},
            "actions_taken": [],
            **({"escalated_at": f"{at:%Y-%m-%dT%H:%M:%S}.000Z"} if status == "escalated" else {}),
            **more,
        }
        wire = TypeSerializer()
        self.platform.ddb.put_item(
            TableName=self.table, Item={k: wire.serialize(v) for k, v in record.items()}
        )
        return str(record["incident_id"])[:8]

    def told(self, given: dict[str, Any] | None = None, **changes: str) -> tuple[str, str]:
        """Let it be told; gives subject and body of the one mail."""
        machine = self.listener.variant("morning-digest", Incidents=self.table, **changes)
        before = len(self.listener.mails())
        execution = self.platform.run(given or {}, machine)
        assert execution["status"] == "SUCCEEDED", execution
        [mail] = self.listener.mails()[before:]
        return mail["subject"], mail["body"]

    def numbers(self) -> dict[str, Any]:
        """Take what a program that has subscribed was told."""
        [envelope] = self.listener.messages()
        found: dict[str, Any] = json.loads(envelope["Message"])
        return found

    def read(self, since: datetime.datetime) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Read what is not over, and what is, as the operator's tool does."""
        ddb = self.platform.ddb
        open_ = [
            each
            for status in ("escalated", "remediating", "open")
            for each in recent(ddb, self.table, status, MONTH).records
        ]
        return open_, recent(ddb, self.table, "resolved", since, most=400, pages=4).records


def lending(*operations: str, done: str = "succeeded", **more: Any) -> dict[str, Any]:
    """What a runbook leaves on a record whose target it changed for a time."""
    target = {"cluster": "c", "namespace": "apps", "kind": "deployment", "name": "web"}
    step = {
        "index": 1,
        "name": "s",
        "action": "enable_degraded_mode",
        "target": target,
        "lends": True,
    }
    taken = [
        {
            "operation": each,
            "status": done if each != "execute" else "succeeded",
            "step": json.dumps({"index": 1, "name": "s", "of": 1}),
            "result": json.dumps({"undo": {"handle": "h"}}, separators=(",", ":")),
        }
        for each in operations
    ]
    hand = {"runbook": "R", "of": 1, "locks": [], "steps": [step]}
    return {"in_hand": json.dumps(hand, separators=(",", ":")), "actions_taken": taken, **more}


@pytest.fixture
def night(platform: Platform) -> Iterator[Night]:
    """Return a night of this test's own, without any incident so far."""
    for listener in Listener.of(platform):
        yield Night(platform, listener)


def lines_after(body: str, title: str) -> list[str]:
    """Give what is listed under a line of the mail."""
    lines = iter(body.splitlines())
    next(line for line in lines if line.startswith(title))
    found = []
    for line in lines:
        if not line.startswith("  "):
            break
        found.append(line.strip())
    return found


def busy(night: Night) -> None:
    """Write a night with every kind of end in it, and what is of before it."""
    executed = {"operation": "execute", "status": "succeeded"}
    undone = {"operation": "undo", "status": "succeeded"}
    failed = {"operation": "execute", "status": "failed"}
    verified = f"{NOW:%Y-%m-%dT%H:%M:%SZ}"
    night.put(1, actions_taken=[executed], verified_at=verified, mttr_seconds=40)
    night.put(2, actions_taken=[executed], verified_at=verified, mttr_seconds=90)
    night.put(3, actions_taken=[executed], escalated_at="x", verified_at=verified, mttr_seconds=900)
    night.put(4, actions_taken=[executed, undone], escalated_at="x", mttr_seconds=7000)
    # Called for, and over: once with nobody at it, once in somebody's hands.
    night.put(4, escalated_at="x", mttr_seconds=15)
    night.put(4, escalated_at="x", mttr_seconds=600, acknowledged_by=TAKEN)
    night.put(5, actions_taken=[failed], alert_name="DiskFull", mttr_seconds=61)
    night.put(6, alert_name="DiskFull", closed_by=TAKEN)
    night.put(7, **CANARY)
    night.put(7, **NAMED_ALIKE)
    night.put(2, "escalated", **NAMED_ALIKE)
    night.put(25, alert_name="Yesterday")
    night.put(3, "escalated", escalation_code="not-resolved", alert_name="DiskFull")
    night.put(
        50, "escalated", escalation_code="no-runbook", acknowledged_by=TAKEN, severity="warning"
    )
    night.put(4, "escalated", wakes=False)
    night.put(5, "escalated", in_flight="e1", abandoned="e1")
    night.put(6, "escalated", in_flight="e2", abandoned="e1")
    asked = {"token": "secret-token", "requested_at": "x", "until": "2026-12-01T00:00:00Z"}
    night.put(1, "remediating", approval=asked)
    night.put(1, "remediating", approval={**asked, "answer": "approved"})
    night.put(2, "open", severity="info")
    night.put(40, "open", alert_name="Yesterday")
    night.put(24 * 31, "escalated")
    night.put(1, **lending("execute", verified_at=verified, lent_until=verified))
    night.put(2, **lending("execute", verified_at=verified, restoration="restored"))
    night.put(3, **lending("execute", "undo"))
    night.put(
        4, **lending("execute", "undo", done="failed"), restoration="not restored: it came back"
    )
    # A question of an earlier runbook, and one whose answer counted without its note.
    of_another = {"approval": {**asked, "execution": "e1"}, "runbook_execution": "e2"}
    night.put(2, "remediating", **lending("execute"), **of_another)
    begun = {"runbook_execution": "e1", "begun": "e1", "begun_at": "y"}
    night.put(3, "remediating", **lending(), approval=asked, **begun)


def test_the_mail_counts_as_the_operators_tool_does(night: Night) -> None:
    busy(night)
    subject, body = night.told()
    told = night.numbers()
    since = moment(told["since"])
    assert since is not None
    assert abs((datetime.datetime.now(datetime.UTC) - since).total_seconds() - 86400) < 120
    open_, ended = night.read(since)
    page = of_records(open_, ended, NOW)
    counted = summary(open_, ended, since)
    assert told["needs_somebody"] == len(page["needs"]) == 4
    assert told["in_hand"] == len(page["in_hand"]) == 1
    assert told["at_work"] == len(page["at_work"]) == 4
    assert told["other_open"] == len(page["others"]) == 3
    assert told["lent"] == len(page["lent"]) == 3
    by = {name: counted[name] for name in ("automation", "itself", "human")}
    assert (told["begun"], told["ended_by"], told["not_over"]) == (
        counted["begun"],
        by,
        counted["open"],
    )
    assert (told["called"], told["median_seconds"]) == (counted["woken"], counted["median"])
    assert told["undone"] == 2
    # In their order, too.
    for title, records in (("Needs somebody: 4", page["needs"]), ("At work: 4", page["at_work"])):
        assert [line[:8] for line in lines_after(body, title)] == [
            each["incident_id"][:8] for each in records
        ]
    assert {line[:8] for line in lines_after(body, "Otherwise open: 3")} == {
        each["incident_id"][:8] for each in page["others"]
    }
    assert {line[:8] for line in lines_after(body, "Lent: 3")} == {
        each["record"]["incident_id"][:8] for each in page["lent"]
    }
    found = begun_since(night.platform.ddb, night.table, since).records
    assert told["noisiest"] == [
        {
            "alert": e.alert,
            "came": e.count,
            "called": e.called,
            "helped": e.helped,
            "itself": e.itself,
        }
        for e in noisiest(found)
    ]
    assert told["complete"] is True
    assert subject == body.splitlines()[0] == told["message"]
    assert (
        subject == f"MORNING: 4 need you; {counted['begun']} incidents, {by['automation']} repaired"
    )
    assert "secret-token" not in body


def test_it_says_who_has_what_how_old_it_is_and_what_is_lent_until_when(night: Night) -> None:
    nobody = night.put(3.5, "escalated", escalation_code="not-resolved")
    ada = night.put(
        50, "escalated", escalation_code="no-runbook", acknowledged_by=TAKEN, severity="info"
    )
    verified, until = "2026-11-28T03:00:00Z", "2026-11-28T09:00:00.000Z"
    lent = night.put(
        2, **lending("execute", verified_at=verified, lent_until=until, mttr_seconds=75)
    )
    own = night.put(1, "remediating", **lending("execute"))
    body = night.told()[1]
    [first] = lines_after(body, "Needs somebody: 1")
    [second] = lines_after(body, "In somebody's hands: 1")
    name = "CheckoutHighErrorRate on apps/web"
    assert re.fullmatch(
        rf"{nobody} critical {name}: nothing has helped; 3 h \d+ min old, nobody has it", first
    )
    assert re.fullmatch(
        rf"{ada} info {name}: no runbook for it; 50 h \d+ min old, taken by {TAKEN}", second
    )
    assert sorted(lines_after(body, "Lent: 2")) == sorted(
        [
            f"{lent} degraded mode on apps/web; back once things have been quiet for a while, "
            f"at {until} at the earliest",
            f"{own} degraded mode on apps/web; back with its incident's end, and what its "
            "runbook says of the time after",
        ]
    )
    assert "Of those that are over a runbook ended 100 %; median time to the end 1 min." in body


def test_it_says_which_further_contacts_were_called_for_what_nobody_took(night: Night) -> None:
    first, again = "2026-11-28T03:00:00.000Z", "2026-11-28T04:00:00.000Z"
    called: dict[str, Any] = {"escalated_at": first, "escalation_code": "not-resolved"}
    second = night.put(1, "escalated", **called, climb_since=first, climb_level=2)
    third = night.put(2, "escalated", **called, climb_since=first, climb_level=3)
    # Given back since: of the new call nobody else has been told yet.
    back = night.put(3, "escalated", **called, released_at=again, climb_since=first, climb_level=3)
    both = night.put(4, "escalated", **called, released_at=again, climb_since=again, climb_level=2)
    nobody = night.put(5, "escalated", **called)
    night.put(6, **called, climb_since=first, climb_level=2)
    ada = night.put(
        7, "escalated", **called, climb_since=first, climb_level=2, acknowledged_by=TAKEN
    )
    body = night.told()[1]
    ends = {
        line[:8]: line.partition(" min old, ")[2]
        for title in ("Needs somebody: 5", "In somebody's hands: 1")
        for line in lines_after(body, title)
    }
    alone = "nobody has it"
    assert ends == {
        second: f"{alone}, and the second contact was called",
        third: f"{alone}, and the second and the third contact were called",
        back: alone,
        both: f"{alone}, and the second contact was called",
        nobody: alone,
        ada: f"taken by {TAKEN}, and the second contact was called",
    }
    assert (
        "For 7 of them a human was called, for 6 further contacts, too, as nobody took it;" in body
    )
    assert night.numbers()["climbed"] == 6


def test_it_says_what_of_the_lent_nobody_brings_back(night: Night) -> None:
    over = "2026-11-28T03:00:00Z"
    unheard = night.put(3, "escalated", **lending("execute", escalation_code="end-not-heard"))
    abandoned = {"escalation_code": "runbook-abandoned", "in_flight": "a", "abandoned": "a"}
    stopped = night.put(2, "escalated", **lending("execute", **abandoned))
    ended = night.put(2, **lending("execute", **abandoned))
    failed = night.put(1, **lending("execute", "restore", done="failed", verified_at=over))
    what = "degraded mode on apps/web;"
    nobody = "nobody brings it back by itself: srectl undo"
    assert sorted(lines_after(night.told()[1], "Lent: 4")) == sorted(
        [
            f"{unheard} {what} back once its alert's end is heard and things have been quiet for "
            "a while",
            *(f"{each} {what} {nobody} {each} does" for each in (stopped, ended, failed)),
        ]
    )


def test_a_night_without_incidents_is_told_too(night: Night) -> None:
    night.put(2, **CANARY)
    subject, body = night.told()
    assert subject == "MORNING: nothing needs you; no incidents"
    for title in (
        "Needs somebody",
        "At work",
        "Otherwise open",
        "Lent",
        "Noisiest alerts since then",
    ):
        assert f"{title}: none" in body.splitlines()
    assert "Automation: on" in body
    assert "Maintenance: no window" in body
    assert "Not read" not in body
    assert (night.numbers()["median_seconds"], night.listener.parked()) == (None, [])


def test_the_switches_are_told(night: Night, platform: Platform) -> None:
    soon = [NOW + datetime.timedelta(hours=hours) for hours in (1, 2)]
    start, end = (f"{each:%Y-%m-%dT%H:%M:%SZ}" for each in soon)
    over = {"start": "2026-01-01T00:00:00Z", "end": "2026-01-01T01:00:00Z", "reason": "long over"}
    platform.set_mode("observe")
    platform.set_own_modes({"RestartLeaky": "observe"})
    platform.set_maintenance(
        [over, {"start": start, "end": end, "reason": "upgrade", "target": "apps/web"}]
    )
    try:
        body = night.told()[1]
    finally:
        platform.set_mode("on")
        platform.set_own_modes({})
        platform.set_maintenance([])
    assert lines_after(body, "Automation: observe") == ["runbook RestartLeaky observe"]
    assert lines_after(body, "Maintenance: 1") == [f"apps/web only, {start} to {end}: upgrade"]


def test_hostile_text_is_one_line_each_and_the_subject_is_plain(night: Night) -> None:
    hostile = {"alert_name": HOSTILE, "subject": HOSTILE * 9, "acknowledged_by": HOSTILE}
    nowhere = {"cluster": HOSTILE, "namespace": None, "kind": None, "name": None}
    for kind in ("escalated", "remediating", "open", "resolved"):
        night.put(1, kind, **hostile, target=nowhere, severity=HOSTILE, escalation_code=HOSTILE)
    night.put(1, **lending("execute", restoration=HOSTILE, alert_name=HOSTILE))
    night.put(1, "escalated", alert_name=HOSTILE, severity=HOSTILE)
    night.put(1, alert_name="__proto__")
    subject, body = night.told()
    assert re.fullmatch(r"[ -~]{1,60}", subject)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e]", body)
    plain = night.told()[1]  # the same number of lines as without it
    assert len(plain.splitlines()) == len(body.splitlines())
    for title in ("Needs somebody", "In somebody's hands", "At work", "Otherwise open", "Lent"):
        assert len(lines_after(body, f"{title}: 1")) == 1
    assert not [line for line in body.splitlines() if line.startswith(("Subject:", ".", "Bcc"))]
    proto = "__proto__: came 1, called a human 0, ended by a runbook 0, by itself 1"
    assert proto in lines_after(body, "Noisiest alerts since then:")


def test_what_is_of_more_than_a_page_is_added_up_and_the_most_urgent_are_listed(
    night: Night,
) -> None:
    for minute in range(45):
        night.put(1 + minute / 60, "escalated", severity="warning", alert_name=f"A{minute % 13:02}")
    worst = night.put(23, "escalated")
    oldest = night.put(48, "escalated", severity="warning")
    for minute in range(65):
        night.put(2 + minute / 60, **(CANARY if minute % 2 else {"alert_name": "Other"}))
    subject, body = night.told()
    told = night.numbers()
    assert subject == "MORNING: 47 need you; 79 incidents"
    listed = lines_after(body, "Needs somebody: 47")
    assert [line[:8] for line in listed[:2]] == [worst, oldest]
    assert (len(listed), listed[-1]) == (21, "and 27 more")
    assert told["noisiest"][0] == {
        "alert": "Other",
        "came": 33,
        "called": 0,
        "helped": 0,
        "itself": 33,
    }
    assert len(told["noisiest"]) == 10


def test_where_it_did_not_look_at_all_it_says_so(night: Night) -> None:
    for minute in range(65):
        night.put(1 + minute / 60, "escalated")
    subject, body = night.told(MostPages="2")
    assert subject == "MORNING, not all read: 60+ need you; 60+ incidents"
    assert "There are more incidents than were looked at, so each number is at least that." in body
    assert night.numbers()["complete"] is False


def test_the_hours_are_those_that_the_schedule_was_due_for(night: Night) -> None:
    night.put(30, alert_name="Before")
    night.put(1)
    due = f"{NOW - datetime.timedelta(hours=12):%Y-%m-%dT%H:%M:%SZ}"
    night.told({"event": "morning-digest.due", "at": due})
    told = night.numbers()
    assert (told["begun"], told["since"]) == (
        2,
        f"{NOW - datetime.timedelta(hours=36):%Y-%m-%dT%H:%M:%SZ}",
    )
    machine = night.listener.variant("morning-digest", Incidents=night.table)
    for given in ("yesterday", "2026-19-39T07:00:00Z", "2026-02-29T07:00:00Z", 7):
        ended = night.platform.run({"at": given}, machine)
        assert (ended["status"], ended["error"]) == ("FAILED", "NoTime"), given


def test_odd_records_are_told_as_that_and_the_others_as_ever(
    night: Night, platform: Platform
) -> None:
    executed = {"operation": "execute", "status": "succeeded"}
    night.put(2, actions_taken=[executed], verified_at="x", mttr_seconds=40)
    good = night.put(3, "escalated", escalation_code="not-resolved")
    odd = night.put(1, "escalated", timestamp="2026-19-39T03:00:00.000Z")
    later = night.put(1, "resolved", timestamp="soon")
    for kind in ("escalated", "remediating", "open", "resolved"):
        night.put(
            1, kind, **dict.fromkeys(("severity", "alert_name", "target", "mttr_seconds"), "x")
        )
        others = ("acknowledged_by", "approval", "wakes", "subject", "actions_taken", "in_hand")
        for value in (7, {"a": [7]}, [[7]], True):
            night.put(
                1, kind, **dict.fromkeys((*others, "severity", "alert_name", "target"), value)
            )
    lends = night.put(4, in_hand='{"lends":true', actions_taken=[executed])
    hour = datetime.timedelta(hours=1)
    start, end = (f"{each:%Y-%m-%dT%H:%M:%SZ}" for each in (NOW, NOW + hour))
    window = {"start": start, "end": end, "reason": "upgrade"}
    platform.set_maintenance([window, {**window, "end": "2026-13-45T00:00:00Z"}])
    try:
        subject, body = night.told()
    finally:
        platform.set_maintenance([])
    assert subject == "MORNING, not all read: 7+ need you; 25+ incidents"
    lines = body.splitlines()
    assert f"Not read: since when 2 incidents are: {odd}, {later}" in lines
    assert "Not read: until when 1 of the maintenance windows is" in lines
    assert [each for each in lines if each.startswith(f"Not read: what {lends}")], lines
    needs = lines_after(body, "Needs somebody: 7")
    assert any(
        re.fullmatch(rf"{good} critical .*; 3 h \d+ min old, nobody has it", each) for each in needs
    )
    [told] = [each for each in needs if each.startswith(odd)]
    assert told.endswith("; since when cannot be read, nobody has it")
    assert lines_after(body, "Maintenance: 1") == [f"{start} to {end}: upgrade"]
    assert "Automation: on" in lines
    assert night.numbers()["complete"] is False


@pytest.mark.parametrize(
    ("changes", "unread"),
    [
        ({"Incidents": "no-such-table"}, "incidents that are escalated ("),
        ({"ModeParameterName": "/no-such/mode"}, ""),
    ],
)
def test_what_cannot_be_read_is_said_and_the_rest_told(
    night: Night, changes: dict[str, str], unread: str
) -> None:
    night.table = changes.pop("Incidents", night.table)
    subject, body = night.told({}, **changes, Patiently="[]")
    if unread:
        assert subject == "MORNING, not all read: 0+ need you; 0+ incidents"
        assert f"Not read: {unread}" in body
        assert "Needs somebody: none that was read" in body.splitlines()
    else:
        assert "Not read: the switch /no-such/mode" in body.splitlines()
        assert "Automation: not known" in body.splitlines()


def test_nobody_is_paged_and_no_team_or_further_contact_is_told(night: Night) -> None:
    night.put(1, "escalated", labels={"team": "payments"})
    night.told()
    [envelope] = night.listener.messages()
    assert {name: each["Value"] for name, each in envelope["MessageAttributes"].items()} == {
        "event": "incidents.morning",
        "severity": "info",
    }
    assert night.listener.chat_events() == []


def test_what_the_topic_refuses_is_parked_whole(night: Night) -> None:
    listener = night.listener
    gone = {"TopicArn": f"{listener.topic}-gone", "Patiently": "[]"}
    machine = listener.variant("morning-digest", Incidents=night.table, **gone)
    assert night.platform.run({}, machine)["status"] == "SUCCEEDED"
    [parked] = listener.parked()
    assert (parked["event"], parked["message_structure"]) == ("incidents.morning", "json")
    forms = json.loads(parked["message"])
    assert forms["email"].startswith("MORNING: nothing needs you")
    # By what stands here PagerDuty's own integration pages.
    assert sorted(forms) == ["default", "email"]


def test_where_it_can_neither_be_sent_nor_kept_the_execution_fails_so_that_its_alarm_rings(
    night: Night,
) -> None:
    listener = night.listener
    machine = listener.variant(
        "morning-digest",
        Incidents=night.table,
        TopicArn=f"{listener.topic}-gone",
        NotificationDeadLetterQueueUrl=f"{listener.dead}-gone",
        Patiently="[]",
        Stubbornly="[]",
    )
    execution = night.platform.run({}, machine)
    assert (execution["status"], execution["error"]) == ("FAILED", "NobodyTold")
