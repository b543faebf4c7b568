"""Lambda entry point of the webhook: API Gateway proxy event in, incident events out, answer back.

Answers, chosen for what Alertmanager makes of them: 202 for anything accepted, also if it had to be
parked; 400 and 413 for what will never be accepted; 503 for what should be sent again (it retries
5xx and nothing else). An unforeseen error is left to Lambda: it counts in the Errors metric and API
Gateway answers 5xx, so the alert is sent again.

Of Powertools only the Logger is used, which is 4 to 8 % of a cold start (`make bench-ingest`).
Traces come from Lambda's active tracing: the X-Ray SDK (Powertools Tracer) would add 76 to 162 ms
to every cold start to show the two calls that the metrics already count. Metrics are one line of
EMF (see `counters`).
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from alert_ingest import request, severity, startup
from alert_ingest.adapters import aws
from alert_ingest.adapters.event_bus import EventBus
from alert_ingest.adapters.guard_table import GuardTable
from alert_ingest.adapters.parking import ParkingQueue
from alert_ingest.allowance import Allowance
from alert_ingest.audit import SeenBodies, body_records, excerpt, record_line
from alert_ingest.counters import counters_line
from alert_ingest.delivery import Delivery
from alert_ingest.ends import refuse_unknown_ends
from alert_ingest.errors import BodyRejected, BodyTooLarge, DeliveryFailed, SenderRefused
from alert_ingest.events import Context, Entry, entry_of
from alert_ingest.firings import WRITERS, Firings
from alert_ingest.intake import Intake, decode_json
from alert_ingest.model import Reading
from alert_ingest.redaction import hide_email_addresses
from alert_ingest.settings import Settings

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
startup.finished()


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Take one webhook request.

    Returns
    -------
    dict
        API Gateway proxy response; the body is JSON and carries the `correlation_id`.
    """
    correlation_id = request.correlation_id(event)
    logger.set_correlation_id(correlation_id)
    received_at = datetime.now(UTC)
    speaker = settings.speakers.of(request.key_id(event))
    text = ""
    body: object = None
    try:
        text = request.body_text(event, settings.max_body_bytes)
        body = decode_json(text)
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

    split = allowance.split(reading.alerts, speaker.key_id, received_at)
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
    reading = replace(reading, alerts=split.settled(firings, received_at))
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
        on_bus = len(split.taken)
        delivered = delivery.deliver(entries[:on_bus], entries[on_bus:])
        refuse_unknown_ends(reading.alerts)
    except DeliveryFailed as error:
        logger.error(  # noqa: TRY400 - the reasons say it all, a stack trace adds nothing
            "alerts not accepted, the sender has to repeat them", extra={"reasons": error.reasons}
        )
        _count(reading.sender, undelivered=error.undelivered)
        return request.answer(
            503,
            {
                "error": "The alerts could not be stored. Nothing is lost if they are sent again.",
                "correlation_id": correlation_id,
            },
        )
    incident_ids = list(dict.fromkeys(alert.incident_id for alert in reading.alerts))
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
    _count(
        reading.sender,
        accepted=len(entries),
        rejected=len(reading.rejected),
        parked=len(delivered.parked),
    )
    return request.answer(
        202,
        {
            "incident_ids": incident_ids,
            "accepted": len(entries),
            "rejected": [item.as_json() for item in reading.rejected][:MAX_ERRORS_SHOWN],
            "correlation_id": correlation_id,
            **({"parked": len(split.left), "message": split.message} if split.left else {}),
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
