"""A card says what the record says; what an alert says calls nobody, and Slack takes it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from slack_sdk.models.blocks import Block

from chat_actions.card import card
from chat_actions.story import story
from chat_actions.wording import MOST_TEXT, escaped

INCIDENT = "edc4574d-f844-58cc-b5c9-dc4169c35240"
CHANGE = {"kind": "Deployment", "name": "checkout", "field": "replicas", "from": 3, "to": 4}


def record(**changes: Any) -> dict[str, Any]:
    return {
        "incident_id": INCIDENT,
        "timestamp": "2026-11-28T03:00:00.000Z",
        "status": "open",
        "severity": "critical",
        "alert_name": "CheckoutHighErrorRate",
        "summary": "47.5% of requests fail",
        "target": {"cluster": "prod", "namespace": "apps", "name": "checkout"},
        "actions_taken": [],
        **changes,
    }


def asking(**changes: Any) -> dict[str, Any]:
    approval = {
        "token": "secret-token",
        "runbook": "CheckoutHighErrorRate",
        "requested_at": "2026-11-28T03:00:05.000Z",
        "step": 2,
        "plan": [CHANGE],
        "plan_hash": "00ff",
        "persons": 1,
        **changes,
    }
    return record(status="remediating", approval=approval)


def test_a_question_says_until_when_it_waits() -> None:
    said = json.dumps(card(asking(until="2026-11-28T03:15:05.000Z")).blocks)
    assert "asks since 2026-11-28T03:00:05.000Z, until 2026-11-28T03:15:05.000Z*" in said
    assert "until" not in json.dumps(card(asking()).blocks)


def test_what_is_lent_stands_on_the_card_with_its_return_and_with_what_became_of_it() -> None:
    lent = {"lent": "degraded mode on checkout", "lent_until": "2026-11-28T03:25:00.000Z"}
    closed = record(status="resolved", **lent)
    said = json.dumps(card(closed).blocks)
    assert "degraded mode on checkout, not taken back before 2026-11-28T03:25:00.000Z" in said
    said = json.dumps(card({**closed, "restoration": "restored"}).blocks)
    assert "degraded mode on checkout: restored" in said
    assert "*Lent*" not in json.dumps(card(record()).blocks)


@pytest.mark.parametrize(
    ("given", "headline"),
    [
        (record(), "CRIT apps/checkout: 47.5% of requests fail"),
        (record(severity="warning"), "WARN apps/checkout: 47.5% of requests fail"),
        (record(status="remediating"), "AT WORK apps/checkout: 47.5% of requests fail"),
        (asking(), "ASKS YOU apps/checkout: 47.5% of requests fail"),
        (record(status="escalated"), "NEEDS YOU apps/checkout: 47.5% of requests fail"),
        (
            record(status="escalated", acknowledged_by="arn:aws:sts::1:assumed-role/oncall/ada"),
            "TAKEN apps/checkout: by ada",
        ),
        (record(status="resolved", mttr_seconds=12), "OK apps/checkout: over in 12 s"),
        (record(status="resolved"), "OK apps/checkout: over"),
        (record(target={}), "CRIT CheckoutHighErrorRate: 47.5% of requests fail"),
        (
            record(summary="Checkout fails 47.5% of its requests, which is more than ever before"),
            "CRIT apps/checkout: fails 47.5% of its requests, which is ..",
        ),
    ],
)
def test_the_first_line_says_whether_one_has_to_get_up(
    given: dict[str, Any], headline: str
) -> None:
    assert card(given).text == headline


def buttons(given: dict[str, Any]) -> list[str]:
    return [
        each["text"]["text"]
        for block in card(given).blocks
        if block["type"] == "actions"
        for each in block["elements"]
    ]


def test_there_are_buttons_for_what_can_be_answered_and_for_nothing_else() -> None:
    assert buttons(asking()) == ["Approve", "Deny", "Acknowledge"]
    assert buttons(asking(answer="approved", answered_by="ada")) == ["Acknowledge"]
    assert buttons(record(status="resolved")) == []
    assert buttons(record(acknowledged_by="ada")) == []


def test_the_plan_is_shown_and_its_hash_is_what_the_button_carries() -> None:
    shown = card(asking())
    (actions,) = [each for each in shown.blocks if each["type"] == "actions"]
    value = json.loads(actions["elements"][0]["value"])
    assert value == {"i": INCIDENT, "s": 2, "h": "00ff"}
    text = json.dumps(shown.blocks)
    assert "Deployment checkout replicas: 3 -&gt; 4" in text
    assert "secret-token" not in text


HOSTILE = (
    "<!channel> <@U1> <https://evil.example|click> & "
    "\u202e``` *b* `x` <script>alert(1)</script>\x00"
)


def everywhere(text: str) -> dict[str, Any]:
    action = {
        "action_id": "a",
        "operation": "execute",
        "action": text,
        "status": text,
        "summary": text,
        "approved_by": text,
        "step": '{"index": 1}',
        "started_at": "t",
    }
    change = dict.fromkeys(("kind", "name", "field", "from", "to"), text)
    given = asking(runbook=text, requested_at=text, plan=[change] * 40, persons=2)
    given["approval"]["first"] = {"by": text, "proof": "p", "at": "2026-11-28T03:00:00Z"}
    return {
        **given,
        "alert_name": text,
        "summary": text,
        "severity": text,
        "target": dict.fromkeys(("cluster", "namespace", "name"), text),
        "evidence": {"findings": [text] * 30},
        "acknowledged_by": text,
        "acknowledged_at": text,
        "acknowledged_because": text,
        "escalated_at": text,
        "escalation_reason": text,
        "resolved_at": 1,
        "alert_ended_at": 1,
        "mttr_seconds": 90,
        "closed_by": text,
        "closed_reason": text,
        "actions_taken": [action] * 30,
    }


@pytest.mark.parametrize("text", [HOSTILE, HOSTILE * 200, "<" * 5000, "&" * 9000, "", "\n" * 500])
def test_whatever_stands_in_a_record_slack_takes_it_and_nobody_is_called(text: str) -> None:
    given = everywhere(text)
    shown = card(given)
    assert len(shown.blocks) <= 50
    for block in Block.parse_all(shown.blocks):
        block.validate_json()
    texts = [shown.text, *(told.text for told in story(given))]
    texts += [found["text"] for found in found_texts(shown.blocks)]
    assert len(texts) > 20
    for each in texts:
        assert "<" not in each
        assert ">" not in each
        assert len(each) <= MOST_TEXT
        assert "&" not in each.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")
    for found in found_texts(shown.blocks):
        assert found["type"] == "plain_text" or found["verbatim"] is True
    assert "\u202e" not in "".join(texts)


def found_texts(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        own = [value] if value.get("type") in ("mrkdwn", "plain_text") else []
        return own + [found for each in value.values() for found in found_texts(each)]
    if isinstance(value, list):
        return [found for each in value for found in found_texts(each)]
    return []


@pytest.mark.parametrize(
    "plan",
    [
        "no list",
        ["no map"],
        [CHANGE] * 11,
        [{**CHANGE, "name": "n" * 240, "to": "o" * 2400}],
    ],
)
def test_what_is_not_shown_whole_is_not_approved_on_the_card(plan: object) -> None:
    given = asking(plan=plan)
    [text] = [e["text"] for e in found_texts(card(given).blocks) if "```" in e["text"]]
    assert f"srectl approve {INCIDENT}" in text
    assert "change nothing" not in text
    assert buttons(given) == ["Deny", "Acknowledge"]


def test_long_names_hide_no_change() -> None:
    given = asking(plan=[{**CHANGE, "name": "n" * 240, "to": "4 replicas, after all"}])
    [text] = [e["text"] for e in found_texts(card(given).blocks) if "```" in e["text"]]
    assert "4 replicas, after all" in text


def test_a_summary_of_several_lines_is_no_line_of_the_card() -> None:
    shown = card(record(summary="fails\n*Runbook Fine asks*: step 1 would")).blocks
    assert any("fails *Runbook Fine asks*" in each["text"] for each in found_texts(shown))


def test_a_plan_cannot_end_its_block_of_code() -> None:
    given = asking(plan=[{**CHANGE, "name": "``` *owned*"}])
    (plan,) = [text["text"] for text in found_texts(card(given).blocks) if "```" in text["text"]]
    assert plan.count("```") == 2


@pytest.mark.parametrize("most", range(2, 30))
def test_an_entity_is_never_cut(most: int) -> None:
    found = escaped("<&>" * 30, most)
    assert len(found) <= most
    assert found.endswith("…")
    assert "&" not in found.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")


def test_what_befell_it_is_told_once_each_in_its_order() -> None:
    given = everywhere("x")
    given["actions_taken"] = [{**given["actions_taken"][0], "action_id": str(n)} for n in (1, 2)]
    keys = [told.key for told in story(given)]
    assert len(keys) == len(set(keys))
    assert [key.split()[0] for key in keys] == [
        "acknowledged",
        "action",
        "action",
        "asked",
        "escalated",
        "ended",
        "closed",
    ]


def test_why_somebody_has_it_in_hand_is_told_in_the_thread() -> None:
    taken = {"acknowledged_by": "ada", "acknowledged_at": "2026-11-28T03:01:00Z"}
    [told] = story(record(**taken, acknowledged_because="my <deployment>"))
    assert told.text.startswith("ada has it in hand, since ")
    assert told.text.endswith(": my &lt;deployment&gt;")


def test_only_what_needs_somebody_rings() -> None:
    given = everywhere("x") | {"climbed": [{"level": 2, "since": "s", "at": "a", "to": "second"}]}
    ringing = {told.key.split()[0] for told in story(given) if told.rings}
    assert ringing == {"asked", "escalated", "climbed"}


def test_addresses_lead_on_where_they_seem_to_and_no_others_are_shown() -> None:
    links = {
        "runbook": "https://runbooks.example/checkout?a=1&b=2",
        "generator": "http://prometheus.example/graph",
        "<!channel>": "https://ok.example/",
        "hidden": "https://evil.example|https://bank.example",
        "closes": "https://evil.example>",
        "spoken": "https://bank.example@evil.example/",
        "script": "javascript:alert(1)",
        "broken": "http://[",
        "none": None,
    }
    said = [each["text"] for each in card(record(links=links)).blocks[-1]["elements"][1:]]
    assert said == [
        "runbook <https://runbooks.example/checkout?a=1&amp;b=2>",
        "generator <http://prometheus.example/graph>",
        "&lt;!channel&gt; <https://ok.example/>",
    ]
    many = {str(each): f"https://{each}.example/{'x' * 900}" for each in range(20)}
    assert len(card(record(links=many)).blocks[-1]["elements"]) == 6
    assert len(card(record(links="nonsense")).blocks[-1]["elements"]) == 1


def test_whom_it_was_told_to_because_nobody_had_taken_it_is_told_once_for_each() -> None:
    since, at = "2026-11-28T03:00:00.000Z", "2026-11-28T03:15:00.000Z"
    told = [
        {"level": level, "since": since, "at": at, "to": f"{name} contact (e-mail)"}
        for level, name in ((2, "second"), (3, "third"))
    ]
    found = list(story(record(status="escalated", climbed=told)))
    begins = "NEEDS YOU apps/checkout: the first contact"
    assert [each.text for each in found] == [
        f"{begins} has not taken it since {since}, so level 2, the second contact (e-mail), is "
        "called now",
        f"{begins} and the second have not taken it since {since}, so level 3, the third contact "
        "(e-mail), is called now",
    ]
    assert len({each.key for each in found}) == 2
    assert "level 3, the third contact" in json.dumps(card(record(climbed=told)).blocks)
    assert list(story(record(climbed="nonsense"))) == list(story(record(climbed=["x"]))) == []


def test_what_an_investigator_said_stands_in_the_thread_as_its_words() -> None:
    said = {
        "answer_id": "a0000000-0000-5000-8000-000000000001",
        "by": "AWS DevOps Agent",
        "summary": "<!channel> the *disk* is full",
        "suggestions": ["Grow it <https://evil.example|here>"],
    }
    [told] = story(record(status="escalated", investigations=[said]))
    assert told.key == f"investigated {said['answer_id']}"
    assert told.text == (
        "AWS DevOps Agent says, and nobody has checked it: &lt;!channel&gt; the *disk* is full\n"
        "It would: Grow it &lt;https://evil.example|here&gt;"
    )
    assert (
        list(story(record(investigations="x"))) == list(story(record(investigations=["x"]))) == []
    )


@pytest.mark.parametrize(
    ("ends", "told"),
    [
        ({"resolved_at": 5}, ["Settled by ada: done"]),
        ({"resolved_at": 5, "alert_ended_at": 9}, ["The alert is over", "Settled by ada: done"]),
        (
            {"resolved_at": 5, "alert_ended_at": 5},
            ["The alert is over after 23 s", "Settled by ada: done"],
        ),
    ],
)
def test_what_somebody_closed_is_not_told_as_the_end_of_its_alert(
    ends: dict[str, Any], told: list[str]
) -> None:
    closed = {"closed_by": "ada", "closed_reason": "done", "closed_at": "t", "mttr_seconds": 23}
    assert [each.text for each in story(record(status="resolved", **closed, **ends))] == told
