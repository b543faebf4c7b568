"""Locks and notes in the guard table, as the function reads them (moto)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from runbook_action.adapters.lock_table import LockTable
from runbook_action.adapters.note_table import APPROVALS, RUNS, NoteTable
from runbook_action.errors import ResourceMissing, StateUnknown
from runbook_action.ports import Lock
from tests.support.tables import make_table

TABLE = "sre-remediation-guard"
KEY = "target#prod#apps#deployment#checkout"


@pytest.fixture
def client() -> Iterator[Any]:
    with mock_aws():
        found = boto3.client("dynamodb", region_name="us-east-1")
        make_table(found, TABLE, "guard_key")
        yield found


@pytest.mark.parametrize(
    ("item", "found"),
    [
        (
            {"holder": {"S": "an incident"}, "lease_expires_at": {"N": "17"}},
            Lock("an incident", 17),
        ),
        ({"history": {"S": "[]"}}, Lock("", 0)),
        (
            {"unhelped#R": {"SS": ["a", "b"]}, "unhelped#Other-1": {"S": "a"}},
            Lock("", 0, {"R": frozenset("ab"), "Other-1": None}),
        ),
        (
            {
                "holder": {"S": "an incident"},
                "lease_expires_at": {"N": "17"},
                "unhelped#R": {"SS": ["a"]},
            },
            Lock("an incident", 17, {"R": frozenset("a")}),
        ),
    ],
)
def test_who_holds_a_target_is_read(client: Any, item: dict[str, Any], found: Lock) -> None:
    client.put_item(TableName=TABLE, Item={"guard_key": {"S": KEY}, **item})
    assert LockTable(client, TABLE).read(KEY) == found
    assert LockTable(client, TABLE).read(f"{KEY}-canary") is None


@pytest.mark.parametrize("until", [{}, {"lease_expires_at": {"S": "soon"}}])
def test_what_is_no_lock_is_refused(client: Any, until: dict[str, Any]) -> None:
    item = {"guard_key": {"S": KEY}, "holder": {"S": "an incident"}, **until}
    client.put_item(TableName=TABLE, Item=item)
    with pytest.raises(StateUnknown, match="cannot be read"):
        LockTable(client, TABLE).read(KEY)


def test_without_the_table_it_says_so(client: Any) -> None:
    with pytest.raises(ResourceMissing, match="reading the lock"):
        LockTable(client, "elsewhere").read(KEY)


def test_a_note_is_kept_for_a_week_apart_from_those_of_another_kind(client: Any) -> None:
    approvals, runs = (NoteTable(client, TABLE, prefix) for prefix in (APPROVALS, RUNS))
    assert approvals.read("incident/1") == ""
    approvals.keep("incident/1", "arn:aws:iam::000000000000:user/ada")
    assert approvals.read("incident/1") == "arn:aws:iam::000000000000:user/ada"
    assert runs.read("incident/1") == ""
    item = client.get_item(TableName=TABLE, Key={"guard_key": {"S": "approval#incident/1"}})["Item"]
    assert int(item["expires_at"]["N"]) > time.time()
    approvals.keep("incident/1", "")
    assert approvals.read("incident/1") == ""
