"""Only what the catalogue has, and only for the incident that holds the lock, is ever done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from runbook_action import handler as module
from runbook_action.errors import ActionRefused, AwsUnavailable, StateUnknown
from runbook_action.ports import Lock
from tests.unit.runbook_action.fakes import INCIDENT, OTHER_INCIDENT, World
from tests.unit.runbook_action.invocations import Context, event

LOCK = "target#sre-platform#apps#deployment#checkout"
SCALES: dict[str, Any] = {
    "name": "Scales",
    "strategy": "ladder",
    "target": {"kind": "deployment", "namespace": "apps", "name": "checkout"},
    "on_failure": "undo",
    "steps": [
        {"action": "restart_deployment"},
        {
            "action": "scale_deployment",
            "parameters": {
                "step": {"from_label": "step", "type": "integer", "minimum": 1, "maximum": 2},
                "max_replicas": 6,
            },
        },
    ],
}


def scaling(**changes: Any) -> dict[str, Any]:
    asked = {"runbook": "Scales", "action": "scale_deployment", "step": 2}
    return event(**{**asked, "parameters": {"step": 2, "max_replicas": 6}, **changes})


def published(world: World, definition: Mapping[str, Any]) -> None:
    world.catalogue.runbooks = (*world.catalogue.runbooks, definition)


def refused(world: World, asked: dict[str, Any], why: str) -> None:
    """See a call refused before anything is read or written."""
    with pytest.raises(ActionRefused, match=why):
        module.handler(asked, Context())
    untouched(world)


def untouched(world: World) -> None:
    assert world.calls.log == []
    assert world.cluster.events == {}


def test_what_a_published_runbook_does_is_done(world: World) -> None:
    published(world, SCALES)
    assert module.handler(scaling(), Context())["status"] == "succeeded"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"runbook": None}, "names no runbook"),
        ({"runbook": "Invented"}, "Invented is not in the catalogue"),
        ({"step": 3}, "has no step 3"),
        ({"step": 1}, "step 1 of runbook Scales of the catalogue is restart_deployment"),
        (
            {"target": {"namespace": "apps", "kind": "deployment", "name": "basket"}},
            "apps/checkout",
        ),
        ({"target": {"namespace": "shop", "kind": "deployment", "name": "checkout"}}, "shop"),
        ({"parameters": {"step": 3, "max_replicas": 6}}, "step is out of the bounds"),
        ({"parameters": {"step": 2, "max_replicas": 900}}, "another max_replicas"),
        ({"parameters": {"max_replicas": 6}}, "step is out of the bounds"),
        ({"parameters": {"step": 2, "max_replicas": 6, "factor": 9}}, "another factor"),
    ],
)
def test_what_no_published_runbook_does_is_refused(
    world: World, changes: dict[str, Any], why: str
) -> None:
    published(world, SCALES)
    refused(world, scaling(**changes), why)


@pytest.mark.parametrize(
    ("bounds", "why"),
    [
        ({"names": ["basket-*"]}, "names like basket-"),
        ({"namespaces": ["shop"]}, "acts in shop only"),
        ({"from_alert": "statefulset"}, "acts on a statefulset"),
    ],
)
def test_what_the_alert_may_name_is_bounded_by_the_catalogue(
    world: World, bounds: dict[str, Any], why: str
) -> None:
    within = {"from_alert": "workload", "namespaces": ["apps"], "names": ["check*"]}
    published(world, {**SCALES, "name": "Within", "target": within})
    assert module.handler(scaling(runbook="Within"), Context())["status"] == "succeeded"
    world.calls.log.clear()
    world.cluster.events.clear()
    published(world, {**SCALES, "name": "Without", "target": {**within, **bounds}})
    refused(world, scaling(runbook="Without"), why)


def test_a_runbook_that_is_disabled_does_nothing(world: World) -> None:
    published(world, {**SCALES, "name": "Off", "enabled": False})
    refused(world, scaling(runbook="Off"), "disabled")


@pytest.mark.parametrize("steps", [[{}], "x"])
def test_a_runbook_that_is_broken_does_nothing_and_nobody_has_decided_that(
    world: World, steps: Any
) -> None:
    published(world, {**SCALES, "name": "Off", "steps": steps})
    with pytest.raises(StateUnknown, match="cannot be applied"):
        module.handler(scaling(runbook="Off"), Context())
    untouched(world)


@pytest.mark.parametrize(
    "lock", [None, Lock("", 0), Lock(OTHER_INCIDENT, 2e9), Lock(INCIDENT, 1.0)]
)
def test_without_the_lock_of_its_target_nothing_is_done(world: World, lock: Lock | None) -> None:
    published(world, SCALES)
    world.locks.kept[LOCK] = lock
    refused(world, scaling(), "lock")


def test_an_undo_needs_the_lock_and_no_catalogue(world: World) -> None:
    """A runbook may be withdrawn while it acts: what it did is taken back all the same."""
    undo = module.handler(event(), Context())["undo"]
    world.catalogue.runbooks = ()
    world.locks.kept[LOCK] = Lock(INCIDENT, 1.0)  # run out, but nobody has taken it since
    asked = event(operation="undo", undo=undo)
    assert module.handler(asked, Context())["status"] == "succeeded"
    world.locks.kept[LOCK] = Lock(OTHER_INCIDENT, 2e9)
    with pytest.raises(ActionRefused, match=f"{OTHER_INCIDENT} does"):
        module.handler(asked, Context())


@pytest.mark.parametrize("operation", ["plan", "verify"])
def test_who_only_looks_needs_neither(world: World, operation: str) -> None:
    world.catalogue.runbooks, world.locks.usual = (), None
    answer = module.handler(event(operation=operation, runbook=None), Context())
    assert answer["operation"] == operation


def test_a_guard_table_that_does_not_answer_lets_nothing_through(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_key: str) -> Lock:
        raise AwsUnavailable("no answer")

    monkeypatch.setattr(world.locks, "read", fail)
    with pytest.raises(AwsUnavailable):
        module.handler(event(), Context())
    assert world.calls.log == []
