"""The workers of a pod ask SSM as one: one of them asks, and all hear the answer."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import pytest

from checkout.parameters import Parameter, Unchanged
from checkout.settings import Settings
from checkout.shared import Board, News, ReadFailed, SharedStore
from checkout.switches import Switches
from tests.unit.checkout.support import Parameters

NAME = "/degraded"


def _store(board: Board, parameters: Parameters, seconds: float = 60.0) -> SharedStore:
    return SharedStore(parameters, board, seconds, patience_seconds=5)


def test_what_one_worker_has_heard_is_not_asked_again() -> None:
    board, parameters = Board(), Parameters({NAME: "true"})
    assert _store(board, parameters).read(NAME) == "true"
    assert _store(board, parameters).read(NAME) == "true"
    assert parameters.reads == [NAME]


def test_news_that_is_too_old_is_asked_for() -> None:
    board, parameters = Board(), Parameters({NAME: "true"})
    board.post(NAME, News(time.monotonic() - 61, "false"))
    assert _store(board, parameters).read(NAME) == "true"


def test_the_same_news_is_given_once() -> None:
    store = _store(Board(), Parameters({NAME: "true"}))
    store.read(NAME)
    with pytest.raises(Unchanged):
        store.read(NAME)


def test_a_failure_is_heard_by_all_and_asked_for_by_one() -> None:
    board, parameters = Board(), Parameters({NAME: ConnectionError("refused")})
    failures: list[str] = []
    for _ in range(2):
        parameter = Parameter(NAME, False, bool, failures.append)
        store = _store(board, parameters)
        parameter.refresh(store)
        parameter.refresh(store)
    assert (failures, parameters.reads) == (["unavailable"] * 2, [NAME])


def test_each_parameter_has_news_of_its_own() -> None:
    parameters = Parameters({NAME: "true", "/chaos": "{}"})
    store = _store(Board(), parameters)
    assert (store.read(NAME), store.read("/chaos"), store.read("/none")) == ("true", "{}", None)


def test_workers_that_are_forked_ask_once_for_all_and_one_that_dies_is_in_nobodys_way() -> None:
    board = Board()
    asked, told = os.pipe()

    class Slow:
        def read(self, name: str) -> str:
            os.write(told, b".")
            time.sleep(0.2)
            return "true"

    def dies() -> None:
        board.claim()
        os._exit(0)

    def asks() -> None:
        store = SharedStore(Slow(), board, 60, patience_seconds=5)
        os._exit(0 if store.read(NAME) == "true" else 1)

    assert [_ended(child) for child in [_forked(dies)]] == [0]
    assert [_ended(child) for child in [_forked(asks) for _ in range(4)]] == [0] * 4
    os.close(told)
    with os.fdopen(asked, "rb") as calls:
        assert calls.read() == b"."


def test_a_worker_that_waits_for_another_one_gives_up() -> None:
    board = Board()
    ready, go = os.pipe()

    def holds() -> None:
        board.claim()
        os.write(go, b".")
        time.sleep(30)

    holder = _forked(holds)
    os.read(ready, 1)
    try:
        with pytest.raises(ReadFailed, match=r"another worker has been asking for 0\.1 s"):
            SharedStore(Parameters(), board, 60, patience_seconds=0.1).read(NAME)
    finally:
        os.kill(holder, 9)
        _ended(holder)


def test_the_switches_look_more_often_than_somebody_asks() -> None:
    board, parameters = Board(), Parameters({NAME: "true"})
    heard: list[bool] = []
    switches = Switches(
        Settings(degraded_mode_parameter=NAME),
        _store(board, parameters),
        look_seconds=0.001,
        on_failure=print,
        on_degraded_mode=heard.append,
    )
    switches.start()
    board.post(NAME, News(time.monotonic(), "false"))
    while True not in heard or False not in heard:
        time.sleep(0.001)
    switches.stop()
    assert parameters.reads == [NAME]


def _forked(work: Callable[[], None]) -> int:
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(1)
    return child


def _ended(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
