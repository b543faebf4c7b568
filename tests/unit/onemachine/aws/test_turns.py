"""Turns: a few compute at once, those who come back go first, and nobody is forgotten."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from onemachine.aws import turns as turns_module
from onemachine.aws.turns import Turns

_SECONDS = 10


def _wait(event: threading.Event) -> None:
    assert event.wait(_SECONDS)


def test_no_more_run_at_once_than_there_are_turns_and_all_run_in_order() -> None:
    turns = Turns(2)
    lock = threading.Lock()
    now = most = 0
    order = []
    done = threading.Semaphore(0)

    def work(number: int) -> None:
        nonlocal now, most
        with lock:
            order.append(number)
            now += 1
            most = max(most, now)
        time.sleep(0.005)
        with lock:
            now -= 1
        done.release()

    for number in range(20):
        turns.start(lambda number=number: work(number))  # type: ignore[misc]
    for _ in range(20):
        assert done.acquire(timeout=_SECONDS)
    assert most == 2
    assert sorted(order) == list(range(20))
    # Two at once may overtake each other by one place, no more.
    assert all(abs(place - number) <= 1 for place, number in enumerate(order))


def test_one_that_waits_gives_its_turn_away_and_comes_back_before_what_is_new() -> None:
    turns = Turns(1)
    order = []
    back, second, ended = threading.Event(), threading.Event(), threading.Event()

    def first() -> None:
        order.append("first")
        with turns.away():
            _wait(back)
        order.append("first again")

    def occupying() -> None:
        order.append("second")
        second.set()
        back.set()
        # Long enough for the first to queue for its turn.
        time.sleep(0.1)

    def third() -> None:
        order.append("third")
        ended.set()

    turns.start(first)
    turns.start(occupying)
    turns.start(third)
    _wait(second)
    _wait(ended)
    assert order == ["first", "second", "first again", "third"]


def test_what_belongs_to_something_under_way_goes_before_what_is_new() -> None:
    turns = Turns(1)
    order = []
    ended = threading.Event()

    def parent() -> None:
        for number in range(3):
            turns.start(lambda number=number: order.append(f"child {number}"))  # type: ignore[misc]
        order.append("parent")

    def new() -> None:
        order.append("new")
        ended.set()

    holds = threading.Event()
    turns.start(lambda: _wait(holds))
    turns.start(parent)
    turns.start(new)
    holds.set()
    _wait(ended)
    assert order == ["parent", "child 0", "child 1", "child 2", "new"]


def test_the_eldest_comes_back_first() -> None:
    turns = Turns(1)
    order = []
    away = [threading.Event(), threading.Event()]
    back = [threading.Event(), threading.Event()]
    ended = threading.Event()

    def one(number: int) -> None:
        with turns.away():
            away[number].set()
            _wait(back[number])
            if number == 0:
                # The younger one asks for its turn before this one does.
                time.sleep(0.1)
        order.append(number)
        if len(order) == 2:
            ended.set()

    def busy() -> None:
        for event in back[::-1]:
            event.set()
        time.sleep(0.3)

    for number in range(2):
        turns.start(lambda number=number: one(number))  # type: ignore[misc]
    for event in away:
        _wait(event)
    turns.start(busy)
    _wait(ended)
    assert order == [0, 1]


def test_a_turn_is_free_again_after_an_error() -> None:
    turns = Turns(1)
    ended = threading.Event()
    threads = threading.excepthook
    threading.excepthook = lambda _: None
    try:

        def fail() -> None:
            raise ValueError

        turns.start(fail)
        turns.start(ended.set)
        _wait(ended)
    finally:
        threading.excepthook = threads


def test_a_branch_takes_a_turn_of_its_own_and_who_has_none_gives_none_away() -> None:
    turns = Turns(1)
    inside = threading.Event()
    ended = threading.Event()

    with turns.away():  # this thread holds no turn
        pass

    def branch() -> None:
        with turns.held():
            inside.set()

    def parent() -> None:
        with turns.away():
            thread = threading.Thread(target=branch)
            thread.start()
            thread.join(_SECONDS)
        with turns.held():  # has one: nothing to wait for
            ended.set()

    turns.start(parent)
    _wait(inside)
    _wait(ended)


def test_what_is_late_lets_others_go_first_for_some_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    turns = Turns(1)
    order: list[str] = []
    occupied, free, ended = threading.Event(), threading.Event(), threading.Semaphore(0)

    def occupy() -> None:
        occupied.set()
        _wait(free)

    def named(name: str) -> Callable[[], None]:
        def work() -> None:
            order.append(name)
            ended.release()

        return work

    turns.start(occupy)
    _wait(occupied)
    came = [(0, "late 1", True), (1, "first", False), (2, "late 2", True)]
    came += [(9, "second", False), (11, "third", False), (13, "fourth", False)]
    for seconds, name, late in came:
        now = 100.0 + seconds
        turns.start(named(name), late=late)
    free.set()
    for _ in came:
        assert ended.acquire(timeout=_SECONDS)
    assert order == ["first", "second", "late 1", "third", "late 2", "fourth"]


def test_what_is_late_and_under_way_lets_what_is_new_go_first_and_its_child_is_as_late() -> None:
    turns = Turns(1)
    order: list[str] = []
    back, ended = threading.Event(), threading.Semaphore(0)
    away = threading.Event()

    def late() -> None:
        order.append("late")
        turns.start(child)
        with turns.away():
            away.set()
            _wait(back)
        order.append("late again")
        ended.release()

    def child() -> None:
        order.append("child")
        # Long enough for the other one to come back for its turn.
        back.set()
        time.sleep(0.1)
        turns.start(new)
        turns.start(newest)
        ended.release()

    def new() -> None:
        order.append("its own")
        ended.release()

    def newest() -> None:
        order.append("its other")
        ended.release()

    turns.start(late, late=True)
    _wait(away)
    for _ in range(4):
        assert ended.acquire(timeout=_SECONDS)
    assert order[:3] == ["late", "child", "late again"]
    assert sorted(order[3:]) == ["its other", "its own"]


def test_what_is_new_goes_before_what_is_late_and_comes_back() -> None:
    turns = Turns(1)
    order: list[str] = []
    away, back, begun, ended = (threading.Event() for _ in range(4))

    def late() -> None:
        with turns.away():
            away.set()
            _wait(back)
        order.append("late")
        ended.set()

    def first() -> None:
        begun.set()
        back.set()
        # Long enough for the late one to ask for its turn.
        time.sleep(0.1)
        order.append("first")

    turns.start(late, late=True)
    _wait(away)
    turns.start(first)
    _wait(begun)
    turns.start(lambda: order.append("second"))
    _wait(ended)
    assert order == ["first", "second", "late"]


def test_a_thread_that_has_nothing_to_do_takes_the_next_work() -> None:
    turns = Turns(1)
    seen = []
    for _ in range(5):
        ended = threading.Event()

        def work(ended: threading.Event = ended) -> None:
            seen.append(threading.get_ident())
            ended.set()

        turns.start(work)
        _wait(ended)
        _until(lambda: len(turns._idle) == 1)
    assert len(set(seen)) == 1


def test_only_so_many_threads_are_kept_and_all_work_is_done() -> None:
    turns = Turns(2)
    number = 3 * turns_module._IDLE_KEPT
    begun, ended = threading.Semaphore(0), threading.Semaphore(0)
    back = threading.Event()

    def work() -> None:
        begun.release()
        with turns.away():
            _wait(back)
        ended.release()

    for _ in range(2):
        back.clear()
        for _ in range(number):
            turns.start(work)
        for _ in range(number):
            assert begun.acquire(timeout=_SECONDS)
        back.set()
        for _ in range(number):
            assert ended.acquire(timeout=_SECONDS)
        _until(lambda: len(turns._idle) == turns_module._IDLE_KEPT)
        _until(lambda: turns._free == 2)


def _until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + _SECONDS
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.001)


def test_what_goes_first_goes_before_what_is_under_way_and_what_is_new() -> None:
    turns = Turns(1)
    order: list[str] = []
    away, back, occupied, free = (threading.Event() for _ in range(4))
    ended = threading.Semaphore(0)

    def named(name: str) -> Callable[[], None]:
        def work() -> None:
            order.append(name)
            ended.release()

        return work

    def under_way() -> None:
        with turns.away():
            away.set()
            _wait(back)
        named("under way")()

    def occupy() -> None:
        occupied.set()
        _wait(free)

    def deliver() -> None:
        with turns.held(first=True):
            named("delivery")()

    turns.start(under_way)
    _wait(away)
    turns.start(occupy)
    _wait(occupied)
    back.set()
    turns.start(named("new"))
    # Long enough for those who come back to ask for their turn.
    time.sleep(0.1)
    threading.Thread(target=deliver, daemon=True).start()
    time.sleep(0.1)
    turns.start(named("record"), first=True)
    free.set()
    for _ in range(4):
        assert ended.acquire(timeout=_SECONDS)
    assert order == ["delivery", "record", "under way", "new"]
