"""A console and a browser that has come in, to send forms as its pages do."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from srectl.console.app import Console, create
from srectl.operate.account import Account

HOST = "127.0.0.1:4321"


def entered(account: Account, **options: Any) -> tuple[Console, FlaskClient]:
    """Give a console and a browser that has come in."""
    console = create(account, **{"by": "ada", **options})
    console.doors.hosts = frozenset({HOST})
    browser = console.app.test_client()
    assert browser.get(console.way_in, base_url=f"http://{HOST}").status_code == 303
    return console, browser


class Hands:
    """A browser in which forms are sent."""

    def __init__(self, account: Account, **options: Any) -> None:
        self.console, self.browser = entered(account, **options)

    def see(self, path: str) -> str:
        """Give a page."""
        return self.browser.get(f"{self.console.prefix}{path}", base_url=f"http://{HOST}").text

    def send(self, path: str, **fields: str) -> str:
        """Send a form as its page does; gives what the page after it says."""
        given = {"csrf": self.console.doors.csrf, **fields}
        answer = self.post(path, given)
        assert answer.status_code == 303, answer.text
        page = self.browser.get(answer.headers["Location"], base_url=f"http://{HOST}")
        return page.text.partition("<main")[2]

    def post(self, path: str, fields: dict[str, str], **headers: str) -> TestResponse:
        return self.browser.post(
            f"{self.console.prefix}{path}", data=fields, base_url=f"http://{HOST}", headers=headers
        )
