"""What incidents change for a time, one over the other, is at the end as it was.

Whole calls of up to five incidents follow each other in any order, as the locks of the state
machine have it; each may die at any of its calls to the outside and is then repeated, perhaps only
after others have acted. Some never let go: their runbook restores nothing, or they kept what they
did when they called a human. And somebody else writes in between.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runbook_action.actions import REGISTRY
from runbook_action.errors import (
    ActionRefused,
    ChangeReverted,
    ClusterConflict,
    ClusterUnreachable,
    RetryableError,
)
from runbook_action.hand_over import hand_over
from runbook_action.outcome import Outcome
from runbook_action.request import Request
from tests.unit.runbook_action.fakes import PARAMETER, World, request

INCIDENTS = [f"{number}b0f0f5e-8a52-5b1e-9f0a-3d1f7a6c2e11" for number in range(1, 6)]
# What somebody else chooses. Numbers that no step reaches: who sets what is set leaves no trace.
SOMEBODY_ELSES = [200, 410, 620, 830]

Look = Callable[[World], Any]
Put = Callable[[World, Any], None]


@dataclass(frozen=True)
class Change:
    """One change for a time: how it is asked for, seen, and made by somebody else."""

    ask: dict[str, Any]
    look: Look
    put: Put
    choices: tuple[Any, ...]

    def request(self, operation: Any, incident: int, undo: Any = None) -> Request:
        parameters = {}
        if self.choices[0] in SOMEBODY_ELSES:
            parameters = {"step": incident + 1, "max_replicas": 1000}
        return request(
            operation=operation,
            incident_id=INCIDENTS[incident],
            undo=undo,
            **{"parameters": parameters, **self.ask},
        )


def _put_replicas(world: World, value: Any) -> None:
    world.cluster.raw["spec"]["replicas"] = value
    world.cluster.touch()


def _put_of_autoscaler(key: str) -> Put:
    def put(world: World, value: Any) -> None:
        assert world.cluster.hpa is not None
        world.cluster.hpa["spec"][key] = value
        version = int(world.cluster.hpa["metadata"]["resourceVersion"])
        world.cluster.hpa["metadata"]["resourceVersion"] = str(version + 1)

    return put


def _put_cordon(world: World, value: Any) -> None:
    world.cluster.node_raw["spec"]["unschedulable"] = value
    version = int(world.cluster.node_raw["metadata"]["resourceVersion"])
    world.cluster.node_raw["metadata"]["resourceVersion"] = str(version + 1)


# On for a time is all that a switch is here: somebody else switches it off.
SWITCHES = (False,)
NODE = {"kind": "node", "name": "node-1"}
CHANGES = {
    "degraded mode": Change(
        {"action": "enable_degraded_mode"},
        lambda world: world.parameters.values.get(PARAMETER) == "true",
        lambda world, value: world.parameters.values.update({PARAMETER: str(value).lower()}),
        SWITCHES,
    ),
    "replicas": Change(
        {"action": "scale_workload"},
        lambda world: world.cluster.raw["spec"]["replicas"],
        _put_replicas,
        tuple(SOMEBODY_ELSES),
    ),
    "an autoscaler's minimum": Change(
        {"action": "scale_workload"},
        lambda world: (world.cluster.hpa or {})["spec"]["minReplicas"],
        _put_of_autoscaler("minReplicas"),
        tuple(SOMEBODY_ELSES),
    ),
    "an autoscaler's maximum": Change(
        {"action": "raise_autoscaler_maximum", "kind": "horizontalpodautoscaler"},
        lambda world: (world.cluster.hpa or {})["spec"]["maxReplicas"],
        _put_of_autoscaler("maxReplicas"),
        tuple(SOMEBODY_ELSES),
    ),
    "a drain": Change(
        {"action": "drain_node", **NODE},
        lambda world: world.cluster.node_raw["spec"].get("unschedulable") is True,
        _put_cordon,
        SWITCHES,
    ),
    "a cordon": Change(
        {"action": "cordon_node", **NODE},
        lambda world: world.cluster.node_raw["spec"].get("unschedulable") is True,
        _put_cordon,
        SWITCHES,
    ),
}


@dataclass
class History:
    """What the incidents do, and what the value is to be once none of them holds it."""

    name: str
    begins_with: Any = None
    world: World = field(init=False)
    undos: dict[int, Any] = field(default_factory=dict)
    acted: set[int] = field(default_factory=set)
    ended: set[int] = field(default_factory=set)
    died: set[int] = field(default_factory=set)
    wrote: set[int] = field(default_factory=set)
    latest: int | None = None
    own: Any = None
    keeps: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.change = CHANGES[self.name]
        self.world = World.new()
        if "autoscaler" in self.name:
            self.world.cluster.hpa = {
                "metadata": {"name": "checkout", "namespace": "apps", "resourceVersion": "1"},
                "spec": {
                    "scaleTargetRef": {"kind": "Deployment", "name": "checkout"},
                    "minReplicas": 2,
                    "maxReplicas": 900 if "minimum" in self.name else 8,
                },
            }
        if self.begins_with is not None:
            self.change.put(self.world, self.begins_with)
        self.own = self.value

    @property
    def value(self) -> Any:
        return copy.deepcopy(self.change.look(self.world))

    def somebody_else(self, chosen: Any) -> None:
        """Somebody sets the value; to set what is set is to do nothing."""
        if self.value != chosen:
            self.change.put(self.world, chosen)
            self.own = chosen
            self.keeps.clear()
            self.wrote.clear()
        self.world.cluster.settle()

    def keep(self, incident: int) -> None:
        """End without letting go, also after an execute that died and is not repeated."""
        if incident in self.acted | self.died and incident not in self.ended:
            self.ended.add(incident)
            lease = next(iter(self.world.leases.kept.values()), None)
            holder = lease.holders.get(self._name(incident)) if lease else None
            # Who died for good has kept what it wrote; with nothing to write, once it said so.
            acted = incident in (self.acted - self.died) | self.wrote
            came = acted or (holder and holder.state == "holds")
            self.acted.discard(incident)
            self.died.discard(incident)
            if came and holder and lease and lease.explains(self.value):
                self.keeps.add(incident)

    @property
    def expected(self) -> Any:
        """What somebody else chose last, or more where an incident kept it so."""
        return max([self.own, *(self._wish(incident) or 0 for incident in self.keeps)])

    def _wish(self, incident: int) -> Any:
        lease = next(iter(self.world.leases.kept.values()), None)
        holder = lease.holders.get(self._name(incident)) if lease else None
        return holder.wants if holder else None

    @staticmethod
    def _name(incident: int) -> str:
        return f"{INCIDENTS[incident]}/1"

    def execute(self, incident: int, dies_at: int = 0, *, after: bool = False) -> None:
        """Act, or come back after having died, or once more."""
        if incident in self.ended:
            return
        again = incident in self.acted and incident == self.latest and not self.died
        before, self.latest = self.value, incident
        self.died.add(incident)
        outcome = self._call("execute", incident, dies_at, after)
        if self.value != before:
            self.wrote.add(incident)
        if outcome is None:
            return
        self.acted.add(incident)
        self.died.discard(incident)
        self.undos[incident] = outcome.undo.parameters if outcome.undo else None
        assert not again or self.value == before, "it acted twice"

    def undo(self, incident: int, dies_at: int = 0, *, after: bool = False) -> None:
        """Take it back; from here on the incident does nothing else."""
        if incident not in self.acted | self.died:
            return
        self.ended.add(incident)
        self.died.add(incident)
        outcome = self._call("undo", incident, dies_at, after, self.undos.get(incident))
        if outcome is not None:
            self.died.discard(incident)
            self.acted.discard(incident)

    def end(self, order: list[int]) -> None:
        """Every incident comes to its end."""
        for incident in order:
            self.undo(incident)
        assert not self.acted | self.died

    def _call(
        self, operation: Any, incident: int, dies_at: int, after: bool, undo: Any = None
    ) -> Outcome | None:
        """Call until an answer comes; a call that dies is left for later."""
        asked = self.change.request(operation, incident, undo)
        run = getattr(REGISTRY[asked.action], operation)
        self.world.clock.seconds_left = 90.0
        if dies_at:
            self.world.calls.fail_at(dies_at, ClusterUnreachable("gone"), after=after)
        for _ in range(3):
            try:
                outcome: Outcome = run(asked, self.world.services)
            except ClusterConflict:
                continue
            except RetryableError:
                return None
            except ActionRefused as refused:  # its machine then undoes it
                if "somebody has chosen" not in str(refused):
                    raise
                return None
            except ChangeReverted:  # by somebody else: its machine then undoes it
                return None
            finally:
                self.world.calls.fail_at(-1, ClusterUnreachable("never"))
            return outcome
        raise AssertionError("it was in conflict with nobody")


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("first_to_end", [0, 1], ids=["the first ends first", "the second does"])
def test_of_two_that_overlap_the_last_to_end_brings_it_back(name: str, first_to_end: int) -> None:
    history = History(name)
    before = history.value
    history.execute(0)
    history.execute(1)
    changed = history.value
    assert changed != before
    history.undo(first_to_end)
    if first_to_end == 0 or before is False:
        assert history.value == changed
    else:
        assert before < history.value < changed, "what only the second one had added goes"
    history.undo(1 - first_to_end)
    assert history.value == before


@pytest.mark.parametrize("name", CHANGES)
def test_what_one_kept_is_what_the_other_goes_back_to(name: str) -> None:
    history = History(name)
    history.execute(0)
    kept = history.value
    history.execute(1)
    history.undo(1)
    assert history.value == kept


@pytest.mark.parametrize("name", CHANGES)
def test_who_chose_the_value_from_before_ended_what_was_kept(name: str) -> None:
    history = History(name)
    before = history.value
    history.execute(0)
    history.somebody_else(before)
    history.execute(1)
    assert history.value != before
    history.undo(1)
    assert history.value == before


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("handed", ["before", "after"], ids="handed over {} it is taken".format)
def test_what_was_not_brought_back_because_its_alert_fires_again_the_next_incident_brings_back(
    name: str, handed: str
) -> None:
    history = History(name)
    before = history.value
    history.execute(0)
    if handed == "before":
        _hand_over(history, 0)
    history.execute(1)
    if handed == "after":
        _hand_over(history, 0)
    assert history.value != before
    history.undo(1)
    assert history.value == before


def _hand_over(history: History, incident: int) -> None:
    asked = history.change.request("hand_over", incident, history.undos[incident])
    value = history.value
    outcome = hand_over(REGISTRY[asked.action], asked, history.world.services)
    assert "whoever acts on that brings back" in outcome.summary
    assert (outcome.changed, history.value) == (False, value)


def test_what_a_runbook_switches_off_for_good_is_off_whoever_had_it_on() -> None:
    history = History("degraded mode")
    history.execute(0)
    off = request("disable_degraded_mode", incident_id=INCIDENTS[4])
    REGISTRY[off.action].execute(off, history.world.services)
    assert history.value is False
    history.execute(1)
    history.undo(1)
    assert history.value is False
    history.undo(0)
    assert history.value is False


def test_what_was_switched_off_is_on_again_by_its_undo_and_off_by_who_had_it_on() -> None:
    history = History("degraded mode")
    history.execute(0)
    for operation in ("execute", "undo"):
        off = request("disable_degraded_mode", operation, incident_id=INCIDENTS[4])
        getattr(REGISTRY[off.action], operation)(off, history.world.services)
    assert history.value is True
    history.undo(0)
    assert history.value is False


BOUNDS = ("an autoscaler's minimum", "an autoscaler's maximum")


@settings(max_examples=40, deadline=None)
@given(
    moves=st.lists(
        st.tuples(st.sampled_from(["execute", "undo"]), st.integers(0, 4), st.integers(0, 9)),
        max_size=12,
    ),
    ends=st.permutations(range(5)),
)
def test_both_bounds_of_an_autoscaler_end_as_they_began(
    moves: list[tuple[str, int, int]], ends: list[int]
) -> None:
    """Incidents 0, 2 and 4 raise its minimum, the others its maximum."""
    minimum, maximum = (History(name) for name in BOUNDS)
    minimum.world = maximum.world

    def of(incident: int) -> History:
        return maximum if incident % 2 else minimum

    for what, incident, dies_at in moves:
        # Refused at the limit, perhaps after an earlier call took its part: undone all the same.
        with contextlib.suppress(ActionRefused):
            getattr(of(incident), what)(incident, dies_at, after=dies_at % 2 == 0)
        assert minimum.value <= maximum.value
    for incident in ends:
        of(incident).undo(incident)
    assert (minimum.value, maximum.value) == (2, 8)


@pytest.mark.parametrize("chosen", [None, 9], ids=["as it was set", "lowered by somebody"])
def test_a_maximum_let_go_while_the_minimum_is_above_it_goes_back_with_the_minimum(
    chosen: int | None,
) -> None:
    minimum, maximum = (History(name) for name in BOUNDS)
    minimum.world = maximum.world
    maximum.execute(3)
    minimum.world.cluster.raw["spec"]["replicas"] = 9
    minimum.execute(0)
    assert (minimum.value, maximum.value) == (10, 12)
    maximum.undo(3)
    assert (minimum.value, maximum.value) == (10, 10)
    if chosen:
        minimum.somebody_else(chosen)
    minimum.undo(0)
    assert (minimum.value, maximum.value) == ((9, 9) if chosen else (2, 8))
    assert chosen or maximum.world.leases.kept == {}


@pytest.mark.parametrize("name", CHANGES)
def test_what_somebody_else_chose_meanwhile_is_what_stays(name: str) -> None:
    history = History(name)
    history.execute(0)
    history.somebody_else(history.change.choices[-1])
    history.execute(1)
    history.end([0, 1])
    assert history.value == history.change.choices[-1]


@pytest.mark.parametrize("name", CHANGES)
def test_asked_again_while_it_waits_it_says_that_somebody_took_it_back_and_leaves_it_alone(
    name: str,
) -> None:
    history = History(name)
    before = history.value
    history.execute(0)
    lower = False if before is False else before - 1
    history.change.put(history.world, lower)
    history.world.clock.seconds_left = 0.5
    action, asked = REGISTRY[history.change.ask["action"]], history.change.request("execute", 0)
    with pytest.raises(ChangeReverted, match="reverted by"):
        action.execute(asked, history.world.services)
    assert history.value == lower


@pytest.mark.parametrize("name", ["a cordon", "a drain"])
def test_a_node_that_somebody_opened_is_not_closed_by_a_repeat(name: str) -> None:
    history = History(name, begins_with=True)
    for incident in (1, 0):  # the second takes the first one's mark away
        history.execute(incident)
    history.somebody_else(False)
    history.execute(1)
    assert history.value is False
    history.end([0, 1])
    assert history.value is False


@pytest.mark.parametrize("name", CHANGES)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_whatever_the_order_it_is_at_the_end_as_before_or_as_it_was_kept_or_chosen(
    name: str, data: st.DataObject
) -> None:
    choices = list(CHANGES[name].choices)
    switch = choices == list(SWITCHES)
    history = History(name, data.draw(st.booleans()) if switch else None)
    who, dies_at = st.integers(0, 4), st.integers(0, 14)
    move = st.tuples(
        st.sampled_from(["execute", "undo", "keep", "somebody else"]), who, dies_at, st.booleans()
    )
    for what, incident, at, after in data.draw(st.lists(move, min_size=5, max_size=14)):
        if what == "keep":
            history.keep(incident)
        elif what != "somebody else":
            getattr(history, what)(incident, at, after=after)
        elif choices:
            history.somebody_else(choices[0] if switch else choices.pop(0))
    history.end(data.draw(st.permutations(range(5))))
    assert history.value == history.expected


class Readers:
    """Pods that read the setting once, when they start: a second after their template came."""

    def __init__(self, world: World) -> None:
        self.read = world.parameters.values[PARAMETER]
        self.starts(world, "2026-11-23T15:00:00Z")
        patch = world.cluster.patch

        def patched(current: Any, changes: Mapping[str, Any]) -> Any:
            before = world.cluster.template_annotations
            try:
                return patch(current, changes)
            finally:
                if world.cluster.template_annotations != before:
                    self.read = world.parameters.values[PARAMETER]
                    started = world.clock.now() + timedelta(seconds=1)
                    self.starts(world, started.isoformat())

        world.cluster.patch = patched  # type: ignore[method-assign, assignment]  # what they see

    @staticmethod
    def starts(world: World, at: str) -> None:
        running = {"running": {"startedAt": at}}
        world.cluster.pod_faults = {"name": "checkout", "restartCount": 0, "state": running}
        world.cluster.settle()


@settings(max_examples=60, deadline=None)
@given(
    moves=st.lists(
        st.tuples(
            st.sampled_from(["execute", "undo"]),
            st.integers(0, 2),
            st.sampled_from([0, 0, *range(3, 9)]),
            st.booleans(),
        ),
        min_size=2,
        max_size=8,
    ),
    ends=st.permutations(range(3)),
)
def test_pods_have_read_at_the_end_what_is_there(
    moves: list[tuple[str, int, int, bool]], ends: list[int]
) -> None:
    history = History("degraded mode")
    pods = Readers(history.world)
    for incident in (0, 1):
        history.execute(incident)
        history.world.clock.time += timedelta(seconds=10)
    for what, incident, dies_at, after in moves:
        getattr(history, what)(incident, dies_at, after=after)
        history.world.clock.time += timedelta(seconds=10)
    history.end(ends)
    assert (history.value, pods.read) == (False, "false")
