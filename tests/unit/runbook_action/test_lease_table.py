"""Leases in the guard table: every write is bound to the version that was read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from runbook_action.adapters.lease_table import LeaseTable
from runbook_action.errors import ClusterConflict, ResourceMissing, StateUnknown
from runbook_action.leases import Holder, Lease
from tests.support.tables import make_table

THING = "prod#apps#deployment#checkout#replicas"
FIRST = Lease(3, 5, 3, {"a/1": Holder(2_000_000_000, 5)}, 1, "uid-1")
TABLE = "sre-remediation-guard"


@pytest.fixture
def client() -> Iterator[Any]:
    with mock_aws():
        found = boto3.client("dynamodb", region_name="us-east-1")
        make_table(found, TABLE, "guard_key")
        yield found


@pytest.fixture
def table(client: Any) -> LeaseTable:
    return LeaseTable(client, TABLE)


def test_a_lease_is_read_as_it_was_written(table: LeaseTable, client: Any) -> None:
    assert table.read(THING) is None
    table.write(THING, FIRST)
    assert table.read(THING) == FIRST
    holders = {"a/1": Holder(1, True, "handed over"), "b/2": Holder(2, True, "leaving")}
    joined = Lease(False, True, False, holders, 2)
    table.write(THING, joined)
    assert table.read(THING) == joined
    item = client.get_item(TableName=TABLE, Key={"guard_key": {"S": f"lease#{THING}"}})["Item"]
    assert int(item["expires_at"]["N"]) > 0


@pytest.mark.parametrize("version", [1, 2, 4])
def test_a_version_that_is_not_the_next_one_is_refused(table: LeaseTable, version: int) -> None:
    table.write(THING, FIRST)
    table.write(THING, Lease(3, 7, 5, FIRST.holders, 2))
    with pytest.raises(ClusterConflict, match="written by another incident"):
        table.write(THING, Lease(3, 9, 7, FIRST.holders, version))
    with pytest.raises(ClusterConflict):
        table.delete(THING, version if version != 2 else 1)
    kept = table.read(THING)
    assert kept is not None
    assert kept.set == 7


def test_a_second_version_needs_the_first(table: LeaseTable) -> None:
    with pytest.raises(ClusterConflict):
        table.write(THING, Lease(3, 5, 3, {}, 2))


def test_one_that_is_gone_is_no_fault(table: LeaseTable) -> None:
    table.delete(THING, 1)
    table.write(THING, FIRST)
    table.delete(THING, 1)
    assert table.read(THING) is None


def test_one_of_a_version_that_knew_no_wishes_is_read_as_if_all_wanted_what_stands(
    table: LeaseTable, client: Any
) -> None:
    kept = '{"before":3,"set":7,"was":5,"holders":{"a/1":2000000000,"b/1":2000000001}}'
    item = {"guard_key": {"S": f"lease#{THING}"}, "lease": {"S": kept}, "version": {"N": "2"}}
    client.put_item(TableName=TABLE, Item=item)
    wishes = {"a/1": Holder(2_000_000_000, 7), "b/1": Holder(2_000_000_001, 7)}
    assert table.read(THING) == Lease(3, 7, 5, wishes, 2)


@pytest.mark.parametrize(
    "broken", ["{", '{"before":3,"set":7,"was":5,"holders":[1]}', '{"holders":{"a/1":"x"}}']
)
def test_what_cannot_be_read_is_refused_with_what_to_do(
    table: LeaseTable, client: Any, broken: str
) -> None:
    item = {"guard_key": {"S": f"lease#{THING}"}, "lease": {"S": broken}, "version": {"N": "1"}}
    client.put_item(TableName=TABLE, Item=item)
    with pytest.raises(StateUnknown, match=f"delete the item.*|Look at the item 'lease#{THING}'"):
        table.read(THING)


def test_a_table_that_is_not_there_is_named(client: Any) -> None:
    with pytest.raises(ResourceMissing, match="reading the lease of"):
        LeaseTable(client, "other").read(THING)
