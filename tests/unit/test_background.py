"""What runs beside a test fails it."""

from __future__ import annotations

import threading

import pytest

from tests.support.background import Background


def test_it_works_until_it_is_stopped() -> None:
    worked = threading.Event()

    def work(stop: threading.Event) -> None:
        worked.set()
        stop.wait()

    beside = Background(work)
    beside.start()
    assert worked.wait(5)
    beside.stop()


def test_its_error_is_raised_where_it_is_stopped() -> None:
    def work(_stop: threading.Event) -> None:
        raise OSError("the line is dead")

    beside = Background(work)
    beside.start()
    with pytest.raises(AssertionError) as failed:
        beside.stop()
    assert str(failed.value.__cause__) == "the line is dead"


def test_one_that_goes_on_is_told() -> None:
    go_on = threading.Event()

    def work(_stop: threading.Event) -> None:
        go_on.wait()

    beside = Background(work)
    beside.start()
    with pytest.raises(AssertionError, match=r"goes on after 0\.01 s"):
        beside.stop(0.01)
    go_on.set()
