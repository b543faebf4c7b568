"""Gunicorn's settings for checkout. Run with ``gunicorn --config gunicorn.conf.py`` in this folder.

BIND_ADDRESS        address to listen on; else POD_IP (a pod's own address), else 127.0.0.1
PORT                8080
WEB_CONCURRENCY     worker processes, 2
THREADS             threads of each, 4: all but one of them for orders, so at least 2
DRAIN_SECONDS       how long requests are served on after SIGTERM, 5
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

# Loaded once, by the master, instead of by each worker: most of what a pod's start costs.
import boto3  # noqa: F401
import flask  # noqa: F401

# Loaded before the first fork: what is in them is memory that master and workers share.
import checkout.shared  # noqa: F401
from checkout.drain import drain

_MULTIPROC = "PROMETHEUS_MULTIPROC_DIR"

wsgi_app = "checkout.web:create_app()"
proc_name = "checkout"
_address = os.environ.get("BIND_ADDRESS") or os.environ.get("POD_IP") or "127.0.0.1"
if ":" in _address:
    _address = f"[{_address}]"  # IPv6
bind = f"{_address}:{os.environ.get('PORT', '8080')}"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
worker_class = "gthread"
threads = int(os.environ.get("THREADS", "4"))
if threads < 2:
    raise ValueError(f"THREADS={threads}: use 2 or more, one is for probes and scrapes")
# Longer than the load balancer keeps an idle connection (60 s), so that it is never this side that
# closes one: a request that is on its way just then would be a 502 that nobody here has seen.
keepalive = 75
# Each worker has a socket of its own; with a shared one all keep-alive connections can land on one.
reuse_port = True
timeout = 30
graceful_timeout = 15
# The socket would be made in $HOME, which a read-only root file system does not allow.
control_socket_disable = True
# Each request is logged by the service itself, with its request id.
accesslog = None
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "checkout.logs.JsonFormatter"}},
    "handlers": {
        "stdout": {"class": "logging.StreamHandler", "formatter": "json", "stream": sys.stdout}
    },
    "root": {"level": "WARNING", "handlers": ["stdout"]},
    "loggers": {
        "gunicorn.error": {"level": "INFO", "handlers": ["stdout"], "propagate": False},
        "gunicorn.access": {"level": "WARNING", "propagate": False},
    },
}

# Without the directory each worker would show its own numbers only. It has to be known before
# prometheus_client is imported, which the workers do.
_own_directory = None
if _MULTIPROC not in os.environ:
    _own_directory = os.environ[_MULTIPROC] = tempfile.mkdtemp(prefix="checkout-metrics-")


def on_starting(server: Any) -> None:
    """Empty the metrics directory: the counts of a container before this one are not ours."""
    directory = Path(os.environ[_MULTIPROC])
    directory.mkdir(parents=True, exist_ok=True)
    for left_over in directory.glob("*.db"):
        left_over.unlink()


def when_ready(server: Any) -> None:
    """Gunicorn's signal handlers are in place: put the drain time before SIGTERM's."""
    drain.on_sigterm(float(os.environ.get("DRAIN_SECONDS", "5")))


def post_worker_init(worker: Any) -> None:
    """Keep a thread for probes and scrapes, and say how many orders the others can answer."""
    from checkout import metrics
    from checkout.admission import admission

    orders = worker.cfg.threads - 1
    admission.limit_to(orders)
    metrics.ORDER_THREADS.set(orders)


def pre_request(worker: Any, req: Any) -> None:
    """While draining, let no connection be kept alive: it would end in a closed socket."""
    if drain.draining:
        req.force_close()


def child_exit(server: Any, worker: Any) -> None:
    """Forget the gauges of a worker that is gone."""
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call] # not typed there


def on_exit(server: Any) -> None:
    """Remove the metrics directory if it was made here."""
    if _own_directory is not None:
        shutil.rmtree(_own_directory, ignore_errors=True)
