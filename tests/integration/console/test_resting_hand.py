"""Nothing slides under a hand that is about to answer a question; in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.integration.console.running import Running, Taken

AT = Callable[[str], str]
ASKED = "22222222-0000-4000-8000-000000000002"
WORSE = "99999999-0000-4000-8000-000000000009"
APPROVE = "Approve: do it"


@pytest.fixture
def answers(running: Running) -> Iterator[list[dict[str, Any]]]:
    """Give what is answered to waiting tasks, and put the question back afterwards."""
    account, asked = running.account, running.scene.read(ASKED)
    usual = account.states
    states = account.__dict__["states"] = Taken(usual)
    yield states.answers
    account.__dict__["states"] = usual
    running.scene.put(ASKED, **asked)
    key = {"incident_id": {"S": WORSE}, "timestamp": {"S": running.scene.ago(minutes=9)}}
    account.dynamodb.delete_item(TableName=account.incidents_table, Key=key)


def worse(running: Running) -> None:
    """Have another runbook ask, about what stands first on the screen."""
    scene = running.scene
    record = {**scene.read(ASKED), "alert_name": "PaymentsDown", "severity": "critical"}
    approval = {**record["approval"], "token": "OTHER-token", "plan_hash": "f" * 64}
    scene.put(WORSE, **{**record, "timestamp": scene.ago(minutes=9), "approval": approval})


def card(page: Page, alert: str) -> Locator:
    """Give the card of an incident that needs somebody."""
    return page.locator("#needs .card", has_text=alert)


def rest_on(page: Page, button: Locator) -> tuple[float, float]:
    """Bring the pointer to a button and leave it there."""
    button.scroll_into_view_if_needed()
    box = button.bounding_box()
    assert box
    at = box["x"] + 20, box["y"] + box["height"] / 2
    page.mouse.move(*at)
    return at


def press(page: Page) -> None:
    """Press where the pointer rests."""
    page.mouse.down()
    page.mouse.up()


def test_the_question_that_is_pointed_at_stays_under_the_pointer(
    page: Page, address: AT, running: Running, answers: list[dict[str, Any]]
) -> None:
    page.goto(address(""))
    rest_on(page, card(page, "KubePersistentVolumeFillingUp").get_by_role("button", name=APPROVE))
    worse(running)
    expect(page.locator("#news")).to_contain_text("there is news", timeout=15_000)
    assert card(page, "PaymentsDown").count() == 0
    press(page)
    expect(page.locator("main [role=status]")).to_contain_text("Approved by arn:")
    assert [each["taskToken"] for each in answers] == ["secret-token"]


@pytest.mark.usefixtures("answers")
def test_what_has_waited_is_shown_as_soon_as_the_question_is_left(
    page: Page, address: AT, running: Running
) -> None:
    page.goto(address(""))
    approve = card(page, "KubePersistentVolumeFillingUp").get_by_role("button", name=APPROVE)
    page.mouse.move(2, 2)
    approve.focus()
    worse(running)
    expect(page.locator("#news")).to_contain_text("there is news", timeout=15_000)
    expect(approve).to_be_focused()
    page.locator("nav a").first.focus()
    expect(card(page, "PaymentsDown")).to_be_visible(timeout=5_000)
    expect(page.locator("#news")).to_have_text("live")


@pytest.mark.usefixtures("answers")
def test_the_keyboard_stays_at_its_button_when_the_list_is_put_in_anew(
    page: Page, address: AT, running: Running
) -> None:
    page.goto(address(""))
    page.mouse.move(2, 2)
    mine = card(page, "CheckoutHighErrorRate").get_by_role("button", name="I have it").first
    mine.focus()
    worse(running)
    expect(card(page, "PaymentsDown")).to_be_visible(timeout=15_000)
    expect(mine).to_be_focused()


def test_another_question_in_the_place_of_one_that_is_gone_is_not_answered_by_its_press(
    page: Page, address: AT, running: Running, answers: list[dict[str, Any]]
) -> None:
    worse(running)
    page.goto(address(""))
    first = card(page, "PaymentsDown")
    rest_on(page, first.get_by_role("button", name=APPROVE))
    # Somebody else has denied it; the next question comes up to where it was.
    gone = running.scene.read(WORSE)
    running.scene.put(WORSE, **{**gone, "approval": {**gone["approval"], "answer": "denied"}})
    expect(first).to_have_count(0, timeout=15_000)
    under = card(page, "KubePersistentVolumeFillingUp").get_by_role("button", name=APPROVE)
    assert under.evaluate("each => each.matches(':hover')")
    page.wait_for_timeout(1200)  # the page has settled, and the hand has not moved
    press(page)
    expect(page.locator("#news")).to_contain_text("Nothing was sent")
    press(page)  # a double click is no second look
    page.wait_for_timeout(1200)
    assert answers == []
    press(page)
    expect(page.locator("main [role=status]")).to_contain_text("Approved by arn:")
    assert [each["taskToken"] for each in answers] == ["secret-token"]
