"""``srectl mcp`` as an assistant meets it: a process, asked by the protocol's own client."""

from __future__ import annotations

import datetime
import json
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from srectl import runbooks
from srectl.assistants.given import MOST_CHARACTERS, NOTE
from tests.support import shipped
from tests.support.assistants import Talk, talk
from tests.support.console_scene import Scene, deployment, hostile
from tests.support.moto_over_http import Calls, moto_over_http
from tests.support.template import ROOT
from tests.unit.srectl.commands.surroundings import refusing

ESCALATED = "11111111-0000-4000-8000-000000000001"
ASKED = "22222222"
SECRET = "77777777-0000-4000-8000-000000000007"
TOOLS = {"incidents", "incident", "evidence", "runbooks", "plans", "handover"}
FORBIDDEN = ("approve", "deny", "mode", "close", "take", "undo", "publish", "stop", "resolve")


def variables(address: str) -> dict[str, str]:
    """Give what chooses an account at an address."""
    return {
        "SRECTL_PREFIX": "t-",
        "AWS_ENDPOINT_URL": address,
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_MAX_ATTEMPTS": "1",
    }


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Talk, Calls]]:
    with pytest.MonkeyPatch.context() as patch, deployment(patch) as account:
        scene = Scene(account, datetime.datetime.now(datetime.UTC))
        scene.night()
        hostile_id = hostile(scene)
        scene.put(
            SECRET,
            annotations={"how": "curl -H 'Authorization: Bearer abcdef0123456789'"},
            summary="x" * 9000,
            evidence={"status": "collected", "key": f"incidents/{SECRET}.json"},
        )
        scene.keep(SECRET, {"logs": ["password=hunter2 \x1b[2J"], "numbers": list(range(5000))})
        runbooks.publish(account.dynamodb, account.runbooks_table, runbooks.load(shipped.RUNBOOKS))
        before = {
            table: account.dynamodb.scan(TableName=table)["Items"] for table in _tables(account)
        }
        with moto_over_http() as calls:
            folder = tmp_path_factory.mktemp("mcp")
            told = talk(
                variables(calls.address),
                folder / "errors",
                {
                    "incidents": ("incidents", {}),
                    "escalated": ("incidents", {"status": "escalated", "limit": 1.0}),
                    "incident": ("incident", {"incident": ESCALATED}),
                    "asked": ("incident", {"incident": ASKED}),
                    "plans": ("plans", {"incident": ASKED}),
                    "plan": ("plans", {"incident": ESCALATED}),
                    "runbooks": ("runbooks", {}),
                    "runbook": ("runbooks", {"name": "CheckoutHighErrorRate"}),
                    "handover": ("handover", {}),
                    "hostile": ("incident", {"incident": hostile_id}),
                    "hostile evidence": ("evidence", {"incident": hostile_id}),
                    "hostile plans": ("plans", {"incident": hostile_id}),
                    "secret": ("incident", {"incident": SECRET}),
                    "secret evidence": ("evidence", {"incident": SECRET}),
                    "none": ("evidence", {"incident": ESCALATED}),
                    "unknown": ("incident", {"incident": "ffff"}),
                    "wrong": ("incident", {"incident": "0f3c; rm -rf"}),
                    "unnamed": ("incident", {"id": "0f3c0c0e"}),
                    "more": ("incidents", {"limit": 5, "yes": True}),
                    **{name: (name, {"incident": ESCALATED}) for name in FORBIDDEN},
                },
            )
        after = {
            table: account.dynamodb.scan(TableName=table)["Items"] for table in _tables(account)
        }
        assert before == after
        yield told, calls


def _tables(account: Any) -> tuple[str, ...]:
    return account.incidents_table, account.runbooks_table, account.guard_table


@pytest.fixture
def told(spoken: tuple[Talk, Calls]) -> Talk:
    return spoken[0]


def data(told: Talk, name: str) -> Any:
    answer = told.answers[name]
    assert not answer.is_error, answer.content[0].text
    assert answer.structured_content["note"] == NOTE
    assert json.loads(answer.content[0].text) == answer.structured_content
    return answer.structured_content["data"]


def refusal(told: Talk, name: str) -> str:
    answer = told.answers[name]
    assert answer.is_error
    assert "\nTo do: " in answer.content[0].text
    return str(answer.content[0].text)


def test_the_tools_are_these_and_only_read(told: Talk) -> None:
    assert {each.name for each in told.tools} == TOOLS
    for tool in told.tools:
        hints = tool.annotations
        assert (hints.read_only_hint, hints.destructive_hint) == (True, False)
        assert tool.input_schema["additionalProperties"] is False
        assert NOTE in tool.description
    assert NOTE in told.instructions
    offered = told.capabilities.model_dump(exclude_none=True)
    assert "tools" in offered
    assert not {"prompts", "resources"} & set(offered)


@pytest.mark.parametrize("name", FORBIDDEN)
def test_nothing_can_be_done(told: Talk, name: str) -> None:
    assert "there is no such tool" in refusal(told, name)


def test_no_call_that_writes_reaches_aws_and_the_guide_names_all_that_do(
    spoken: tuple[Talk, Calls],
) -> None:
    guide = (ROOT / "docs" / "assistants.md").read_text("utf-8")
    (policy,) = re.findall(r"```json\n(\{\s+\"Version\".+?)```", guide, re.DOTALL)
    allowed: set[str] = set()
    for statement in json.loads(policy)["Statement"]:
        action = statement["Action"]
        allowed |= {action} if isinstance(action, str) else set(action)
    called = set(spoken[1])
    assert called - {"sts:GetCallerIdentity"} == allowed  # who one is may be asked by everybody
    assert all(re.fullmatch(r"\w+:(Get|BatchGet|Query|Scan|List)\w*", each) for each in called)


def test_incidents_are_listed_and_one_is_told_whole(told: Talk) -> None:
    listed = data(told, "incidents")["incidents"]
    assert ESCALATED in [each["incident_id"] for each in listed]
    assert "PlatformCanary" not in [each["alert_name"] for each in listed]
    only = data(told, "escalated")
    assert [each["status"] for each in only["incidents"]] == ["escalated"]
    assert only["more"] is True
    record = data(told, "incident")
    assert record["incident_id"] == ESCALATED
    assert record["actions_taken"][0]["summary"] == "degraded mode is on"


def test_what_answers_for_a_person_is_not_told(told: Talk) -> None:
    for name in ("asked", "plans"):
        assert "secret-token" not in json.dumps(data(told, name))
    plans = data(told, "plans")
    assert plans["approval"]["plan"][0]["to"] == "13Gi"
    assert plans["waits_for_an_answer_until"]


def test_what_an_alert_would_set_off_now_is_told_with_its_steps(told: Talk) -> None:
    now = data(told, "plan")["now"]
    assert now["runbook"] == "CheckoutHighErrorRate"
    assert next(step["action"] for step in now["steps"]) == "enable_degraded_mode"
    assert data(told, "plan")["recorded"][0]["result"]["plan"]


def test_runbooks_say_whether_they_act(told: Talk) -> None:
    listed = data(told, "runbooks")
    assert listed["mode"] == "on"
    assert {"name", "mode", "actions"} == set(listed["runbooks"][0])
    assert data(told, "runbook")["definition"]["name"] == "CheckoutHighErrorRate"


def test_the_handover_is_the_one_of_the_command(told: Talk) -> None:
    page = data(told, "handover")
    assert {"needs_somebody", "at_work", "lent", "mode", "windows", "queues"} <= set(page)
    assert page["not_read"] == []


@pytest.mark.parametrize("name", ["hostile", "hostile evidence", "hostile plans"])
def test_hostile_text_is_data(told: Talk, name: str) -> None:
    data(told, name)
    for each in texts(told.answers[name].structured_content):
        assert not [one for one in each if unicodedata.category(one)[0] == "C"]
        assert len(each) <= 2000


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from (key, *texts(each))
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)


def test_secrets_are_hidden_and_long_things_cut(told: Talk) -> None:
    record, evidence = data(told, "secret"), data(told, "secret evidence")
    assert "abcdef0123456789" not in json.dumps(record)
    assert "hunter2" not in json.dumps(evidence)
    for name in ("secret", "secret evidence"):
        assert told.answers[name].structured_content["shortened"] is True
        assert len(told.answers[name].content[0].text) < MOST_CHARACTERS + 1000


def test_what_is_not_there_or_asked_wrongly_is_said_with_what_to_do(told: Talk) -> None:
    assert "there is no evidence" in refusal(told, "none")
    assert "ffff" in refusal(told, "unknown")
    assert "incident was asked wrongly" in refusal(told, "wrong")
    assert "incident: pattern does not hold" in refusal(told, "wrong")
    assert "0f3c;" not in refusal(told, "wrong")
    assert "incidents was asked wrongly (there is no yes)" in refusal(told, "more")
    unnamed = refusal(told, "unnamed")
    assert "incident was asked wrongly" in unnamed
    assert "without incident" in unnamed
    assert "there is no id" in unnamed
    assert "0f3c0c0e" not in unnamed
    assert "To do: it takes incident" in unnamed


def test_an_account_that_cannot_be_read_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with refusing("ExpiredTokenException") as address:
        said = talk(variables(address), tmp_path / "errors", {"now": ("handover", {})})
    text = refusal(said, "now")
    assert "have expired" in text
    assert "aws sso login" in text
