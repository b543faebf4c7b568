"""What becomes of a button that somebody pressed."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass

from chat_actions.consent import person_of, spoken_for, with_speaker
from chat_actions.errors import Refused
from chat_actions.incoming import ACKNOWLEDGE, APPROVE, SILENCE, UNDO, Click
from chat_actions.people import People, Person
from chat_actions.ports import Answers, Bus, Cards, Record, Records, Restorer, Switch
from chat_actions.question import Question, asked
from chat_actions.silencing import silence, wanted
from chat_actions.taking_back import leftovers
from chat_actions.undo_attempts import Standing, has_ended, name_of, names_before, standing
from chat_actions.windows import written


@dataclass(frozen=True)
class Desk:
    """Where answers are taken.

    Parameters
    ----------
    now
        The time, in UTC.
    """

    people: People
    records: Records
    cards: Cards
    answers: Answers
    restorer: Restorer
    maintenance: Switch
    bus: Bus
    now: Callable[[], datetime.datetime]

    def take(self, click: Click) -> str:
        """Do what a button says.

        Returns
        -------
        str
            What is told to who pressed it.

        Raises
        ------
        Refused
            It does not count; who pressed it is told why.
        """
        person = self.people.person(click.user)
        card = self.cards.read(click.incident_id)
        if (card.channel, card.message) != (click.channel, click.message):
            raise Refused(
                "This button does not stand on the card of its incident: nothing is done."
            )
        record = self.records.read(click.incident_id)
        if click.action == ACKNOWLEDGE:
            return self._acknowledge(record, person)
        if click.action == UNDO:
            return self._undo(record, click.plan_hash, person)
        if click.action == SILENCE:
            return self._silence(record, click.plan_hash, person)
        question = asked(record)
        if (question.step, question.plan_hash) != (click.step, click.plan_hash):
            raise Refused(
                "The plan is another one by now: look at it on the card, and answer that."
            )
        if click.action == APPROVE:
            return self._approve(record, question, person)
        return self._deny(record, question, person)

    def _acknowledge(self, record: Record, person: Person) -> str:
        by, at = record.get("acknowledged_by"), str(record.get("acknowledged_at"))
        if by and (by != person.told or record.get("status") == "resolved"):
            raise Refused(f"{by} has it already, since {at}.")
        if not by:
            at = _stamp(self.now())
            record = self.records.acknowledge(record, person.told, at)
        # Once more of who has it: an attempt before may have written it, and not reached the bus.
        # The notifier tells the pager once.
        self.bus.acknowledged(record, person.told, at)
        return "It is yours: the pager is told, and the card says so."

    def _undo(self, record: Record, state: str, person: Person) -> str:
        found = leftovers(record)
        if found.state != state:
            raise Refused(
                "What is left is something else by now: look at the card, and press that button."
            )
        known = {name: self.restorer.find(name) for name in names_before(record)}
        how_far = standing(record, state, known.get(name_of(record)), self.now())
        if how_far is Standing.RUNNING and not found.asked_by:
            raise Refused(
                f"What {record['undo_asked_by']} has taken back since {record['undo_asked_at']} is "
                "still under way: what it cannot take back can be asked for again when it has "
                "ended, which the card tells."
            )
        if how_far is Standing.FREE:
            record = self.records.ask_undo(record, person.told, _stamp(self.now()), state)
            if leftovers(record).state != state or not name_of(record):
                raise Refused("What is left has just changed: look at the card again.")
        ended = [self.restorer.arn(name) for name, each in known.items() if has_ended(each)]
        # Also of who comes second: whoever was first may have noted it and not reached the machine.
        self.restorer.start(name_of(record), {**found.request, "ended": ended})
        by, at = str(record["undo_asked_by"]), str(record["undo_asked_at"])
        # As of who has taken it: whoever was first may not have reached the bus either.
        self.bus.undo_asked(record, by, at)
        if by != person.told:
            raise Refused(f"{by} has it taken back already, since {at}.")
        return (
            "It is being taken back, newest first, under the locks of its targets: the card tells "
            "each step."
        )

    def _silence(self, record: Record, mark: str, person: Person) -> str:
        target = wanted(record, mark)
        window, is_new = silence(self.maintenance, target, person.told, self.now())
        until = written(window.end)
        if record.get("silenced_until") != until:
            self.records.note_silence(record, window)
        told = f"{target} until {until}"
        if not is_new:
            return f"Runbooks leave {told} alone already ({window.reason}): nothing is changed."
        return (
            f"Runbooks leave {told} alone. What one does at this moment goes on. "
            "'srectl maintenance remove' ends it sooner."
        )

    def _approve(self, record: Record, question: Question, person: Person) -> str:
        mine = self._proof(question.approval, person)
        told, proofs = person.told, [mine]
        if question.persons > 1:
            if not question.first_counts(self.now()):
                first = {"by": person.told, "proof": mine, "at": _second(self.now())}
                self.records.keep_first(record, first, question.first.get("at", ""))
                return "You are the first of two: nothing is done before somebody else approves it."
            if person_of(question.first["by"]) == person_of(person.name):
                raise Refused("You have approved it already: it takes two persons.")
            told, proofs = f"{question.first['by']} and {told}", [question.first["proof"], mine]
        self._give(record, question, {"proofs": proofs})
        self.records.note_answer(record, "approved", told, _second(self.now()))
        return f"Approved. Runbook {question.runbook} goes on."

    def _deny(self, record: Record, question: Question, person: Person) -> str:
        reason = "denied on the card in Slack"
        proof = self._proof(question.denial(reason), person)
        self._give(record, question, {"denied": reason, "proofs": [proof]})
        self.records.note_answer(record, "denied", person.told, _second(self.now()))
        return f"Denied. Runbook {question.runbook} does nothing, and the incident goes to a human."

    def _give(self, record: Record, question: Question, answer: dict[str, object]) -> None:
        """Answer; who came too late is told who was quicker, where the record says it."""
        try:
            self.answers.give(question.token, answer)
        except Refused:
            asked(self.records.read(str(record["incident_id"])))
            raise

    def _proof(self, statement: str, person: Person) -> str:
        query = self.answers.sign(spoken_for(statement, person.user, person.name))
        return with_speaker(person.user, person.name, query)


def _second(now: datetime.datetime) -> str:
    return f"{now:%Y-%m-%dT%H:%M:%SZ}"


def _stamp(now: datetime.datetime) -> str:
    return f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03}Z"
