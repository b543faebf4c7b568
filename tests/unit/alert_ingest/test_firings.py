"""An alert that ended and fires on is an incident again; one whose start moves stays one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from alert_ingest.errors import ChannelUnavailable
from alert_ingest.firings import Firings
from alert_ingest.intake import Intake
from alert_ingest.model import Alert
from alert_ingest.speakers import Speaker
from tests.field import BODIES
from tests.unit.alert_ingest.remembering import InMemory

T = datetime(2026, 11, 23, 10, tzinfo=UTC)
QUIET = timedelta(days=1)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


@pytest.fixture
def memory() -> InMemory:
    return InMemory()


def body(start: datetime = T, end: datetime | None = None) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((BODIES / "31a-am-firing.json").read_text("utf-8"))
    alert = found["alerts"][0]
    alert["startsAt"] = start.isoformat()
    if end is not None:
        alert["status"] = found["status"] = "resolved"
        alert["endsAt"] = end.isoformat()
    return found


def hear(memory: InMemory, sent: Mapping[str, Any], at: datetime) -> Alert:
    reading = Intake().read(dict(sent), at)
    (alert,) = Firings(memory, QUIET).settle(reading.alerts, at)
    return alert


def named(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((BODIES / name).read_text("utf-8"))
    return found


def test_an_alert_that_fires_on_after_its_end_is_a_recurrence_that_names_its_forerunner(
    memory: InMemory,
) -> None:
    first = hear(memory, named("31a-am-firing.json"), T + minutes(1))
    end = hear(memory, named("31b-am-resolved-by-timeout.json"), T + minutes(6))
    again = hear(memory, named("31c-am-firing-again-same-startsAt.json"), T + minutes(12))
    assert end.incident_id == first.incident_id
    assert again.incident_id != first.incident_id
    assert again.forerunner == first.incident_id
    assert again.started_at == T + minutes(12)
    assert any("recurrence" in note for note in again.notes)
    # Repetitions of it, and its end, are the recurrence's; the old end that comes again is not.
    assert hear(memory, body(), T + minutes(30)).incident_id == again.incident_id
    stale = hear(memory, body(end=T + minutes(5)), T + minutes(31))
    assert stale.incident_id == first.incident_id
    over = hear(memory, body(end=T + minutes(40)), T + minutes(41))
    assert (over.incident_id, over.duration_seconds) == (again.incident_id, 28 * 60)
    third = hear(memory, body(), T + minutes(60))
    assert third.forerunner == again.incident_id
    assert len({first.incident_id, again.incident_id, third.incident_id}) == 3


@pytest.mark.parametrize("late", [0, 1, 4.9, 9.9])
def test_a_late_duplicate_within_five_minutes_of_the_end_changes_nothing(
    memory: InMemory, late: float
) -> None:
    first = hear(memory, body(), T + minutes(1))
    hear(memory, body(end=T + minutes(5)), T + minutes(5))
    row = dict(memory.rows)
    duplicate = hear(memory, body(), T + minutes(5) + minutes(late) / 2)
    assert (duplicate.incident_id, duplicate.forerunner) == (first.incident_id, None)
    assert memory.rows == row


@pytest.mark.parametrize("slow", [6, 10])
def test_a_duplicate_right_after_the_end_is_late_also_by_a_slow_clock(
    memory: InMemory, slow: int
) -> None:
    first = hear(memory, body(), T + minutes(slow))
    hear(memory, body(end=T + minutes(1)), T + minutes(1 + slow))
    duplicate = hear(memory, body(), T + minutes(1 + slow + 0.5))
    assert (duplicate.incident_id, duplicate.forerunner) == (first.incident_id, None)
    # What fires on when its group is told again is a recurrence by such a clock, too.
    again = hear(memory, body(), T + minutes(1 + slow + 5))
    assert again.forerunner == first.incident_id


def test_a_start_that_moves_while_it_fires_stays_one_incident(memory: InMemory) -> None:
    first = hear(memory, body(), T + minutes(1))
    for moved in (30, -2, 31):  # a restart; the other of a pair; again
        again = hear(memory, body(T + minutes(moved)), T + minutes(32))
        assert (again.incident_id, again.started_at) == (first.incident_id, T)
    end = hear(memory, body(T + minutes(31), T + minutes(50)), T + minutes(51))
    assert (end.incident_id, end.duration_seconds) == (first.incident_id, 50 * 60)


def test_a_new_start_after_the_end_is_a_new_incident_at_once(memory: InMemory) -> None:
    first = hear(memory, body(), T)
    hear(memory, body(end=T + minutes(5)), T + minutes(5))
    second = hear(memory, body(T + minutes(6)), T + minutes(6))
    assert second.incident_id != first.incident_id
    assert second.forerunner is None
    # The end of the first that comes late ends it, and not the second.
    assert hear(memory, body(end=T + minutes(5)), T + minutes(7)).incident_id == first.incident_id
    assert next(iter(memory.rows.values())).ended is None


def test_a_new_start_long_after_the_last_that_was_heard_is_a_new_incident(
    memory: InMemory,
) -> None:
    first = hear(memory, body(), T)
    second = hear(memory, body(T + timedelta(hours=9)), T + timedelta(hours=9))
    assert second.incident_id != first.incident_id


def test_an_end_that_carries_itself_as_start_ends_what_fires(memory: InMemory) -> None:
    first = hear(memory, named("30a-grafana12-firing.json"), T)
    end = hear(memory, named("30b-grafana12-resolved-startsAt-is-endsAt.json"), T + minutes(11))
    assert (end.incident_id, end.duration_seconds) == (first.incident_id, 600)


def test_a_cycle_of_datadog_is_one_incident_and_one_more_after_its_end(memory: InMemory) -> None:
    first = hear(memory, named("36a-datadog-warn.json"), T)
    second = hear(memory, named("36b-datadog-triggered-same-cycle.json"), T + minutes(1))
    assert (second.incident_id, second.notes) == (first.incident_id, first.notes)
    recovered = named("36b-datadog-triggered-same-cycle.json")
    recovered |= {"alert_transition": "Recovered", "date": "1795447000000"}
    assert hear(memory, recovered, T + minutes(9)).incident_id == first.incident_id
    ended = next(iter(memory.rows.values())).ended
    assert ended is not None
    again = hear(memory, named("36b-datadog-triggered-same-cycle.json"), ended + minutes(6))
    assert again.forerunner == first.incident_id
    repeated = named("36b-datadog-triggered-same-cycle.json") | {"date": "1795450000000"}
    assert hear(memory, repeated, ended + minutes(20)).incident_id == again.incident_id


def test_what_closed_by_itself_and_fires_on_is_a_recurrence(memory: InMemory) -> None:
    first = hear(memory, body(), T)
    again = hear(memory, body(), T + QUIET + minutes(6))
    assert again.forerunner == first.incident_id


def test_every_order_of_two_that_hear_a_recurrence_at_once_gives_one(memory: InMemory) -> None:
    hear(memory, body(), T)
    hear(memory, body(end=T + minutes(5)), T + minutes(5))
    other: list[Alert] = []
    memory.before_write.append(lambda: other.append(hear(memory, body(), T + minutes(11))))
    mine = hear(memory, body(), T + minutes(11))
    assert mine.incident_id == other[0].incident_id
    assert mine.started_at == other[0].started_at


def test_every_order_of_beginning_repetition_and_end_is_one_incident() -> None:
    sent = [body(), body(), body(end=T + minutes(2))]
    for order in permutations(range(3)):
        memory = InMemory()
        ids = {hear(memory, sent[which], T + minutes(3)).incident_id for which in order}
        assert len(ids) == 1, order
        assert next(iter(memory.rows.values())).ended == T + minutes(2)


def test_a_memory_that_does_not_answer_costs_no_alert(memory: InMemory) -> None:
    first = hear(memory, body(), T)
    memory.down = True
    same = hear(memory, body(), T + minutes(1))
    assert same.incident_id == first.incident_id
    assert any("could not be looked up" in note for note in same.notes)


@pytest.mark.parametrize("fault", ["read", "write"])
def test_an_end_that_could_not_be_noted_is_to_be_told_again(
    memory: InMemory, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    """Or the next firing would join the incident that this end has closed."""
    first = hear(memory, body(), T)
    over = body(end=T + minutes(10))
    with monkeypatch.context() as patch:
        patch.setattr(memory, fault, unavailable)
        end = hear(memory, over, T + minutes(10))
        assert (end.incident_id, end.end_unknown) == (first.incident_id, True)
        assert not hear(memory, body(), T + minutes(9)).end_unknown
    assert not hear(memory, over, T + minutes(11)).end_unknown
    assert hear(memory, body(T + minutes(60)), T + minutes(60)).incident_id != first.incident_id


def unavailable(*_: object) -> Any:
    raise ChannelUnavailable("throttled")


def test_a_repetition_is_noted_once_a_minute(memory: InMemory) -> None:
    for second in range(0, 60, 10):
        hear(memory, body(), T + timedelta(seconds=second))
    assert memory.writes == 1


def test_the_end_of_another_sender_ends_nothing(memory: InMemory) -> None:
    spoken = []
    for name, sent in (("one", body()), ("two", body(end=T + minutes(2)))):
        speaker = Speaker(f"key-of-{name}", name)
        reading = speaker.claim(Intake().read(sent, T + minutes(3)))
        (alert,) = Firings(memory, QUIET).settle(reading.alerts, T + minutes(3))
        spoken.append(alert.incident_id)
    assert len(set(spoken)) == 2
    assert [row.ended is None for row in memory.rows.values()] == [True, False]


def test_what_begins_after_its_incident_was_closed_is_a_new_one(memory: InMemory) -> None:
    """No end was heard: somebody has closed it, or the platform where nobody spoke of it."""
    first = hear(memory, body(), T + minutes(1))
    memory.overs[first.incident_id] = T + minutes(10)
    anew = hear(memory, body(T + minutes(12)), T + minutes(13))
    assert anew.incident_id != first.incident_id
    assert (anew.started_at, anew.notes) == (T + minutes(12), first.notes)
    # Its repetitions and its end are its own, and a late repetition of the first begins nothing.
    assert hear(memory, body(T + minutes(12)), T + minutes(30)).incident_id == anew.incident_id
    assert hear(memory, body(), T + minutes(31)).incident_id == anew.incident_id
    over = hear(memory, body(T + minutes(12), end=T + minutes(40)), T + minutes(40))
    assert (over.incident_id, over.duration_seconds) == (anew.incident_id, 28 * 60)
    assert len(memory.rows) == 1


@pytest.mark.parametrize("moved_to", [minutes(10), minutes(10) + timedelta(milliseconds=300)])
def test_what_begins_in_the_second_of_the_closing_is_a_new_one(
    memory: InMemory, moved_to: timedelta
) -> None:
    """A start often has whole seconds only, and a closing has milliseconds."""
    first = hear(memory, body(), T + minutes(1))
    memory.overs[first.incident_id] = T + minutes(10) + timedelta(milliseconds=700)
    anew = hear(memory, body(T + moved_to), T + minutes(11))
    assert anew.incident_id != first.incident_id
    assert anew.started_at == T + moved_to
    # Its repetitions are its own, and a late one of what was closed begins nothing.
    for sent in (body(T + moved_to), body()):
        assert hear(memory, sent, T + minutes(20)).incident_id == anew.incident_id
    assert len(memory.rows) == 1


def test_what_was_closed_in_the_second_of_its_start_is_not_told_again(memory: InMemory) -> None:
    first = hear(memory, body(), T)
    memory.overs[first.incident_id] = T + timedelta(milliseconds=700)
    for minute in range(1, 600, 5):
        assert hear(memory, body(), T + minutes(minute)).incident_id == first.incident_id


def test_what_begins_in_the_second_of_an_end_is_a_new_one(memory: InMemory) -> None:
    first = hear(memory, body(), T + minutes(1))
    end = T + minutes(10) + timedelta(milliseconds=700)
    assert hear(memory, body(end=end), end).incident_id == first.incident_id
    anew = hear(memory, body(T + minutes(10)), T + minutes(11))
    assert anew.incident_id != first.incident_id
    assert anew.forerunner is None
    # Told again by the other of a pair, the end of the first ends nothing of it.
    assert hear(memory, body(end=end), T + minutes(11)).incident_id == first.incident_id
    assert hear(memory, body(T + minutes(10)), T + minutes(12)).incident_id == anew.incident_id


@pytest.mark.parametrize("moved_to", [0, 5, 9.9, 9.98])
def test_what_fires_on_after_its_incident_was_closed_stays_with_that(
    memory: InMemory, moved_to: float
) -> None:
    """However often it is repeated, and where a restart has moved its start before the closing."""
    first = hear(memory, body(), T + minutes(1))
    memory.overs[first.incident_id] = T + minutes(10)
    for minute in range(11, 600, 5):
        sent = body(T + minutes(moved_to))
        assert hear(memory, sent, T + minutes(minute)).incident_id == first.incident_id
    # A start that has not moved asks nothing.
    assert len(memory.asked_over) == (0 if moved_to == 0 else len(range(11, 600, 5)))


def test_a_start_that_moves_while_its_incident_is_open_begins_nothing(memory: InMemory) -> None:
    first = hear(memory, body(), T + minutes(1))
    for minute in range(5, 100, 5):
        sent = body(T + minutes(minute))
        assert hear(memory, sent, T + minutes(minute)).incident_id == first.incident_id
    # Once it is closed the next one begins one new incident, and not one with each repetition.
    memory.overs[first.incident_id] = T + minutes(101)
    heard = {
        hear(memory, body(T + minutes(minute)), T + minutes(minute)).incident_id
        for minute in range(105, 200, 5)
    }
    assert len(heard) == 1
    assert first.incident_id not in heard


def test_where_nobody_knows_whether_its_incident_is_over_it_keeps_that_of_its_own_start(
    memory: InMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = hear(memory, body(), T)
    row = dict(memory.rows)
    monkeypatch.setattr(memory, "over", unavailable)
    anew = hear(memory, body(T + minutes(12)), T + minutes(13))
    assert anew.incident_id != first.incident_id
    assert any("could not be looked up" in note for note in anew.notes)
    assert memory.rows == row
