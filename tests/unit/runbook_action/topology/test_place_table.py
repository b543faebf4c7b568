"""The rows in the guard table: what is written, that it may be written again, and that it ends."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from runbook_action.adapters import place_table
from runbook_action.adapters.place_table import PlaceTable
from runbook_action.errors import ResourceMissing
from runbook_action.topology.relating import Relation, relate_at
from tests.support.tables import make_table
from tests.unit.runbook_action.topology.scene import at, known

TABLE = "sre-remediation-guard"
DAY = 24 * 3600 * 1000
NODE, WEB = at("node", level=0), at("web", "node", suspect="node n is not ready")


@pytest.fixture
def client() -> Iterator[Any]:
    with mock_aws():
        found = boto3.client("dynamodb", region_name="us-east-1")
        make_table(found, TABLE, "guard_key")
        yield found


@pytest.fixture
def table(client: Any) -> PlaceTable:
    return PlaceTable(client, TABLE)


def item(client: Any, key: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get_item(TableName=TABLE, Key={"guard_key": {"S": key}})["Item"]
    return found


def test_a_child_sees_its_cause_and_a_late_cause_adopts(table: PlaceTable, client: Any) -> None:
    assert relate_at(WEB, known("early"), table, 900) == Relation(suspect="node n is not ready")
    node = known("n", 0, rank=3)
    assert relate_at(NODE, node, table, 900) == Relation(children=1)
    assert relate_at(WEB, known("late"), table, 900).cause == "n"
    assert table.relation("early") == Relation(
        "n", node.timestamp, "place of n", "node n is not ready"
    )
    assert set(item(client, "relation#n")["children"]["SS"]) == {"early", "late"}
    row = item(client, "relation#early")
    assert row["cause_rank"] == {"N": "3"}
    for key in ("relation#early", "relation#n", "place#node", "place#web"):
        assert int(item(client, key)["expires_at"]["N"]) > time.time()


def test_what_began_after_an_end_that_the_recorder_knows_hangs_on_nothing(
    table: PlaceTable, client: Any
) -> None:
    relate_at(NODE, known("n", 0, 5), table, 900)
    assert table.ended("n") is None
    row = {"guard_key": {"S": "incident#n"}, "runbook_execution": {"S": "arn"}}
    client.put_item(TableName=TABLE, Item=row)
    assert table.ended("n") is None
    client.put_item(TableName=TABLE, Item={**row, "ended": {"N": "8"}})
    assert relate_at(WEB, known("before", 1, 8), table, 900).cause == "n"
    assert relate_at(WEB, known("after", 1, 9), table, 900).cause == ""


def test_again_is_the_same_and_what_was_settled_stays(table: PlaceTable, client: Any) -> None:
    for one in (known("w", 1, 5), known("w", 7, 9, timestamp="later")):
        relate_at(WEB, one, table, 900)
    row = item(client, "relation#w")
    assert (row["level"], row["began"]) == ({"N": "1"}, {"N": "5"})
    assert row["incident_timestamp"] == {"S": known("w").timestamp}
    assert len([name for name in item(client, "place#node") if name.startswith("mark#")]) == 1


def test_a_better_cause_takes_its_place_and_a_worse_one_does_not(table: PlaceTable) -> None:
    best, worse = known("best", 0, 1), known("worse", 0, 2)
    for cause in (worse, best, worse):
        table.hang("child", cause)
    assert table.relation("child").cause == "best"


def test_whoever_was_let_go_stays_so(table: PlaceTable, client: Any) -> None:
    client.put_item(
        TableName=TABLE, Item={"guard_key": {"S": "relation#child"}, "let_go": {"S": "n"}}
    )
    table.hang("child", known("n", 0))
    assert table.relation("child") == Relation()


def test_a_severity_that_has_risen_is_told_to_the_children(table: PlaceTable, client: Any) -> None:
    table.hang("child", known("n", 0, rank=2))
    table.hang("child", known("n", 0, rank=3))
    assert item(client, "relation#child")["cause_rank"] == {"N": "3"}


def test_a_place_that_is_full_still_says_who_is_there(
    table: PlaceTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place_table, "MOST", 3)
    for number in range(5):
        found = table.mark("node", known(f"w{number}"), own=False)
    assert [mark.known.incident_id for mark in found] == ["w0", "w1", "w2"]
    assert len(table.mark("node", known("w1"), own=True)) == 3


def test_what_no_window_reaches_any_more_is_taken_away(
    table: PlaceTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place_table, "_FORGOTTEN", 2)
    old = [known(f"old{number}", began=0) for number in range(2)]
    for one in (*old, known("young", began=DAY)):
        table.mark("node", one, own=False)
    table.mark("node", known("now", 0, began=DAY + 1), own=True)
    found = table.mark("node", known("after", 0, began=DAY + 1), own=True)
    assert {mark.known.incident_id for mark in found} == {"young", "now", "after"}


def test_a_text_that_names_an_incident_is_read_back_as_it_was(table: PlaceTable) -> None:
    one = known("w", 2, 1_795_000_000_000, rank=1)
    (mark,) = table.mark("node", one, own=False)
    assert (mark.known, mark.own) == (one, False)
    assert table.mark("node", replace(one, rank=3), own=False)[0].known.rank == 3


def test_one_that_leads_nowhere_says_so_and_one_that_leads_somewhere_still_does(
    table: PlaceTable, client: Any
) -> None:
    relate_at(WEB, known("w"), table, 900)
    for name in ("w", "nowhere"):
        table.stand_alone(name)
    assert item(client, "relation#w")["place"] == {"S": "place of w"}
    assert item(client, "relation#nowhere")["place"] == {"S": ""}


def test_without_the_table_it_says_so(client: Any) -> None:
    with pytest.raises(ResourceMissing, match="relation#w"):
        PlaceTable(client, "elsewhere").relation("w")
