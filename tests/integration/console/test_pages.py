"""The pages in a real browser: nothing of an alert runs, and everybody can use them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.integration.console.conftest import PHONE, Running

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


@pytest.mark.parametrize("path", ["", "incidents", "incidents?status=escalated", "HOSTILE"])
def test_nothing_of_an_alert_runs(
    page: Page, address: AT, running: Running, complaints: list[str], path: str
) -> None:
    page.goto(address(path.replace("HOSTILE", f"incidents/{running.hostile_id}")))
    shown = page.locator("main").inner_text()
    assert "<script>window.stolen=1</script>" in shown or "<SCRIPT>" in shown
    assert page.evaluate("window.stolen") is None
    assert page.locator("main script, main img, main svg[onload], main iframe").count() == 0
    assert "{{7*7}}" in shown
    assert "\u202e" not in shown
    # The content policy had nothing to refuse: the text never was markup.
    assert complaints == []
    for each in page.locator("a").all():
        assert (each.get_attribute("href") or "").startswith(("/", "#", "https://"))


@pytest.mark.parametrize("path", [*PAGES, "HOSTILE"])
def test_axe_finds_nothing(page: Page, address: AT, running: Running, path: str) -> None:
    page.goto(address(path.replace("HOSTILE", f"incidents/{running.hostile_id}")))
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
                return [at.textContent.trim(), style.outlineStyle, parseFloat(style.outlineWidth)];
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
