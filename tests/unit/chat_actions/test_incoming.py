"""Nothing of a request is read before it is known to be Slack's, and young."""

from __future__ import annotations

import time
from typing import Any

import pytest

from chat_actions.errors import NotFromSlack, NotUnderstood
from chat_actions.incoming import MOST_WAIT, Signed, button_value, click_of
from tests.support.slack import ADA, CHANNEL, SECRET, pressed, signed

INCIDENT = "edc4574d-f844-58cc-b5c9-dc4169c35240"
BUTTON = {"action_id": "sre-approve", "value": button_value(INCIDENT, 1, "00ff")}
BODY = pressed(BUTTON, "1.000001")


def request(body: str = BODY, **changes: Any) -> Signed:
    event = signed(body, **changes)
    return Signed.of(event["body"], event["headers"])


def test_what_slack_signed_is_taken_whatever_the_case_of_the_headers() -> None:
    event = signed(BODY)
    lower = {name.lower(): value for name, value in event["headers"].items()}
    Signed.of(BODY, lower).refuse_forged(SECRET, time.time())
    click = click_of(BODY)
    assert click is not None
    assert (click.action, click.incident_id, click.step) == ("sre-approve", INCIDENT, 1)
    assert (click.plan_hash, click.user, click.channel) == ("00ff", ADA, CHANNEL)


@pytest.mark.parametrize("age", [301, -301, 86400])
def test_what_is_older_than_five_minutes_or_of_the_future_is_refused(age: float) -> None:
    with pytest.raises(NotFromSlack, match="more than 300 seconds"):
        request(age=age).refuse_forged(SECRET, time.time())


def test_what_waits_in_the_queue_may_be_older_and_not_any_age() -> None:
    request(age=600).refuse_forged(SECRET, time.time(), MOST_WAIT)
    with pytest.raises(NotFromSlack, match="more than 900"):
        request(age=1000).refuse_forged(SECRET, time.time(), MOST_WAIT)


def forged() -> list[Signed]:
    good = request()
    return [
        request(secret="another"),
        Signed(BODY.replace("sre-approve", "sre-deny"), good.stamp, good.signature),
        Signed(BODY + " ", good.stamp, good.signature),
        Signed(BODY, str(int(good.stamp) + 1), good.signature),
        Signed(BODY, good.stamp, ""),
        Signed(BODY, good.stamp, good.signature.upper()),
        Signed(BODY, good.stamp, "v0=" + "é" * 64),
        Signed(BODY, "", good.signature),
        Signed(BODY, "soon", good.signature),
        Signed(BODY, "١٢٣", good.signature),
        Signed.of(BODY, {}),
        Signed.from_json({}),
    ]


@pytest.mark.parametrize("number", range(12))
def test_what_is_forged_is_refused(number: int) -> None:
    with pytest.raises(NotFromSlack):
        forged()[number].refuse_forged(SECRET, time.time())


@pytest.mark.parametrize(
    "body",
    [
        "",
        "payload=",
        "payload=%7B",
        "payload=[]",
        "x=y",
        pressed({**BUTTON, "value": "{}"}, "1"),
        pressed({**BUTTON, "value": button_value("no-incident")}, "1"),
        pressed({**BUTTON, "value": "null"}, "1"),
    ],
)
def test_what_is_no_press_of_a_button_is_not_understood(body: str) -> None:
    with pytest.raises(NotUnderstood):
        click_of(body)


def test_a_button_that_is_not_ours_is_left_alone() -> None:
    assert click_of(pressed({"action_id": "link", "value": ""}, "1")) is None
