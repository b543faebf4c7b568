"""Calls that come at once share as many processes as there are cores while those come back."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from onemachine.aws.mends import lambda_worker_limit
from onemachine.aws.variables import MAX_WORKERS_VARIABLE

_CALLS, _CORES = 8, 2


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The processes of the one function there is; each takes a moment to be looked for."""
    pool: list[Any] = []
    lock = threading.Lock()

    def acquire(*_: Any, **__: Any) -> Any:
        time.sleep(0.01)
        with lock:
            free = next((each for each in pool if not each.in_use), None)
            if free is None:
                free = SimpleNamespace(in_use=False)
                pool.append(free)
            free.in_use = True
            return free, "reused"

    def release(worker: Any) -> None:
        worker.in_use = False

    monkeypatch.setenv(MAX_WORKERS_VARIABLE, "12")
    monkeypatch.setattr(lambda_runtime, "_worker_key", lambda *_: "one")
    monkeypatch.setattr(lambda_runtime, "_workers", {"one": pool})
    monkeypatch.setattr(lambda_svc, "acquire_worker", acquire)
    monkeypatch.setattr(lambda_svc, "release_worker", release)
    monkeypatch.setattr(lambda_svc, "_execute_function_warm", None)
    monkeypatch.setattr(lambda_worker_limit, "_CORES", _CORES)
    return pool


def _call(seconds: float) -> None:
    worker, _ = lambda_svc.acquire_worker("f", {}, b"")
    time.sleep(seconds)
    lambda_svc.release_worker(worker)


def test_many_calls_at_once_start_no_more_processes_than_there_are_cores(
    pool: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lambda_worker_limit, "_PATIENCE_SECONDS", 30.0)
    lambda_worker_limit.apply()
    with ThreadPoolExecutor(_CALLS) as callers:
        list(callers.map(_call, [0.02] * _CALLS))
    assert len(pool) == _CORES


def test_a_call_for_which_nobody_comes_back_starts_one_of_its_own(
    pool: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long it would wait for one of those that do come back."""
    monkeypatch.setattr(lambda_worker_limit, "_PATIENCE_SECONDS", 30.0)
    monkeypatch.setattr(lambda_worker_limit, "_SHORT_CALL_SECONDS", 0.05)
    lambda_worker_limit.apply()
    with ThreadPoolExecutor(_CALLS) as callers:
        list(callers.map(_call, [2.0] * _CALLS))
    assert len(pool) == _CALLS


def test_a_call_waits_for_others_that_come_back_no_longer_than_its_patience(
    pool: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lambda_worker_limit, "_PATIENCE_SECONDS", 0.0)
    lambda_worker_limit.apply()
    with ThreadPoolExecutor(_CALLS) as callers:
        list(callers.map(_call, [1.0] * _CALLS))
    assert len(pool) == _CALLS
