"""What is changed for a time comes back as it was, whatever happens in between."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runbook_action.errors import ClusterConflict
from runbook_action.leases import HOLD_SECONDS, Holding, Lease, Value, parameter_thing, thing_of
from tests.unit.runbook_action.calls import Calls
from tests.unit.runbook_action.fakes import FakeLeases

THING = thing_of("prod", "apps", "deployment", "checkout", "replicas")


class Died(Exception):
    """The call ended in the middle."""


@dataclass
class Clock:
    """It stands still until somebody moves it."""

    time: datetime = datetime(2026, 11, 23, 15, 14, 52, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time


@dataclass
class Thing:
    """One value, and what its holders do to it; a call may die at any of its reads and writes."""

    value: Value
    calls: Calls = field(default_factory=Calls)
    clock: Clock = field(default_factory=Clock)
    leases: FakeLeases = field(init=False)
    writes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.leases = FakeLeases(self.calls)

    def holding(self, incident: str) -> Holding:
        return Holding(self.leases, self.clock, THING, f"{incident}/1")

    def write(self, value: Value, who: str) -> None:
        def put() -> None:
            self.value = value
            self.writes.append(who)

        self.calls.run("put", put)

    def take(self, incident: str, step: int) -> None:
        """As an action does: what it has done already it does not do again."""
        wanted = True if isinstance(self.value, bool) else self.value + step
        taken = self.holding(incident).take(self.value, wanted)
        if taken.write is not None:
            self.write(taken.write, incident)

    def let_go(self, incident: str) -> str:
        holding = self.holding(incident)
        answer = holding.let_go(self.value)
        if answer.verdict == "bring back" and answer.value is not None:
            if self.value != answer.value:
                self.write(answer.value, incident)
            holding.forget()
        return answer.verdict


@pytest.mark.parametrize("before", [False, 3])
@pytest.mark.parametrize("first_to_end", ["A", "B"])
def test_two_that_overlap_leave_it_as_it_was(before: Value, first_to_end: str) -> None:
    thing = Thing(before)
    last = "B" if first_to_end == "A" else "A"
    thing.take("A", 2)
    thing.take("B", 2)
    changed = thing.value
    assert changed == (True if before is False else 7)
    assert thing.let_go(first_to_end) == "kept"
    assert thing.value == changed
    assert thing.let_go(last) == "bring back"
    assert thing.value == before
    assert thing.leases.kept == {}


def test_taken_twice_it_is_taken_once() -> None:
    thing = Thing(3)
    thing.take("A", 2)
    thing.take("A", 2)
    assert (thing.value, thing.writes) == (5, ["A"])


def test_what_somebody_else_chose_in_between_stays() -> None:
    thing = Thing(3)
    thing.take("A", 2)
    thing.value = 9
    assert thing.let_go("A") == "changed"
    assert (thing.value, thing.leases.kept) == (9, {})


def test_what_somebody_else_chose_is_what_a_later_holder_brings_back() -> None:
    thing = Thing(3)
    thing.take("A", 2)
    thing.value = 9
    thing.take("B", 2)
    assert thing.value == 11
    assert (thing.let_go("A"), thing.let_go("B")) == ("kept", "bring back")
    assert thing.value == 9


def test_who_still_holds_it_is_named() -> None:
    thing = Thing(False)
    for incident in ("C", "A", "B"):
        thing.take(incident, 1)
    assert thing.holding("B").let_go(thing.value).others == ("A", "C")


def test_who_holds_nothing_changes_nothing() -> None:
    thing = Thing(3)
    assert thing.let_go("A") == "not held"
    thing.take("B", 2)
    assert thing.let_go("A") == "not held"
    thing.let_go("B")
    assert thing.let_go("B") == "not held"
    assert thing.value == 3


def test_a_holder_that_was_never_heard_of_again_counts_no_more() -> None:
    thing = Thing(3)
    thing.take("A", 2)
    thing.clock.time += timedelta(seconds=HOLD_SECONDS / 2)
    thing.take("B", 2)
    thing.clock.time += timedelta(seconds=HOLD_SECONDS / 2 + 1)
    assert thing.let_go("A") == "not held"
    assert thing.let_go("B") == "bring back"
    assert thing.value == 3


def test_of_two_that_write_at_the_same_moment_one_begins_anew() -> None:
    thing = Thing(3)
    slow = Lease(3, 5, 3, {"A/1": 2**40}, 1)
    thing.take("B", 2)
    with pytest.raises(ClusterConflict):
        thing.leases.write(THING, slow)
    with pytest.raises(ClusterConflict):
        thing.leases.delete(THING, 7)


def test_a_parameter_is_one_thing_for_all_clusters() -> None:
    assert parameter_thing("/checkout/degraded_mode") == "parameter#/checkout/degraded_mode"
    assert thing_of("a", None, "node", "n", "unschedulable") == "a##node#n#unschedulable"


# ------------------------------------------------- any order, any death, any other writer

INCIDENTS = ("A", "B", "C", "D", "E")
#: Who does something, at which of its calls it dies (0: not at all), and whether after the call.
MOVE = st.tuples(st.sampled_from(INCIDENTS), st.integers(0, 5), st.booleans())


def _dies(thing: Thing, at: int, after: bool, work: object) -> None:
    if at:
        thing.calls.fail_at(at, Died(), after=after)
    try:
        work()  # type: ignore[operator]  # a lambda of the caller
    except Died:
        pass
    finally:
        thing.calls.fail_at(-1, Died())


@settings(max_examples=300, deadline=None)
@given(
    before=st.one_of(st.just(False), st.integers(1, 9)),
    moves=st.lists(MOVE, max_size=25),
    ends=st.permutations(INCIDENTS),
)
def test_at_the_end_it_is_as_before(
    before: Value, moves: list[tuple[str, int, bool]], ends: list[str]
) -> None:
    thing = Thing(before)
    taking: set[str] = set()
    ended: set[str] = set()
    for incident, dies_at, after in moves:
        if incident in ended:
            continue
        if incident in taking and dies_at % 2:  # it comes to its end, perhaps in the middle of it
            _dies(thing, dies_at, after, lambda who=incident: thing.let_go(who))
            ended.add(incident)
        else:
            taking.add(incident)
            _dies(thing, dies_at, after, lambda who=incident: thing.take(who, 2))
    for incident in ends:  # each call that died is repeated, and each incident ends once
        thing.let_go(incident)
    assert thing.value == before
    assert thing.leases.kept == {}


@settings(max_examples=300, deadline=None)
@given(
    moves=st.lists(st.tuples(st.sampled_from(INCIDENTS), st.booleans()), max_size=20),
    at=st.integers(0, 20),
    chosen=st.integers(50, 60),
)
def test_what_somebody_else_chose_is_never_lost(
    moves: list[tuple[str, bool]], at: int, chosen: int
) -> None:
    thing = Thing(3)
    for number, (incident, ends) in enumerate(moves):
        if number == at:
            thing.value = chosen
        if ends:
            thing.let_go(incident)
        else:
            thing.take(incident, 2)
    if at >= len(moves):
        thing.value = chosen
    for incident in INCIDENTS:
        thing.let_go(incident)
    assert thing.value == chosen
    assert thing.leases.kept == {}
