"""What an investigator answers about an incident: checked, cleaned, bounded, and an event.

It is the text of a stranger, most often of a language model that has read other strangers' text. So
it is treated as an alert's is: every text is one line without control characters and secrets, and
short. It goes onto the bus under the investigator's name, as `incident.investigated`, which nothing
but the recorder and what shows records listens to.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Protocol

from alert_ingest.display import can_be_shown, one_line
from alert_ingest.errors import (
    AlertIngestError,
    BodyRejected,
    ChannelRefused,
    ChannelUnavailable,
)
from alert_ingest.events import Context, Entry, metadata_of
from alert_ingest.identity import answer_id, event_id
from alert_ingest.model import Problem, iso
from alert_ingest.redaction import redact_text
from alert_ingest.text import clean
from alert_ingest.validation import explain, validator

MAX_BODY_BYTES = 65_536
SOURCE, DETAIL_TYPE = "sre.investigator", "incident.investigated"
# As much as a record has room for; incident-recorder cuts at the same places.
SUMMARY_LIMIT, LINE_LIMIT, LINK_LIMIT = 500, 300, 500
MOST_FINDINGS, MOST_SUGGESTIONS = 5, 3
#: What is taken of an investigator; a window begins with each multiple of its length since 1970.
ANSWERS_PER_SECOND, WINDOW_SECONDS = 2, 5
_HTTPS = re.compile("https://[!-~]+")
_SCHEMA = "findings"
_CUT = "…"


class NotAnInvestigator(AlertIngestError):
    """The key is no investigator's, or an investigator's where alerts are taken; answered 403."""


class UnknownIncident(AlertIngestError):
    """There is no such incident; answered 404."""


class ErasedIncident(AlertIngestError):
    """The incident was erased, and so would be whatever is said of it; answered 410."""


class TooManyAnswers(AlertIngestError):
    """The investigator is at its limit; answered 429."""


class Incidents(Protocol):
    """Knows which incidents there are, and how many answers there were lately."""

    def incident(self, incident_id: str) -> tuple[str, bool] | None:
        """Give an incident's sort key and whether it was erased; None where none is known.

        Raises
        ------
        ChannelUnavailable, ChannelRefused
            It cannot be told.
        """
        ...

    def count_answer(self, key_id: str, began: int) -> int:
        """Add one to the answers that came with a key in a window of time; return how many it has.

        Parameters
        ----------
        began
            When the window began, in seconds since 1970.

        Raises
        ------
        ChannelUnavailable, ChannelRefused
            It cannot be counted.
        """
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; every text in it is clean, bounded and free of secrets.

    Attributes
    ----------
    summary
        What the investigator takes for the cause.
    findings, suggestions
        What it has seen, and what it would do.
    link
        Where all of it stands; empty for nowhere.
    shortened
        Whether more was sent than is kept.
    """

    incident_id: str
    summary: str
    findings: tuple[str, ...] = ()
    suggestions: tuple[str, ...] = ()
    link: str = ""
    shortened: bool = False

    @property
    def answer_id(self) -> str:
        """UUIDv5 of what is said: the same answer twice is one."""
        return answer_id(self.incident_id, json.dumps(asdict(self)))


def read_answer(body: object) -> Answer:
    """Read a decoded body.

    Raises
    ------
    BodyRejected
        It is no answer; says everything that is wrong with it.
    """
    if not isinstance(body, dict) or not validator(_SCHEMA)(body):
        raise BodyRejected("The body is no answer about an incident.", explain(_SCHEMA, body))
    link = _link(body.get("link", ""))
    summary, cut = _line(body["summary"], SUMMARY_LIMIT)
    if not summary:
        raise BodyRejected("The answer says nothing.", [Problem("/summary", "must not be blank")])
    findings, more = _lines(body.get("findings", []), MOST_FINDINGS)
    suggestions, still_more = _lines(body.get("suggestions", []), MOST_SUGGESTIONS)
    shortened = cut or more or still_more or without_link(body, link)
    return Answer(body["incident_id"], summary, findings, suggestions, link, shortened)


def without_link(body: object, kept: str) -> bool:
    """Tell whether a link was sent that is not kept: what was found is worth more than it."""
    return isinstance(body, dict) and bool(body.get("link")) and not kept


def refuse_too_many(incidents: Incidents, key_id: str, received_at: datetime) -> None:
    """Count an answer; one that cannot be counted is taken.

    Parameters
    ----------
    key_id
        Id of the key that it came with.

    Raises
    ------
    TooManyAnswers
        There have been as many as are taken within `WINDOW_SECONDS`.
    """
    try:
        now = int(received_at.timestamp())
        sent = incidents.count_answer(key_id, now - now % WINDOW_SECONDS)
    except (ChannelUnavailable, ChannelRefused):
        return
    if sent > ANSWERS_PER_SECOND * WINDOW_SECONDS:
        raise TooManyAnswers(
            f"The investigator is at its limit of {ANSWERS_PER_SECOND} a second"
            f" ({ANSWERS_PER_SECOND * WINDOW_SECONDS} within {WINDOW_SECONDS} seconds);"
            " send this answer again."
        )


def entry_of_answer(answer: Answer, incidents: Incidents, name: str, context: Context) -> Entry:
    """Build the event of an answer.

    Parameters
    ----------
    name
        What the investigator is called.

    Raises
    ------
    UnknownIncident, ErasedIncident
        Nothing is to be written of it.
    ChannelUnavailable, ChannelRefused
        Whether the incident is known could not be told.
    """
    known = incidents.incident(answer.incident_id)
    if known is None:
        raise UnknownIncident(f"There is no incident {answer.incident_id}.")
    timestamp, erased = known
    if erased:
        raise ErasedIncident(f"Incident {answer.incident_id} was erased; nothing is added to it.")
    kind, said_at = "IncidentInvestigated", iso(context.received_at)
    event = event_id(answer.incident_id, kind, answer.answer_id, "")
    data: dict[str, Any] = asdict(answer) | {"link": answer.link or None}
    data |= {"timestamp": timestamp, "answer_id": answer.answer_id, "by": name}
    own = json.dumps({"event_id": event, "alert_event": kind, "occurred_at": said_at})
    return Entry(
        EventBusName=context.event_bus_name,
        Source=SOURCE,
        DetailType=DETAIL_TYPE,
        Detail=f'{{"metadata":{{{own[1:-1]},{metadata_of(context)}}},"data":{json.dumps(data)}}}',
    )


def _link(text: str) -> str:
    link = redact_text(text)
    fits = len(link) <= LINK_LIMIT and _HTTPS.fullmatch(link) and can_be_shown(link)
    return link if fits else ""


def _lines(texts: list[str], most: int) -> tuple[tuple[str, ...], bool]:
    """Return the first texts that say something, and whether anything is missing of them."""
    read = [found for found in (_line(text, LINE_LIMIT) for text in texts) if found[0]]
    kept = read[:most]
    return tuple(line for line, _ in kept), len(read) > most or any(cut for _, cut in kept)


def _line(text: str, limit: int) -> tuple[str, bool]:
    # Some secrets have several lines, and half of one is none that is recognised.
    kept = redact_text(clean(text))
    line = one_line(kept, len(kept))
    if len(line) <= limit:
        return line, False
    return line[: limit - len(_CUT)] + _CUT, True
