"""What is changed for a time comes back as it was, whatever happens in between."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runbook_action.errors import ClusterConflict
from runbook_action.holding import Holding
from runbook_action.leases import HOLD_SECONDS, Holder, Lease, Value, parameter_thing, thing_of
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
    answered: set[str] = field(default_factory=set)  # whose take came to its end

    def __post_init__(self) -> None:
        self.leases = FakeLeases(self.calls)

    def holding(self, incident: str) -> Holding:
        return Holding(self.leases, self.clock, THING, f"{incident}/1")

    def write(self, value: Value, who: str) -> None:
        def put() -> None:
            self.value = value
            self.writes.append(who)

        self.calls.run("put", put)

    def take(self, incident: str, step: int, limit: int = 1000) -> None:
        """As an action does: what it has done already it does not do again."""
        wanted = True if isinstance(self.value, bool) else min(self.value + step, limit)
        if wanted is not True and wanted <= self.value and not self.holds(incident):
            return  # refused: nothing above its limit
        holding = self.holding(incident)
        taken = holding.take(self.value, wanted)
        if taken.write is not None:
            self.write(taken.write, incident)
        holding.settle(taken)
        self.answered.add(incident)

    def holds(self, incident: str) -> bool:
        lease = self.leases.kept.get(THING)
        return lease is not None and f"{incident}/1" in lease.holders

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
    assert thing.value == (True if before is False else 7)
    thing.let_go(first_to_end)
    # A number goes back by what only this one wanted.
    assert thing.value == (True if before is False else 7 if last == "B" else 5)
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
    assert (thing.let_go("A"), thing.let_go("B")) == ("not held", "bring back")
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


@pytest.mark.parametrize("days", [0, 8])
@pytest.mark.parametrize("before", [False, 3])
def test_what_was_never_let_go_is_kept_and_blocks_no_other(before: Value, days: int) -> None:
    thing = Thing(before)
    thing.take("A", 2)  # its incident ends well without restore, or keeps what it did
    kept = thing.value
    thing.clock.time += timedelta(days=days)
    thing.take("B", 2)
    thing.let_go("B")
    assert thing.value == kept


def test_what_was_kept_is_kept_also_where_its_time_ends_while_another_holds_it() -> None:
    thing = Thing(3)
    thing.take("A", 2)
    thing.clock.time += timedelta(seconds=HOLD_SECONDS / 2)
    thing.take("B", 2)
    thing.clock.time += timedelta(seconds=HOLD_SECONDS / 2 + 1)
    assert thing.let_go("A") == "not held"
    assert thing.let_go("B") == "bring back"
    assert thing.value == 5


@pytest.mark.parametrize("before", [False, 3])
def test_who_chooses_the_value_from_before_ends_the_lease(before: Value) -> None:
    thing = Thing(before)
    thing.take("A", 2)
    thing.value = before  # a human switches it off, or back
    thing.take("B", 2)
    assert thing.value == (True if before is False else 5)
    assert thing.let_go("B") == "bring back"
    assert thing.value == before
    assert thing.let_go("A") == "not held"


def test_what_somebody_chose_that_an_earlier_holder_had_set_stays() -> None:
    thing = Thing(3)
    thing.take("A", 2)
    thing.take("B", 2)
    thing.value = 5  # what it was before B
    assert (thing.let_go("A"), thing.let_go("B")) == ("changed", "not held")
    assert thing.value == 5


def test_who_joins_sets_no_more_than_it_may_itself() -> None:
    thing = Thing(3)
    thing.calls.fail_at(3, Died())  # A has its lease, and dies before it writes
    with pytest.raises(Died):
        thing.take("A", 6)
    thing.take("B", 2, limit=5)
    assert thing.value == 5
    thing.take("A", 6)  # its call is repeated
    assert thing.value == 9


@pytest.mark.parametrize("before", [False, 3])
@pytest.mark.parametrize("holds_already", [False, True])
def test_who_was_refused_before_its_write_has_kept_nothing(
    before: Value, holds_already: bool
) -> None:
    thing = Thing(before)
    if holds_already:
        thing.take("B", 2)
    thing.calls.fail_at(3, Died())  # A has its lease, and is not allowed what it wants
    with pytest.raises(Died):
        thing.take("A", 4)
    if not holds_already:
        thing.take("B", 6)
    assert thing.let_go("B") == "bring back"
    assert thing.value == before
    thing.take("A", 4)  # a human has seen to it, and its call is repeated
    assert thing.value == (True if before is False else 9 if holds_already else 7)
    thing.let_go("A")
    assert (thing.value, thing.leases.kept) == (before, {})


@pytest.mark.parametrize("looks", ["take", "resume", "let_go of another"])
def test_what_somebody_chose_and_a_holder_saw_is_a_choice_also_where_it_is_as_before_again(
    looks: str,
) -> None:
    thing = Thing(3)
    thing.take("A", 2)
    thing.value = 9
    if looks == "let_go of another":
        assert thing.let_go("B") == "not held"
    else:
        getattr(thing.holding("A"), looks)(*((9, 11) if looks == "take" else (9,)))
    thing.value = 5  # somebody, to whom it is nothing that A had set the same
    assert thing.let_go("A") == "not held"
    assert (thing.value, thing.leases.kept) == (5, {})


def test_what_was_handed_over_goes_to_the_next_one_where_who_took_it_was_refused() -> None:
    thing = Thing(3)
    thing.take("A", 2)
    thing.holding("A").hand_over()
    thing.calls.fail_at(3, Died())
    with pytest.raises(Died):
        thing.take("B", 2)  # and its incident keeps what it did: nothing
    lease = thing.leases.kept[THING]
    assert (thing.value, lease.stands(5)) == (5, 5), "until then it is A's"
    thing.take("C", 4)
    thing.let_go("C")
    assert thing.value == 3


def test_a_lease_of_an_earlier_object_of_the_same_name_is_none() -> None:
    thing = Thing(3)
    Holding(thing.leases, thing.clock, THING, "A/1", "uid-1").take(3, 5)
    taken = Holding(thing.leases, thing.clock, THING, "B/1", "uid-2").take(5, 7)
    assert (taken.lease.before, set(taken.lease.holders)) == (5, {"B/1"})
    assert Holding(thing.leases, thing.clock, THING, "A/1", "uid-2").let_go(7).verdict == "not held"


def test_what_another_bound_does_not_allow_yet_is_given_back_later() -> None:
    thing = Thing(8)
    thing.take("A", 4)
    assert thing.holding("A").let_go(12, floor=10).value == 10
    thing.value = 10
    thing.holding("A").forget()
    anyone = thing.holding("B")
    assert anyone.later_give_back(10, floor=9) == 9
    anyone.gave_back()
    assert anyone.later_give_back(9, floor=2) == 8
    anyone.gave_back()
    assert (anyone.later_give_back(8, floor=2), thing.leases.kept) == (None, {})


@pytest.mark.parametrize("taken_over", ["before", "after", "never"])
def test_what_is_handed_over_is_given_back_by_who_took_it_over(taken_over: str) -> None:
    """The alert of A is firing again when A was to bring its change back: B acts on it."""
    thing = Thing(3)
    thing.take("A", 2)
    if taken_over == "before":
        thing.take("B", 2)
    assert thing.holding("A").hand_over()
    if taken_over == "after":
        thing.take("B", 2)
    assert thing.value == (5 if taken_over == "never" else 7)
    thing.let_go("B")
    assert thing.value == (5 if taken_over == "never" else 3)
    assert not thing.holding("C").hand_over()


def test_of_two_that_write_at_the_same_moment_one_begins_anew() -> None:
    thing = Thing(3)
    slow = Lease(3, 5, 3, {"A/1": Holder(2**40, 5)}, 1)
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


@settings(max_examples=120, deadline=None)
@given(
    before=st.one_of(st.just(False), st.integers(1, 9)),
    moves=st.lists(MOVE, max_size=25),
    ends=st.permutations(INCIDENTS),
    keeps=st.sets(st.sampled_from(INCIDENTS), max_size=3),
    gone=st.sets(st.sampled_from(INCIDENTS), max_size=2),
)
def test_at_the_end_it_is_as_before_or_as_it_was_kept(
    before: Value,
    moves: list[tuple[str, int, bool]],
    ends: list[str],
    keeps: set[str],
    gone: set[str],
) -> None:
    thing = Thing(before)
    taking: set[str] = set()
    ended: set[str] = set()
    for incident, dies_at, after in moves:
        if incident in ended:
            continue
        if incident in taking and dies_at % 2 and incident not in keeps:  # its end, or half of it
            _dies(thing, dies_at, after, lambda who=incident: thing.let_go(who))
            ended.add(incident)
        else:
            taking.add(incident)
            _dies(thing, dies_at, after, lambda who=incident: thing.take(who, 2))
    for incident in sorted(keeps & taking - gone):
        thing.take(incident, 2)
    lease = thing.leases.kept.get(THING)
    holders = {name[0]: each for name, each in (lease.holders if lease else {}).items()}
    # Who died for good has kept what it wrote; without a write to make, it counts once it said so.
    said_so = {who for who, each in holders.items() if each.state == "holds"}
    came = keeps & (thing.answered | {*thing.writes} | said_so)
    kept = [each.wants for who, each in holders.items() if who in came]
    for incident in ends:  # each call that died is repeated, and each incident ends once
        if incident not in keeps:
            thing.let_go(incident)
    assert thing.value == max([before, *kept])
    left = thing.leases.kept.get(THING)
    assert bool(left and left.at(0, thing.value).counting) == bool(kept)  # type: ignore[union-attr]


@dataclass
class Model:
    """What the value should be: the most of what was chosen last and of all wishes since."""

    chosen: Value
    wishes: dict[str, Value] = field(default_factory=dict)
    ages: dict[str, int] = field(default_factory=dict)

    @property
    def value(self) -> Value:
        return max([self.chosen, *self.wishes.values()])

    def choose(self, value: Value) -> None:
        """Somebody sets it. Who sets what is set leaves no trace."""
        if value != self.value:
            self.chosen = value
            self.wishes.clear()

    def half_the_time_passes(self) -> None:
        """What nobody let go in time is kept."""
        self.ages = {who: self.ages.get(who, 0) + 1 for who in self.wishes}
        for who in [who for who, age in self.ages.items() if age == 2]:
            self.chosen = max(self.chosen, self.wishes.pop(who))


WHAT = st.sampled_from(["take", "take", "take", "let go", "let go", "keep", "choose", "time"])


@settings(max_examples=150, deadline=None)
@given(
    before=st.one_of(st.booleans(), st.integers(1, 6)),
    moves=st.lists(
        st.tuples(WHAT, st.sampled_from(INCIDENTS), st.integers(1, 12)), min_size=8, max_size=25
    ),
    limits=st.lists(st.integers(6, 25), min_size=5, max_size=5),
)
def test_at_every_moment_it_is_what_was_chosen_last_or_what_somebody_holds(
    before: Value, moves: list[tuple[str, str, int]], limits: list[int]
) -> None:
    thing, model, over = Thing(before), Model(before), set[str]()
    for what, incident, number in moves:
        if what == "choose":  # also a value that it had before
            chosen = number % 2 == 0 if isinstance(before, bool) else number
            lease = thing.leases.kept.get(THING)
            if lease and chosen == lease.set != thing.value:
                continue  # by now it is as the lease has it: that it was away nobody has seen
            thing.value = chosen
            model.choose(chosen)
        elif what == "time":
            thing.clock.time += timedelta(seconds=HOLD_SECONDS / 2)
            model.half_the_time_passes()
        elif incident not in over:
            found, holds = thing.value, incident in model.wishes
            if what == "take":
                limit = limits[INCIDENTS.index(incident)]
                thing.take(incident, number % 4 + 1, limit)
                assert thing.value == found or not holds, "it acted twice"
                assert thing.value == found or thing.value <= limit or thing.value is True
                if not holds and (thing.value != found or thing.value is True):
                    model.wishes[incident] = thing.value
                    model.ages[incident] = 0
            else:
                over.add(incident)
                if what == "let go":
                    thing.let_go(incident)
                    model.wishes.pop(incident, None)
        assert thing.value == model.value


@settings(max_examples=100, deadline=None)
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
