"""What services of AWS tell: which call is of theirs, who may speak, and what is left out.

A function is called by API Gateway with a request, by EventBridge with an event and by SNS with
records. Which of these it is shows in what the caller writes and no sender can: a webhook's body is
one text inside a request. Who speaks is the event's ``account``, which EventBridge sets, and nobody
can put an event of the source ``aws.…`` onto a bus; that only the platform's own rules and topic
may call is in the function's policy. An event that cannot be used is an error: Lambda tries again
and then keeps it, where an alarm looks.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from alert_ingest.errors import AlertIngestError, BodyRejected, TagsUnreadable
from alert_ingest.model import Problem, Reading
from alert_ingest.senders.base import EventSender
from alert_ingest.senders.sns import SENDER as SNS
from alert_ingest.speakers import Speaker
from alert_ingest.text import all_clean

Call = Literal["webhook", "event", "topic"]

_OF_AN_EVENT = frozenset({"source", "detail-type", "detail", "account", "time", "id"})
NOT_OURS = (
    "tags of an alarm of another account or region cannot be read here: severity and labels are"
    " those of its name and metrics, unless it propagates its tags"
)


class UnknownCall(AlertIngestError):
    """Somebody calls the function with what neither API Gateway, EventBridge nor SNS sends."""

    def __init__(self, event: object) -> None:
        found = sorted(event)[:8] if isinstance(event, dict) else type(event).__name__
        super().__init__(
            f"The call is of no kind that is known here (API Gateway, EventBridge, SNS): {found}. "
            "Look at what invokes alert-ingest."
        )


def call_of(event: object) -> Call:
    """Tell by what a call was made.

    Raises
    ------
    UnknownCall
        By nothing that is known, or by what looks like two of them.
    """
    found: list[Call] = []
    if isinstance(event, dict):
        if "httpMethod" in event or "requestContext" in event or "body" in event:
            found.append("webhook")
        if event.keys() >= _OF_AN_EVENT:
            found.append("event")
        records = event.get("Records")
        if isinstance(records, list) and records and all(map(_is_of_a_topic, records)):
            found.append("topic")
    if len(found) != 1:
        raise UnknownCall(event)
    return found[0]


def _is_of_a_topic(record: object) -> bool:
    return (
        isinstance(record, dict)
        and record.get("EventSource") == "aws:sns"
        and isinstance(record.get("Sns"), dict)
    )


@dataclass(frozen=True, slots=True)
class Told:
    """What an event or a record says.

    Attributes
    ----------
    speaker
        The account, as the sender that it counts as.
    reading
        The alerts; may be empty.
    left_out
        Why nothing became of it; empty where something did, or where there was nothing to tell.
    """

    speaker: Speaker
    reading: Reading
    left_out: str = ""


@dataclass(frozen=True, slots=True)
class AwsEvents:
    """Reads what AWS delivers.

    Attributes
    ----------
    senders
        The services that are understood.
    account_id, region
        Where this is.
    other_accounts
        Accounts whose alarms may be told here, too.
    own_alarms
        Names of the platform's own alarms: they are told without an incident, which might set off
        the next one. One that is only called like them is somebody's.
    left_out
        Patterns (with * for any text) of names of alarms that are nobody's incident.
    tags_of
        Reads the tags of an alarm of this account by its ARN; raises TagsUnreadable.
    """

    senders: Sequence[EventSender]
    account_id: str
    region: str
    other_accounts: frozenset[str]
    own_alarms: frozenset[str]
    left_out: Sequence[str]
    tags_of: Callable[[str], Mapping[str, str]]

    def read_event(self, event: Mapping[str, Any], received_at: datetime) -> Told:
        """Read an event of EventBridge.

        Raises
        ------
        BodyRejected
            It is of no service that is understood, of an account that may not speak, or invalid.
        """
        event = all_clean(event)
        account = event["account"]
        if account != self.account_id and account not in self.other_accounts:
            raise _refused("/account", "is none whose events are taken here (AlarmAccounts)")
        for sender in self.senders:
            if event["source"] == sender.source and event["detail-type"] in sender.detail_types:
                break
        else:
            raise _refused("/source", "and detail-type are those of no service that is understood")
        speaker = speaker_of(account)
        detail = event["detail"] if isinstance(event["detail"], dict) else {}
        name = str(detail.get("alarmName", ""))
        why = self._is_left_out(account, name) if sender.name == "cloudwatch" else ""
        if why:
            return Told(speaker, Reading(sender.name, ()), why)
        note = ""
        if sender.name == "cloudwatch":
            event, note = self._with_tags(event, detail)
        reading = sender.read(event, received_at)
        for alert in reading.alerts if note else ():
            alert.notes = (*alert.notes, note)
        return Told(speaker, reading)

    def read_records(
        self, records: Iterable[Mapping[str, Any]], received_at: datetime
    ) -> list[Told]:
        """Read the messages of a topic of this account.

        Raises
        ------
        BodyRejected
            One is no message, or of a topic of another account.
        """
        told = []
        for record in all_clean(list(records)):
            reading = SNS.read(record["Sns"], received_at)
            account = record["Sns"]["TopicArn"].split(":")[4]
            if account != self.account_id:
                raise _refused("/TopicArn", "is a topic of another account")
            told.append(Told(speaker_of(account), reading))
        return told

    def _is_left_out(self, account: str, name: str) -> str:
        if account == self.account_id and name in self.own_alarms:
            return "the platform's own alarms are told without an incident"
        for pattern in self.left_out:
            if fnmatch.fnmatchcase(name, pattern):
                return f"alarms called {pattern} are left out (AlarmsLeftOut)"
        return ""

    def _with_tags(
        self, event: Mapping[str, Any], detail: Mapping[str, Any]
    ) -> tuple[Mapping[str, Any], str]:
        """Return the event with its alarm's tags, and a note where it has to do without."""
        if isinstance(detail.get("alarmTags"), dict) and detail.get("alarmTagsStatus") == "SUCCESS":
            return event, ""
        if (event["account"], event.get("region")) != (self.account_id, self.region):
            return event, NOT_OURS
        try:
            tags = self.tags_of(str((event.get("resources") or [""])[0]))
        except TagsUnreadable as error:
            return event, f"tags of the alarm could not be read: {error}"
        return {**event, "detail": {**detail, "alarmTags": dict(tags)}}, ""


def speaker_of(account: str) -> Speaker:
    """Return an account as a sender: with a name that no place of a key can have."""
    return Speaker(name=f"aws:{account}")


def _refused(pointer: str, message: str) -> BodyRejected:
    return BodyRejected("The event is not taken.", [Problem(pointer, message)])
