"""Switches in the console: what is more careful is done at once, what acts only as it was shown."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from srectl.operate import incidents, trust
from srectl.operate.account import Account
from tests.support.console_scene import LOCK, NEEDS, Scene, deployment
from tests.unit.srectl.console.hands import HOST, Hands, entered

ACTS, OBSERVES = "CheckoutHighErrorRate", "RollBackYoungRollout"
NOW = datetime.datetime.now(datetime.UTC)


@pytest.fixture
def scene() -> Iterator[Scene]:
    with pytest.MonkeyPatch.context() as patch, deployment(patch) as made:
        patch.setattr(trust, "limit_of", lambda _: 1)
        scene = Scene(made, NOW)
        scene.night()
        yield scene


@pytest.fixture
def account(scene: Scene) -> Account:
    return scene.account


@pytest.fixture
def hands(account: Account) -> Hands:
    return Hands(account)


def own_modes(account: Account) -> Any:
    parameter = account.ssm.get_parameter(Name=account.own_modes_parameter)["Parameter"]
    return json.loads(parameter["Value"])


def carried(page: str, name: str = "shown") -> str:
    """Give what the form of a page carries."""
    (found,) = set[str](re.findall(rf'name="{name}" value="([^"]*)"', page))
    return found


def of_lock(account: Account) -> dict[str, Any]:
    key = {"guard_key": {"S": LOCK}}
    item = account.dynamodb.get_item(TableName=account.guard_table, Key=key)["Item"]
    return incidents.values_of(item)


def test_a_runbook_is_switched_on_by_a_human_with_its_numbers_beside_the_question(
    account: Account, hands: Hands
) -> None:
    page = hands.see(f"/catalogue/{OBSERVES}")
    question = page.partition("Let RollBackYoungRollout act?")[2].partition("</form>")[0]
    assert "it does rollback_workload, for RollBackYoungRollout, CrashLoop" in question
    assert "it took nothing in hand: there are no numbers" in question
    said = hands.send(f"/catalogue/{OBSERVES}/mode", mode="on", shown=carried(page))
    assert "Runbook RollBackYoungRollout is on (was observe)" in said
    assert own_modes(account) == {OBSERVES: "on"}
    assert "<strong>on</strong> <span" in said.partition("Who switched it")[2]
    hands.send(f"/catalogue/{ACTS}/mode", mode="observe")
    asked = hands.see(f"/catalogue/{ACTS}").partition(f"Let {ACTS} act?")[2]
    assert "In the last 30 days it ran 3, acted 3, <strong>helped 1</strong>" in asked


def test_a_runbook_is_made_to_ask_by_one_button_and_the_reason_stands_beside_who(
    account: Account, hands: Hands
) -> None:
    page = hands.see(f"/catalogue/{ACTS}")
    assert 'value="ask">Ask first' in page
    said = hands.send(f"/catalogue/{ACTS}/mode", mode="ask", reason="wrong <b>twice</b>")
    assert f"Runbook {ACTS} is ask (was on): from the next incident on it asks a human" in said
    assert own_modes(account) == {ACTS: "ask"}
    history = said.partition("Who switched it")[2]
    assert "<strong>ask</strong>: wrong &lt;b&gt;twice&lt;/b&gt;" in history
    assert "<strong>asks</strong>: it asks a human, then does" in said
    assert "wrong &lt;b&gt;twice&lt;/b&gt;" in hands.see("/switches")
    # From there it may act, with its numbers, or only observe; one that observes may ask.
    assert f"Let {ACTS} act?" in said
    assert 'value="observe">Only observe' in said
    assert 'value="ask">Ask first' not in said
    assert 'value="ask">Ask first' in hands.see(f"/catalogue/{OBSERVES}")


def test_what_a_runbook_did_not_do_while_it_observed_is_told(scene: Scene, hands: Hands) -> None:
    plan = scene.action("rollback_workload", operation="plan", runbook=OBSERVES)
    scene.put("88888888-0000-4000-8000-000000000008", actions_taken=[plan])
    page = hands.see(f"/catalogue/{OBSERVES}")
    assert "For 1 incident it said what it would do, and did nothing." in page
    assert "88888888" in page.partition("Latest incidents")[2]


@pytest.mark.parametrize("meanwhile", ["switched", "published"])
def test_a_page_that_is_stale_switches_nothing_on(
    scene: Scene, account: Account, hands: Hands, meanwhile: str
) -> None:
    shown = carried(hands.see(f"/catalogue/{OBSERVES}"))
    path = f"/catalogue/{OBSERVES}/mode"
    if meanwhile == "switched":
        scene.switch(account.own_modes_parameter, {OBSERVES: "on"})
        hands.send(path, mode="observe")
        scene.switch(account.own_modes_parameter, {OBSERVES: "on"})
        before = {OBSERVES: "on"}
    else:
        scene.publish(OBSERVES, "restart_workload", "observe")
        before = {}
    said = hands.send(path, mode="on", shown=shown)
    assert "is not switched: it was switched or published anew meanwhile" in said
    assert "is not switched" in hands.send(path, mode="on")
    assert own_modes(account) == before


def test_to_have_a_runbook_only_observe_is_never_too_late(account: Account, hands: Hands) -> None:
    path = f"/catalogue/{ACTS}/mode"
    assert f"Runbook {ACTS} is observe (was on)" in hands.send(path, mode="observe", shown="old")
    assert own_modes(account) == {ACTS: "observe"}
    assert "is observe already: nothing was changed" in hands.send(path, mode="observe")
    assert "is no mode" in hands.send(path, mode="off")


def test_what_is_disabled_or_no_runbook_has_no_switch(
    scene: Scene, account: Account, hands: Hands
) -> None:
    scene.publish("Off", "restart_workload", enabled=False)
    page = hands.see("/catalogue/Off")
    assert "disabled</strong> in its file" in page
    assert "<form" not in page
    assert "disabled in its file" in hands.send("/catalogue/Off/mode", mode="on", shown="x")
    for name in ("Unheard", "a.b", "%3Cb%3E"):
        path = f"{hands.console.prefix}/catalogue/{name}"
        assert hands.browser.get(path, base_url=f"http://{HOST}").status_code == 404
    assert "nothing of this name is published" in _note(hands, "/catalogue/Unheard/mode")
    assert hands.post("/catalogue/a.b/mode", {"csrf": hands.console.doors.csrf}).status_code == 404
    assert own_modes(account) == {}


def _note(hands: Hands, path: str) -> str:
    """Give what is said of a form whose own page there is not."""
    answer = hands.post(path, {"csrf": hands.console.doors.csrf, "mode": "on"})
    told = answer.headers["Location"].rpartition("told=")[2]
    return hands.see(f"/?told={told}")


def test_where_the_switch_cannot_be_read_nothing_is_offered(
    scene: Scene, account: Account, hands: Hands
) -> None:
    scene.switch(account.own_modes_parameter, "{")
    page = hands.see(f"/catalogue/{ACTS}")
    assert "<strong>not known</strong>" in page
    assert "does not hold the modes of runbooks" in page
    assert f'action="{hands.console.prefix}/catalogue/{ACTS}/mode"' not in page
    assert "does not hold the modes" in hands.send(f"/catalogue/{ACTS}/mode", mode="observe")


def test_a_runbook_that_fell_back_to_asking_is_trusted_again_with_what_it_came_to(
    scene: Scene, account: Account, hands: Hands
) -> None:
    page = hands.see(f"/catalogue/{ACTS}")
    card = page.partition("sre-platform/apps/deployment/checkout</strong>")[2].partition("</li>\n{")
    assert '<span class="tag">asks</span>' in card[0]
    assert "degraded mode did not help and was undone" in card[0]
    assert "What is listed above is forgotten, and nothing else" in card[0]
    assert "In the last 30 days here it ran 3, acted 3, <strong>helped 1</strong>" in card[0]
    shown = {"lock": LOCK.removeprefix("target#"), "shown": _mark(page)}
    path = f"/catalogue/{ACTS}/trust"

    scene.doubt(NEEDS, "another")
    refused = hands.send(path, **shown)
    assert "nothing was decided: by now" in refused
    assert of_lock(account)[f"unhelped#{ACTS}"] == ["another", NEEDS] or [NEEDS, "another"]
    assert of_lock(account)[f"trusted#{ACTS}"]["by"] == "ada"

    again = Hands(account, by="grace (as grace)")
    fresh = {**shown, "shown": _mark(again.see(f"/catalogue/{ACTS}"))}
    assert "acts by itself on sre-platform/apps/deployment/checkout" in again.send(path, **fresh)
    lock = of_lock(account)
    assert f"unhelped#{ACTS}" not in lock
    assert (lock[f"trusted#{ACTS}"]["by"], lock[f"trusted#{ACTS}"]["incidents"]) == (
        "grace (as grace)",
        2,
    )
    assert "has nothing against it on" in again.send(path, **fresh)
    assert "has nothing against it on" in again.send(path, lock="<b>", shown="x")


def _mark(page: str) -> str:
    return carried(page.partition("/trust")[2])


def test_all_is_switched_on_only_as_it_was_shown_and_off_at_once(
    scene: Scene, account: Account, hands: Hands
) -> None:
    scene.switch(account.mode_parameter, "off")
    page = hands.see("/switches")
    asked = page.partition("Let runbooks act again?")[2].partition("</form>")[0]
    assert "the 4 that are open are not taken up, 2 of which need somebody" in asked
    assert "It is off since" in asked
    assert "/switches" in hands.see("/").partition("Let runbooks act")[0].rpartition("<a ")[2]
    scene.switch(account.mode_parameter, "observe")
    for shown in ("off", ""):
        said = hands.send("/mode", mode="on", shown=shown)
        assert "somebody has switched it meanwhile, and it is observe now" in said
    assert "is off (was observe)" in hands.send("/mode", mode="off", shown="on")
    refused = hands.send("/mode", mode="observe", shown="on")
    assert "somebody has switched it meanwhile, and it is off now" in refused
    assert "is on (was off)" in hands.send("/mode", mode="on", shown="off")
    told = hands.see("/switches").partition("Who switched what")[2]
    assert "automatic remediation is on (was off)" in told


def test_a_window_of_one_object_that_begins_later(account: Account, hands: Hands) -> None:
    given = {"minutes": "30", "begin": "10", "reason": "upgrade"}
    said = hands.send("/maintenance", target="apps/checkout", **given)
    assert re.search("Runbooks leave apps/checkout alone from .* until", said)
    text = account.ssm.get_parameter(Name=account.maintenance_parameter)["Parameter"]["Value"]
    [window] = json.loads(text)
    assert (window["target"], window["reason"]) == ("apps/checkout", "upgrade")
    at = [datetime.datetime.fromisoformat(window[each]) for each in ("start", "end")]
    assert at[1] - at[0] == datetime.timedelta(minutes=30)
    assert at[0] > NOW
    assert '<span class="tag">to come</span>' in said
    for wrong in ("apps/", "Apps/x", "a/b/c", "<b>"):
        assert "is no target: write apps/checkout" in hands.send(
            "/maintenance", target=wrong, **given
        )
    assert "it begins in 0 to 10080 minutes" in hands.send(
        "/maintenance", **{**given, "begin": "-1"}
    )
    assert "needs a reason" in hands.send("/maintenance", **{**given, "reason": " "})
    assert json.loads(
        account.ssm.get_parameter(Name=account.maintenance_parameter)["Parameter"]["Value"]
    ) == [window]


def test_a_read_only_console_says_which_command_switches(account: Account) -> None:
    console, browser = entered(account, read_only=True)
    path = f"{console.prefix}/catalogue/{ACTS}"
    page = browser.get(path, base_url=f"http://{HOST}").text
    assert f"srectl runbooks enable {ACTS}" in page
    assert "<form" not in page
