"""Executions of machines that step aside let the others go first; every other thread is stock."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from ministack.services import stepfunctions

from onemachine.aws.mends.execution_turns import _Threading
from onemachine.stack.names import RECORDING_MACHINES, TELLING_MACHINES
from tests.support.machines import machines


class _Turns:
    """Notes what is started."""

    def __init__(self) -> None:
        self.started: list[tuple[Any, bool, bool]] = []

    def start(self, run: Callable[[], Any], *, late: bool = False, first: bool = False) -> None:
        self.started.append((run(), late, first))


@pytest.mark.parametrize(
    ("machine", "late", "first"),
    [
        ("incident-notifier", True, False),
        ("incident-response-runbook", False, False),
        ("incident-recorder", False, True),
    ],
)
def test_an_execution_is_late_or_first_by_the_name_of_its_machine(
    machine: str, late: bool, first: bool
) -> None:
    turns: Any = _Turns()
    late_ones, first_ones = frozenset(TELLING_MACHINES), frozenset(RECORDING_MACHINES)
    view = _Threading(threading, turns, late_ones, first_ones)
    arn = f"arn:aws:states:us-east-1:000000000000:execution:{machine}:incident-notifier"
    view.Thread(
        target=lambda _run, given: given, args=(stepfunctions._run_execution, arn), daemon=True
    ).start()
    assert turns.started == [(arn, late, first)]


def test_any_other_thread_is_one_of_its_own() -> None:
    turns: Any = _Turns()
    view = _Threading(threading, turns, frozenset(TELLING_MACHINES))
    found: list[int] = []
    thread = view.Thread(target=found.append, args=(1,))
    thread.start()
    thread.join()
    assert (found, turns.started) == ([1], [])


def test_the_machines_that_step_aside_are_those_of_the_template_that_neither_record_nor_act() -> (
    None
):
    assert set(TELLING_MACHINES) < set(machines())
    first = {*RECORDING_MACHINES, "incident-response-runbook", "remediation-step"}
    assert first < set(machines())
    assert not first & set(TELLING_MACHINES)
