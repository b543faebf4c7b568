"""The metrics that the alert rules are made of, and one about the service's own eyes.

Under Gunicorn each worker writes its numbers to files in ``PROMETHEUS_MULTIPROC_DIR`` and a scrape
sums them up, whichever worker answers it.
"""

from __future__ import annotations

import os

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from checkout.service import OPTIONAL_STEPS

__all__ = [
    "BUSY",
    "CONTENT_TYPE_LATEST",
    "DEGRADED_MODE",
    "DURATION",
    "ERRORS",
    "IN_PROGRESS",
    "METHODS",
    "ORDER_THREADS",
    "PARAMETER_FAILURES",
    "REASONS",
    "REQUESTS",
    "initialise",
    "scrape",
]

METHODS = ("GET", "POST")
BUSY = "busy"
REASONS = (*OPTIONAL_STEPS, BUSY, "internal")

REQUESTS = Counter("checkout_requests", "Requests to /checkout that were answered.", ["method"])
ERRORS = Counter(
    "checkout_errors",
    "Requests to /checkout that failed through no fault of the client, by the failed step.",
    ["method", "reason"],
)
DURATION = Histogram(
    "checkout_request_duration_seconds",
    "Time to answer a request to /checkout that was not refused.",
    ["method"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
DEGRADED_MODE = Gauge(
    "checkout_degraded_mode_enabled",
    "1 while the optional steps of a checkout are skipped.",
    multiprocess_mode="livemax",
)
ORDER_THREADS = Gauge(
    "checkout_order_threads",
    "Requests to /checkout that can be answered at a time, by all live workers.",
    multiprocess_mode="livesum",
)
# Counted as they come in: what hangs is in no counter of what was answered.
IN_PROGRESS = Gauge(
    "checkout_requests_in_progress",
    "Requests to /checkout that are being answered, by all live workers.",
    multiprocess_mode="livesum",
)
PARAMETER_FAILURES = Counter(
    "checkout_parameter_failures",
    "Reads of an SSM parameter that gave no usable value.",
    ["parameter", "reason"],
)


def initialise() -> None:
    """Make every labelled series exist at 0.

    A series that appears with its first error has no rate yet, and a ratio over a missing
    series is no ratio at all.
    """
    for method in METHODS:
        REQUESTS.labels(method)
        DURATION.labels(method)
        for reason in REASONS:
            ERRORS.labels(method, reason)


def scrape() -> bytes:
    """Give all metrics in the text format, summed over the workers of this pod."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call] # the library has no types here
    return generate_latest(registry)
