"""Mends deliveries to API destinations that fail.

EventBridge tries again what a destination answers with 401, 407, 409, 429 or a 5xx, or does not
answer, as the target's retry policy says, and then puts the event into the target's dead-letter
queue; any other refusal goes there at once. The emulator tries once and drops it. AWS does not say
how long it waits between two tries; here it is one second, then twice as long each time.
"""

from __future__ import annotations

import contextvars
import copy
import logging
import threading
import time
from contextvars import ContextVar
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import eventbridge

from onemachine.aws.mends import event_dead_letters
from onemachine.aws.mends.event_dead_letters import DeliveryError

log = logging.getLogger(__name__)

_DEFAULT_ATTEMPTS = 185
_DEFAULT_AGE_SECONDS = 86_400
_FIRST_WAIT_SECONDS = 1.0
_RETRIED = frozenset({401, 407, 409, 429})
_SERVER_ERROR = 500

# What is being delivered: the stock functions pass on neither the rule nor the event.
_delivery: ContextVar[tuple[Any, Any, Any] | None] = ContextVar("delivery", default=None)


def _attempt(request: dict[str, Any], conn: dict[str, Any], token_key: Any) -> tuple[str, bool]:
    """Try once; return what went wrong, empty where nothing did, and whether to try again."""
    try:
        status = eventbridge._api_destination_send_sync(
            request, eventbridge._connection_auth_headers(conn, token_key)
        )
    except (OSError, ValueError) as error:
        return str(error), True
    if 200 <= status < 300:
        return "", False
    return f"it answered {status}", status in _RETRIED or status >= _SERVER_ERROR


def deliver(
    name: str,
    request: dict[str, Any],
    conn: dict[str, Any],
    token_key: Any,
    about: tuple[Any, Any, Any],
) -> None:
    """Deliver one event as its target's policies say.

    Parameters
    ----------
    name : str
        Of the API destination.
    request, conn, token_key
        As the emulator makes them.
    about : tuple
        Target, event and rule.
    """
    target, event, rule = about
    policy = target.get("RetryPolicy") or {}
    retries = int(policy.get("MaximumRetryAttempts", _DEFAULT_ATTEMPTS))
    deadline = time.monotonic() + float(
        policy.get("MaximumEventAgeInSeconds", _DEFAULT_AGE_SECONDS)
    )
    wait = _FIRST_WAIT_SECONDS
    while True:
        problem, again = _attempt(request, conn, token_key)
        if not problem:
            log.info("event delivered to API destination %s", name)
            return
        log.warning("API destination %s did not take an event: %s", name, problem)
        if not again or retries == 0 or time.monotonic() + wait > deadline:
            break
        time.sleep(wait)
        retries, wait = retries - 1, wait * 2
    event_dead_letters._keep(
        target, event, rule, DeliveryError("SDK_CLIENT_ERROR", f"{name}: {problem}")
    )


def _dispatch(spec: Any, payload: str, target: dict[str, Any]) -> None:
    about = _delivery.get()
    # AWS appends a unique id to the name.
    name = spec.resource.split("/", 2)[1]
    destination = eventbridge._api_destinations.get(name) or {}
    connection = destination.get("ConnectionArn", "").split("/", 2)[1:2]
    conn = eventbridge._connections.get(connection[0]) if connection else None
    if about is None or conn is None or conn.get("ConnectionState") != "AUTHORIZED":
        log.error("API destination %s cannot be invoked: it or its connection is missing", name)
        if about is not None:
            event_dead_letters._keep(
                *about, DeliveryError("RESOURCE_NOT_FOUND", f"{name} cannot be invoked")
            )
        return
    request = eventbridge._build_api_destination_request(
        destination, conn, target.get("HttpParameters") or {}, payload
    )
    token_key = (get_account_id(), get_region(), conn["Name"])
    # The account and region of the request travel in context variables.
    context = contextvars.copy_context()
    threading.Thread(
        target=context.run,
        args=(deliver, name, request, copy.deepcopy(conn), token_key, about),
        daemon=True,
        name="api-destination",
    ).start()


def apply() -> None:
    """Replace the single try."""
    stock = eventbridge._invoke_target

    def invoke_target(target: Any, event: Any, rule: Any, view: Any = None) -> None:
        token = _delivery.set((target, event, rule))
        try:
            stock(target, event, rule, view)
        finally:
            _delivery.reset(token)

    eventbridge._invoke_target = invoke_target
    eventbridge._dispatch_to_api_destination = _dispatch
