"""Amazon EventBridge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from alert_ingest.adapters.aws import own_errors
from alert_ingest.delivery import Refusal
from alert_ingest.events import Entry

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef


class EventBus:
    """Puts entries on the bus that each of them names.

    Parameters
    ----------
    client
        A botocore client for ``events``.
    """

    def __init__(self, client: EventBridgeClient) -> None:
        self._client = client

    def send(self, entries: Sequence[Entry]) -> list[Refusal]:
        """Put at most ten entries; see `alert_ingest.delivery.Channel.send`.

        PutEvents answers 200 even if it took none of them: what counts is each entry's result.
        """
        with own_errors("PutEvents"):
            answer = self._client.put_events(
                Entries=cast("list[PutEventsRequestEntryTypeDef]", list(entries))
            )
        if not answer.get("FailedEntryCount"):
            return []
        return [
            Refusal(entry, f"PutEvents refused the entry with {result['ErrorCode']}")
            for entry, result in zip(entries, answer["Entries"], strict=True)
            if result.get("ErrorCode")
        ]
