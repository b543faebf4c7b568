"""What can be done from the pages, each by the function of the command that does the same."""

from __future__ import annotations

import datetime
import secrets
import threading
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from flask import Flask, abort, redirect, request, url_for

from srectl.console import pages
from srectl.console.reading import Reading
from srectl.errors import CommandFailed
from srectl.operate import (
    acknowledging,
    announcing,
    answering,
    approvals,
    erasure,
    queues,
    redrive,
    switches,
    undoing,
)
from srectl.operate import evidence as evidences
from srectl.operate import incidents as records
from srectl.operate.refusals import explained

__all__ = ["Notes", "register"]

_MOST_NOTES = 20
_REDRIVEN = 100  # messages of a queue in one go


class Notes:
    """What is said once on the page that comes after something was done."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[str, str]] = {}
        self._lock = threading.Lock()

    def keep(self, kind: str, text: str) -> str:
        """Keep a note, ``done`` or ``problem``; gives the name by which it is found."""
        name = secrets.token_hex(8)
        with self._lock:
            self._kept[name] = (kind, text)
            while len(self._kept) > _MOST_NOTES:
                self._kept.pop(next(iter(self._kept)))
        return name

    def find(self) -> tuple[str, str] | None:
        """Give the note that the address of this page names."""
        return self._kept.get(request.args.get("told", ""))


def register(app: Flask, reading: Reading, notes: Notes, by: str) -> None:
    """Add what can be done.

    Parameters
    ----------
    by
        Who speaks, for the record.
    """
    account = reading.account

    def done(action: Callable[[], str], page: str, **values: Any) -> Any:
        """Do something, and go to the page that shows it, with what became of it."""
        try:
            note = notes.keep("done", action())
        except CommandFailed as error:
            note = notes.keep("problem", f"{error.message}. {error.hint}")
        except (BotoCoreError, ClientError) as error:
            note = notes.keep("problem", explained("AWS refused", error).message)
        reading.forget()
        return redirect(url_for(page, told=note, **values), 303)

    def of_incident(incident_id: str, action: Callable[[], str]) -> Any:
        if not pages.ID.fullmatch(incident_id):
            abort(404)
        return done(action, "incident", incident_id=incident_id)

    def field(name: str, most: int = 1000) -> str:
        return request.form.get(name, "").strip()[:most]

    def reason() -> str:
        given = field("reason")
        if not given:
            raise CommandFailed("nothing was done: it needs a reason", "say it in the field")
        return given

    def now() -> datetime.datetime:
        return reading.clock().replace(microsecond=0)

    def question(incident_id: str) -> approvals.Question:
        """Give what is asked, if it is what the page has shown."""
        asked = approvals.question(account.dynamodb, account.incidents_table, incident_id)
        if (asked.plan_hash, str(asked.step)) != (field("plan_hash"), field("step")):
            raise CommandFailed(
                "nothing was answered: by now the runbook asks for another plan",
                "look at it here and answer again",
            )
        return asked

    @app.post("/incidents/<incident_id>/approve")
    def approve(incident_id: str) -> Any:
        def act() -> str:
            answer = answering.approve(account, question(incident_id), now())
            if answer.waits_until:
                return f"Approved by {answer.by}, the first of two: another person is needed"
            return f"Approved by {answer.by}" + _unless(answer.noted)

        return of_incident(incident_id, act)

    @app.post("/incidents/<incident_id>/deny")
    def deny(incident_id: str) -> Any:
        def act() -> str:
            answer = answering.deny(account, question(incident_id), reason(), now())
            return f"Denied by {answer.by}" + _unless(answer.noted)

        return of_incident(incident_id, act)

    @app.post("/incidents/<incident_id>/acknowledge")
    def acknowledge(incident_id: str) -> Any:
        def act() -> str:
            # The page offers it only of nobody's; meanwhile somebody else may have been quicker.
            acknowledging.acknowledge(account, incident_id, by, now(), of_nobody_else=True)
            return f"It is in the hands of {by}, and the pager calls nobody else"

        return of_incident(incident_id, act)

    @app.post("/incidents/<incident_id>/close")
    def close(incident_id: str) -> Any:
        def act() -> str:
            why = reason()
            closed = records.resolve(
                account.dynamodb, account.incidents_table, incident_id, by, why, now()
            )
            hint = "end its calls in the pager itself; the record needs nothing more"
            announcing.announce(account, announcing.CLOSED, closed, now(), hint, by=by, because=why)
            return f"Closed by {by}; its calls end with that"

        return of_incident(incident_id, act)

    @app.post("/incidents/<incident_id>/undo")
    def undo(incident_id: str) -> Any:
        def act() -> str:
            begun = undoing.start(account, incident_id, by, now(), field("left"))
            if begun.by != by:
                return f"{begun.by} has it taken back already, since {begun.at}"
            count = f"{len(begun.stack)} step{'s are' if len(begun.stack) > 1 else ' is'}"
            return f"{count} being taken back, newest first; each appears here"

        return of_incident(incident_id, act)

    @app.post("/incidents/<incident_id>/erase")
    def erase(incident_id: str) -> Any:
        if not pages.ID.fullmatch(incident_id):
            abort(404)
        if field("confirm") != incident_id[:8]:
            wrong = "Nothing was erased: the first eight characters of its id were not typed"
            return of_incident(incident_id, lambda: _refuse(wrong))

        def act() -> str:
            record = records.read(account.dynamodb, account.incidents_table, incident_id)
            if record.get("status") == "resolved":  # else the next one refuses
                evidences.erase(account, record)
            erasure.erase(
                account.dynamodb, account.incidents_table, account.guard_table, incident_id, now()
            )
            remains = "; ".join(erasure.REMAINS)
            return f"The record of incident {incident_id} is erased. What remains: {remains}"

        return done(act, "incidents")

    @app.post("/mode")
    def mode() -> Any:
        def act() -> str:
            wanted = field("mode")
            before = switches.set_mode(account.ssm, account.mode_parameter, wanted)
            return f"Automatic remediation is {wanted} (was {before}), from the next incident on"

        return done(act, "switches" if field("from") == "switches" else "home")

    @app.post("/maintenance")
    def announce_maintenance() -> Any:
        def act() -> str:
            minutes = field("minutes")
            if not minutes.isdecimal() or not 0 < int(minutes) <= 10_080:
                raise CommandFailed("no window was added: it lasts 1 to 10080 minutes", "")
            begin = now()
            end = begin + datetime.timedelta(minutes=int(minutes))
            window = switches.Window(begin, end, reason())
            switches.add_window(account.ssm, account.maintenance_parameter, window, begin)
            return f"Runbooks leave everything alone until {switches.written(end)}"

        return done(act, "switches")

    @app.post("/maintenance/end")
    def end_maintenance() -> Any:
        def act() -> str:
            try:
                window = switches.Window(
                    switches.moment(field("start")),
                    switches.moment(field("end")),
                    # A browser sends every line end as two characters.
                    request.form.get("reason", "").replace("\r\n", "\n"),
                    request.form.get("target", ""),
                )
            except ValueError as error:
                raise CommandFailed(f"no window was ended: {error}", "") from error
            switches.remove_window(account.ssm, account.maintenance_parameter, window, now())
            return "The window is over"

        return done(act, "switches")

    @app.post("/queues/<queue>/redrive")
    def redrive_queue(queue: str) -> Any:
        if queue not in queues.QUEUES:
            abort(404)

        def act() -> str:
            old = field("include_old") == "yes"
            outcome = redrive.redrive(account, queue, _REDRIVEN, now(), old)
            left = outcome.left[0].reason if outcome.left else ""
            return (
                f"{queue}: {len(outcome.delivered)} delivered, {len(outcome.left)} left"
                + (f" ({left})" if left else "")
                + (f", {len(outcome.undeleted)} not deleted" if outcome.undeleted else "")
                + ("; there may be more" if outcome.more else "")
            )

        return done(act, "undelivered")


def _unless(noted: bool) -> str:
    return "" if noted else ", which counts but could not be noted in the record"


def _refuse(why: str) -> str:
    raise CommandFailed(why, "")
