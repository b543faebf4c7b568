"""Who may come into the console, and what everybody is told who may not."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from srectl.console.app import Console, create
from srectl.operate.account import Account
from tests.support.console_scene import Scene, deployment

HOST = "127.0.0.1:4321"
ID = "11111111-0000-4000-8000-000000000001"


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with pytest.MonkeyPatch.context() as patch, deployment(patch) as made:
        Scene(made, datetime.datetime.now(datetime.UTC)).night()
        yield made


@pytest.fixture
def console(account: Account) -> Console:
    made = create(account, by="ada")
    made.doors.hosts = frozenset({HOST})
    return made


@pytest.fixture
def browser(console: Console) -> FlaskClient:
    """Return a browser that has not come in."""
    return console.app.test_client()


def get(browser: FlaskClient, path: str, **headers: str) -> TestResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return browser.get(path, base_url=f"http://{HOST}", headers=named)


def enter(console: Console, browser: FlaskClient) -> None:
    assert get(browser, console.way_in).status_code == 303


def test_the_token_is_good_once(console: Console, browser: FlaskClient) -> None:
    way_in = console.way_in
    assert browser.head(way_in, base_url=f"http://{HOST}").status_code == 405
    answer = get(browser, way_in)
    assert answer.status_code == 303
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert f"Path={console.prefix}" in cookie
    assert get(browser, f"{console.prefix}/").status_code == 200
    assert get(console.app.test_client(), way_in).status_code == 401


@pytest.mark.parametrize(
    "path",
    ["/", "/incidents", f"/incidents/{ID}", "/news", "/static/live.js", "/enter/", "/enter/x"],
)
def test_nothing_is_shown_to_who_has_not_come_in(
    console: Console, browser: FlaskClient, path: str
) -> None:
    answer = get(browser, f"{console.prefix}{path}")
    assert answer.status_code in (401, 404)
    assert "Checkout" not in answer.text


@pytest.mark.parametrize("place", ["", "prefix"])
def test_a_refusal_has_its_style(console: Console, browser: FlaskClient, place: str) -> None:
    refused = get(browser, f"{console.prefix}/" if place else "/")
    assert refused.status_code == 401
    [sheet] = re.findall(r'<link rel="stylesheet" href="([^"]*)"', refused.text)
    style = get(browser, sheet)
    assert (style.status_code, style.mimetype) == (200, "text/css")
    assert get(browser, sheet, Sec_Fetch_Site="cross-site").status_code == 403
    assert browser.get(sheet, base_url="http://attacker.example").status_code == 421


def test_the_cookie_opens_no_other_path(console: Console, browser: FlaskClient) -> None:
    enter(console, browser)
    assert get(browser, "/").status_code == 401
    assert get(browser, f"{console.prefix}x/").status_code == 401


def test_another_name_of_this_machine_is_refused(console: Console, browser: FlaskClient) -> None:
    """A page of attacker.example, whose name points at 127.0.0.1 by now, asks under that name."""
    enter(console, browser)
    for host in ("attacker.example:4321", "127.0.0.1:80", "127.0.0.1"):
        answer = browser.get(
            f"{console.prefix}/", base_url=f"http://{HOST}", headers={"Host": host}
        )
        assert answer.status_code == 421, host


def test_a_page_of_another_origin_reads_nothing(console: Console, browser: FlaskClient) -> None:
    """Another port of 127.0.0.1 is the same site, so its requests carry the cookie."""
    enter(console, browser)
    for site in ("cross-site", "same-site"):
        assert get(browser, f"{console.prefix}/", Sec_Fetch_Site=site).status_code == 403
    assert get(browser, f"{console.prefix}/", Sec_Fetch_Site="none").status_code == 200


def test_every_answer_says_that_nothing_else_may_run(
    console: Console, browser: FlaskClient
) -> None:
    answers = [get(browser, "/"), get(browser, f"{console.prefix}/")]
    enter(console, browser)
    answers += [
        get(browser, f"{console.prefix}{path}") for path in ("/", "/static/console.css", "/x")
    ]
    for answer in answers:
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert answer.headers["Cache-Control"] == "no-store"


def test_a_fault_shows_no_code(
    console: Console, browser: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("the secret of the engine")

    enter(console, browser)
    monkeypatch.setattr("srectl.console.pages.overview", broken)
    answer = get(browser, f"{console.prefix}/")
    assert answer.status_code == 500
    assert "ZeroDivisionError" in answer.text
    for word in ("Traceback", "secret of the engine", ".py"):
        assert word not in answer.text


def test_an_incident_that_is_not_there_is_said_so(console: Console, browser: FlaskClient) -> None:
    enter(console, browser)
    answer = get(browser, f"{console.prefix}/incidents/00000000-nobody")
    assert answer.status_code == 404
    assert "no incident" in answer.text
    whole = get(browser, f"{console.prefix}/incidents/00000000-0000-0000-0000-000000000000")
    assert (whole.status_code, "there is no incident" in whole.text) == (404, True)
    assert get(browser, f"{console.prefix}/incidents/..%2f..%2fx").status_code == 404


def test_the_token_of_an_approval_is_on_no_page(console: Console, browser: FlaskClient) -> None:
    enter(console, browser)
    for path in ("/", "/incidents", "/incidents/22222222-0000-4000-8000-000000000002"):
        page = get(browser, f"{console.prefix}{path}")
        assert "KubePersistentVolumeFillingUp" in page.text
        assert "secret-token" not in page.text


def test_locks_that_may_not_be_read_leave_the_page(
    console: Console, browser: FlaskClient, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(**_: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "BatchGetItem")

    enter(console, browser)
    monkeypatch.setattr(account.dynamodb, "batch_get_item", refused)
    page = get(browser, f"{console.prefix}/")
    assert page.status_code == 200
    assert "AccessDeniedException" in page.text
    assert "CheckoutSaturation" in page.text


def test_what_cannot_be_read_leaves_the_rest_of_the_page(
    console: Console, browser: FlaskClient, account: Account
) -> None:
    enter(console, browser)
    account.ssm.put_parameter(Name=account.maintenance_parameter, Value="no list", Overwrite=True)
    try:
        page = get(browser, f"{console.prefix}/")
    finally:
        account.ssm.put_parameter(Name=account.maintenance_parameter, Value="[]", Overwrite=True)
    assert page.status_code == 200
    assert "does not hold a list of maintenance windows" in page.text
    assert "CheckoutHighErrorRate" in page.text
