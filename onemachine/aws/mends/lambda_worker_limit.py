"""Mends the number of worker processes.

Lambda scales out on machines of its own. The emulator starts one process (60 MB and more) for every
call at once, on this machine, which a burst of alerts brings down. Here a call beyond the limit of
``SRECTL_LOCAL_AWS_MAX_LAMBDA_WORKERS`` waits for a free place, and processes left over from a burst
end as soon as another function needs their place. A call that has waited too long is throttled.

A new process takes longer to start than a short call takes, and starting it slows all others, so a
call first waits a little for one of its function's processes, once there are as many as cores. It
waits less where none of them comes back meanwhile: calls that watch something take no core.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from onemachine.aws.variables import MAX_WORKERS_VARIABLE

# Counted from the start of the last call, so it must be longer than a usual call.
_IDLE_SECONDS = 10.0
_LONGEST_WAIT_SECONDS = 30.0
# About the time that a start takes on a busy machine; on another somebody comes back before.
_PATIENCE_SECONDS = 2.0
# Of a call that takes longer, most is waiting.
_SHORT_CALL_SECONDS = 0.5
_CORES = os.cpu_count() or 1


def apply() -> None:
    """Put a gate before the worker pool."""
    limit = int(os.environ[MAX_WORKERS_VARIABLE])
    gate = threading.BoundedSemaphore(limit)
    freed = threading.Condition()
    came_back: Counter[str] = Counter()
    stock_execute = lambda_svc._execute_function_warm
    stock_acquire = lambda_svc.acquire_worker
    stock_release = lambda_svc.release_worker

    def all_busy(key: str) -> bool:
        with lambda_runtime._lock:
            pool = lambda_runtime._workers.get(key, [])
            return len(pool) >= _CORES and all(worker.in_use for worker in pool)

    def acquire(name: str, config: Any, archive: bytes, qualifier: str = "$LATEST") -> Any:
        key = lambda_runtime._worker_key(name, config, qualifier)
        with freed:
            until = time.monotonic() + _PATIENCE_SECONDS
            while all_busy(key) and time.monotonic() < until:
                before = came_back[key]
                freed.wait_for(lambda: not all_busy(key), timeout=_SHORT_CALL_SECONDS)
                if came_back[key] == before:
                    break
            # Within, so that of many that come at once each sees what the others have taken.
            found = stock_acquire(name, config, archive, qualifier=qualifier)
            if found[0] is not None:
                found[0].key_here = key
            return found

    def release(worker: Any) -> None:
        stock_release(worker)
        with freed:
            came_back[getattr(worker, "key_here", "")] += 1
            freed.notify_all()

    def execute(function: Any, event: Any, request_id: str) -> Any:
        if not gate.acquire(timeout=_LONGEST_WAIT_SECONDS):
            return lambda_svc._throttle_response(
                reason_code="ConcurrentInvocationLimitExceeded",
                msg=f"Rate Exceeded: this machine runs at most {limit} functions at once",
            )
        try:
            with lambda_runtime._lock:
                processes = sum(len(pool) for pool in lambda_runtime._workers.values())
            if processes >= limit:
                # Keeps one warm process of each function.
                lambda_runtime.reap_idle_workers(ttl=_IDLE_SECONDS)
            return stock_execute(function, event, request_id)
        finally:
            gate.release()

    lambda_svc.acquire_worker = acquire
    lambda_svc.release_worker = release
    lambda_svc._execute_function_warm = execute
