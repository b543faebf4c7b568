"""From a file to alerts, read by the very code that takes webhooks in.

A file holds a sender's payload, that payload as API Gateway hands it over, what EventBridge or SNS
hands over of AWS itself, an event of the bus, or an entry for PutEvents.
"""

from __future__ import annotations

import datetime
import json
import re
from typing import Any

from srectl.errors import CommandFailed
from srectl.operate.function_code import need_function_code
from srectl.project import PROJECT_ROOT

_MAX_BYTES = 5_000_000
_OWN_ALARM = re.compile(r"AlarmName: !Sub '\$\{NamePrefix\}(sre-[a-z0-9-]+)'")


def alerts_in(text: str, now: datetime.datetime) -> list[dict[str, Any]]:
    """Read the alerts of a file's text.

    Returns
    -------
    list of dict
        The ``data`` of an incident event for each, firing or resolved.

    Raises
    ------
    CommandFailed
        It is of none of the forms, or nothing in it can be used; every fault is named.
    """
    try:
        body = json.loads(text)
    except ValueError as error:
        raise CommandFailed(
            f"the file is not JSON: {error}", "events/ has samples of every sender"
        ) from error
    if isinstance(body, dict):
        detail = body.get("detail", body.get("Detail"))
        if isinstance(detail, str):
            detail = _json_of(detail)
        if isinstance(detail, dict):
            if str(body.get("source", "")).startswith("aws."):
                return _told_by_aws(body, now)
            data = detail.get("data")
            kind = body.get("detail-type", body.get("DetailType"))
            if kind in ("incident.created", "incident.resolved") and isinstance(data, dict):
                return [data]
            raise CommandFailed(
                f"the file holds the event {kind}, which starts no runbook",
                "give an incident.created event or a sender's payload",
            )
        if isinstance(body.get("Records"), list):
            return _told_by_aws(body, now)
    return _normalised(text, body, now)


def _told_by_aws(body: dict[str, Any], now: datetime.datetime) -> list[dict[str, Any]]:
    """Read an event as that of its own account, whose alarms have no tags but those in it."""
    _need_ingest_code()
    from alert_ingest.aws_events import AwsEvents, call_of
    from alert_ingest.errors import AlertIngestError, BodyRejected
    from alert_ingest.events import Context, entry_of
    from alert_ingest.senders import EVENT_SENDERS

    context = Context("plan", "000000000000", "plan", "plan", now)
    try:
        of_a_topic = call_of(body) == "topic"
        arn = str(body["Records"][0]["Sns"].get("TopicArn")) if of_a_topic else ""
        account = arn.partition(":sns:")[2].split(":")[-2] if of_a_topic else str(body["account"])
        here = (account, str(body.get("region")), frozenset[str]())
        reader = AwsEvents(
            EVENT_SENDERS, *here, own_alarms=_own_alarms(), left_out=(), tags_of=_bare
        )
        told = (
            reader.read_records(body["Records"], now)
            if of_a_topic
            else [reader.read_event(body, now)]
        )
    except BodyRejected as error:
        raise _refused(error) from error
    except AlertIngestError as error:
        raise CommandFailed(str(error), "events/ has samples of every sender") from error
    alerts = [alert for each in told for alert in each.reading.alerts]
    if not alerts:
        why = told[0].left_out or "it neither begins nor ends an incident"
        raise CommandFailed(f"nothing becomes of this event: {why}")
    return [json.loads(entry_of(alert, context)[0]["Detail"])["data"] for alert in alerts]


def _own_alarms() -> frozenset[str]:
    """Give the names of the checkout's own alarms, without a prefix; none where there is none."""
    try:
        template = (PROJECT_ROOT / "template.yaml").read_text("utf-8")
    except OSError:
        return frozenset()
    return frozenset(_OWN_ALARM.findall(template))


def _bare(_arn: str) -> dict[str, str]:
    return {}


def _need_ingest_code() -> None:
    need_function_code(
        "a sender's payload is read by alert-ingest's own code",
        "in a checkout of the project: 'make setup', then '.venv/bin/srectl runbooks plan'; "
        "an event incident.created can be given everywhere",
        needs=("fastjsonschema",),
    )


def _refused(error: Any) -> CommandFailed:
    faults = "".join(f"\n{one.pointer or '/'}: {one.message}" for one in error.problems)
    return CommandFailed(
        f"alert-ingest would refuse this body: {error}{faults}",
        "events/ has samples of every sender",
    )


def _normalised(text: str, body: Any, now: datetime.datetime) -> list[dict[str, Any]]:
    _need_ingest_code()
    from alert_ingest.errors import BodyRejected, BodyTooLarge
    from alert_ingest.events import Context, entry_of
    from alert_ingest.intake import Intake, decode_json
    from alert_ingest.request import body_text

    context = Context("plan", "000000000000", "plan", "plan", now)
    try:
        if isinstance(body, dict) and isinstance(body.get("body"), str):
            text = body_text(body, _MAX_BYTES)
        reading = Intake().read(decode_json(text), now)
    except BodyRejected as error:
        raise _refused(error) from error
    except BodyTooLarge as error:
        raise CommandFailed(f"alert-ingest would refuse this body: {error}") from error
    return [json.loads(entry_of(alert, context)[0]["Detail"])["data"] for alert in reading.alerts]


def _json_of(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
