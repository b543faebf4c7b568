"""Events of AWS as EventBridge hands them over, and what reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from alert_ingest.aws_events import AwsEvents, Told
from alert_ingest.senders import EVENT_SENDERS
from alert_ingest.senders.cloudwatch import CloudWatch, MissingData
from tests.unit.alert_ingest.bodies import changed, sample

ACCOUNT, OTHER = "000000000000", "111122223333"
NOW = datetime(2026, 11, 23, 20, tzinfo=UTC)
#: When the alarms of the tests go off.
T = datetime(2026, 11, 23, 15, tzinfo=UTC)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def aws_events(
    missing_data: MissingData = "unknown",
    tags_of: Callable[[str], Mapping[str, str]] = lambda _arn: {},
) -> AwsEvents:
    """Return what reads events here, with one other account and the shipped patterns."""
    senders = tuple(
        CloudWatch(missing_data) if isinstance(sender, CloudWatch) else sender
        for sender in EVENT_SENDERS
    )
    others, left_out = frozenset({OTHER}), ("TargetTracking-*",)
    return AwsEvents(senders, ACCOUNT, "us-east-1", others, OWN, left_out, tags_of)


# As the template lists them.
OWN = frozenset({"sre-dlq-runbook", "sre-parked-events"})


def told(name: str, /, **changes: object) -> Told:
    """Read a sample event."""
    return aws_events().read_event(changed(sample(name), **changes), NOW)


def change(
    value: str, at: datetime, previous: str = "OK", since: datetime = T - timedelta(hours=1)
) -> dict[str, Any]:
    """Return the event of one alarm's change of state."""
    return changed(
        sample("cloudwatch/alarm"),
        detail__state__value=value,
        detail__state__timestamp=_stamp(at),
        detail__previousState__value=previous,
        detail__previousState__timestamp=_stamp(since),
    )


def _stamp(moment: datetime) -> str:
    return f"{moment.isoformat(timespec='milliseconds')[:-6]}+0000"
