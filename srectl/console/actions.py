"""What can be done for incidents and queues, each by the function of the command for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, abort

from srectl.console import pages
from srectl.console.doing import Forms, Notes
from srectl.console.reading import Reading
from srectl.errors import CommandFailed, InOthersHands
from srectl.operate import (
    acknowledging,
    announcing,
    answering,
    approvals,
    erasure,
    queues,
    redrive,
    stopping,
    undoing,
)
from srectl.operate import evidence as evidences
from srectl.operate import incidents as records

__all__ = ["register"]

_REDRIVEN = 100  # messages of a queue in one go


def register(app: Flask, reading: Reading, notes: Notes, by: str) -> None:
    """Add what can be done.

    Parameters
    ----------
    by
        Who speaks, for the record.
    """
    account, forms = reading.account, Forms(reading, notes)

    def of_incident(incident_id: str, action: Callable[[], str]) -> Any:
        if not pages.ID.fullmatch(incident_id):
            abort(404)
        return forms.done(lambda: _here(action), "incident", incident_id=incident_id)

    def knowing() -> dict[str, Any]:
        """Name whom the page has shown to have it in hand, where somebody has ticked that."""
        return {"of_nobody_else": True, "knows": forms.field("knows")}

    def question(incident_id: str) -> approvals.Question:
        """Give what is asked, if it is what the page has shown."""
        asked = approvals.question(account.dynamodb, account.incidents_table, incident_id)
        if (asked.plan_hash, str(asked.step)) != (forms.field("plan_hash"), forms.field("step")):
            raise CommandFailed(
                "nothing was answered: by now the runbook asks for another plan",
                "look at it here and answer again",
            )
        return asked

    @app.post("/incidents/<incident_id>/approve")
    def approve(incident_id: str) -> Any:
        def act() -> str:
            answer = answering.approve(account, question(incident_id), forms.now())
            if answer.waits_until:
                return f"Approved by {answer.by}, the first of two: another person is needed"
            return f"Approved by {answer.by}" + _unless(answer.noted)

        return of_incident(incident_id, act)

    @app.post("/incidents/<incident_id>/deny")
    def deny(incident_id: str) -> Any:
        def act() -> str:
            answer = answering.deny(account, question(incident_id), forms.reason(), forms.now())
            return f"Denied by {answer.by}" + _unless(answer.noted)

        return of_incident(incident_id, act)

    @app.post("/incidents/<incident_id>/acknowledge")
    def acknowledge(incident_id: str) -> Any:
        def act() -> str:
            # The page offers it only of nobody's; meanwhile somebody else may have been quicker.
            acknowledging.acknowledge(account, incident_id, by, forms.now(), of_nobody_else=True)
            return f"It is in the hands of {by}, and the pager calls nobody else"

        return of_incident(incident_id, act)

    @app.post("/incidents/<incident_id>/release")
    def release(incident_id: str) -> Any:
        def act() -> str:
            if acknowledging.release(account, incident_id, by, forms.now(), **knowing()):
                return f"Given back by {by}: nobody has it, and it waits for somebody"
            return "Nobody had it"

        return of_incident(incident_id, act)

    @app.post("/incidents/<incident_id>/stop")
    def stop(incident_id: str) -> Any:
        def act() -> str:
            # The form need not say why; a text that is too long is refused there.
            why = forms.field("reason")
            if stopping.stop(account, incident_id, by, why, forms.now(), **knowing()):
                return f"Stopped by {by}. What it did stays, perhaps half-changed, and is told here"
            noted = why and stopping.add_reason(account, incident_id, by, why)
            return "No runbook is at work on it" + ("; the reason is noted" if noted else "")

        return of_incident(incident_id, act)

    @app.post("/incidents/<incident_id>/close")
    def close(incident_id: str) -> Any:
        def act() -> str:
            why = forms.reason()
            closed = records.resolve(
                account,
                incident_id,
                by,
                why,
                forms.now(),
                **knowing(),
            )
            hint = "end its calls in the pager itself; the record needs nothing more"
            because = str(closed["closed_reason"])
            announcing.announce(
                account, announcing.CLOSED, closed, forms.now(), hint, by=by, because=because
            )
            after = records.fires_on(closed)
            return "; ".join(filter(None, (f"Closed by {by}", "its calls end with that", after)))

        return of_incident(incident_id, act)

    @app.post("/incidents/<incident_id>/undo")
    def undo(incident_id: str) -> Any:
        def act() -> str:
            begun = undoing.start(account, incident_id, by, forms.now(), forms.field("left"))
            if begun.by != by:
                return f"{begun.by} has it taken back already, since {begun.at}"
            count = f"{len(begun.stack)} step{'s are' if len(begun.stack) > 1 else ' is'}"
            return f"{count} being taken back, newest first; each appears here"

        return of_incident(incident_id, act)

    @app.post("/incidents/<incident_id>/erase")
    def erase(incident_id: str) -> Any:
        if not pages.ID.fullmatch(incident_id):
            abort(404)
        if forms.field("confirm") != incident_id[:8]:
            wrong = "Nothing was erased: the first eight characters of its id were not typed"
            return of_incident(incident_id, lambda: _refuse(wrong))

        def act() -> str:
            record = records.read(account.dynamodb, account.incidents_table, incident_id)
            if record.get("status") == "resolved":  # else the next one refuses
                evidences.erase(account, record)
            erasure.erase(
                account.dynamodb,
                account.incidents_table,
                account.guard_table,
                incident_id,
                forms.now(),
            )
            remains = "; ".join(erasure.REMAINS)
            return f"The record of incident {incident_id} is erased. What remains: {remains}"

        return forms.done(act, "incidents")

    @app.post("/queues/<queue>/redrive")
    def redrive_queue(queue: str) -> Any:
        if queue not in queues.QUEUES:
            abort(404)

        def act() -> str:
            old = forms.field("include_old") == "yes"
            outcome = redrive.redrive(account, queue, _REDRIVEN, forms.now(), old)
            left = outcome.left[0].reason if outcome.left else ""
            return (
                f"{queue}: {len(outcome.delivered)} delivered, {len(outcome.left)} left"
                + (f" ({left})" if left else "")
                + (f", {len(outcome.undeleted)} not deleted" if outcome.undeleted else "")
                + ("; there may be more" if outcome.more else "")
            )

        return forms.done(act, "undelivered")


def _here(action: Callable[[], str]) -> str:
    """Do something; of what is somebody else's the page says how it is done all the same."""
    try:
        return action()
    except InOthersHands as error:
        raise CommandFailed(
            error.message, "talk to each other; the page names who has it, and asks again"
        ) from error


def _unless(noted: bool) -> str:
    return "" if noted else ", which counts but could not be noted in the record"


def _refuse(why: str) -> str:
    raise CommandFailed(why, "")
