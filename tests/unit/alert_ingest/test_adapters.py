"""The AWS adapters, against botocore itself: its Stubber checks requests against the model."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from botocore.stub import Stubber

from alert_ingest.adapters import aws
from alert_ingest.adapters.event_bus import EventBus
from alert_ingest.adapters.guard_table import GuardTable
from alert_ingest.adapters.parking import ParkingQueue
from alert_ingest.delivery import Refusal
from alert_ingest.errors import ChannelRefused, ChannelUnavailable
from alert_ingest.events import Entry
from alert_ingest.firings import Firing

QUEUE = "https://sqs.us-east-1.amazonaws.com/000000000000/parking"
ENTRIES = [
    Entry(EventBusName="bus", Source="sre.datadog", DetailType="incident.created", Detail=detail)
    for detail in ('{"n":1}', '{"n":2}', '{"n":3}')
]


def client(service: str, endpoint_url: str | None = None) -> Any:
    return botocore.session.get_session().create_client(
        service,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        endpoint_url=endpoint_url,
    )


def test_what_is_kept_of_an_incident_is_read() -> None:
    dynamodb = client("dynamodb")
    began: Any = {"incident_timestamp": {"S": "2026-11-23T15:14:52.704Z"}}
    rows: list[tuple[dict[str, Any], tuple[str, bool] | None]] = [
        ({"Item": began}, ("2026-11-23T15:14:52.704Z", False)),
        ({"Item": {**began, "erased_at": {"S": "x"}}}, ("2026-11-23T15:14:52.704Z", True)),
        ({"Item": {}}, None),
        ({}, None),
    ]
    with Stubber(dynamodb) as stub:
        for answer, known in rows:
            stub.add_response(
                "get_item",
                answer,
                {
                    "TableName": "guard",
                    "Key": {"guard_key": {"S": "incident#i-1"}},
                    "ProjectionExpression": "incident_timestamp, erased_at",
                    "ConsistentRead": True,
                },
            )
            assert GuardTable(lambda: dynamodb, "guard").incident("i-1") == known
        stub.add_client_error("get_item", "AccessDeniedException", http_status_code=400)
        with pytest.raises(ChannelRefused, match="GetItem"):
            GuardTable(lambda: dynamodb, "guard").incident("i-1")


def test_the_alerts_of_an_hour_are_added_up() -> None:
    dynamodb = client("dynamodb")
    with Stubber(dynamodb) as stub:
        stub.add_response(
            "update_item",
            {"Attributes": {"critical_ones": {"N": "5"}, "other_ones": {"N": "7"}}},
            {
                "TableName": "guard",
                "Key": {"guard_key": {"S": "hour#key#492000"}},
                "UpdateExpression": "SET expires_at = :expires"
                " ADD critical_ones :critical, other_ones :others",
                "ExpressionAttributeValues": {
                    ":expires": {"N": "1771372800"},
                    ":critical": {"N": "2"},
                    ":others": {"N": "3"},
                },
                "ReturnValues": "UPDATED_NEW",
            },
        )
        assert GuardTable(lambda: dynamodb, "guard").count("key", 492_000, 2, 3) == (5, 7)


def test_entries_are_put_as_they_are() -> None:
    events = client("events")
    with Stubber(events) as stub:
        stub.add_response(
            "put_events",
            {"FailedEntryCount": 0, "Entries": [{"EventId": str(n)} for n in range(3)]},
            {"Entries": ENTRIES},
        )
        assert EventBus(events).send(ENTRIES) == []
        stub.assert_no_pending_responses()


def test_a_partial_failure_names_the_entries_refused() -> None:
    """PutEvents answers 200 although it took only two of three."""
    events = client("events")
    with Stubber(events) as stub:
        stub.add_response(
            "put_events",
            {
                "FailedEntryCount": 1,
                "Entries": [
                    {"EventId": "1"},
                    {"ErrorCode": "ThrottlingException", "ErrorMessage": "slow down"},
                    {"EventId": "3"},
                ],
            },
        )
        refused = EventBus(events).send(ENTRIES)
    assert refused == [Refusal(ENTRIES[1], "PutEvents refused the entry with ThrottlingException")]


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        ("ThrottlingException", 400, ChannelUnavailable),
        ("InternalException", 500, ChannelUnavailable),
        ("SomethingNew", 503, ChannelUnavailable),
        ("AccessDeniedException", 400, ChannelRefused),
        ("ResourceNotFoundException", 400, ChannelRefused),
        ("ValidationException", 400, ChannelRefused),
    ],
)
def test_errors_are_told_apart_by_whether_trying_again_helps(
    code: str, status: int, expected: type[Exception]
) -> None:
    events, sqs = client("events"), client("sqs")
    with Stubber(events) as stub:
        stub.add_client_error("put_events", code, http_status_code=status)
        with pytest.raises(expected, match=f"PutEvents .* {code}"):
            EventBus(events).send(ENTRIES)
    with Stubber(sqs) as stub:
        stub.add_client_error("send_message_batch", code, http_status_code=status)
        with pytest.raises(expected, match=f"SendMessageBatch .* {code}"):
            ParkingQueue(lambda: sqs, QUEUE).send(ENTRIES)


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url="https://events"),
        ReadTimeoutError(endpoint_url="https://events"),
    ],
)
def test_no_answer_is_unavailable(error: Exception) -> None:
    with pytest.raises(ChannelUnavailable, match=type(error).__name__), aws.own_errors("PutEvents"):
        raise error


def test_a_parked_message_is_the_complete_entry() -> None:
    sqs = client("sqs")
    with Stubber(sqs) as stub:
        stub.add_response(
            "send_message_batch",
            {
                "Successful": [
                    {"Id": str(n), "MessageId": "m", "MD5OfMessageBody": "0"} for n in range(3)
                ],
                "Failed": [],
            },
            {
                "QueueUrl": QUEUE,
                "Entries": [
                    {"Id": str(n), "MessageBody": json.dumps(entry, separators=(",", ":"))}
                    for n, entry in enumerate(ENTRIES)
                ],
            },
        )
        assert ParkingQueue(lambda: sqs, QUEUE).send(ENTRIES) == []
        stub.assert_no_pending_responses()


def test_the_queue_costs_nothing_before_something_is_parked() -> None:
    made = []

    def make() -> Any:
        made.append(client("sqs", endpoint_url="http://127.0.0.1:1"))
        return made[-1]

    queue = ParkingQueue(make, QUEUE)
    assert made == []
    for _ in range(2):
        with pytest.raises(ChannelUnavailable):  # nobody answers there
            queue.send(ENTRIES)
    assert len(made) == 1


def test_a_message_that_could_not_be_parked_is_named() -> None:
    sqs = client("sqs")
    with Stubber(sqs) as stub:
        stub.add_response(
            "send_message_batch",
            {
                "Successful": [],
                "Failed": [{"Id": "2", "SenderFault": False, "Code": "InternalError"}],
            },
        )
        refused = ParkingQueue(lambda: sqs, QUEUE).send(ENTRIES)
    assert refused == [Refusal(ENTRIES[2], "SendMessageBatch refused the entry with InternalError")]


def test_clients_try_once_and_give_up_early() -> None:
    """Retrying is delivery's task; a client's own retries would outlast Alertmanager's 10 s."""
    config = aws.client("events", "us-east-1").meta.config
    assert config.retries["total_max_attempts"] == 1
    assert config.connect_timeout + config.read_timeout < 3


def test_a_firing_is_read_as_it_was_written() -> None:
    dynamodb = client("dynamodb")
    rows: list[dict[str, Any]] = []
    dynamodb.meta.events.register(
        "before-parameter-build.dynamodb.PutItem",
        lambda params, **_: rows.append(params["Item"]),
    )
    table = GuardTable(lambda: dynamodb, "guard")
    moment = datetime(2026, 11, 27, 10, 0, 0, 123000, UTC)
    full = Firing("i", moment, moment, moment, moment, "f", "p", moment)
    bare = Firing("i", None, moment, moment)
    with Stubber(dynamodb) as stub:
        for firing in (full, bare):
            stub.add_response("put_item", {})
            assert table.write("k", firing, None)
            stub.add_response("batch_get_item", {"Responses": {"guard": [rows[-1]]}})
            assert table.read(["k"]) == {"k": firing}
        stub.add_client_error("put_item", "ConditionalCheckFailedException")
        assert not table.write("k", bare, full)
        stub.add_client_error("put_item", "ThrottlingException")
        with pytest.raises(ChannelUnavailable):
            table.write("k", bare, bare)
        stub.add_response("batch_get_item", {"UnprocessedKeys": {"guard": {"Keys": [{}]}}})
        with pytest.raises(ChannelUnavailable):
            table.read(["k"])
