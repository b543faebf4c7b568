"""The first line of whatever people are told: the verdict by name, the place, what is wrong."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonata import Jsonata

from onemachine.aws.definitions import substituted
from tests.support.machines import machines
from tests.unit.template.telling import DATA, NOW, read, told

CODES = ("not-resolved", "end-not-heard", "no-runbook", "approval-timeout", "something-new")


def shared(name: str, machine: str = "incident-response-runbook") -> str:
    """A text of the template, with what it names put in."""
    return substituted(f"${{{name}}}", machines()[machine].substitutions())


def line(verdict: str, incident: Any, shown: Any, rest: str) -> str:
    given_ = ", ".join(map(json.dumps, (verdict, incident, shown, rest)))
    return str(Jsonata(f"({shared('FirstLine')})({given_})").evaluate(None))


def at(namespace: str | None, name: str | None, kind: str = "deployment") -> dict[str, Any]:
    return {"target": {"cluster": "c", "namespace": namespace, "kind": kind, "name": name}}


CHECKOUT = at("apps", "checkout")
DATA_DISPLAY: Any = DATA["display"]
SHOWN = {"name": "CheckoutHighErrorRate", "summary": "Checkout fails 47.5% of its requests"}


def event(kind: str, **data: Any) -> dict[str, Any]:
    shown: dict[str, Any] = {**DATA_DISPLAY, "summary": data.get("summary", SHOWN["summary"])}
    return {"detail-type": kind, "detail": {"data": {**DATA, "display": shown, **data}}}


@pytest.mark.parametrize(
    ("kind", "data", "row", "said"),
    [
        (
            "incident.created",
            {"severity": "critical"},
            {},
            "CRIT apps/checkout: fails 47.5% of its requests",
        ),
        (
            "incident.escalated",
            {"verdict": "degraded mode did not help, undone", "reason": "r", "reason_code": "x"},
            {},
            "NEEDS YOU apps/checkout: degraded mode did not help, undone",
        ),
        (
            "incident.escalated",
            {"reason": "r", "reason_code": "no-runbook"},
            {},
            "NEEDS YOU apps/checkout: no runbook for it",
        ),
        (
            "incident.resolved",
            {"duration_seconds": 12, "verified": "3/3 ready, degraded mode on"},
            {"in_hand": "e"},
            "OK apps/checkout: over in 12 s, 3/3 ready, degraded mode on",
        ),
        (
            "incident.resolved",
            {"duration_seconds": 12},
            {"in_hand": "e"},
            "ALERT OVER apps/checkout, verifying",
        ),
        (
            "incident.resolved",
            {"duration_seconds": 12},
            {"in_hand": "e", "told_escalated_critical": "e"},
            "ALERT OVER apps/checkout, not verified",
        ),
        ("incident.resolved", {"duration_seconds": 12}, {}, "OK apps/checkout: over in 12 s"),
        ("incident.acknowledged", {"by": "ada"}, {}, "TAKEN apps/checkout: by ada"),
        ("incident.closed", {"by": "ada", "because": "b"}, {}, "CLOSED apps/checkout: by ada"),
    ],
)
def test_what_is_told_begins_with_the_verdict_and_the_place(
    kind: str, data: dict[str, Any], row: dict[str, str], said: str
) -> None:
    variables = told(read(event(kind, **data)), **row)
    assert variables["headline"] == variables["subject"] == said
    message = json.loads(variables["message"])
    assert message["email"].splitlines()[0] == said
    assert json.loads(message["default"])["payload"]["summary"] == said
    chat = json.loads(variables["notified"]["Detail"])["data"]
    assert chat["slack_text"].splitlines()[0] == chat["headline"] == said
    for page in variables["paged"]:
        body = json.loads(page["Detail"])["data"]["body"]
        assert body.get("payload", {"summary": said})["summary"] == said


@pytest.mark.parametrize(
    ("row", "doing"),
    [
        ({}, "the alert is over. No runbook had a target of it in hand."),
        ({"told_escalated_critical": "e"}, "No runbook had a target of it in hand."),
        ({"in_hand": "e"}, "the alert is over. A runbook that acted checks its target, closes"),
        (
            {"in_hand": "e", "told_escalated_critical": "e"},
            "A human had been called for it, so do not count on its target being checked again",
        ),
        ({"in_hand": "e", "told_abandoned_warning": "e"}, "A human had been called for it, so"),
    ],
)
def test_at_an_end_only_a_runbook_that_is_at_it_is_said_to_check_and_take_back(
    row: dict[str, str], doing: str
) -> None:
    variables = told(read(event("incident.resolved", duration_seconds=12)), **row)
    email = json.loads(variables["message"])["email"]
    assert doing in email
    assert ("checks its target" in email) == (row == {"in_hand": "e"})


@pytest.mark.parametrize(
    ("row", "doing"),
    [
        ({}, "the runbook Restart is looked up and acts within its limits."),
        ({"told_abandoned_warning": "e"}, "the runbook Restart is looked up and acts within its"),
        ({"in_hand": "e"}, "the runbook that has it in hand goes on, and no other one begins."),
        ({"in_hand": "e", "told_stopped_warning": "e"}, "nothing acts on it again: a runbook has"),
        ({"in_hand": "e", "told_escalated_warning": "e"}, "nothing acts on it again: a runbook"),
    ],
)
def test_of_a_severity_that_rises_nobody_is_told_of_a_runbook_that_will_not_act(
    row: dict[str, str], doing: str
) -> None:
    given = read(event("incident.created", severity="critical", runbook="Restart"))
    variables = told({**given, "risen": ", risen from warning"}, told_created_warning="e", **row)
    assert doing in json.loads(variables["message"])["email"]


@pytest.mark.parametrize(
    ("by", "who"),
    [
        ("arn:aws:iam::000000000000:root", "root"),
        ("arn:aws:iam::000000000000:root (as Grace Hopper)", "Grace Hopper"),
        ("arn:aws:iam::000000000000:user/ops/ada", "ada"),
        (
            "arn:aws:sts::000000000000:assumed-role/OnCall-of-the-shop/ada@example.com",
            "ada@example.com",
        ),
        (
            "arn:aws:sts::000000000000:assumed-role/AWSReservedSSO_OnCall_1f2e/ada@example.com"
            " (in Slack, as U024)",
            "ada@example.com",
        ),
        ("Ada Lovelace (in PagerDuty)", "Ada Lovelace"),
        ("arn:aws:iam::000000000000:user/oncall (as Ada (on the train))", "Ada (on the train)"),
    ],
)
@pytest.mark.parametrize("kind", ["acknowledged", "released", "closed", "undo-asked"])
def test_the_first_line_names_the_person_and_the_body_whom_aws_knows(
    kind: str, by: str, who: str
) -> None:
    variables = told(read(event(f"incident.{kind}", by=by, because="it is the database")))
    mail = json.loads(variables["message"])["email"].splitlines()
    assert f": by {who}" in mail[0]
    assert len(mail[0]) <= 60
    assert any(each.startswith("Doing: ") and by in each for each in mail[1:])


def test_why_somebody_has_taken_it_is_told() -> None:
    variables = told(read(event("incident.acknowledged", by="ada", because="it is the database")))
    said = "in the hands of ada: it is the database"
    assert f"Doing:   {said}" in json.loads(variables["message"])["email"].splitlines()
    assert said in json.loads(variables["notified"]["Detail"])["data"]["slack_text"]


def test_a_long_place_loses_its_middle_and_what_is_wrong_keeps_its_own() -> None:
    long = at("team-payments-production-eu", "checkout-frontend-canary-deployment")
    assert line("NEEDS YOU", long, SHOWN, ": degraded mode did not help") == (
        "NEEDS YOU team-payme..deployment: degraded mode did not help"
    )
    short = line("CRIT", CHECKOUT, SHOWN, ": " + "x" * 90)
    assert (len(short), short[-4:]) == (60, "xx..")


@pytest.mark.parametrize(
    ("target", "place"),
    [
        (at("apps", "checkout"), "apps/checkout"),
        (at(None, "ip-10-0-1-23", "node"), "node ip-10-0-1-23"),
        (at(None, None), "CheckoutHighErrorRate"),
        ({}, "CheckoutHighErrorRate"),
    ],
)
def test_the_place_is_the_target_or_else_the_alert(target: dict[str, Any], place: str) -> None:
    assert line("CRIT", target, SHOWN, ": down") == f"CRIT {place}: down"


@pytest.mark.parametrize(
    ("target", "shown", "said"),
    [
        (CHECKOUT, {"name": None, "summary": None}, "fires"),
        (CHECKOUT, {"name": None, "summary": ""}, "fires"),
        (CHECKOUT, {"name": "Down", "summary": None}, "Down"),
        (at(None, None), {"name": "Down", "summary": None}, "fires"),
    ],
)
def test_what_an_alert_does_not_say_is_not_told_as_null(
    target: dict[str, Any], shown: dict[str, Any], said: str
) -> None:
    given_ = ", ".join(map(json.dumps, (target, shown)))
    symptom = shared("Symptom", "incident-notifier")
    assert Jsonata(f"({symptom})({given_})").evaluate(None) == said


def test_what_the_labels_name_goes_before_the_node_that_it_is_on() -> None:
    shown = {**SHOWN, "subject": "apps/parcels-7d9f-x"}
    assert line("CRIT", at(None, None), shown, ": down") == "CRIT apps/parcels-7d9f-x: down"
    # What tells pods apart is at their end, and says nothing.
    said = line("CRIT", at(None, None), shown, ": A container crashes again and again")
    assert said == "CRIT apps/parcels-7d9f-x: A container crashes again and ag.."
    longer = {**SHOWN, "subject": "payments/checkout-frontend-7d9f8b6c5d-x2x4v"}
    said = line("CRIT", at(None, None), longer, ": A container crashes again and again")
    assert said == "CRIT payments/checkout-..: A container crashes again and a.."
    volume = {**SHOWN, "subject": "data/data-ledger-0"}
    assert line("WARN", at(None, "n1", "node"), volume, ": full") == "WARN data/data-ledger-0: full"


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=90)


@settings(max_examples=60, deadline=None)
@given(
    namespace=st.none() | TEXTS,
    name=st.none() | TEXTS,
    alert=TEXTS,
    rest=TEXTS,
    verdict=st.sampled_from(["CRIT", "WARN", "INFO", "ALERT", "NEEDS YOU", "ALERT OVER", "OK"]),
)
def test_no_first_line_is_longer_than_sixty_characters_or_holds_a_control_character(
    namespace: str | None, name: str | None, alert: str, rest: str, verdict: str
) -> None:
    said = line(verdict, at(namespace, name), {"name": alert, "summary": ""}, ": " + rest)
    assert len(said) <= 60
    assert said.startswith(f"{verdict} ")
    assert not [each for each in said if unicodedata.category(each) in ("Cc", "Zl", "Zp")]


STEP = {"action": "enable_degraded_mode", "lends": True}
DONE = {"acted": True, "status": "done", "summary": "", "step": STEP}


def answer(index: int, action: str, status: str, **more: Any) -> dict[str, Any]:
    step = {"index": index, "name": action, "action": action, "lends": False}
    said = {"summary": f"{action} says so", "acted": status in ("done", "failed", "lost")}
    return {"step": step, "status": status, **said, **more}


RESTART_FAILED = answer(1, "restart_workload", "failed", summary="pods do not come up")
ROLLED_BACK = answer(2, "rollback_workload", "done")
LENT = answer(1, "enable_degraded_mode", "done", step={**STEP, "index": 1, "name": "degrade"})


@pytest.mark.parametrize(
    ("code", "undone", "said"),
    [
        ("not-resolved", [{"status": "done"}], "degraded mode did not help, undone"),
        ("not-resolved", [], "degraded mode did not help"),
        ("not-resolved", [{"status": "failed"}], "degraded mode did not help, undo failed"),
        ("not-resolved", [{"summary": "lost"}], "degraded mode did not help, undo failed"),
        ("target-unhealthy", [{"status": "done"}], "alert over, target not healthy, undone"),
        # A restart cannot be taken back, and what somebody has deployed since is left alone.
        ("plan-failed", [{"status": "unchanged"}], "plan failed, nothing undone"),
    ],
)
def test_what_became_of_the_steps_is_the_verdict(
    code: str, undone: list[dict[str, str]], said: str
) -> None:
    variables = {"answers": [DONE], "undone": undone, "failure": {"code": code}}
    assert Jsonata(shared("SaidOfSteps")).evaluate(None, variables) == said


@pytest.mark.parametrize(
    ("undone", "said"),
    [
        (["done", "done"], "2 steps did not help, undone"),
        (["done", "unchanged"], "2 steps did not help, partly undone"),
        (["unchanged", "unchanged"], "2 steps did not help, nothing undone"),
        (["unchanged", "failed"], "2 steps did not help, undo failed"),
        # The other one is kept by its runbook.
        (["done"], "2 steps did not help, partly undone"),
    ],
)
def test_of_several_steps_no_more_is_said_to_be_undone_than_was(
    undone: list[str], said: str
) -> None:
    became = [{"status": each} for each in undone]
    variables = {"answers": [DONE, DONE], "undone": became, "failure": {"code": "not-resolved"}}
    assert Jsonata(shared("SaidOfSteps")).evaluate(None, variables) == said


@pytest.mark.parametrize("code", CODES)
def test_where_nothing_was_done_the_code_is_put_in_words(code: str) -> None:
    variables = {"answers": [], "undone": [], "failure": {"code": code}}
    assert Jsonata(shared("SaidOfSteps")).evaluate(None, variables) == ""
    words = Jsonata(f"({shared('Verdict')})({{'code': '{code}', 'said': ''}})").evaluate(None)
    assert words
    assert "-" not in words


def test_a_verified_end_says_how_many_are_ready_and_what_is_lent() -> None:
    health = "deployment apps/checkout is healthy: 3 of 3 replicas are ready."
    found = Jsonata(shared("SaidOfEnd")).evaluate(
        None, {"answers": [DONE], "health": health, "strategy": "ladder"}
    )
    assert found == "3/3 ready, degraded mode on"


@pytest.mark.parametrize(
    ("strategy", "answers", "said"),
    [
        # What failed has not helped, and what a later rung followed has not either.
        ("ladder", [RESTART_FAILED, ROLLED_BACK], "rollback done"),
        ("ladder", [answer(1, "restart_workload", "done"), ROLLED_BACK], "rollback done"),
        # What is lent stands, whatever has helped.
        ("ladder", [LENT, ROLLED_BACK], "rollback done, degraded mode on"),
        ("ladder", [RESTART_FAILED, answer(2, "rollback_workload", "unchanged", acted=False)], ""),
        (
            "sequence",
            [answer(1, "cordon_node", "done"), answer(2, "drain_node", "done")],
            "cordon done, drain done",
        ),
    ],
)
def test_an_end_names_the_step_that_helped(
    strategy: str, answers: list[dict[str, Any]], said: str
) -> None:
    health = "deployment apps/checkout is healthy: 3 of 3 replicas are ready."
    variables = {"answers": answers, "health": health, "strategy": strategy, "of": 2}
    found = Jsonata(shared("SaidOfEnd")).evaluate(None, variables)
    assert found == ", ".join(filter(None, ["3/3 ready", said]))


def test_what_each_step_came_to_is_told_with_the_end_in_a_line_each() -> None:
    answers = [RESTART_FAILED, {**ROLLED_BACK, "summary": "x" * 300}]
    found = Jsonata(shared("DoneInSteps")).evaluate(None, {"answers": answers, "of": 3})
    assert found["done"] == [
        "1. restart_workload: failed (pods do not come up)",
        f"2. rollback_workload: done ({'x' * 199}…)",
    ]
    (alone,) = Jsonata(shared("DoneInSteps")).evaluate(None, {"answers": [LENT], "of": 1})["done"]
    assert alone == "degrade: done (enable_degraded_mode says so)"
    assert Jsonata(shared("DoneInSteps")).evaluate(None, {"answers": [], "of": 0}) == {}


@pytest.mark.parametrize(("seconds", "took"), [(145, "2 min"), (119, "119 s"), (3599, "60 min")])
def test_what_was_done_has_room_behind_the_minutes(seconds: int, took: str) -> None:
    told_ = event(
        "incident.resolved",
        duration_seconds=seconds,
        verified="3/3 ready, rollback done",
        target={"kind": "statefulset", "namespace": "shop", "name": "basket-eu", "cluster": "c"},
    )
    told_["detail"]["data"]["display"].pop("subject", None)
    variables = told(read(told_), in_hand="e")
    assert variables["headline"] == f"OK shop/basket-eu: over in {took}, 3/3 ready, rollback done"


def test_when_it_began_stands_in_the_body() -> None:
    variables = told(read(event("incident.created")))
    assert f"Began:   {NOW}" in json.loads(variables["message"])["email"]
