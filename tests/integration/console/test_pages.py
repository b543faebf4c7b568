"""The pages in a real browser: nothing of an alert runs, and everybody can use them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.integration.console.running import PHONE, Running, Taken
from tests.support.console_scene import HOSTILE_KIN

WIDE = {"width": 1200, "height": 900}
AT = Callable[[str], str]
ID = "11111111-0000-4000-8000-000000000001"
ASKED = "22222222-0000-4000-8000-000000000002"
PAGES = (
    "",
    "incidents",
    "incidents?status=resolved",
    f"incidents/{ID}",
    f"incidents/{ASKED}",
    "catalogue",
    "catalogue/CheckoutHighErrorRate",
    "catalogue/RollBackYoungRollout",
    "numbers",
    "undelivered?queue=audit",
    "switches",
    "target?cluster=sre-platform&namespace=apps&kind=deployment&name=checkout",
    "x",
)


@pytest.fixture
def complaints(page: Page) -> Iterator[list[str]]:
    """Give what the browser complains of: scripts that were refused, errors of those that run."""
    heard: list[str] = []

    def listen(message: Any) -> None:
        if message.type == "error" and "404" not in message.text:
            heard.append(message.text)

    page.on("console", listen)
    page.on("pageerror", lambda error: heard.append(str(error)))
    yield heard
    page.remove_listener("console", listen)


CART = "target?cluster=sre-platform&namespace=apps&kind=deployment&name=cart"
#: Where hostile text stands: what alerts, catalogue, switches, locks, queues and the bus hold.
HOSTILE_PAGES = (
    *("", "incidents", "incidents?status=escalated", "HOSTILE", "HOSTILE/evidence", "KIN"),
    *("catalogue", "catalogue/Hostile", "catalogue/CheckoutHighErrorRate", "numbers"),
    *("undelivered?queue=parked", "switches", CART),
)


def path_of(name: str, running: Running) -> str:
    """Give the path of a page, some of which are named by what is on them."""
    hostile = f"incidents/{running.hostile_id}"
    return name.replace("HOSTILE", hostile).replace("KIN", f"incidents/{HOSTILE_KIN}")


@pytest.mark.parametrize("path", HOSTILE_PAGES)
def test_nothing_of_an_alert_runs(
    page: Page, address: AT, running: Running, complaints: list[str], path: str
) -> None:
    page.goto(address(path_of(path, running)))
    shown = page.locator("main").inner_text()
    assert "<script>window.stolen=1</script>" in shown or "<SCRIPT>" in shown
    assert page.evaluate("window.stolen") is None
    foreign = "main script, main svg:not(.plot), main iframe, main img:not(.picture)"
    assert page.locator(foreign).count() == 0
    for picture in page.locator("main img").all():  # of numbers, drawn by the console
        assert picture.evaluate("picture => picture.complete && picture.naturalWidth") == 320
    assert "{{7*7}}" in shown
    assert "\u202e" not in shown
    # The content policy had nothing to refuse: the text never was markup.
    assert complaints == []
    for each in page.locator("a").all():
        assert (each.get_attribute("href") or "").startswith(("/", "#", "https://"))


@pytest.mark.parametrize("path", [*PAGES, *HOSTILE_PAGES[3:6], "catalogue/Hostile", CART])
def test_axe_finds_nothing(page: Page, address: AT, running: Running, path: str) -> None:
    page.goto(address(path_of(path, running)))
    # What is folded away is looked at, too.
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
    for scheme, size in (("light", WIDE), ("dark", WIDE), ("dark", PHONE), ("light", PHONE)):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.set_viewport_size(size)  # type: ignore[arg-type]
        found = Axe().run(page)
        assert found.violations_count == 0, f"{scheme} {size}: {found.generate_report()}"
        # Nothing is cut off on a phone: wide tables move inside themselves.
        wide = page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
        assert not wide, f"{path} is wider than {size['width']} pixels"


def test_the_keyboard_is_enough(page: Page, address: AT) -> None:
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    page.goto(address(""))
    page.keyboard.press("Tab")
    skip = page.locator(".skip")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    reached = []
    for _ in range(30):
        page.keyboard.press("Tab")
        seen = page.evaluate(
            """() => {
                const at = document.activeElement, style = getComputedStyle(at);
                const name = (at.labels && at.labels[0] ? at.labels[0] : at).textContent.trim();
                return [name, style.outlineStyle, parseFloat(style.outlineWidth)];
            }"""
        )
        if not seen[0] or page.evaluate("document.activeElement === document.body"):
            break
        assert seen[1] == "solid", seen
        assert seen[2] >= 2, seen
        reached.append(seen[0])
    assert reached[:2] == ["CheckoutHighErrorRate", "KubePersistentVolumeFillingUp"] or (
        "CheckoutHighErrorRate" in reached
    )


def test_what_happens_is_seen_without_a_reload(page: Page, address: AT, running: Running) -> None:
    page.goto(address(""))
    page.evaluate("window.same = true")
    running.scene.put("77777777-0000-4000-8000-000000000007", alert_name="JustNow")
    expect(page.get_by_role("link", name="JustNow")).to_be_visible(timeout=15_000)
    assert page.evaluate("window.same") is True


def test_an_approval_is_clicked_and_its_outcome_watched(
    page: Page, address: AT, running: Running
) -> None:
    """What the platform would do is written as it writes it; the page is never loaded anew."""
    scene, account = running.scene, running.account
    states = account.__dict__["states"] = Taken(account.states)
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page.goto(address(""))
    card = page.locator("#needs .card", has_text="KubePersistentVolumeFillingUp")
    expect(card).to_contain_text("GrowVolume, until")
    expect(card.locator(".ask .plan")).to_contain_text("13Gi")
    card.get_by_role("button", name="Approve: do it").click()
    expect(page.locator("main [role=status]")).to_contain_text("Approved by arn:")
    [answer] = states.answers
    assert answer["taskToken"] == "secret-token"
    assert "X-Amz-Signature" in answer["output"]
    expect(page.locator(".event", has_text="answered")).to_contain_text("approved")
    expect(page.locator(".ask")).to_have_count(0)

    page.evaluate("window.since = 'the click'")
    record = scene.read(ASKED)
    done = [scene.action("expand_volume", summary="the claim has 13Gi")]
    scene.put(ASKED, **{**record, "actions_taken": done})
    execute = page.locator(".event", has_text="the claim has 13Gi")
    expect(execute).to_be_visible(timeout=15_000)
    ended = {"status": "resolved", "verified_at": scene.ago(minutes=0), "in_flight": None}
    scene.put(ASKED, **{**record, "actions_taken": done, **ended})
    expect(page.locator("#head .status")).to_have_text("resolved", timeout=15_000)
    assert page.evaluate("window.since") == "the click"


def test_what_somebody_writes_is_not_taken_away_by_news(
    page: Page, address: AT, running: Running
) -> None:
    page.goto(address(f"incidents/{ID}"))
    page.locator("#do-close > summary").click()
    page.get_by_label("how it was settled").fill("rolled back to 1.4.2")
    running.scene.put(ID, **{**running.scene.read(ID), "acknowledged_by": "grace"})
    expect(page.locator("#head")).to_contain_text("grace", timeout=15_000)
    expect(page.get_by_label("how it was settled")).to_have_value("rolled back to 1.4.2")
    # It is somebody else's by now: whoever closes it all the same has read whose.
    page.get_by_role("button", name="Close").click()
    expect(page.locator("main [role=alert]")).to_contain_text("is in the hands of grace")
    page.locator("#do-close > summary").click()
    page.get_by_label("how it was settled").fill("rolled back to 1.4.2")
    page.get_by_role("button", name="Close").click()
    expect(page.locator("#head .status")).to_have_text("escalated")
    page.locator("#do-close").get_by_label("do it all the same").check()
    page.get_by_role("button", name="Close").click()
    expect(page.locator("main [role=status]")).to_contain_text("Closed by ada")
    expect(page.locator("#head .status")).to_have_text("resolved")


def test_the_robot_is_stopped_by_one_button(page: Page, address: AT, running: Running) -> None:
    page.goto(address(""))
    page.get_by_role("button", name="Stop the robot").click()
    expect(page.locator("#state")).to_contain_text("every alert goes to a human")
    name = running.account.mode_parameter
    assert running.account.ssm.get_parameter(Name=name)["Parameter"]["Value"] == "off"
    # On again by what the question says, without a mouse.
    page.get_by_role("link", name="Let runbooks act").press("Enter")
    press(page, "On: let runbooks act…")
    expect(page.locator("#mode")).to_contain_text("are not taken up")
    press(page, "Let runbooks act")
    expect(page.locator("main [role=status]")).to_contain_text("is on (was off)")


def press(page: Page, name: str) -> None:
    """Reach what is called so by the tabulator alone, see that it is marked, and press Enter."""
    for _ in range(80):
        page.keyboard.press("Tab")
        at = page.evaluate(
            """() => {
                const at = document.activeElement, style = getComputedStyle(at);
                return [at.innerText.trim(), style.outlineStyle, parseFloat(style.outlineWidth)];
            }"""
        )
        if at[0].partition("\n")[0] == name:
            assert at[1] == "solid", at
            assert at[2] >= 2, at
            page.keyboard.press("Enter")
            return
    pytest.fail(f"{name} cannot be reached by the tabulator")


def test_a_runbook_is_switched_and_trusted_again_by_keyboard(
    page: Page, address: AT, running: Running
) -> None:
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page.goto(address("catalogue"))
    press(page, "RollBackYoungRollout")
    expect(page.get_by_role("heading", name="RollBackYoungRollout")).to_be_visible()
    press(page, "Let it act…")
    expect(page.locator("#do-enable")).to_contain_text("there are no numbers of what it does")
    press(page, "Let it act")
    expect(page.locator("main [role=status]")).to_contain_text("is on (was observe)")
    press(page, "Only observe")
    expect(page.locator("main [role=status]")).to_contain_text("is observe (was on)")
    page.goto(address("catalogue/CheckoutHighErrorRate"))
    press(page, "Let it act by itself here again…")
    press(page, "Let it act by itself")
    expect(page.locator("main [role=status]")).to_contain_text("acts by itself on sre-platform")
    expect(page.get_by_text("Trusted again").first).to_contain_text("by ada")


def test_on_a_phone_each_number_of_the_catalogue_stands_beside_its_name(
    page: Page, address: AT
) -> None:
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page.goto(address("catalogue"))
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="GrowVolume"))
    named = "each => getComputedStyle(each, '::before').content"
    cells = row.get_by_role("cell")
    heads = page.get_by_role("columnheader").all_text_contents()[1:]
    assert [cell.evaluate(named) for cell in cells.all()] == [f'"{each} "' for each in heads]
    # Nothing has to be scrolled to the side, and no word is broken to pieces.
    moved = page.locator(".scroll").evaluate("each => each.scrollWidth > each.clientWidth")
    assert not moved
    for cell in cells.all()[1:]:
        assert cell.evaluate("each => each.getClientRects().length") == 1
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    assert cells.first.evaluate(named) == "none"


def test_a_window_is_opened_and_ended_by_keyboard(page: Page, address: AT) -> None:
    page.goto(address("switches"))
    press(page, "Leave something alone for a while…")
    page.get_by_label("what: namespace/name").fill("apps/checkout")
    page.get_by_label("reason, which on-call reads").fill("moving house")
    page.keyboard.press("Enter")
    expect(page.locator("main [role=status]")).to_contain_text("leave apps/checkout alone")
    window = page.locator("#windows-now li", has_text="moving house")
    window.get_by_role("button", name="End it").press("Enter")
    expect(page.locator("main [role=status]")).to_contain_text("The window is over")


def test_the_timeline_has_who_did_what_and_the_picture_of_the_numbers(
    page: Page, address: AT, running: Running
) -> None:
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    child = "11111111-0000-4000-8000-000000000003"
    running.scene.put(ID, **{**running.scene.read(ID), "children": {child}})
    page.goto(address(f"incidents/{ID}"))
    # What was just written may be read a moment later, and comes by itself then.
    for each in ("taken", "released", "trusted", "child", "told", "paged", "switched"):
        expect(page.locator(".event .kind", has_text=each).first).to_be_visible(timeout=20_000)
    expect(page.locator(".event", has_text="released")).to_contain_text("grace (audit log)")
    expect(page.locator("#kin")).to_contain_text("KubePodNotReady")
    page.goto(address(f"incidents/{running.hostile_id}"))
    picture = page.locator("#found img.picture")
    assert picture.evaluate("each => each.complete && each.naturalWidth > 0")
