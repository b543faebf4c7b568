"""The cause of an incident is the same in whatever order incidents come, and however often.

Hypothesis draws incidents, places, and an order of all the writes that they make: between any two
writes of one, others may have theirs. What comes out must be what the whole set says at once.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runbook_action.topology.causes import Known, may_cause
from runbook_action.topology.reading import Topology
from runbook_action.topology.relating import Mark, Relation, relate_at
from tests.unit.runbook_action.topology.scene import Rows, at, known

WINDOW = 900
MINUTE = 60_000


def relate(rows: Rows, one: Known, topology: Topology) -> str:
    return relate_at(topology, one, rows, WINDOW).cause


NODE = at("node", level=0)
WEB = at("web", "node")


@pytest.mark.parametrize("node_first", [True, False])
def test_a_workload_hangs_on_its_node_whichever_comes_first(node_first: bool) -> None:
    rows = Rows()
    both = [(known("n", 0, 5), NODE), (known("w", 1, 3), WEB)]
    for one, topology in both if node_first else both[::-1]:
        relate(rows, one, topology)
    assert {child: cause.incident_id for child, cause in rows.causes.items()} == {"w": "n"}


def test_two_faults_that_have_nothing_in_common_stay_two() -> None:
    rows = Rows()
    for name in ("a", "b"):
        relate(rows, known(f"node-{name}", 0), at(f"node-{name}", level=0))
        relate(rows, known(f"w-{name}"), at(f"w-{name}", f"node-{name}"))
    relate(rows, known("alone"), at("alone"))
    found = {child: cause.incident_id for child, cause in rows.causes.items()}
    assert found == {"w-a": "node-a", "w-b": "node-b"}


def test_beyond_the_window_nothing_hangs_on_anything() -> None:
    rows = Rows()
    relate(rows, known("n", 0, 0), NODE)
    relate(rows, known("late", 1, 1000 * WINDOW + 1), WEB)
    relate(rows, known("n2", 0, 4_000_000), NODE)
    assert rows.causes == {}


def test_the_lowest_wins_and_of_equals_the_earlier() -> None:
    rows = Rows()
    web = at("web", "db", "n1", "n2", level=2)
    relate(rows, known("db", 1, 0), at("db"))
    assert relate(rows, known("web", 2, MINUTE), web) == "db"
    relate(rows, known("second", 0, 2 * MINUTE), at("n2", level=0))
    assert rows.relation("web").cause == "second"
    relate(rows, known("first", 0, MINUTE), at("n1", level=0))
    assert rows.relation("web").cause == "first"


def test_two_alerts_on_a_node_are_one_fault_and_two_on_a_workload_are_two() -> None:
    rows = Rows()
    relate(rows, known("pressure", 0, MINUTE), NODE)
    assert relate(rows, known("not-ready", 0, 0), NODE) == ""
    assert rows.relation("pressure").cause == "not-ready"
    relate(rows, known("latency", 1, 0), at("web"))
    assert relate(rows, known("errors", 1, MINUTE), at("web")) == ""


def test_what_begins_after_the_end_of_a_cause_hangs_on_what_goes_on() -> None:
    rows = Rows(ends={"over": 2 * MINUTE})
    relate(rows, known("over", 0, 0), NODE)
    assert relate(rows, known("before", 1, 2 * MINUTE), WEB) == "over"
    assert relate(rows, known("after", 1, 2 * MINUTE + 1), WEB) == ""
    # The same node once more: that is another fault, and the cause of what comes later.
    assert relate(rows, known("again", 0, 3 * MINUTE), NODE) == ""
    assert relate(rows, known("later", 1, 4 * MINUTE), WEB) == "again"
    assert rows.relation("before").cause == "over"


def test_a_cause_that_comes_after_its_own_end_adopts_nobody_who_began_later() -> None:
    rows = Rows(ends={"over": 2 * MINUTE})
    relate(rows, known("before", 1, MINUTE), WEB)
    relate(rows, known("after", 1, 3 * MINUTE), WEB)
    relate(rows, known("over", 0, 0), NODE)
    assert {child: cause.incident_id for child, cause in rows.causes.items()} == {"before": "over"}


def test_whoever_was_let_go_is_not_hung_up_again() -> None:
    rows = Rows(let_go={"w"})
    relate(rows, known("w"), WEB)
    relate(rows, known("n", 0), NODE)
    assert relate(rows, known("w"), WEB) == ""


def test_level_and_beginning_of_an_incident_stay_what_they_were() -> None:
    rows = Rows()
    relate(rows, known("w", 1, 0), WEB)
    relate(rows, known("w", 3, 9 * MINUTE), WEB)
    assert (rows.settled["w"].level, rows.settled["w"].began) == (1, 0)


@dataclass
class Step:
    """One call that a worker wants to make."""

    name: str
    arguments: tuple[Any, ...]
    options: dict[str, Any]


def as_steps(topology: Topology, one: Known, window: int) -> Generator[Step, Any, Relation]:
    """Replay the work with the answers so far, until it wants one more; so it can be stopped."""
    answers: list[Any] = []
    while True:
        script = _Script(answers)
        try:
            return relate_at(topology, one, script, window)
        except _Wanted as wanted:
            answers.append((yield wanted.step))


class _Wanted(Exception):  # an interruption, no error
    def __init__(self, step: Step) -> None:
        self.step = step


class _Script:
    """Rows that answer from what was answered before, and stop at the first that is new."""

    def __init__(self, answers: Sequence[Any]) -> None:
        self._answers: Iterator[Any] = iter(list(answers))

    def _next(self, name: str, *arguments: Any, **options: Any) -> Any:
        for answer in self._answers:
            return answer
        raise _Wanted(Step(name, arguments, options))

    def settle(self, one: Known, topology: Topology) -> Known:
        found: Known = self._next("settle", one, topology)
        return found

    def mark(self, place: str, one: Known, *, own: bool) -> Sequence[Mark]:
        found: Sequence[Mark] = self._next("mark", place, one, own=own)
        return found

    def hang(self, child: str, cause: Known) -> None:
        self._next("hang", child, cause)

    def ended(self, incident_id: str) -> int | None:
        found: int | None = self._next("ended", incident_id)
        return found

    def stand_alone(self, incident_id: str) -> None:
        raise AssertionError(incident_id)

    def relation(self, incident_id: str) -> Relation:
        found: Relation = self._next("relation", incident_id)
        return found


@dataclass(frozen=True)
class Drawn:
    """An incident with where it is."""

    known: Known
    topology: Topology
    ended: int | None


@st.composite
def incidents(draw: st.DrawFn) -> list[Drawn]:
    """Nodes 0 to 2 and workloads 3 to 7, each of which may be above any other, in circles too."""
    found = []
    for number in range(draw(st.integers(2, 6))):
        place = draw(st.integers(0, 7))
        node = place <= 2
        level = 0 if node else draw(st.integers(1, 3))
        above = () if node else tuple(map(str, draw(st.sets(st.integers(0, 7), max_size=4))))
        above = tuple(each for each in above if each != str(place))
        began = draw(st.sampled_from([0, 1, 5, 14, 16, 40])) * MINUTE
        one = known(f"i{number}", level, began)
        lasted = draw(st.sampled_from([None, None, 1, 5]))
        ended = None if lasted is None else began + lasted * MINUTE
        found.append(Drawn(one, at(str(place), *above, level=level), ended))
    return found


def expected(everything: Sequence[Drawn]) -> dict[str, str]:
    """What the whole set says at once."""
    found = {}
    for one in everything:
        candidates = [
            other.known
            for other in everything
            if other is not one
            and (
                other.topology.place in one.topology.above
                or (one.known.level == 0 and other.topology.place == one.topology.place)
            )
            and may_cause(other.known, one.known, WINDOW)
            and (other.ended is None or other.ended >= one.known.began)
        ]
        if candidates:
            found[one.known.incident_id] = min(candidates, key=lambda each: each.key).incident_id
    return found


@given(everything=incidents(), data=st.data())
def test_any_interleaving_gives_what_the_whole_set_says(
    everything: list[Drawn], data: st.DataObject
) -> None:
    rows = Rows(ends={one.known.incident_id: one.ended for one in everything if one.ended})
    twice = data.draw(st.lists(st.sampled_from(everything), max_size=2))
    workers = [as_steps(one.topology, one.known, WINDOW) for one in (*everything, *twice)]
    wanted = {number: next(worker) for number, worker in enumerate(workers)}
    while wanted:
        number = data.draw(st.sampled_from(sorted(wanted)))
        step = wanted.pop(number)
        answer = getattr(rows, step.name)(*step.arguments, **step.options)
        try:
            wanted[number] = workers[number].send(answer)
        except StopIteration:
            continue
    found = {child: cause.incident_id for child, cause in rows.causes.items()}
    assert found == expected(everything)
    for start in found:
        seen, at_ = set(), start
        while at_ in found:
            assert at_ not in seen, "incidents wait for each other"
            seen.add(at_)
            at_ = found[at_]
