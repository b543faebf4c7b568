"""Lambda entry point: a webhook's request or an event of AWS in, incident events out, answer back.

Answers to a request, chosen for what Alertmanager makes of them: 202 for anything accepted, also if
it had to be parked; 200 for `srectl doctor`, whose probe is no alert; 400 and 413 for what will
never be accepted; 503 for what should be sent again (it retries 5xx and nothing else). An
unforeseen error is left to Lambda: it counts in the Errors metric and API Gateway answers 5xx, so
the alert is sent again. Of what EventBridge and SNS deliver nobody reads an answer: what was not
taken is an error, so Lambda tries again and then keeps it.

Of Powertools only the Logger is used, which is 4 to 8 % of a cold start (`make bench-ingest`).
Traces come from Lambda's active tracing: the X-Ray SDK (Powertools Tracer) would add 76 to 162 ms
to every cold start to show the two calls that the metrics already count. Metrics are one line of
EMF (see `counters`).
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from alert_ingest import request, severity, startup
from alert_ingest.adapters import aws
from alert_ingest.adapters.alarm_tags import AlarmTags
from alert_ingest.adapters.event_bus import EventBus
from alert_ingest.adapters.guard_table import GuardTable
from alert_ingest.adapters.parking import ParkingQueue
from alert_ingest.allowance import Allowance, Split
from alert_ingest.audit import SeenBodies, body_records, excerpt, record_line
from alert_ingest.aws_events import AwsEvents, Told, call_of
from alert_ingest.counters import counters_line, heartbeat_line
from alert_ingest.delivery import Delivered, Delivery
from alert_ingest.ends import refuse_unknown_ends
from alert_ingest.errors import BodyRejected, BodyTooLarge, DeliveryFailed, SenderRefused
from alert_ingest.events import Context, Entry, entry_of
from alert_ingest.firings import WRITERS, Firings
from alert_ingest.heartbeats import Heard
from alert_ingest.intake import Intake, decode_json
from alert_ingest.model import Reading
from alert_ingest.redaction import hide_email_addresses
from alert_ingest.senders import EVENT_SENDERS
from alert_ingest.senders.cloudwatch import CloudWatch
from alert_ingest.settings import Settings
from alert_ingest.speakers import Speaker

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

MAX_ERRORS_SHOWN = 1000

settings = Settings.from_environment(os.environ)
hide_email_addresses(settings.redact_email_addresses)
logger = Logger(level=settings.log_level, json_serializer=record_line)
severity.use(settings.severity_words)
intake = Intake(several_clusters=settings.several_clusters)
delivery = Delivery(
    bus=EventBus(aws.client("events", settings.region)),
    # Made when something has to be parked: a second client would be 7 % of every cold start.
    parking=ParkingQueue(lambda: aws.client("sqs", settings.region), settings.parking_queue_url),
)
guard_table = (
    GuardTable(
        lambda: aws.client("dynamodb", settings.region, connections=WRITERS),
        settings.guard_table_name,
    )
    if settings.guard_table_name
    else None
)
allowance = Allowance(
    guard_table, settings.max_alerts, settings.hourly_alerts, settings.critical_reserve
)
firings = Firings(guard_table, timedelta(minutes=settings.quiet_minutes))
seen_bodies = SeenBodies()
aws_events = AwsEvents(
    senders=tuple(
        CloudWatch(settings.insufficient_data) if isinstance(sender, CloudWatch) else sender
        for sender in EVENT_SENDERS
    ),
    account_id=settings.account_id,
    region=settings.region,
    other_accounts=settings.alarm_accounts,
    own_alarms=settings.own_alarms,
    left_out=settings.alarms_left_out,
    tags_of=AlarmTags(lambda: aws.client("cloudwatch", settings.region)).of,
)
startup.finished()


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Take one webhook request, one event of EventBridge, or the records of a topic.

    Returns
    -------
    dict
        API Gateway proxy response; the body is JSON and carries the `correlation_id`.

    Raises
    ------
    UnknownCall, BodyRejected, DeliveryFailed
        Of an event or records: nothing waits for an answer, so what was not taken is an error.
    """
    call = call_of(event)
    if call == "webhook":
        return _request(event)
    received_at = datetime.now(UTC)
    records = event["Records"] if call == "topic" else []
    correlation_id = str(records[0]["Sns"].get("MessageId") if records else event["id"])[:128]
    logger.set_correlation_id(correlation_id)
    try:
        if call == "topic":
            told = aws_events.read_records(records, received_at)
        else:
            told = [aws_events.read_event(event, received_at)]
    except BodyRejected as error:
        errors = [problem.as_json() for problem in error.problems]
        text = json.dumps(event)
        _log_rejected_body(error, text, event, errors)
        _count(error.sender, rejected=1)
        raise
    incident_ids = [one for each in told for one in _tell(each, event, correlation_id, received_at)]
    return request.answer(202, {"incident_ids": incident_ids, "correlation_id": correlation_id})


def _tell(
    told: Told, event: dict[str, Any], correlation_id: str, received_at: datetime
) -> list[str]:
    """Take in what AWS delivered; return the incidents that it is about."""
    if not told.reading.alerts:
        why = told.left_out or "it neither begins nor ends an incident"
        logger.info("event left out", extra={"sender": told.reading.sender, "reason": why})
        return []
    text = json.dumps(event)
    taken = _take(told.reading, told.speaker, correlation_id, received_at, event, text)
    return taken.incident_ids


def _request(event: dict[str, Any]) -> dict[str, Any]:
    correlation_id = request.correlation_id(event)
    logger.set_correlation_id(correlation_id)
    received_at = datetime.now(UTC)
    speaker = settings.speakers.of(request.key_id(event))
    if request.path(event) == request.FINDINGS or settings.investigates(speaker.key_id):
        from alert_ingest.answering import Door  # no cold start of an alert pays for it

        door = Door(settings, guard_table, delivery, logger)
        return door.take(event, speaker.key_id, correlation_id, received_at)
    text = ""
    body: object = None
    try:
        text = request.body_text(event, settings.max_body_bytes)
        body = decode_json(text)
        if body == request.PROBE:
            logger.info("probe answered", extra={"key_id": speaker.key_id})
            return request.answer(200, {"probe": "answered", "correlation_id": correlation_id})
        reading = speaker.claim(intake.read(body, received_at))
    except BodyTooLarge as error:
        logger.warning("body rejected", extra={"reason": str(error), "bytes": error.size})
        _count("unknown", rejected=1)
        return _refuse(413, str(error), correlation_id, [{"pointer": "", "message": str(error)}])
    except SenderRefused as error:
        logger.warning("sender refused", extra={"reason": str(error), "key_id": speaker.key_id})
        _count(error.found, rejected=max(1, _alerts_in(body)))
        return _refuse(403, str(error), correlation_id, [{"pointer": "", "message": str(error)}])
    except BodyRejected as error:
        errors = [problem.as_json() for problem in error.problems]
        _log_rejected_body(error, text, body, errors)
        _count(error.sender, rejected=max(1, _alerts_in(body)))
        return _refuse(400, error.message, correlation_id, errors)

    reading, heard = settings.watched.take(reading, speaker.name)
    if heard:
        _count_heartbeats(heard, received_at)
    try:
        taken = _take(reading, speaker, correlation_id, received_at, body, text)
    except DeliveryFailed:
        return request.answer(
            503,
            {
                "error": "The alerts could not be stored. Nothing is lost if they are sent again.",
                "correlation_id": correlation_id,
            },
        )
    left = taken.split.left
    return request.answer(
        202,
        {
            "incident_ids": taken.incident_ids,
            "accepted": taken.accepted,
            "rejected": [item.as_json() for item in reading.rejected][:MAX_ERRORS_SHOWN],
            "correlation_id": correlation_id,
            **({"heartbeats": list(heard.clusters)} if heard else {}),
            **({"parked": len(left), "message": taken.split.message} if left else {}),
        },
    )


@dataclass(frozen=True)
class _Taken:
    """What became of alerts that were taken in."""

    split: Split
    incident_ids: list[str]
    accepted: int


def _take(
    reading: Reading,
    speaker: Speaker,
    correlation_id: str,
    received_at: datetime,
    body: object,
    text: str,
) -> _Taken:
    """Put the alerts of a body or event on the bus, and write down what they were.

    Raises
    ------
    DeliveryFailed
        Some got neither onto the bus nor into the parking queue.
    """
    split = allowance.split(reading.alerts, speaker.key_id or speaker.name, received_at)
    if split.left:  # a metric filter counts this; of the body, a part will do
        limit = {"reason": split.message, "body_text": excerpt(text)}
        who = {"sender_name": speaker.name, "key_id": speaker.key_id}
        logger.error("sender at its limit", extra={"sender": reading.sender, **who, **limit})
    for record in body_records(body, text) if not split.left else ():
        logger.info("alerts received", extra={"sender": reading.sender, **record})
    if reading.rejected:
        logger.warning(
            "alerts rejected",
            extra={
                "sender": reading.sender,
                "rejected": [item.as_json() for item in reading.rejected][:MAX_ERRORS_SHOWN],
            },
        )
    settled = split.settled(firings, received_at)
    on_bus = sum(not alert.moot for alert in settled[: len(split.taken)])
    reading = replace(reading, alerts=tuple(alert for alert in settled if not alert.moot))
    entries = _entries(
        reading,
        Context(
            settings.event_bus_name,
            settings.account_id,
            settings.region,
            correlation_id,
            received_at,
            speaker.key_id,
            settings.waking_severities,
            speaker.name,
            settings.stands_by,
        ),
    )
    try:
        delivered = delivery.deliver(entries[:on_bus], entries[on_bus:])
        refuse_unknown_ends(settled)
    except DeliveryFailed as error:
        logger.error(  # noqa: TRY400 - the reasons say it all, a stack trace adds nothing
            "alerts not accepted, the sender has to repeat them", extra={"reasons": error.reasons}
        )
        _count(reading.sender, undelivered=error.undelivered)
        raise
    incident_ids = list(dict.fromkeys(alert.incident_id for alert in reading.alerts))
    _log_accepted(reading, delivered, incident_ids)
    _count(
        reading.sender,
        accepted=len(entries),
        rejected=len(reading.rejected),
        parked=len(delivered.parked),
    )
    return _Taken(split, incident_ids, len(entries))


def _log_accepted(reading: Reading, delivered: Delivered, incident_ids: list[str]) -> None:
    if delivered.parked:
        logger.error(
            "events parked, redrive them from the parking queue",
            extra={"parked": len(delivered.parked), "reasons": delivered.reasons},
        )
    logger.info(
        "alerts accepted",
        extra={
            "sender": reading.sender,
            "incident_ids": incident_ids,
            "published": delivered.published,
            "parked": len(delivered.parked),
        },
    )


def _entries(reading: Reading, context: Context) -> list[Entry]:
    entries = []
    for alert in reading.alerts:
        entry, warnings = entry_of(alert, context)
        if warnings:
            logger.info(
                "alert read with assumptions",
                extra={"incident_id": alert.incident_id, "notes": list(warnings)},
            )
        entries.append(entry)
    return entries


def _count_heartbeats(heard: Heard, now: datetime) -> None:
    for cluster in heard.clusters:
        line = heartbeat_line(cluster, now, settings.metrics_namespace)
        sys.stdout.write(f"{line}\n")
    if heard.ignored:
        logger.warning("heartbeat not counted", extra={"reasons": list(heard.ignored)})


def _log_rejected_body(
    error: BodyRejected, text: str, body: object, errors: list[dict[str, str]]
) -> None:
    digest, seen = seen_bodies.count(text)
    fields: dict[str, object] = {"reason": error.message, "sender": error.sender, "sha256": digest}
    if seen > 1:
        logger.warning("body rejected again", extra={**fields, "times": seen})
        return
    fields["errors"] = errors[:MAX_ERRORS_SHOWN]
    shown = list(body_records(body, text)) if body is not None else [{"body_text": excerpt(text)}]
    # A large body comes in several parts; the first carries the reasons.
    for record in shown:
        logger.warning("body rejected", extra={**fields, **record})
        fields.pop("errors", None)


def _refuse(
    status: int, message: str, correlation_id: str, errors: list[dict[str, str]]
) -> dict[str, Any]:
    answer: dict[str, object] = {
        "error": message,
        "errors": errors[:MAX_ERRORS_SHOWN],
        "correlation_id": correlation_id,
    }
    if len(errors) > MAX_ERRORS_SHOWN:
        answer["errors_not_shown"] = len(errors) - MAX_ERRORS_SHOWN
    return request.answer(status, answer)


def _alerts_in(body: object) -> int:
    alerts = body.get("alerts") if isinstance(body, dict) else None
    return len(alerts) if isinstance(alerts, list) else 1


def _count(
    sender: str, accepted: int = 0, rejected: int = 0, parked: int = 0, undelivered: int = 0
) -> None:
    """Write the four counters, zeros too, so that an alarm on any of them always has data."""
    line = counters_line(
        sender,
        {
            "AlertsAccepted": accepted,
            "AlertsRejected": rejected,
            "AlertsParked": parked,
            "AlertsUndelivered": undelivered,
        },
        datetime.now(UTC),
        namespace=settings.metrics_namespace,
        service=settings.service,
    )
    sys.stdout.write(f"{line}\n")
