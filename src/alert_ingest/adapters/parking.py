"""Amazon SQS: where events wait that the bus kept refusing.

The body of a message is the complete PutEvents entry, so that redriving means handing it to
PutEvents as it is. An alarm watches the queue.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from alert_ingest.adapters.aws import own_errors
from alert_ingest.delivery import Refusal
from alert_ingest.events import Entry, message_of

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class ParkingQueue:
    """Parks entries.

    Parameters
    ----------
    make_client
        Makes a botocore client for ``sqs``, when the first entry has to be parked.
    queue_url
        The queue.
    """

    def __init__(self, make_client: Callable[[], SQSClient], queue_url: str) -> None:
        self._make_client = make_client
        self._queue_url = queue_url

    @cached_property
    def _client(self) -> SQSClient:
        return self._make_client()

    def send(self, entries: Sequence[Entry]) -> list[Refusal]:
        """Park at most ten entries; see `alert_ingest.delivery.Channel.send`."""
        with own_errors("SendMessageBatch"):
            answer = self._client.send_message_batch(
                QueueUrl=self._queue_url,
                Entries=[
                    {"Id": str(index), "MessageBody": message_of(entry)}
                    for index, entry in enumerate(entries)
                ],
            )
        return [
            Refusal(
                entries[int(failure["Id"])],
                f"SendMessageBatch refused the entry with {failure['Code']}",
            )
            for failure in answer.get("Failed", [])
        ]
