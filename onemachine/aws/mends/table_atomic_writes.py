"""Mends writes to one item at the same time.

DynamoDB applies the writes of an item one after the other: a condition is checked and the write
made in one step, and no update is lost. The emulator reads the item, works on a copy and puts that
back. Requests over HTTP come one by one, but each state machine execution writes from a thread of
its own: of two updates at once one is lost, and two conditional writes can both succeed.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

from ministack.services import dynamodb

# Reads, too: a read must not see half of a transaction.
_OPERATIONS = (
    "_put_item",
    "_get_item",
    "_update_item",
    "_delete_item",
    "_query",
    "_scan",
    "_batch_get_item",
    "_batch_write_item",
    "_transact_get_items",
    "_transact_write_items",
    "_execute_statement",
    "_batch_execute_statement",
    "_execute_transaction",
)


def apply() -> None:
    """Let one operation on items run at a time."""
    # Reentrant: some of the operations are made of others.
    lock = threading.RLock()

    def alone(operation: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(operation)
        def run(*arguments: Any, **named: Any) -> Any:
            with lock:
                return operation(*arguments, **named)

        return run

    for name in _OPERATIONS:
        setattr(dynamodb, name, alone(getattr(dynamodb, name)))
