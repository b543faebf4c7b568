"""What is taken back by hand: beside a runbook of its incident, and where its news are lost."""

from __future__ import annotations

import datetime
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from srectl.operate import incidents, leftovers, undoing
from srectl.operate.account import Account
from tests.integration.statemachine.platform import Platform, incident, resolution, wait_for
from tests.integration.statemachine.steps import Event, done, guard, id_of, locks, runbook, step
from tests.integration.statemachine.telling import heard_as

pytestmark = [pytest.mark.localaws, pytest.mark.timeout(180)]

#: The first plan, of the warning, comes to nothing; the second is that of the risen severity.
_REFUSED_ONCE = ["ActionRefused", "planned"]


def refused(platform: Platform, script: dict[str, list[str]], **of_step: Any) -> Event:
    """A warning whose runbook had its target in hand and did nothing: a rise may take it."""
    one = step("one", {"plan": _REFUSED_ONCE, **script}, **of_step)
    name = runbook(platform, one, severities=["warning", "critical"])
    # An alert of its own: what another test has left open would count as the alert that came back.
    event = incident(name, severity="warning", fingerprint=name)
    platform.run(event, platform.recorder_variant)
    platform.run(event)
    record = platform.record(id_of(event))
    assert record["status"] == "escalated"
    assert "in_flight" not in record
    # As one that is refused later than its plan: of what had not begun nothing could be left.
    platform.set_record(event, begun=json.loads(record["in_hand"]).get("begins", ""))
    return event


def asked(platform: Platform, event: Event) -> dict[str, Any]:
    """What the restorer is asked for by hand, as things are."""
    record = incidents.read(platform.ddb, platform.table("incidents"), id_of(event))
    return undoing.asked(record)


def entered(platform: Platform, execution: str) -> list[str]:
    """Names of the states in which an execution has been, one after the other."""
    events = platform.history(execution)
    names = [each.get("stateEnteredEventDetails", {}).get("name") for each in events]
    return [str(name) for name in names if name]


def end(platform: Platform, event: Event, execution: str) -> None:
    """Let the alert end, and the runbook close its incident."""
    platform.run(resolution(event), platform.recorder_variant)
    assert platform.wait_ended(execution)["status"] == "SUCCEEDED"
    assert platform.record(id_of(event))["status"] == "resolved"
    assert locks(platform, event) == set()


def test_a_runbook_of_a_severity_that_rises_waits_until_what_was_before_is_taken_back(
    platform: Platform,
) -> None:
    event = refused(
        platform, {"undo": [*["in_progress"] * 3, "succeeded"]}, when=[{"fact": "scripted"}]
    )
    restorer = platform.start(asked(platform, event), platform.restorer_arn)
    wait_for(lambda: platform.calls(id_of(event), "undo"), "the undo to begin")
    risen = heard_as(event, "critical", 10)
    execution = platform.start(risen)
    wait_for(lambda: platform.calls(id_of(event), "execute"), "the runbook to act")
    assert done(platform, event, "undo", "execute") == [*[("undo", 1)] * 4, ("execute", 1)]
    assert json.loads(platform.wait_ended(restorer)["output"])["failure"]["code"] == ""
    end(platform, risen, execution)


def test_of_a_restorer_that_is_lost_a_runbook_of_its_incident_waits_for_the_end_of_the_lease(
    platform: Platform,
) -> None:
    event = refused(platform, {"undo": ["in_progress"]}, when=[{"fact": "scripted"}])
    restorer = platform.start(asked(platform, event), platform.restorer_arn)
    wait_for(lambda: platform.calls(id_of(event), "undo"), "the undo to begin")
    platform.sfn.stop_execution(executionArn=restorer)
    risen = heard_as(event, "critical", 10)
    execution = platform.start(risen)
    wait_for(lambda: "WaitForTurn" in entered(platform, execution), "the runbook to wait")
    (key,) = locks(platform, event)
    assert guard(platform, key)["restoring"] == restorer
    platform.ddb.update_item(
        TableName=platform.table("guard"),
        Key={"guard_key": {"S": key}},
        UpdateExpression="SET lease_expires_at = :now",
        ExpressionAttributeValues={":now": {"N": str(int(time.time()) - 1)}},
    )
    wait_for(lambda: platform.calls(id_of(event), "execute"), "the runbook to act")
    assert "restoring" not in guard(platform, key)
    end(platform, risen, execution)


def test_nothing_is_taken_back_from_under_a_runbook_that_has_begun_since_it_was_asked_for(
    platform: Platform,
) -> None:
    """It waits for an answer, with the locks, when the restorer would have taken them."""
    event = refused(platform, {}, approval={"required": True, "timeout_seconds": 120})
    given = asked(platform, event)
    risen = heard_as(event, "critical", 10)
    execution = platform.start(risen)
    wait_for(lambda: platform.record(id_of(event)).get("approval"), "the question")
    (key,) = locks(platform, event)
    before = guard(platform, key)

    restorer = platform.start(given, platform.restorer_arn)
    failure = json.loads(platform.wait_ended(restorer)["output"])["failure"]

    assert "BringBack" not in entered(platform, restorer)
    assert failure["code"] == "restore-failed"
    assert "a runbook has taken the incident in hand again" in failure["text"]
    told = wait_for(
        lambda: [
            each
            for each in platform.notifications(id_of(event))
            if each.get("reason_code") == "restore-failed"
        ],
        "a human to hear of it",
    )
    assert failure["text"] in json.dumps(told[0], ensure_ascii=False)
    assert guard(platform, key) == before
    token = platform.record(id_of(event))["approval"]["token"]
    platform.sfn.send_task_success(taskToken=token, output=json.dumps({"proofs": ["grace"]}))
    wait_for(lambda: platform.calls(id_of(event), "execute"), "the runbook to act")
    assert platform.calls(id_of(event), "undo") == []
    end(platform, risen, execution)


@pytest.mark.parametrize(
    "standing",
    [
        {"status": "escalated", "in_flight": "arn:mine", "abandoned": "arn:mine"},
        {"status": "resolved", "in_flight": "arn:mine"},
        {"status": "remediating", "in_flight": "arn:hands-over"},
    ],
    ids=["stopped", "closed", "handed over"],
)
def test_what_no_runbook_works_on_any_more_is_brought_back(
    platform: Platform, standing: dict[str, str]
) -> None:
    event = refused(platform, {}, when=[{"fact": "scripted"}])
    given = {**asked(platform, event), "handed_by": "arn:hands-over"}
    (key,) = given["locks"]
    platform.set_record(event, **standing)
    ended = platform.run(given, platform.restorer_arn)
    assert json.loads(ended["output"])["failure"]["code"] == ""
    assert done(platform, event, "undo") == [("undo", 1)]
    assert locks(platform, event) == set()
    # What a runbook has arranged for a later time keeps no other one away.
    assert "acted_until" not in guard(platform, key)


def test_the_cooldown_begins_where_something_is_taken_back_by_hand(platform: Platform) -> None:
    event = refused(platform, {}, when=[{"fact": "scripted"}])
    given = asked(platform, event)
    (key,) = given["locks"]
    began = int(time.time())
    ended = platform.run(given, platform.restorer_arn)
    assert json.loads(ended["output"])["failure"]["code"] == ""
    assert locks(platform, event) == set()
    assert float(guard(platform, key)["acted_until"]) >= began


@pytest.fixture
def account(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Account:
    """Return the platform as srectl sees it: by the environment and the prefix of its names."""
    for name, value in platform.aws.operator_environment().items():
        monkeypatch.setenv(name, value)
    return Account(f"{platform.name}-")


@contextmanager
def news_lost(platform: Platform) -> Iterator[None]:
    """Lose what is told to the recorder, as long as this lasts."""
    rule = {"Name": f"{platform.name}-sre-incident-records", "EventBusName": platform.bus}
    platform.events.disable_rule(**rule)
    try:
        yield
    finally:
        platform.events.enable_rule(**rule)


def test_of_what_the_record_was_never_told_one_more_attempt_tells_it(
    platform: Platform, account: Account
) -> None:
    """The first attempt takes all back, and the events of that are lost."""
    event = refused(platform, {}, when=[{"fact": "scripted"}])
    table = platform.table("incidents")
    shown = leftovers.state_of(incidents.read(platform.ddb, table, id_of(event)))

    def ask(by: str, minutes_later: int) -> undoing.Begun:
        now = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=minutes_later)
        return undoing.start(account, id_of(event), by, now, shown)

    with news_lost(platform):
        first = ask("ada", 0)
        assert undoing.wait(account.states, first.execution, 60) == ""
    # Asked once more at once, and by clocks that are wrong, it is the same one.
    again = [ask(by, later) for by, later in (("ada", 0), ("grace", 5), ("grace", -60))]
    assert again == [first] * 3
    second = ask("grace", 11)
    assert (second.by, second.execution != first.execution) == ("grace", True)
    assert ask("linus", 0).execution == second.execution
    assert undoing.wait(account.states, second.execution, 60) == ""
    wait_for(
        lambda: not leftovers.left(incidents.read(platform.ddb, table, id_of(event))),
        "the record to tell of it",
    )
