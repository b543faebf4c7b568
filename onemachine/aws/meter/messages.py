"""What is sent: events, archives and API destinations, topics, queues.

Events and messages are charged by 64 KB; those of AWS's own services are free, and so is what a
rule delivers within the account. Nothing here encrypts, so calls of KMS that services would make
are bounded: one for each event that is taken in, delivered, published or queued, as if no data key
were ever used again (AWS keeps one for five minutes).
"""

from __future__ import annotations

import math
from typing import Any

from ministack.services import eventbridge, sqs

from onemachine.aws.meter import Meter
from onemachine.aws.publications import Publication, follow

_CHUNK_BYTES = 65_536
_WRITERS = ("SendMessage", "SendMessageBatch")
_REQUESTS = (*_WRITERS, "ReceiveMessage", "DeleteMessage", "DeleteMessageBatch")


def chunks(size: int) -> int:
    """Give how many requests something of so many bytes is charged as."""
    return max(1, math.ceil(size / _CHUNK_BYTES))


def _event_bytes(entry: dict[str, Any]) -> int:
    parts = ("Source", "DetailType", "Detail")
    return sum(len(str(entry.get(part, "")).encode()) for part in parts)


def apply(meter: Meter) -> None:
    """Count where each of them passes."""
    _count_events(meter)
    _count_publishes(meter)
    _count_queues(meter)


def _count_events(meter: Meter) -> None:
    stock_put = eventbridge._put_events
    stock_invoke = eventbridge._invoke_target
    stock_send = eventbridge._api_destination_send_sync

    def put_events(data: dict[str, Any], allow_aws_source: bool = False) -> Any:
        if not allow_aws_source:
            meter.add("trail_events", of="PutEvents")
            for entry in data.get("Entries", []):
                size = _event_bytes(entry)
                kind = str(entry.get("DetailType", ""))
                meter.add("events", chunks(size), of=kind)
                meter.add("archive_bytes", size, of=kind)
                meter.add("service_key_calls", of="EventBridge")
        return stock_put(data, allow_aws_source)

    def invoke_target(*arguments: Any, **named: Any) -> Any:
        meter.add("service_key_calls", of="EventBridge")
        return stock_invoke(*arguments, **named)

    def send(*arguments: Any, **named: Any) -> Any:
        meter.add("api_destination_calls")
        return stock_send(*arguments, **named)

    eventbridge._put_events = put_events
    eventbridge._invoke_target = invoke_target
    eventbridge._api_destination_send_sync = send


def _count_publishes(meter: Meter) -> None:
    def count(publication: Publication) -> None:
        size = len(publication.message.encode())
        meter.add("publishes", chunks(size), of=publication.topic_arn)
        meter.add("service_key_calls", of="SNS")
        for copy in publication.copies():
            if copy.protocol in ("http", "https"):
                meter.add("http_deliveries", chunks(len(copy.text.encode())))
            elif copy.protocol.startswith("email"):
                meter.add("mail_deliveries")

    follow(count)


def _count_queues(meter: Meter) -> None:
    def counted(name: str, stock: Any) -> Any:
        def action(data: dict[str, Any], url: str) -> Any:
            bodies = [data, *data.get("Entries", [])] if isinstance(data, dict) else []
            size = sum(len(str(each.get("MessageBody", "")).encode()) for each in bodies)
            queue = url.rsplit("/", 1)[-1]
            meter.add("queue_requests", chunks(size), of=queue)
            if name in _WRITERS:
                meter.add("service_key_calls", of="SQS")
            return stock(data, url)

        return action

    for name in _REQUESTS:
        sqs._HANDLERS[name] = counted(name, sqs._HANDLERS[name])
    # State machines call it by its name.
    sqs._act_send_message = sqs._HANDLERS["SendMessage"]
