"""What became of each runbook's remediations, on each target, and ``srectl runbooks report``."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result

from runbook_action.request import Target
from runbook_action.resolve import lock_of
from srectl.console.catalogue_pages import of_catalogue
from srectl.console.reading import Reading
from srectl.operate import track_record
from srectl.operate.account import Account
from srectl.operate.track_record import Tally, outcome, tallies
from tests.unit.srectl.operate.remediations import (
    APPS,
    HELPED,
    NOT_HELPED,
    NOW,
    OTHER,
    incident,
    ran,
)

Run = Callable[..., Result]


def numbers(tally: Tally) -> tuple[int, ...]:
    counted = (tally.ran, tally.acted, tally.helped, tally.undone, tally.escalated)
    return (*counted, tally.under_way)


def test_it_counts_what_ran_acted_helped_was_undone_and_called_somebody() -> None:
    found = tallies(
        [
            incident(**HELPED),
            incident(**NOT_HELPED),
            incident(**ran(status="escalated", escalated_at="x")),
            incident(**ran("execute", status="remediating")),
            incident(status="escalated", escalated_at="x"),
        ]
    )
    assert {name: numbers(each) for name, each in found.items()} == {"R": (4, 3, 1, 1, 2, 1)}
    assert found["R"].mttr_seconds == 60


@pytest.mark.parametrize(
    ("noted", "acted"),
    [
        ({"begun": "arn:1", "begun_step": 1}, 1),
        ({"stopped_execution": "arn:1", "stopped_step": 1}, 1),
        ({}, 0),
        ({"begun": "arn:earlier", "begun_step": 1}, 0),
        ({"begun": "arn:1", "begun_step": 1, "abandoned": None}, 0),
        ({"stopped_execution": "arn:1", "stopped_step": 1, "begins": True}, 0),
    ],
    ids=["begun", "under way", "not known", "another's", "not stopped", "only planned"],
)
def test_what_was_stopped_in_a_step_may_have_changed_something(
    noted: dict[str, Any], acted: int
) -> None:
    record = {**ran(status="escalated", escalated_at="x", abandoned="arn:1"), **noted}
    record |= {"runbook_execution": "arn:1"}
    if record.pop("begins", None):
        in_hand = json.loads(record["in_hand"])
        record["in_hand"] = json.dumps({**in_hand, "begins": "arn:1"})
    (found,) = tallies([incident(**record)]).values()
    assert (found.ran, found.acted, found.helped) == (1, acted, 0)


def test_what_a_human_ended_after_it_did_not_help() -> None:
    found = tallies(
        [
            incident(**ran("execute", verified_at="x", closed_by="ada")),
            incident(**ran("execute", escalated_at="x")),
        ]
    )
    assert (found["R"].acted, found["R"].helped) == (2, 0)


def test_what_a_runbook_of_a_risen_severity_ended_is_its_own_although_somebody_was_called() -> None:
    risen = incident(**HELPED, escalated_at="x")
    assert outcome(risen) == "automation"
    assert tallies([risen])["R"].helped == 1


@pytest.mark.parametrize(
    ("record", "who"),
    [
        ({"escalated_at": "x"}, "itself"),
        ({"escalated_at": "x", "released_by": "ada"}, "itself"),
        ({"escalated_at": "x", "acknowledged_by": "ada"}, "human"),
        ({"escalated_at": "x", "closed_by": "ada"}, "human"),
        (ran("execute", escalated_at="x"), "itself"),
        (ran("execute", escalated_at="x", acknowledged_by="ada"), "human"),
        (ran("execute", acknowledged_by="ada"), "automation"),
        ({"acknowledged_by": "ada"}, "human"),
    ],
)
def test_a_human_ended_what_somebody_closed_or_had_in_hand_and_nothing_else(
    record: dict[str, Any], who: str
) -> None:
    assert outcome(incident(**record)) == who


def test_each_target_is_counted_by_itself_and_a_remediation_once_for_each() -> None:
    both = ran("execute", verified_at="x")
    steps = [{"index": n, "target": each} for n, each in enumerate((APPS, OTHER, OTHER), 1)]
    both["in_hand"] = json.dumps({"runbook": "R", "steps": steps})
    found = tallies([incident(**HELPED), incident(**both), incident(**NOT_HELPED)])["R"]
    assert {name: (each.ran, each.helped) for name, each in found.targets.items()} == {
        "sre-platform#apps#deployment#checkout": (3, 2),
        "sre-platform#apps#deployment#basket": (1, 1),
    }
    assert (found.ran, found.helped) == (3, 2)


def test_of_pods_their_workload_is_counted_for_the_next_pod_has_another_name() -> None:
    def evicted(name: str) -> dict[str, Any]:
        pod = {**APPS, "kind": "pod", "name": name}
        given = ran("execute", verified_at="x", target=pod)
        locks = [track_record.lock_of(pod), track_record.lock_of(APPS), "thing#x"]
        steps = [{"index": 1, "target": pod}]
        given["in_hand"] = json.dumps({"runbook": "R", "locks": locks, "steps": steps})
        return incident(**given)

    found = tallies([evicted("checkout-a"), evicted("checkout-b")])["R"].targets
    assert {name: each.helped for name, each in found.items()} == {
        "sre-platform#apps#deployment#checkout": 2
    }
    alone = incident(**ran("execute", target={**APPS, "kind": "pod", "name": "bare"}))
    assert [*tallies([alone])["R"].targets] == ["sre-platform#apps#pod#bare"]


@pytest.mark.parametrize("target", [APPS, {**APPS, "kind": "node", "namespace": None}])
def test_a_target_is_named_like_its_lock(target: dict[str, Any]) -> None:
    assert track_record.lock_of(target) == lock_of(Target(**target))


def test_what_it_saved_is_against_the_median_of_those_that_a_human_ended() -> None:
    found = tallies(
        [
            incident(**HELPED),
            incident(mttr_seconds=900, escalated_at="x", closed_by="ada"),
            incident(
                **ran("execute", "undo", mttr_seconds=700, escalated_at="x", acknowledged_by="ada")
            ),
            # Ended with its own alert, before anybody had it in hand: no human's time.
            incident(mttr_seconds=15, escalated_at="x"),
        ]
    )["R"]
    assert (found.acted, found.helped, found.undone, found.saved_seconds) == (2, 1, 1, 740)
    assert tallies([incident(**HELPED)])["R"].saved_seconds is None


@pytest.mark.parametrize("in_hand", ["no JSON", json.dumps([1]), json.dumps({"steps": ["x"]}), 3])
def test_a_record_that_is_none_of_ours_counts_nothing_and_breaks_nothing(in_hand: Any) -> None:
    assert tallies([incident(in_hand=in_hand)]) == {}


def test_the_command_tells_each_runbook_and_each_of_its_targets(
    put_incident: Callable[..., Any], srectl: Run
) -> None:
    put_incident(**incident(**HELPED))
    alone = srectl("runbooks", "report").stdout
    assert "1 remediation of 1 incident since" in alone
    put_incident(**incident(2, **NOT_HELPED))
    put_incident(**incident(3, **ran("execute", target=OTHER, status="remediating")))
    put_incident(**incident(24 * 40, **HELPED))
    answer = srectl("runbooks", "report")
    assert answer.exit_code == 0, answer.output
    lines = [" ".join(each.split()) for each in answer.stdout.splitlines()]
    assert "R 2 targets 3 3 1 1 1 0:01:00 —" in lines
    assert "sre-platform/apps/deployment/checkout 2 2 1 1 1 0:01:00 —" in lines
    assert "sre-platform/apps/deployment/basket 1 1 0 0 0 — —" in lines
    assert "3 remediations of 3 incidents since" in lines[-1]


def test_the_command_and_the_consoles_catalogue_count_the_same(
    account: Account, put_incident: Callable[..., Any], srectl: Run
) -> None:
    for each in (HELPED, HELPED, NOT_HELPED, ran("execute", status="remediating")):
        put_incident(**incident(**each))
    item = {"name": {"S": "R"}, "definition": {"S": json.dumps({"name": "R"})}}
    account.dynamodb.put_item(TableName=account.runbooks_table, Item=item)
    (row,) = of_catalogue(Reading(account, lambda: NOW))["rows"]
    answer = srectl("runbooks", "report", "R", "--since", "7d", "--json")
    told = json.loads(answer.stdout)["runbooks"]["R"]
    told.pop("targets")
    assert told == {
        **{"ran": 4, "acted": 4, "helped": 2, "undone": 1, "escalated": 1, "under_way": 1},
        **{"mttr_seconds": 60, "saved_seconds": None},
    }
    assert {**row["tally"].as_json(), "targets": None} == {**told, "targets": None}


def test_a_runbook_that_never_ran_is_said_to_have_not(srectl: Run) -> None:
    answer = srectl("runbooks", "report", "R")
    assert answer.exit_code != 0
    assert "runbook R ran for none of the 0 incidents since" in answer.output
