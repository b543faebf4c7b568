"""Mends which right a batch of messages takes.

SQS has no actions of its own for batches: ``SendMessageBatch`` takes ``sqs:SendMessage``, and the
others likewise (service authorization reference). The emulator asks for ``sqs:SendMessageBatch``,
which no policy for AWS grants.
"""

from __future__ import annotations

from typing import Any

from ministack.core import iam_actions


def apply() -> None:
    """Ask for the right on single messages."""
    stock = iam_actions.extract_iam_action

    def extract_iam_action(service: str, *rest: Any, **named: Any) -> str | None:
        action: str | None = stock(service, *rest, **named)
        return action.removesuffix("Batch") if service == "sqs" and action else action

    iam_actions.extract_iam_action = extract_iam_action
