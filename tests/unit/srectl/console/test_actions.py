"""What the console does, and for whom it does nothing."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from srectl.console.reading import Reading
from srectl.operate import acknowledging, incidents, leftovers, stopping, switches
from srectl.operate.account import Account
from srectl.operate.announcing import stamp
from tests.support.console_scene import LOCK, Scene, deployment
from tests.unit.srectl.console.hands import HOST, Hands, entered

NEEDS = "11111111-0000-4000-8000-000000000001"
ASKED = "22222222-0000-4000-8000-000000000002"
LENT = "44444444-0000-4000-8000-000000000004"
OVER = "55555555-0000-4000-8000-000000000005"
POSTS = (
    f"/incidents/{NEEDS}/approve",
    f"/incidents/{NEEDS}/deny",
    f"/incidents/{NEEDS}/acknowledge",
    f"/incidents/{NEEDS}/release",
    f"/incidents/{NEEDS}/stop",
    f"/incidents/{NEEDS}/close",
    f"/incidents/{NEEDS}/undo",
    f"/incidents/{NEEDS}/erase",
    "/mode",
    "/catalogue/RollBackYoungRollout/mode",
    "/catalogue/CheckoutHighErrorRate/trust",
    "/maintenance",
    "/maintenance/end",
    "/queues/parked/redrive",
)
PAGES = (
    "/",
    "/incidents",
    f"/incidents/{NEEDS}",
    f"/incidents/{ASKED}",
    f"/incidents/{OVER}",
    "/catalogue",
    "/catalogue/CheckoutHighErrorRate",
    "/catalogue/RollBackYoungRollout",
    "/numbers",
    "/undelivered",
    "/switches",
    "/target?cluster=sre-platform&namespace=apps&kind=deployment&name=checkout",
)


@pytest.fixture
def account() -> Iterator[Account]:
    with pytest.MonkeyPatch.context() as patch, deployment(patch) as made:
        Scene(made, datetime.datetime.now(datetime.UTC)).night()
        yield made


@pytest.fixture
def hands(account: Account) -> Hands:
    return Hands(account)


def mode(account: Account) -> str:
    return account.ssm.get_parameter(Name=account.mode_parameter)["Parameter"]["Value"]


def record(account: Account, incident_id: str) -> dict[str, Any]:
    return incidents.read(account.dynamodb, account.incidents_table, incident_id)


def everything(account: Account) -> list[Any]:
    """Give all that an action could change here."""
    tables = (account.incidents_table, account.guard_table)
    return [
        *(account.dynamodb.scan(TableName=each)["Items"] for each in tables),
        mode(account),
        account.ssm.get_parameter(Name=account.own_modes_parameter)["Parameter"]["Value"],
        account.ssm.get_parameter(Name=account.maintenance_parameter)["Parameter"]["Value"],
    ]


@pytest.mark.parametrize("path", POSTS)
def test_a_form_of_anybody_else_does_nothing(account: Account, hands: Hands, path: str) -> None:
    fields = {"mode": "off", "reason": "x", "minutes": "5", "confirm": NEEDS[:8], "lock": LOCK}
    csrf = {"csrf": hands.console.doors.csrf}
    before = everything(account)
    assert hands.post(path, fields).status_code == 403
    assert hands.post(path, {**fields, "csrf": "x" * 43}).status_code == 403
    assert hands.post(path, {**fields, **csrf}, Origin="http://evil.example").status_code == 403
    assert hands.post(path, {**fields, **csrf}, Origin="http://127.0.0.1:1").status_code == 403
    assert hands.post(path, {**fields, **csrf}, Origin="null").status_code == 403
    site = {"Sec-Fetch-Site": "same-site"}
    assert hands.post(path, {**fields, **csrf}, **site).status_code == 403
    stranger = hands.console.app.test_client()
    address = f"{hands.console.prefix}{path}"
    answer = stranger.post(address, data={**fields, **csrf}, base_url=f"http://{HOST}")
    assert answer.status_code == 401
    assert hands.browser.get(address, base_url=f"http://{HOST}").status_code in (404, 405)
    assert everything(account) == before


def test_the_beginning_of_an_id_leads_to_its_incident(hands: Hands) -> None:
    start = f"{hands.console.prefix}/incidents"
    answer = hands.browser.get(f"{start}/22222222", base_url=f"http://{HOST}")
    assert (answer.status_code, answer.headers["Location"]) == (
        302,
        f"{start}/22222222-0000-4000-8000-000000000002",
    )
    several = hands.browser.get(f"{start}/{NEEDS[:2]}", base_url=f"http://{HOST}")
    assert (several.status_code, "too short" in several.text) == (404, True)


def test_whoever_was_quicker_keeps_an_incident(account: Account, hands: Hands) -> None:
    now = datetime.datetime.now(datetime.UTC)
    acknowledging.acknowledge(account, NEEDS, "grace", now)
    said = hands.send(f"/incidents/{NEEDS}/acknowledge")
    assert "is in the hands of grace" in said
    assert record(account, NEEDS)["acknowledged_by"] == "grace"


def test_who_has_an_incident_gives_it_back(account: Account, hands: Hands) -> None:
    assert "Give it back" not in hands.see(f"/incidents/{NEEDS}")
    assert "Nobody had it" in hands.send(f"/incidents/{NEEDS}/release")
    assert "Give it back" in hands.see(f"/incidents/{ASKED}")
    assert "Given back by ada: nobody has it" in hands.send(f"/incidents/{ASKED}/release")
    kept = record(account, ASKED)
    assert "acknowledged_by" not in kept
    assert kept["released_by"] == "ada"


def test_what_is_somebody_elses_is_done_by_whoever_has_read_whose_it_is(
    account: Account, states: Stubber
) -> None:
    scene = Scene(account, datetime.datetime.now(datetime.UTC))
    acknowledging.acknowledge(account, NEEDS, "grace", datetime.datetime.now(datetime.UTC))
    hands, before = Hands(account), everything(account)
    told = {"reason": "settled"}
    for path in (f"/incidents/{NEEDS}/close", f"/incidents/{NEEDS}/release"):
        said = hands.send(path, **told)
        assert "is in the hands of grace" in said
        assert "Talk to each other; the page names who has it" in said
        assert "--from-others" not in said
    # It is ada's, who has stopped nothing.
    said = Hands(account, by="bob").send(f"/incidents/{ASKED}/stop", **told)
    assert "is in the hands of ada" in said
    assert everything(account) == before
    page = hands.see(f"/incidents/{NEEDS}")
    seen = ticked(page, f"/incidents/{NEEDS}/close")
    assert "in the hands of <strong>grace</strong> since" in page.partition('id="do-close"')[2]
    assert ticked(page, f"/incidents/{NEEDS}/release") == seen
    # Somebody else has it by now than the page has named.
    scene.put(NEEDS, **{**scene.read(NEEDS), "acknowledged_by": "bob"})
    assert "in the hands of bob" in hands.send(f"/incidents/{NEEDS}/close", **seen, **told)
    assert record(account, NEEDS)["status"] == "escalated"
    hands.console.reading.forget()
    seen = ticked(hands.see(f"/incidents/{NEEDS}"), f"/incidents/{NEEDS}/close")
    closed = hands.send(f"/incidents/{NEEDS}/close", **seen, **told)
    assert "Closed by ada" in closed
    assert "one that begins after now is a new incident" in closed
    assert record(account, NEEDS)["closed_by"] == "ada"
    states.assert_no_pending_responses()


def test_until_when_the_pager_is_not_called_is_on_the_page(account: Account) -> None:
    scene = Scene(account, datetime.datetime.now(datetime.UTC))
    waiting = "33333333-0000-4000-8000-000000000003"
    until = scene.ago(minutes=-4)
    scene.hear(waiting, "incident.page-held", 4.9, until=until)
    words = "The call for its beginning waits for the runbook's verdict, until"
    page = Hands(account).see(f"/incidents/{waiting}")
    assert page.count(words.replace("'", "&#39;")) + page.count(words) == 1
    assert until[11:16] in page.partition("until")[2][:300]
    assert "page held" in page
    scene.hear(waiting, "incident.paged", 4, action="trigger", severity="warning")
    page = Hands(account).see(f"/incidents/{waiting}")
    assert words not in page
    assert "page held" in page


def test_who_has_it_is_asked_nothing_more(account: Account, hands: Hands) -> None:
    page = hands.see(f"/incidents/{ASKED}")
    assert '<input type="checkbox"' not in page
    others = Hands(account, by="bob").see(f"/incidents/{ASKED}")
    assert set(ticked(others, f"/incidents/{ASKED}/stop")) == {"knows"}
    assert '<details id="do-release">' in others


def ticked(page: str, action: str) -> dict[str, str]:
    """Give what a form sends once what it has to have ticked is."""
    (found,) = re.findall(rf'<form method="post" action="[^"]*{action}">(.*?)</form>', page, re.S)
    box = r'<input type="checkbox" name="([^"]+)" value="([^"]+)" required>'
    return dict(re.findall(box, found))


def test_a_runbook_at_work_is_stopped_with_who_and_why(
    account: Account, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str, str]] = []

    def stop(_account: Account, incident_id: str, by: str, reason: str, *_: Any, **__: Any) -> bool:
        asked.append((incident_id, by, reason))
        return len(asked) == 1

    monkeypatch.setattr(stopping, "stop", stop)
    assert "Stop its runbook" in hands.see(f"/incidents/{ASKED}")
    assert "Stop its runbook" not in hands.see(f"/incidents/{NEEDS}")
    assert "Stopped by ada." in hands.send(f"/incidents/{ASKED}/stop", reason="sale is on")
    assert "No runbook is at work on it" in hands.send(f"/incidents/{ASKED}/stop")
    assert asked == [(ASKED, "ada", "sale is on"), (ASKED, "ada", "")]


def test_until_when_at_least_what_is_lent_stands_is_on_both_pages(
    account: Account, hands: Hands
) -> None:
    until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=20)
    found = record(account, LENT)
    account.dynamodb.update_item(
        TableName=account.incidents_table,
        Key={key: {"S": found[key]} for key in ("incident_id", "timestamp")},
        UpdateExpression="SET lent_until = :until",
        ExpressionAttributeValues={":until": {"S": stamp(until)}},
    )
    for page, words in (("/", "not before"), (f"/incidents/{LENT}", "a while, not before")):
        said = hands.see(page).partition(words)[2][:400]
        assert f"{until:%H:%M}" in said, page


def test_a_read_only_console_shows_no_form_and_does_nothing(account: Account) -> None:
    console, browser = entered(account, read_only=True)
    for path in PAGES:
        page = browser.get(f"{console.prefix}{path}", base_url=f"http://{HOST}")
        assert page.status_code == 200, path
        assert "<form" not in page.text, path
        assert "<button" not in page.text, path
    before = everything(account)
    for path in POSTS:
        fields = {"csrf": console.doors.csrf, "mode": "off", "reason": "x"}
        answer = browser.post(f"{console.prefix}{path}", data=fields, base_url=f"http://{HOST}")
        assert answer.status_code in (403, 404, 405), path
    assert everything(account) == before


def test_every_page_is_there(account: Account, hands: Hands) -> None:
    for path in PAGES:
        page = hands.browser.get(f"{hands.console.prefix}{path}", base_url=f"http://{HOST}")
        assert page.status_code == 200, path


def test_the_stop_button_stops_the_robot(account: Account, hands: Hands) -> None:
    assert "Let runbooks act" in hands.send("/mode", mode="off")
    assert mode(account) == "off"
    assert "is no mode" in hands.send("/mode", mode="<b>")
    assert mode(account) == "off"
    assert "is on (was off)" in hands.send("/mode", mode="on", shown="off")


def test_who_takes_an_incident_is_on_its_record(account: Account, hands: Hands) -> None:
    assert "in the hands of ada" in hands.send(f"/incidents/{NEEDS}/acknowledge")
    assert record(account, NEEDS)["acknowledged_by"] == "ada"
    assert "is over" in hands.send(f"/incidents/{OVER}/acknowledge")


def test_an_incident_is_closed_with_a_reason_only(account: Account, hands: Hands) -> None:
    assert "needs a reason" in hands.send(f"/incidents/{NEEDS}/close", reason="  ")
    assert record(account, NEEDS)["status"] == "escalated"
    hands.send(f"/incidents/{NEEDS}/close", reason="rolled back")
    closed = record(account, NEEDS)
    assert (closed["status"], closed["closed_by"]) == ("resolved", "ada")
    assert closed["closed_reason"] == "rolled back"


def test_what_is_erased_is_named_first(account: Account, hands: Hands) -> None:
    assert "were not typed" in hands.send(f"/incidents/{OVER}/erase", confirm="12345678")
    assert record(account, OVER)
    assert "not resolved" in hands.send(f"/incidents/{NEEDS}/erase", confirm=NEEDS[:8])
    assert "is erased. What remains" in hands.send(f"/incidents/{OVER}/erase", confirm=OVER[:8])
    with pytest.raises(Exception, match="there is no incident"):
        record(account, OVER)


@pytest.fixture
def states(account: Account) -> Iterator[Stubber]:
    with Stubber(boto3.client("stepfunctions")) as stub:
        account.__dict__["states"] = stub.client
        yield stub


def test_an_approval_is_signed_and_for_the_plan_that_was_shown(
    account: Account, states: Stubber
) -> None:
    hands = Hands(account)
    said = hands.send(f"/incidents/{ASKED}/approve", plan_hash="another", step="1")
    assert "asks for another plan" in said
    states.add_response("send_task_success", {}, {"taskToken": "secret-token", "output": ANY})
    assert "Approved by arn:" in hands.send(
        f"/incidents/{ASKED}/approve", plan_hash="abc", step="1"
    )
    states.assert_no_pending_responses()
    answered = record(account, ASKED)["approval"]
    assert (answered["answer"], answered["answered_by"]) == ("approved", account.caller)
    assert "was approved by" in hands.send(f"/incidents/{ASKED}/approve", plan_hash="abc", step="1")


def form(page: str, action: str) -> dict[str, str]:
    """Give what a form of a page sends, as it stands there."""
    (found,) = re.findall(rf'<form method="post" action="[^"]*{action}">(.*?)</form>', page, re.S)
    hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', found)
    return dict(hidden)


def card(page: str, incident_id: str) -> str:
    """Give the card of an incident on the first screen."""
    needs = page.partition('id="needs"')[2].partition("</section>")[0]
    (found,) = [each for each in needs.split('<li class="card')[1:] if incident_id in each]
    return found


@pytest.mark.parametrize("answer", ["approve", "deny"])
def test_a_question_is_answered_on_the_first_screen_for_the_plan_that_stands_there(
    account: Account, states: Stubber, answer: str
) -> None:
    hands = Hands(account)
    path = f"/incidents/{ASKED}/{answer}"
    seen = card(hands.see("/"), ASKED)
    for shown in ("GrowVolume, until", "waits until", "data-orders-0", "<del>10Gi", "<ins>13Gi"):
        assert shown in seen
    # The scene's own: it named checkout where the volume is another's.
    assert "apps/persistentvolumeclaim/data-orders-0" in seen
    assert "checkout" not in seen
    given = form(seen, path)
    assert (given["plan_hash"], given["step"]) == ("abc", "1")
    # What is asked by now is another plan than the page has shown.
    asked = record(account, ASKED)
    scene = Scene(account, datetime.datetime.now(datetime.UTC))
    scene.put(ASKED, **{**scene.read(ASKED), "approval": {**asked["approval"], "plan_hash": "def"}})
    why = {"reason": "sale is on"} if answer == "deny" else {}
    assert "asks for another plan" in hands.send(path, **given, **why)
    hands.console.reading.forget()
    again = form(card(hands.see("/"), ASKED), path)
    states.add_response("send_task_success", {}, {"taskToken": "secret-token", "output": ANY})
    assert "by arn:" in hands.send(path, **again, **why)
    states.assert_no_pending_responses()
    assert record(account, ASKED)["approval"]["answered_by"] == account.caller


def test_a_read_only_first_screen_shows_what_is_asked_and_no_form(account: Account) -> None:
    seen = card(Hands(account, read_only=True).see("/"), ASKED)
    assert "<ins>13Gi" in seen
    assert f"srectl approve {ASKED}" in seen
    assert "<form" not in seen


def test_a_plan_that_the_first_screen_has_no_room_for_is_not_answered_there(
    account: Account,
) -> None:
    scene = Scene(account, datetime.datetime.now(datetime.UTC))
    asked = scene.read(ASKED)
    changes = json.dumps(asked["approval"]["plan"] * 9)
    scene.put(ASKED, **{**asked, "approval": {**asked["approval"], "plan": changes}})
    hands = Hands(account)
    seen = card(hands.see("/"), ASKED)
    assert "Its plan changes 9 things" in seen
    assert "/approve" not in seen
    assert "/approve" in hands.see(f"/incidents/{ASKED}")


def test_a_denial_says_why(account: Account, states: Stubber) -> None:
    hands = Hands(account)
    path = f"/incidents/{ASKED}/deny"
    assert "needs a reason" in hands.send(path, plan_hash="abc", step="1")
    states.add_response("send_task_success", {}, {"taskToken": "secret-token", "output": ANY})
    assert "Denied by arn:" in hands.send(path, plan_hash="abc", step="1", reason="sale is on")
    states.assert_no_pending_responses()
    assert record(account, ASKED)["approval"]["answer"] == "denied"


def test_what_was_done_is_taken_back_once_and_the_timeline_says_who_wanted_it(
    account: Account,
) -> None:
    lent = "44444444-0000-4000-8000-000000000004"
    account.states.create_state_machine(
        name="t-incident-restorer",
        definition=json.dumps({"StartAt": "Over", "States": {"Over": {"Type": "Succeed"}}}),
        roleArn="arn:aws:iam::123456789012:role/machine",
    )
    shown = leftovers.state_of(record(account, lent))
    hands = Hands(account)
    assert f'name="left" value="{shown}"' in hands.see(f"/incidents/{lent}")
    assert "something else is left" in hands.send(f"/incidents/{lent}/undo", left="0f0f")
    assert "undo_asked_by" not in record(account, lent)
    said = hands.send(f"/incidents/{lent}/undo", left=shown)
    assert "1 step is being taken back" in said
    assert record(account, lent)["undo_asked_by"] == "ada"
    assert '<p class="who">ada</p>' in said
    found = account.states.list_executions(stateMachineArn=account.restorer_arn)["executions"]
    assert len(found) == 1
    other = Hands(account, by="grace")
    again = other.send(f"/incidents/{lent}/undo", left=shown)
    assert "ada has it taken back already" in again
    assert record(account, lent)["undo_asked_by"] == "ada"


def test_a_window_is_announced_and_ended(account: Account, hands: Hands) -> None:
    assert "lasts 1 to 10080" in hands.send("/maintenance", minutes="-1", reason="x")
    said = hands.send("/maintenance", minutes="30", reason="<b>upgrade</b>")
    assert re.search("Runbooks leave everything alone from .* until ", said)
    text = account.ssm.get_parameter(Name=account.maintenance_parameter)["Parameter"]["Value"]
    [window] = json.loads(text)
    assert window["reason"] == "<b>upgrade</b>"
    assert "The window is over" in hands.send("/maintenance/end", **window)
    assert "no window was ended" in hands.send("/maintenance/end", start="yesterday")


def test_one_of_two_windows_that_begin_together_is_ended(account: Account, hands: Hands) -> None:
    windows = [
        {"start": "2027-01-01T00:00:00Z", "end": f"2027-01-01T0{hour}:00:00Z", "reason": "a\nb"}
        for hour in (1, 2)
    ]
    windows[0]["target"] = "apps/checkout"
    account.ssm.put_parameter(
        Name=account.maintenance_parameter, Value=json.dumps(windows), Overwrite=True
    )
    sent = {**windows[0], "reason": "a\r\nb"}
    assert "The window is over" in hands.send("/maintenance/end", **sent)
    text = account.ssm.get_parameter(Name=account.maintenance_parameter)["Parameter"]["Value"]
    assert json.loads(text) == windows[1:]
    assert "is not there any more" in hands.send("/maintenance/end", **sent)


def test_what_was_read_while_something_was_done_is_not_kept(account: Account) -> None:
    reading = Reading(account, lambda: datetime.datetime.now(datetime.UTC))
    said = iter(("on", "off"))

    def slow(*_: object) -> str:
        word = next(said)
        if word == "on":
            reading.forget()  # somebody switches it off meanwhile
        return word

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(switches, "read_mode", slow)
        assert [reading.mode().value, reading.mode().value] == ["on", "off"]


def test_a_queue_is_redriven(account: Account, hands: Hands) -> None:
    url = account.sqs.get_queue_url(QueueName="t-sre-dlq-audit")["QueueUrl"]
    account.sqs.send_message(QueueUrl=url, MessageBody="<i>no JSON</i>")
    shown = hands.browser.get(
        f"{hands.console.prefix}/undelivered?queue=audit", base_url=f"http://{HOST}"
    )
    assert "Deliver again" in shown.text
    assert "audit: 0 delivered, 1 left" in hands.send("/queues/audit/redrive")
    assert hands.post("/queues/x/redrive", {"csrf": hands.console.doors.csrf}).status_code == 404


def test_the_record_says_what_it_is_about_where_that_is_no_target(account: Account) -> None:
    at = {"cluster": "prod", "namespace": "shop", "kind": None, "name": None}
    scene = Scene(account, datetime.datetime.now(datetime.UTC))
    scene.put(NEEDS, target=at, subject="shop/basket")
    page = Hands(account).see(f"/incidents/{NEEDS}")
    assert "<dt>target</dt><dd>shop/basket in prod</dd>" in page
