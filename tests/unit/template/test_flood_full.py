"""Whether a window is known to have no room for an event, by one read before it is claimed."""

from __future__ import annotations

from typing import Any

import pytest
from jsonata import Jsonata

from tests.unit.template.telling import DATA, EXECUTION, INCIDENT, states

Row = dict[str, Any]
#: As many as are told one by one, and what of these only critical ones may take.
LIMIT, FOR_OTHERS = 20, 14


def full(
    *rows: Row,
    kind: str = "incident.created",
    severity: str = "warning",
    unprocessed: Row | None = None,
) -> bool:
    """Evaluate it of what was read, as Step Functions does."""
    expression = states()["ReadRelation"]["Assign"]["full"].removeprefix("{%").removesuffix("%}")
    given = {
        "states": {"result": {"Responses": {"x": [*rows]}, "UnprocessedKeys": unprocessed or {}}},
        "kind": kind,
        "me": EXECUTION,
        "data": {**DATA, "severity": severity},
        "lane": "critical#" if severity == "critical" else "other#",
    }
    found = Jsonata(expression).evaluate(None, given)
    assert isinstance(found, bool)
    return found


def counted(**lanes: int) -> Row:
    row: Row = {f"{lane}#": {"N": str(number)} for lane, number in lanes.items()}
    return {"guard_key": {"S": "flood#notify#7"}, "alerts": {"SS": ["Down"]}, **row}


def claim(**told: str) -> Row:
    row: Row = {f"told_{name}": {"S": by} for name, by in told.items()}
    return {"guard_key": {"S": f"incident#{INCIDENT}"}, "in_hand": {"S": "e"}, **row}


RELATION: Row = {"guard_key": {"S": f"relation#{INCIDENT}"}, "place": {"S": "web"}}


def test_it_is_full_from_the_one_on_that_would_be_too_many() -> None:
    assert not full()
    assert not full(counted(other=FOR_OTHERS - 1))
    assert full(RELATION, claim(), counted(other=FOR_OTHERS))
    assert full(counted(other=FOR_OTHERS), claim(), RELATION)


def test_what_is_kept_for_critical_alerts_is_not_full_with_others() -> None:
    row = counted(other=500, critical=LIMIT - FOR_OTHERS - 1)
    assert full(row)
    assert not full(row, severity="critical")
    assert full(counted(other=500, critical=LIMIT - FOR_OTHERS), severity="critical")


def test_what_people_have_heard_of_is_told_in_a_flood() -> None:
    row = counted(other=500)
    for lesser in ({"created_info": "another"}, {"escalated_info": "another"}):
        assert not full(row, claim(**lesser))
    assert full(row, claim(created_info="digest"))
    # A call for a human that was quicker than the beginning makes no room for that.
    for quicker in ({"escalated_warning": "another"}, {"stopped_critical": "another"}):
        assert full(row, claim(**quicker))
        assert not full(row, claim(**quicker), kind="incident.resolved")
    assert not full(row, claim(created_warning="another"), kind="incident.resolved")


def test_the_end_of_what_was_left_to_a_digest_is_left_to_one() -> None:
    assert full(claim(created_warning="digest"), kind="incident.resolved")
    assert full(claim(created_critical="digest"), kind="incident.resolved")
    assert full(counted(other=500), kind="incident.resolved")
    assert not full(kind="incident.resolved")


def test_a_call_for_a_human_is_never_left_to_a_digest() -> None:
    assert not full(counted(other=500, critical=500), kind="incident.escalated")


@pytest.mark.parametrize("rows", [(), (counted(other=500),)])
def test_what_could_not_be_read_is_not_known(rows: tuple[Row, ...]) -> None:
    """DynamoDB may leave keys of a batch out: the claim, too, which would say who has heard."""
    left_out = {"x": {"Keys": [{"guard_key": {"S": f"incident#{INCIDENT}"}}]}}
    assert not full(*rows, unprocessed=left_out)
