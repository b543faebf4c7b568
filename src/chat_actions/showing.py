"""Showing an incident: one message, made anew from the record whenever there is news.

Only one at a time shows a card, and reads the record when it is its turn: who comes second shows
at least as much as who came first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from chat_actions.card import card
from chat_actions.errors import NotYet
from chat_actions.ports import Card, Cards, Chat, Record, Records
from chat_actions.question import at_work, pending
from chat_actions.story import story

_TURNS, _TURN_SECONDS = 20, 0.5
_READS, _READ_SECONDS = 12, 0.5
# What incident-recorder writes, at the same moment or a while after it is told.
_WRITTEN_BESIDE = frozenset(
    {"incident.resolved", "incident.escalated", "incident.investigated", "action.completed"}
)
# As many as it keeps.
_MOST_ACTIONS, _MOST_ANSWERS = 30, 5


@dataclass(frozen=True)
class Board:
    """Where cards are shown.

    Parameters
    ----------
    channel
        Id of the channel for new cards.
    sleep
        Waits some seconds.
    team_channels
        Ids of the channels for new cards of teams that have one: team → channel.
    """

    channel: str
    records: Records
    cards: Cards
    chat: Chat
    sleep: Callable[[float], None]
    team_channels: Mapping[str, str] = field(default_factory=dict)

    def hear(self, event: Mapping[str, Any]) -> None:
        """Take what the bus tells.

        A card begins with what people were told (``incident.notified``): what is not told, because
        it hangs on another, is one of a flood or wakes nobody, has none. Anything else changes a
        card that is there.

        Raises
        ------
        NotYet
            The record does not say it yet, or somebody else shows the card all the time: shown as
            far as it is known, and to be brought once more.
        """
        kind, data = str(event.get("detail-type")), event["detail"]["data"]
        incident_id = data.get("incident_id")
        if not incident_id:
            # A flood, which is of many.
            self.chat.post(self.channel, str(data.get("slack_text") or data.get("headline")))
            return
        told = kind == "incident.notified"
        if not told and not self.cards.read(incident_id).message:
            return
        what = str(data["event"]) if told else kind
        said, record = self._await(incident_id, what, data)
        self.show(incident_id, may_begin=told, team=str(data.get("team", "")))
        # What a human has said was written before it was told: what is not there is so no more.
        # Nor is a question awaited for ever: a plan may have been answered, or was none for people.
        if not said and what in _WRITTEN_BESIDE and not is_noted(record, what, data):
            raise NotYet(f"the record of {incident_id} does not say {what} yet")

    def show(self, incident_id: str, *, may_begin: bool = False, team: str = "") -> None:
        """Have a card show what the record says, and its thread the same.

        Parameters
        ----------
        may_begin
            Whether a message is posted where there is none.
        team
            Whose incident it is, as far as that is said: a new card stands in that team's channel.
            One that is there stays where it is.
        """
        with self._turn(incident_id):
            row, record = self.cards.read(incident_id), self.records.read(incident_id)
            if not record or not (row.message or may_begin):
                return
            channel = row.channel or self.team_channels.get(team, self.channel)
            before, row = row, self._put(incident_id, channel, row, record)
            # A card that has just come rings by itself.
            is_known = row.message == before.message
            for told in story(record):
                if told.key not in row.told:
                    rings = told.rings and is_known
                    self.chat.post(row.channel, told.text, thread=row.message, rings=rings)
                    self.cards.tell(incident_id, told.key)

    def _put(self, incident_id: str, channel: str, row: Card, record: Record) -> Card:
        wanted = card(record)
        if row.message and row.shown == wanted.digest:
            return row
        message = row.message
        there = message and self.chat.update(channel, message, wanted.text, wanted.blocks)
        if not there:
            # There was none, or somebody has deleted it.
            message = self.chat.post(channel, wanted.text, wanted.blocks)
        self.cards.posted(incident_id, channel, message, wanted.digest)
        return Card(channel, message, wanted.digest, row.told if there else frozenset())

    @contextmanager
    def _turn(self, incident_id: str) -> Iterator[None]:
        for _ in range(_TURNS):
            if self.cards.hold(incident_id):
                break
            self.sleep(_TURN_SECONDS)
        else:
            raise NotYet(f"somebody else shows the card of {incident_id}")
        try:
            yield
        finally:
            self.cards.release(incident_id)

    def _await(self, incident_id: str, kind: str, data: Mapping[str, Any]) -> tuple[bool, Record]:
        """Wait until the record says what the event does; others write it at the same moment."""
        for _ in range(_READS):
            record = self.records.read(incident_id)
            if record and reflects(record, kind, data):
                return True, record
            self.sleep(_READ_SECONDS)
        if not record:
            raise NotYet(f"incident {incident_id} is not on record")
        return False, record


def reflects(record: Record, kind: str, data: Mapping[str, Any]) -> bool:
    """Tell whether a record says already what an event does, and asks what comes of it.

    Parameters
    ----------
    kind
        Detail-type of the event.
    data
        Its data.
    """
    # A plan that was made for a human to approve stands there a moment later.
    asks = kind == "action.completed" and data.get("operation") == "plan"
    if asks and at_work(record) and not pending(record):
        return False
    return is_noted(record, kind, data)


def is_noted(record: Record, kind: str, data: Mapping[str, Any]) -> bool:
    """Tell whether what an event tells stands in a record already.

    Parameters
    ----------
    kind
        Detail-type of the event.
    data
        Its data.
    """
    if kind == "incident.resolved":
        return record.get("resolved_at") is not None
    if kind == "incident.escalated":
        return bool(record.get("escalated_at"))
    if kind == "incident.acknowledged":
        return bool(record.get("acknowledged_by"))
    if kind == "incident.released":
        return not record.get("acknowledged_by")
    if kind == "incident.undo-asked":
        return bool(record.get("undo_asked_by"))
    if kind == "incident.closed":
        return bool(record.get("closed_by"))
    if kind == "incident.investigated":
        said = record.get("investigations") or []
        known = {each.get("answer_id") for each in said}
        return len(said) >= _MOST_ANSWERS or data.get("answer_id") in known
    if kind == "action.completed":
        actions = record.get("actions_taken") or []
        if len(actions) >= _MOST_ACTIONS:
            return True
        return data.get("action_id") in {action.get("action_id") for action in actions}
    return True
