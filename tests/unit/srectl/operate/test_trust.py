"""``srectl runbooks trust`` and what ``report`` and the console say of who is not trusted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result

from runbook_action.adapters.lock_table import LockTable
from runbook_action.trust import Trust
from srectl.console.catalogue_pages import of_catalogue
from srectl.console.reading import Reading
from srectl.errors import CommandFailed
from srectl.operate import recent, trust
from srectl.operate.account import Account
from tests.unit.srectl.operate.remediations import (
    HELPED,
    NOT_HELPED,
    NOW,
    OTHER,
    incident,
)

Run = Callable[..., Result]
CHECKOUT, BASKET = "sre-platform#apps#deployment#checkout", "sre-platform#apps#deployment#basket"
LIMIT = 3


@pytest.fixture(autouse=True)
def _limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust, "limit_of", lambda _: LIMIT)


@pytest.fixture
def failed(account: Account, put_incident: Callable[..., Any]) -> list[str]:
    """A runbook that helped once on checkout and then not three times, and elsewhere once not."""
    found = [put_incident(**incident(n, **NOT_HELPED, escalation_reason="sick")) for n in (1, 2, 3)]
    put_incident(**incident(4, **HELPED))
    ids = sorted(str(each["incident_id"]) for each in found)
    put_lock(account, CHECKOUT, ids)
    elsewhere = {**NOT_HELPED}
    steps = [{"index": 1, "target": OTHER}]
    elsewhere["in_hand"] = json.dumps({"runbook": "R", "steps": steps})
    elsewhere["actions_taken"] = [{**elsewhere["actions_taken"][0], "target": OTHER}]
    other = put_incident(**incident(5, **elsewhere))
    put_lock(account, BASKET, [other["incident_id"]])
    return ids


def put_lock(account: Account, lock: str, ids: list[str], **more: Any) -> None:
    item = {"guard_key": {"S": f"target#{lock}"}, "unhelped#R": {"SS": ids}, **more}
    account.dynamodb.put_item(TableName=account.guard_table, Item=item)


def judged(account: Account, lock: str) -> str:
    """What the function itself says of it."""
    locks = LockTable(account.dynamodb, account.guard_table)
    return Trust(locks, LIMIT).why_it_asks("R", [f"target#{lock}"], "a new one")


def item(account: Account, lock: str) -> dict[str, Any]:
    key = {"guard_key": {"S": f"target#{lock}"}}
    return dict(account.dynamodb.get_item(TableName=account.guard_table, Key=key)["Item"])


def test_what_is_shown_is_what_the_function_judges_by(account: Account, failed: list[str]) -> None:
    there = trust.standings(account.dynamodb, account.guard_table, [CHECKOUT, BASKET, "nowhere"])
    assert {each.lock: each.asks(LIMIT) for each in there} == {CHECKOUT: True, BASKET: False}
    assert [bool(judged(account, each.lock)) for each in there] == [False, True]


def test_a_human_who_sees_the_numbers_lets_it_act_again(
    account: Account, failed: list[str], srectl: Run
) -> None:
    answer = srectl("runbooks", "trust", "R", "--target", "apps/checkout", stdin="y\n")
    assert answer.exit_code == 0, answer.output
    assert "R on sre-platform/apps/deployment/checkout (asks)" in answer.output
    assert "not seen to help in its last 3 remediations there (asks after 3)" in answer.output
    assert all(each in answer.output for each in failed)
    assert answer.output.count("escalated  sick") == 3
    told = " ".join(answer.output.split())
    counts = "ran 4, acted 4, helped 1, undone 3, escalated 3, MTTR 0:01:00"
    assert re.search(rf"since [^:]+:\d\d UTC: {counts}", told), told
    assert "Let R act by itself there again? [y/N]: y" in answer.output
    assert judged(account, CHECKOUT) == ""
    kept = item(account, CHECKOUT)
    assert "unhelped#R" not in kept
    assert kept["trusted#R"]["M"]["by"]["S"].startswith("arn:aws:")
    assert kept["trusted#R"]["M"]["incidents"] == {"N": "3"}
    assert "unhelped#R" in item(account, BASKET)
    report = srectl("runbooks", "report", "R")
    assert "trusted again by arn:aws:" in report.output


def test_a_runbook_that_nothing_knows_is_refused(
    account: Account, failed: list[str], srectl: Run
) -> None:
    account.dynamodb.put_item(
        TableName=account.runbooks_table,
        Item={"name": {"S": "RestartCheckout"}, "definition": {"S": "{}"}},
    )
    answer = srectl("runbooks", "trust", "RestartChekout", "--yes")
    assert answer.exit_code == 1
    assert "there is no runbook RestartChekout" in answer.output
    assert "did you mean RestartCheckout?" in answer.output
    known = srectl("runbooks", "trust", "RestartCheckout", "--yes")
    assert known.exit_code == 0
    assert "has run on no target since" in known.output
    assert "so nothing is against it" in known.output


@pytest.mark.parametrize("said", ["n\n", "\n", ""])
def test_who_does_not_say_yes_changes_nothing(
    account: Account, failed: list[str], srectl: Run, said: str
) -> None:
    before = item(account, CHECKOUT)
    assert srectl("runbooks", "trust", "R", stdin=said).exit_code != 0
    assert item(account, CHECKOUT) == before


def test_what_fails_while_the_question_stands_still_counts(
    account: Account, failed: list[str]
) -> None:
    (shown,) = trust.standings(account.dynamodb, account.guard_table, [CHECKOUT])
    put_lock(account, CHECKOUT, [*failed, "meanwhile"])
    trust.give(account.dynamodb, account.guard_table, shown, "ada", NOW)
    assert item(account, CHECKOUT)["unhelped#R"] == {"SS": ["meanwhile"]}


def test_a_remediation_under_way_is_neither_shown_nor_forgiven(account: Account) -> None:
    put_lock(account, CHECKOUT, ["a", "b"], holder={"S": "b"}, lease_expires_at={"N": "1"})
    (shown,) = trust.standings(account.dynamodb, account.guard_table, [CHECKOUT])
    assert shown.unhelped == ("a",)
    trust.give(account.dynamodb, account.guard_table, shown, "ada", NOW)
    assert item(account, CHECKOUT)["unhelped#R"] == {"SS": ["b"]}


def test_all_its_targets_are_meant_where_none_is_named(
    account: Account, failed: list[str], srectl: Run
) -> None:
    answer = srectl("runbooks", "trust", "R", "--yes", "--json")
    told = json.loads(answer.stdout)
    assert {lock: each["asks"] for lock, each in told["targets"].items()} == {
        CHECKOUT: True,
        BASKET: False,
    }
    assert told["targets"][CHECKOUT]["incidents"] == failed
    assert not any("unhelped#R" in item(account, each) for each in (CHECKOUT, BASKET))
    again = srectl("runbooks", "trust", "R", "--yes")
    assert "has nothing against it on 2 targets" in again.output


def test_that_not_all_incidents_were_looked_at_is_said(
    failed: list[str], srectl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    since = recent.since
    monkeypatch.setattr(recent, "since", lambda *asked: since(*asked, most=1))
    answer = srectl("runbooks", "trust", "R", stdin="n\n")
    assert "there are more incidents than were looked at" in answer.output
    assert json.loads(srectl("runbooks", "trust", "R", "--yes", "--json").stdout)["more"] is True
    left = srectl("runbooks", "trust", "R", "--yes")
    assert "has nothing against it" in left.output
    assert "there are more incidents than were looked at" in left.output
    other = srectl("runbooks", "trust", "R", "--target", "payments", "--yes")
    assert "only the newest 2 incidents were looked at" in other.output


@pytest.mark.parametrize(
    ("target", "said"),
    [("payments", "'payments' is no target of runbook R"), ("apps", "is no target")],
)
def test_a_target_that_it_has_not_is_refused_by_name(
    failed: list[str], srectl: Run, target: str, said: str
) -> None:
    answer = srectl("runbooks", "trust", "R", "--target", target, "--yes")
    assert answer.exit_code != 0
    assert said in answer.output
    assert "sre-platform/apps/deployment/basket" in answer.output


@pytest.mark.parametrize(
    "target", ["checkout", "deployment/checkout", "apps/checkout", "apps/deployment/checkout"]
)
def test_a_target_is_known_by_as_much_of_its_place_as_tells_it_apart(
    account: Account, failed: list[str], srectl: Run, target: str
) -> None:
    srectl("runbooks", "trust", "R", "--target", target, "--yes")
    assert "unhelped#R" not in item(account, CHECKOUT)
    assert "unhelped#R" in item(account, BASKET)


def test_report_and_console_say_where_it_asks(
    account: Account, failed: list[str], srectl: Run
) -> None:
    answer = srectl("runbooks", "report", "R")
    lines = [" ".join(each.split()) for each in answer.stdout.splitlines()]
    assert any(each.startswith("R 2 targets") and each.endswith("asks on 1") for each in lines)
    assert any("checkout" in each and "asks: 3 in a row did not help" in each for each in lines)
    assert any("basket" in each and each.endswith("1 in a row did not help") for each in lines)
    told = json.loads(srectl("runbooks", "report", "--json").stdout)
    assert told["ask_after_unhelped"] == LIMIT
    assert [(each["target"], each["asks"]) for each in told["trust"]] == [
        (BASKET, False),
        (CHECKOUT, True),
    ]
    definition = {"name": {"S": "R"}, "definition": {"S": json.dumps({"name": "R"})}}
    account.dynamodb.put_item(TableName=account.runbooks_table, Item=definition)
    (row,) = of_catalogue(Reading(account, lambda: NOW))["rows"]
    assert row["unhelped"] == [
        ("sre-platform/apps/deployment/basket", 1, False),
        ("sre-platform/apps/deployment/checkout", 3, True),
    ]


def test_where_the_limit_is_not_known_nobody_is_said_to_ask() -> None:
    standing = trust.Standing("R", CHECKOUT, ("a", "b", "c"))
    assert standing.asks(None) is None
    assert standing.asks(0) is False


def test_nothing_is_written_where_nothing_is_kept(account: Account) -> None:
    with pytest.raises(CommandFailed, match="nothing is kept of sre-platform/apps"):
        trust.give(
            account.dynamodb, account.guard_table, trust.Standing("R", CHECKOUT, ("a",)), "ada", NOW
        )


def test_the_limit_is_the_functions_own(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    assert trust.limit_of(account) is None
    role = account.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")
    account.functions.create_function(
        FunctionName=account.action_function,
        Runtime="python3.11",
        Role=role["Role"]["Arn"],
        Handler="h.h",
        Code={"ZipFile": b"x"},
        Environment={"Variables": {"ASK_AFTER_UNHELPED": "5"}},
    )
    assert trust.limit_of(account) == 5


def test_more_targets_than_one_request_takes_are_read(account: Account) -> None:
    locks = [f"c#apps#deployment#d{n}" for n in range(130)]
    for each in locks:
        put_lock(account, each, ["a"])
    there = trust.standings(account.dynamodb, account.guard_table, locks)
    assert [each.lock for each in there] == sorted(locks)
