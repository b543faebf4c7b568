"""The pictures of the console in the README: 'make screenshots' makes them anew.

A night in moto, shown by the real server to the machine's Chromium.
"""

from __future__ import annotations

import datetime
import sys
import threading
from pathlib import Path

import pytest

from srectl.console.app import create
from srectl.console.reading import Part
from srectl.console.serving import Server
from srectl.operate import trust
from tests.support.chromium import chromium
from tests.support.console_scene import Scene, deployment

FOLDER = Path("docs/pictures")
MOST_BYTES = 150_000
INCIDENT = "11111111-0000-4000-8000-000000000001"
ASKED = "22222222-0000-4000-8000-000000000002"
_UNFOLD = """document.querySelectorAll(".card details").forEach(each => { each.open = true })"""
#: Name, path, theme, width and height.
SHOTS = (
    ("console-now", "", "light", 1100, 760),
    ("console-incident", f"incidents/{INCIDENT}", "dark", 1100, 760),
    ("console-phone", f"incidents/{ASKED}", "dark", 390, 844),
    ("console-runbook", "catalogue/CheckoutHighErrorRate#week", "light", 900, 760),
)


def main() -> None:
    """Make them."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    now = datetime.datetime.now(datetime.UTC)
    with pytest.MonkeyPatch.context() as patch, deployment(patch, prefix="") as account:
        scene = Scene(account, now)
        scene.night()
        _doubts(scene)
        # moto has no function whose setting it is.
        patch.setattr(trust, "limit_of", lambda _: 3)
        console = create(account, by="ada")
        console.reading.prepare()
        # moto's machines never end.
        beat = {"status": "SUCCEEDED", "at": now - datetime.timedelta(minutes=2)}
        patch.setattr(console.reading, "canary", lambda: Part(beat))
        server = Server(console)
        threading.Thread(target=server.run, daemon=True).start()
        with chromium() as browser:
            page = browser.new_page(device_scale_factor=1)
            page.goto(server.address)
            base = page.url
            for name, path, theme, width, height in SHOTS:
                page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
                page.set_viewport_size({"width": width, "height": height})
                page.goto(base + path)
                page.evaluate(_UNFOLD)
                file = FOLDER / f"{name}.png"
                page.screenshot(path=file)
                size = file.stat().st_size
                print(f"{file}: {size // 1024} KiB")
                if size > MOST_BYTES:
                    sys.exit(f"{file} is larger than {MOST_BYTES // 1000} kB")
        server.stop()


def _doubts(scene: Scene) -> None:
    """Have a runbook not be seen to help three times in a row."""
    found = [INCIDENT]
    for hours in (20, 44):
        found.append(f"99999999-0000-4000-8000-0000000000{hours}")
        scene.put(
            found[-1],
            timestamp=scene.ago(hours=hours),
            status="resolved",
            in_hand=scene.hand("enable_degraded_mode"),
            actions_taken=[scene.action("enable_degraded_mode")],
            escalated_at=scene.ago(hours=hours - 0.2),
            escalation_reason="The alert had not resolved 300 seconds after stabilization",
            closed_by="grace",
            mttr_seconds=2520,
        )
    scene.doubt(*found, minutes=5 * 1440)


if __name__ == "__main__":
    main()
