"""What the audit log has of one incident: every event of it that was on the bus."""

from __future__ import annotations

import datetime
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from srectl.operate.account import Account
from srectl.operate.moments import moment
from srectl.operate.refusals import calling

__all__ = ["Heard", "data_of", "heard", "is_one_moment", "metadata_of"]

#: What belongs to an incident comes before and after it, too.
_BEFORE = datetime.timedelta(minutes=5)
_AFTER = datetime.timedelta(hours=2)
_MOST_EVENTS = 1000
_SAME_SECONDS = 5.0  # between what somebody writes and when he says so on the bus


@dataclass(frozen=True)
class Heard:
    """Events of an incident.

    Attributes
    ----------
    events
        Oldest first.
    more
        Whether there may be others, for the log was not looked through to its end.
    """

    events: list[dict[str, Any]] = field(default_factory=list)
    more: bool = False


def heard(account: Account, record: Mapping[str, Any], requests: int | None = None) -> Heard:
    """Read the events of an incident from the audit log.

    Parameters
    ----------
    record
        The incident's.
    requests
        How many at most; each looks through about a megabyte of the log. None: to its end.

    Raises
    ------
    CommandFailed
        The log cannot be read.
    """
    began = moment(record.get("timestamp"))
    try:
        # The id is one of the platform's own making, so it cannot end the pattern it stands in.
        known = str(uuid.UUID(str(record.get("incident_id"))))
    except ValueError:
        return Heard()
    if began is None:
        return Heard()
    last = max(
        filter(None, (began, *(moment(record.get(key)) for key in ("resolved_at", "closed_at"))))
    )
    asked: dict[str, Any] = {
        "logGroupName": account.audit_log_group,
        "startTime": round((began - _BEFORE).timestamp() * 1000),
        "endTime": round((last + _AFTER).timestamp() * 1000),
        "filterPattern": f'{{ $.detail.data.incident_id = "{known}" }}',
    }
    if record.get("status") != "resolved":
        del asked["endTime"]  # it goes on
    found: list[dict[str, Any]] = []
    count, token = 0, ""
    with calling(f"the audit log {account.audit_log_group} could not be read"):
        while len(found) < _MOST_EVENTS:
            page: Any = account.logs.filter_log_events(**asked)
            found += [_opened(each.get("message", "")) for each in page["events"]]
            count, token = count + 1, page.get("nextToken", "")
            asked["nextToken"] = token
            if not token or count == requests:
                break
    mine = [each for each in found if data_of(each).get("incident_id") == known]
    mine.sort(key=lambda each: str(metadata_of(each).get("occurred_at")))
    return Heard(mine[:_MOST_EVENTS], more=bool(token) or len(mine) > _MOST_EVENTS)


def data_of(event: Mapping[str, Any]) -> dict[str, Any]:
    """Give what an event says; empty where it is none of the platform's."""
    return _part(event, "data")


def metadata_of(event: Mapping[str, Any]) -> dict[str, Any]:
    """Give what is said of an event; empty where it is none of the platform's."""
    return _part(event, "metadata")


def is_one_moment(event_at: Any, record_at: Any) -> bool:
    """Say whether an event tells of the act whose time a record has, and not of an earlier one."""
    one, other = moment(event_at), moment(record_at)
    if one is None or other is None:
        return False
    return abs((one - other).total_seconds()) <= _SAME_SECONDS


def _part(event: Mapping[str, Any], name: str) -> dict[str, Any]:
    detail = event.get("detail")
    found = detail.get(name) if isinstance(detail, dict) else None
    return found if isinstance(found, dict) else {}


def _opened(message: str) -> dict[str, Any]:
    try:
        found = json.loads(message)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
