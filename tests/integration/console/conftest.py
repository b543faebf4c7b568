"""A console over stores in moto, and one Chromium for all tests."""

from __future__ import annotations

import datetime
import threading
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page

from srectl.console.app import create
from srectl.console.serving import Server
from tests.integration.console.running import Running
from tests.support.chromium import chromium
from tests.support.console_scene import Scene, deployment, hostile


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    """Serve a night with a hostile incident in it."""
    with pytest.MonkeyPatch.context() as patch, deployment(patch) as account:
        scene = Scene(account, datetime.datetime.now(datetime.UTC))
        scene.night()
        hostile_id = hostile(scene)
        console = create(account, by="ada")
        console.reading.prepare()
        server = Server(console)
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            yield Running(server, scene, account, hostile_id)
        finally:
            server.stop()
            thread.join()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Run the machine's Chromium."""
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def page(running: Running, browser: Browser) -> Iterator[Page]:
    """Return a page that has come in; what a script of the page complains of fails the test."""
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    made = context.new_page()
    made.goto(running.server.address)
    yield made
    context.close()


@pytest.fixture(scope="module")
def address(page: Page) -> Callable[[str], str]:
    """Give the address of a page of the console by its path."""
    base = page.url
    return lambda path: base + path
