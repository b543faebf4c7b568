"""What is handed to the one thread runs there, and its end is its caller's."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from onemachine.aws.evaluator import Evaluator


@pytest.fixture(scope="module")
def evaluator() -> Evaluator:
    return Evaluator()


def test_all_callers_share_one_thread_that_is_none_of_theirs(evaluator: Evaluator) -> None:
    where = evaluator.alone(threading.get_ident)
    everybody_is_there = threading.Barrier(4)

    def call(_: int) -> tuple[int, int]:
        everybody_is_there.wait(10)
        return threading.get_ident(), where()

    with ThreadPoolExecutor(4) as callers:
        called = list(callers.map(call, range(4)))
    assert len({caller for caller, _ in called}) == 4
    there = {ident for _, ident in called}
    assert len(there) == 1
    assert there.isdisjoint(caller for caller, _ in called)


def test_each_caller_gets_its_own_answer(evaluator: Evaluator) -> None:
    double = evaluator.alone(lambda number, *, add=0: 2 * number + add)
    with ThreadPoolExecutor(8) as callers:
        answers = list(callers.map(lambda number: double(number, add=1), range(500)))
    assert answers == [2 * number + 1 for number in range(500)]


def test_what_is_called_from_there_does_not_wait_for_itself(evaluator: Evaluator) -> None:
    inner = evaluator.alone(threading.get_ident)
    outer = evaluator.alone(lambda: (threading.get_ident(), inner()))
    ended: list[tuple[int, int]] = []
    caller = threading.Thread(target=lambda: ended.append(outer()), daemon=True)
    caller.start()
    caller.join(10)
    assert len(ended) == 1
    assert ended[0][0] == ended[0][1]


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_failure_is_its_caller_s_and_the_next_is_served(
    evaluator: Evaluator, failure: type[BaseException]
) -> None:
    @evaluator.alone
    def fail() -> None:
        raise failure("so it is")

    with pytest.raises(failure, match="so it is"):
        fail()
    assert evaluator.alone(lambda: "next")() == "next"
