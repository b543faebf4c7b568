"""What `bench_ingest` measures, run inside a process that sees only the artifact and the runtime.

Nothing of the test environment is imported here. Requests are stubbed at botocore's transport, in
the handler and in its floor alike: everything up to the socket runs, and nothing leaves.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch


class LambdaContext:  # not a test's: nothing of the tests is at hand here
    """What the runtime hands over beside the event."""

    function_name = "alert-ingest"
    memory_limit_in_mb = 256
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:alert-ingest"
    aws_request_id = "6f0f5a0e-0000-4000-8000-000000000000"


def init_handler() -> None:
    """Import the function, as a cold start does."""
    function()


def function() -> Any:
    """Return the function's handler."""
    return importlib.import_module("alert_ingest.handler").handler


def init_floor() -> None:
    """Make the client that the function makes, for a handler that does nothing with it."""
    floor_client()


def floor_client() -> Any:
    """Return a client for ``events`` that is set up like the function's own."""
    import botocore.session
    from botocore.config import Config

    config = Config(
        connect_timeout=0.8,
        read_timeout=1.5,
        retries={"total_max_attempts": 1, "mode": "standard"},
        max_pool_connections=1,
    )
    return botocore.session.get_session().create_client(
        "events", region_name=os.environ["AWS_REGION"], config=config
    )


@contextmanager
def stubbed_transport() -> Iterator[list[bytes]]:
    """Answer every request with success; yield the bodies that would have been sent."""
    from botocore.awsrequest import AWSResponse
    from botocore.httpsession import URLLib3Session

    answer = b'{"FailedEntryCount":0,"Entries":[]}'
    sent: list[bytes] = []

    class Raw:
        def stream(self, **_options: object) -> Iterator[bytes]:
            yield answer

    def send(_session: object, request: Any) -> Any:
        sent.append(request.body)
        headers: Any = {"content-length": str(len(answer))}
        return AWSResponse(request.url, 200, headers, Raw())

    with patch.object(URLLib3Session, "send", send):
        yield sent


@contextmanager
def silent() -> Iterator[None]:
    """Throw away what is written to stdout: the log goes there, and so does the report."""
    sys.stdout.flush()
    kept = os.dup(1)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


def warm(event_path: str, rounds: int, each: int) -> dict[str, float]:
    """Measure the CPU time of one invocation and of its floor, in turns.

    Every invocation gets a body of its own, with other pods, values and fingerprints, as new alerts
    have; only what alerts really have in common is the same.

    Parameters
    ----------
    event_path
        A proxy event in whose body ``@RUN@`` stands where bodies differ.
    rounds, each
        How often to change turns, and how many invocations a turn has.

    Returns
    -------
    dict
        The number of alerts, and of handler and floor the smallest and the median seconds.
    """
    handler = function()
    client = floor_client()
    event = json.loads(Path(event_path).read_text("utf-8"))
    times: dict[str, list[float]] = {"handler": [], "floor": []}
    alerts = 0
    with stubbed_transport() as sent, silent():
        for number in range(rounds + 2):  # the first two warm everything up
            bodies = [event["body"].replace("@RUN@", f"{number:x}-{i:x}") for i in range(each)]
            events = [{**event, "body": body} for body in bodies]
            sent.clear()
            ours = _cpu(lambda: [handler(one, LambdaContext()) for one in events])  # noqa: B023
            batches = [json.loads(body)["Entries"] for body in sent]
            per_body = len(batches) // each
            alerts = sum(map(len, batches[:per_body]))

            def floor() -> None:
                for body in bodies:  # noqa: B023
                    json.loads(body)
                for batch in batches:  # noqa: B023
                    client.put_events(Entries=batch)

            least = _cpu(floor)
            if number >= 2:
                times["handler"].append(ours / each)
                times["floor"].append(least / each)
    ratios = [one / least for one, least in zip(times["handler"], times["floor"], strict=True)]
    return {
        "alerts": alerts,
        "handler": min(times["handler"]),
        "floor": min(times["floor"]),
        "ratio_median": sorted(ratios)[len(ratios) // 2],
    }


def memory(event_path: str) -> dict[str, float]:
    """Handle one large body in a fresh process; give wall time and peak memory."""
    handler = function()
    event = json.loads(Path(event_path).read_text("utf-8"))
    with stubbed_transport(), silent():
        start = time.perf_counter()
        answer = handler(event, LambdaContext())
        seconds = time.perf_counter() - start
    body = json.loads(answer["body"])
    return {
        "status": answer["statusCode"],
        "accepted": body.get("accepted", 0),
        "seconds": seconds,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _cpu(work: Callable[[], object]) -> float:
    gc.collect()
    start = time.process_time()
    work()
    return time.process_time() - start


def main() -> None:
    """Run the measurement that the arguments name."""
    what, *arguments = sys.argv[1:]
    if what in {"init-handler", "init-floor"}:
        init_handler() if what == "init-handler" else init_floor()
        # A Lambda is not torn down after its start, so that is not measured.
        os.write(1, str(time.process_time()).encode())
        os._exit(0)
    if what == "warm":
        report: object = warm(arguments[0], int(arguments[1]), int(arguments[2]))
    elif what == "memory":
        report = memory(arguments[0])
    else:
        raise SystemExit(f"unknown measurement {what!r}")
    sys.stdout.write(json.dumps(report))


if __name__ == "__main__":
    main()
