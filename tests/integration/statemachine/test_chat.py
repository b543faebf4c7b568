"""Answers from Slack, on the running machines: taken once, of who may, for what was shown.

The function's handler runs here, with the real tables, tokens and bus; Slack is a stand-in that
signs as Slack does and takes only what Slack takes.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from jsonschema import Draft202012Validator

from chat_actions import handler as module
from chat_actions.consent import speaker_of
from chat_actions.errors import ChatError, NotFromSlack
from chat_actions.incoming import button_value
from onemachine.project import PROJECT_ROOT
from srectl.operate.switches import windows, written
from tests.integration.statemachine.platform import (
    ACCOUNT,
    REGION,
    Platform,
    action_completed,
    incident,
    resolution,
    wait_for,
)
from tests.integration.statemachine.telling import id_of
from tests.support.queues import take_all
from tests.support.slack import (
    ADA,
    CHANNEL,
    EVE,
    SECRET,
    TOKEN,
    Message,
    Workspace,
    pressed,
    signed,
    slack,
)

pytestmark = pytest.mark.localaws

GRACE = "U0GRACE"
SILENCE = "Silence automation for this target"
ADA_ARN = "arn:aws:iam::000000000000:user/ada"
CONTEXT: Any = SimpleNamespace(
    function_name="chat-actions",
    memory_limit_in_mb=512,
    invoked_function_arn="arn",
    aws_request_id="id",
)


@dataclass
class Chat:
    """The function, called as API Gateway, itself and the bus call it."""

    platform: Platform
    seen: Workspace
    waiting: list[dict[str, Any]] = field(default_factory=list)

    def post(self, event: dict[str, Any]) -> int:
        """Post as Slack does; give the status."""
        return int(module.handler(event, CONTEXT)["statusCode"])

    def work(self) -> None:
        """Do what was left to another call."""
        while self.waiting:
            module.handler(self.waiting.pop(0), CONTEXT)

    def press(self, button: str, card: Message, user: str = ADA) -> str:
        """Press a button of a card; give what is whispered."""
        before = len(self.seen.whispers)
        status = self.post(signed(pressed(card.buttons()[button], card.ts, user)))
        assert status == 200
        self.work()
        ((who, told),) = self.seen.whispers[before:]
        assert who == user
        return told

    def tell(self, kind: str, of: dict[str, Any], **data: Any) -> None:
        """Tell what the bus does."""
        known = {**of["detail"]["data"], **data}
        module.handler({"detail-type": kind, "detail": {"data": known}}, CONTEXT)

    def card(self, event: dict[str, Any]) -> Message:
        """Have people told of an incident; give its card."""
        self.tell("incident.notified", event, event="incident.created", headline="h")
        wanted = id_of(event)
        (found,) = [each for each in self.seen.cards() if wanted in each.everything()]
        return found


@pytest.fixture(scope="module")
def secret(platform: Platform) -> str:
    value = json.dumps({"signing_secret": SECRET, "bot_token": TOKEN})
    made = platform.aws.client("secretsmanager").create_secret(
        Name=f"{platform.name}-slack", SecretString=value
    )
    return str(made["ARN"])


_made = boto3.session.Session.client


def _client_that_knows_its_errors(session: Any, *given: Any, **named: Any) -> Any:
    """Make a client with its classes of errors, which are made at their first use otherwise.

    A container of Lambda has one call at a time; of the threads here each could make its own, and
    would not know that of another.
    """
    client = _made(session, *given, **named)
    assert client.exceptions
    return client


@pytest.fixture
def chat(platform: Platform, secret: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Chat]:
    with slack() as seen:
        variables = {
            **platform.aws.operator_environment(),
            "SLACK_APP_SECRET_ARN": secret,
            "SLACK_CHANNEL": CHANNEL,
            "SLACK_PEOPLE": f"{ADA}={ADA_ARN},{GRACE}=grace@example.com",
            "SLACK_API_URL": seen.url,
            "INCIDENTS_TABLE": platform.table("incidents"),
            "GUARD_TABLE": platform.table("guard"),
            "RESTORER_ARN": platform.restorer_arn,
            "MAINTENANCE_PARAMETER": platform.maintenance_parameter,
            "EVENT_BUS_NAME": platform.bus,
            "ACCOUNT_ID": "000000000000",
            "AWS_LAMBDA_FUNCTION_NAME": "chat-actions",
        }
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(boto3.session.Session, "client", _client_that_knows_its_errors)
        module.container.cache_clear()
        found = Chat(platform, seen)
        monkeypatch.setattr(
            module.container(), "self_call", SimpleNamespace(later=found.waiting.append)
        )
        yield found
    module.container.cache_clear()


def asking(platform: Platform, **approval: Any) -> tuple[dict[str, Any], str]:
    """Have a runbook wait for an answer; give its event and execution."""
    event = incident(platform.runbook(approval={"required": True, **approval}))
    execution = platform.start(event)
    platform.send(event)
    wait_for(lambda: "approval" in record(platform, event), "the question")
    return event, execution


def record(platform: Platform, event: dict[str, Any]) -> dict[str, Any]:
    found = platform.records(id_of(event))
    return found[0] if found else {}


def over(platform: Platform, event: dict[str, Any], execution: str) -> None:
    """Let the runbook find an end of the alert, and wait for its own."""
    platform.send(resolution(event))
    platform.wait_ended(execution)


def test_what_is_approved_on_the_card_is_done_and_the_card_says_who(
    platform: Platform, chat: Chat
) -> None:
    event, execution = asking(platform)
    card = chat.card(event)
    assert card.text.startswith("ASKS YOU apps/")
    assert f"until {record(platform, event)['approval']['until']}" in card.everything()
    assert chat.press("Approve", card).startswith("Approved.")
    (call,) = wait_for(lambda: platform.calls(id_of(event), "execute"), "the action")
    (proof,) = call["approval"]["proofs"]
    user, person, query = speaker_of(proof)
    assert (user, person, call["plan_hash"]) == (ADA, ADA_ARN, "hash 1")
    assert query.startswith("Action=GetCallerIdentity")
    assert f"approved by {ADA_ARN} (in Slack, as {ADA})" in card.everything()
    assert [*card.buttons()] == ["Acknowledge", SILENCE]
    over(platform, event, execution)
    for kind in ("incident.resolved", "action.completed"):
        chat.tell(kind, event, action_id=record(platform, event)["actions_taken"][0]["action_id"])
    assert card.text.startswith("OK apps/")
    assert len(chat.seen.cards()) == 1
    told = chat.seen.thread(card.ts)
    assert len(told) == len(set(told)) >= 3


def test_what_is_denied_on_the_card_is_not_done(platform: Platform, chat: Chat) -> None:
    event, execution = asking(platform)
    card = chat.card(event)
    assert chat.press("Deny", card).startswith("Denied.")
    platform.wait_ended(execution)
    (call,) = platform.calls(id_of(event), "execute")
    assert call["approval"]["denied"] == "denied on the card in Slack"
    chat.tell("incident.escalated", event)
    assert card.text.startswith("NEEDS YOU")
    assert f"denied by {ADA_ARN} (in Slack" in card.everything()
    # The channel heard of the question by the new card, and of what came of it not by a change of
    # that and a reply in its thread alone.
    heard = {each.text[:9]: each.broadcast for each in chat.seen.messages if each.thread}
    assert (heard["ASKS YOU "], heard["NEEDS YOU"]) == (False, True)


def untouched(platform: Platform, event: dict[str, Any]) -> None:
    """Nobody has answered, and the runbook still waits."""
    assert "answer" not in record(platform, event)["approval"]
    assert platform.calls(id_of(event), "execute") == []


def test_what_is_no_answer_changes_nothing_and_who_gave_it_is_told(
    platform: Platform, chat: Chat
) -> None:
    event, execution = asking(platform)
    card = chat.card(event)
    body = pressed(card.buttons()["Approve"], card.ts)
    # Forged, stale, of nobody: not even taken in.
    for bad in (
        signed(body, secret="another"),
        signed(body, age=400),
        {**signed(body), "body": body + "&x=1"},
        {**signed(body), "headers": {}},
    ):
        assert chat.post(bad) == 401
    assert chat.waiting == []
    # Put into the queue by somebody who may call the function.
    with pytest.raises(NotFromSlack):
        module.handler(
            {
                "kind": module.CLICK,
                "body": body,
                "stamp": str(int(time.time())),
                "signature": "v0=0",
            },
            CONTEXT,
        )
    assert "not among those who may answer" in chat.press("Approve", card, EVE)
    # The button of another incident, of another message, of another plan.
    other, ends = asking(platform)
    theirs = chat.card(other)
    theirs_here = pressed(theirs.buttons()["Approve"], card.ts)
    for wrong, why in (
        (theirs_here, "does not stand on the card"),
        (pressed(card.buttons()["Approve"], "1.0"), "does not stand on the card"),
        (pressed(card.buttons()["Approve"], card.ts, channel="C0ELSE"), "does not stand"),
        (button(card, plan_hash="0f"), "another one by now"),
        (button(card, step=2), "another one by now"),
    ):
        chat.post(signed(wrong))
        before = len(chat.seen.whispers)
        try:
            chat.work()
        except ChatError:
            # A channel that the app is not in takes no whisper either.
            assert "C0ELSE" in wrong
            continue
        assert why in chat.seen.whispers[before][1]
    untouched(platform, event)
    untouched(platform, other)
    for running in (execution, ends):
        platform.sfn.stop_execution(executionArn=running)


def button(card: Message, **changes: Any) -> str:
    given = json.loads(card.buttons()["Approve"]["value"])
    step, plan_hash = changes.get("step", given["s"]), changes.get("plan_hash", given["h"])
    value = button_value(given["i"], step, plan_hash)
    return pressed({"action_id": "sre-approve", "value": value}, card.ts)


def test_of_two_at_once_and_of_a_double_press_one_counts(platform: Platform, chat: Chat) -> None:
    event, execution = asking(platform)
    card = chat.card(event)
    for button, user in (("Approve", ADA), ("Deny", GRACE), ("Approve", ADA)):
        assert chat.post(signed(pressed(card.buttons()[button], card.ts, user))) == 200
    calls = [threading.Thread(target=module.handler, args=(each, CONTEXT)) for each in chat.waiting]
    chat.waiting.clear()
    for each in calls:
        each.start()
    for each in calls:
        each.join(30)
    platform.send(resolution(event))
    platform.wait_ended(execution)
    told = [told for _user, told in chat.seen.whispers]
    assert len(told) == 3
    taken = [each for each in told if each.startswith(("Approved.", "Denied."))]
    assert len(taken) == 1, told
    assert (
        len({json.dumps(each["approval"]) for each in platform.calls(id_of(event), "execute")}) == 1
    )
    assert len(chat.seen.cards()) == 1


def test_an_answer_after_the_deadline_is_too_late(platform: Platform, chat: Chat) -> None:
    event, execution = asking(platform, timeout_seconds=2)
    card = chat.card(event)
    late = pressed(card.buttons()["Approve"], card.ts)
    platform.wait_ended(execution)
    chat.post(signed(late))
    chat.work()
    assert "Nothing waits for an answer any more" in chat.seen.whispers[-1][1]
    assert record(platform, event)["escalation_code"] == "approval-timeout"
    assert platform.calls(id_of(event), "execute") == []
    assert card.text.startswith("NEEDS YOU")


def test_two_persons_are_two_in_slack_too(platform: Platform, chat: Chat) -> None:
    event, execution = asking(platform, persons=2)
    card = chat.card(event)
    assert "first of two" in chat.press("Approve", card)
    assert "it takes two persons" in chat.press("Approve", card)
    untouched(platform, event)
    assert chat.press("Approve", card, GRACE).startswith("Approved.")
    (call,) = wait_for(lambda: platform.calls(id_of(event), "execute"), "the action")
    assert [speaker_of(each)[0] for each in call["approval"]["proofs"]] == [ADA, GRACE]
    over(platform, event, execution)


def test_who_takes_an_incident_is_told_on_the_bus_and_once(platform: Platform, chat: Chat) -> None:
    event = incident(None)
    platform.send(event)
    wait_for(lambda: record(platform, event), "the record")
    card = chat.card(event)
    assert chat.press("Acknowledge", card).startswith("It is yours")
    assert record(platform, event)["acknowledged_by"] == f"{ADA_ARN} (in Slack, as {ADA})"
    assert "Acknowledge" not in card.buttons()
    again = {"action_id": "sre-acknowledge", "value": button_value(id_of(event))}
    chat.post(signed(pressed(again, card.ts, GRACE)))
    chat.work()
    assert f"{ADA_ARN} (in Slack, as {ADA}) has it already" in chat.seen.whispers[-1][1]


def on_bus(platform: Platform, kind: str) -> Callable[[], list[dict[str, Any]]]:
    """Listen to what is said on the bus from now on; gives what takes all of it."""
    name = f"{platform.name}-{kind.replace('.', '-')}"
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
    allow = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    url = platform.sqs.create_queue(QueueName=name, Attributes={"Policy": policy})["QueueUrl"]
    pattern = json.dumps({"detail-type": [kind]})
    platform.events.put_rule(Name=name, EventBusName=platform.bus, EventPattern=pattern)
    target = {"Id": "queue", "Arn": arn}
    platform.events.put_targets(Rule=name, EventBusName=platform.bus, Targets=[target])

    def take() -> list[dict[str, Any]]:
        return [json.loads(body) for body in take_all(platform.sqs, url)]

    return take


def test_what_a_runbook_did_is_taken_back_once_and_the_card_says_by_whom(
    platform: Platform, chat: Chat
) -> None:
    said = on_bus(platform, "incident.undo-asked")
    # An alert of its own: one that fires again elsewhere has what was done handed over to it.
    name = platform.runbook()
    event = incident(name, fingerprint=name)
    execution = platform.start(event)
    platform.send(event)
    wait_for(lambda: record(platform, event).get("actions_taken"), "the action")
    card = chat.card(event)
    assert "Undo" not in card.buttons()
    over(platform, event, execution)
    chat.tell("incident.resolved", event)
    undo = pressed(card.buttons()["Undo"], card.ts)
    by_grace = pressed(card.buttons()["Undo"], card.ts, GRACE)
    for body in (undo, by_grace, undo):
        assert chat.post(signed(body)) == 200
    calls = [threading.Thread(target=module.handler, args=(each, CONTEXT)) for each in chat.waiting]
    chat.waiting.clear()
    for each in calls:
        each.start()
    for each in calls:
        each.join(30)
    by = record(platform, event)["undo_asked_by"]
    taken = [user for user, told in chat.seen.whispers if told.startswith("It is being taken")]
    assert len(chat.seen.whispers) == 3
    assert taken == ([ADA, ADA] if ADA in by else [GRACE])
    assert f"{by} has what the runbook did taken back" in card.everything()
    assert "Undo" not in card.buttons()
    # Each press says the same of the one attempt, which the notifier tells once.
    schema = json.loads((PROJECT_ROOT / "events/schemas/incident.undo-asked.json").read_text())
    at, told = record(platform, event)["undo_asked_at"], wait_for(said, "the bus to hear of it")
    for each in told:
        Draft202012Validator(schema).validate(each["detail"])
        assert (each["source"], each["detail"]["data"]["by"]) == ("sre.operator", by)
        assert each["detail"]["data"]["subject"] == record(platform, event)["subject"]
        assert each["detail"]["metadata"]["occurred_at"] == at
    wait_for(lambda: record(platform, event).get("restoration") == "restored", "the undo")
    assert len(platform.calls(id_of(event), "undo")) == 1
    wait_for(lambda: taken_back(record(platform, event)), "the undo on record")
    chat.post(signed(undo))
    chat.work()
    assert "Nothing is left to be taken back" in chat.seen.whispers[-1][1]


def test_a_target_is_silenced_once_and_the_card_says_by_whom(
    platform: Platform, chat: Chat
) -> None:
    name = platform.runbook()
    event, other = incident(name), incident(name)
    execution = platform.start(event)
    platform.send(event)
    wait_for(lambda: record(platform, event).get("actions_taken"), "the action")
    card = chat.card(event)
    try:
        assert chat.press(SILENCE, card).startswith(f"Runbooks leave apps/{name.lower()} until")
        (window,) = windows(platform.ssm, platform.maintenance_parameter)
        assert window.reason == f"silenced in Slack by {ADA_ARN} (in Slack, as {ADA})"
        assert "nothing is changed" in chat.press(SILENCE, card, GRACE)
        assert windows(platform.ssm, platform.maintenance_parameter) == [window]
        assert f"alone until {written(window.end)}: {window.reason}" in card.everything()
        platform.run(other)
    finally:
        platform.set_maintenance([])
    assert record(platform, other)["escalation_code"] == "maintenance"
    assert platform.calls(id_of(other), "execute") == []
    over(platform, event, execution)


def taken_back(of: dict[str, Any]) -> bool:
    return any(each["operation"] == "restore" for each in of["actions_taken"])


def test_late_news_never_turn_a_card_back_and_twice_is_once(platform: Platform, chat: Chat) -> None:
    event = incident(platform.runbook())
    execution = platform.start(event)
    platform.send(event)
    wait_for(lambda: record(platform, event).get("actions_taken"), "the action")
    over(platform, event, execution)
    platform.wait_status(id_of(event), "resolved")
    card = chat.card(event)
    assert card.text.startswith("OK")
    told, edits = chat.seen.thread(card.ts), card.edits
    for _ in range(2):
        chat.tell("incident.notified", event, event="incident.created", headline="h")
        done = record(platform, event)["actions_taken"][0]["action_id"]
        chat.tell("action.completed", event, action_id=done, operation="execute")
    assert (chat.seen.thread(card.ts), card.edits, len(chat.seen.cards())) == (told, edits, 1)
    assert card.text.startswith("OK")


def test_what_nobody_was_told_of_has_no_card_and_a_flood_is_one_message(
    platform: Platform, chat: Chat
) -> None:
    event = incident(None)
    platform.send(event)
    wait_for(lambda: record(platform, event), "the record")
    chat.tell("incident.resolved", event)
    chat.tell("action.completed", action_completed(event))
    assert chat.seen.messages == []
    data = {"incident_id": None, "slack_text": "40 alerts &lt;held back&gt;", "event": "flood"}
    module.handler({"detail-type": "incident.notified", "detail": {"data": data}}, CONTEXT)
    assert [each.text for each in chat.seen.messages] == ["40 alerts &lt;held back&gt;"]


def test_where_slack_says_wait_it_is_waited_for_and_what_is_away_comes_again(
    platform: Platform, chat: Chat
) -> None:
    event = incident(None)
    platform.send(event)
    wait_for(lambda: record(platform, event), "the record")
    busy = (429, {"Retry-After": "1"}, {"ok": False, "error": "ratelimited"})
    chat.seen.instead.append(busy)
    began = time.monotonic()
    card = chat.card(event)
    assert time.monotonic() - began >= 1
    platform.wait_status(id_of(event), "escalated")
    down: Any = (200, {}, {"ok": False, "error": "internal_error"})
    platform.set_record(event, acknowledged_by="ada", acknowledged_at="2026-11-28T03:01:00Z")
    chat.seen.instead.append(down)
    with pytest.raises(ChatError, match="internal_error"):
        chat.tell("incident.acknowledged", event)
    assert not card.text.startswith("TAKEN")
    chat.tell("incident.acknowledged", event)
    assert card.text.startswith("TAKEN")
    # Deleted by somebody: there is a new one, with the whole story.
    chat.seen.messages.clear()
    platform.set_record(event, status="resolved", closed_by="ada", closed_at="t")
    chat.tell("incident.closed", event)
    (anew,) = chat.seen.cards()
    assert anew.text.startswith("OK")
    assert {"ada has it in hand, since 2026-11-28T03:01:00Z"} < {*chat.seen.thread(anew.ts)}
