"""The application: its pages, its doors, and what it says when something goes wrong."""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from flask import Flask, render_template
from werkzeug.exceptions import HTTPException

from srectl.console import (
    actions,
    catalogue_pages,
    live,
    more,
    pages,
    story,
    switch_actions,
    switch_pages,
    words,
)
from srectl.console.doing import Notes
from srectl.console.doors import Doors, Under
from srectl.console.live import Watchers
from srectl.console.reading import Reading
from srectl.errors import CommandFailed, NoSuchIncident
from srectl.operate import approvals
from srectl.operate.account import Account
from srectl.operate.aftermath import return_of, standing_of
from srectl.operate.alike import counted, few
from srectl.operate.hands import is_anothers, taking
from srectl.operate.incidents import climbed
from srectl.operate.refusals import explained

__all__ = ["Console", "create"]

_WORDS = {
    400: "This was not understood.",
    401: "This address lets nobody in (any more).",
    403: "This is not done from there.",
    404: "There is no such page.",
    405: "This is not done so.",
    413: "This is too much.",
    421: "This is no name of the console.",
}
_NEXT = {
    401: "The address that 'srectl console' prints is good once, in one browser. Start it again.",
    403: "Go back, load the page anew and try again. A read-only console does nothing at all.",
    421: "Open the address that 'srectl console' has printed.",
}


@dataclass(frozen=True)
class Console:
    """A console that is ready to be served.

    Attributes
    ----------
    app
        The Flask application, all of whose addresses begin with ``prefix``.
    doors
        Who may come in.
    reading
        What the pages read.
    watchers
        The pages that are open.
    prefix
        ``/`` and a word, made anew each time.
    """

    app: Flask
    doors: Doors
    reading: Reading
    watchers: Watchers
    prefix: str

    @property
    def way_in(self) -> str:
        """The path, with the token, that lets the first browser in."""
        return f"{self.prefix}/enter/{self.doors.token}"


def create(
    account: Account,
    *,
    by: str,
    read_only: bool = False,
    exported: bool = False,
    clock: Callable[[], datetime.datetime] | None = None,
) -> Console:
    """Make a console.

    Parameters
    ----------
    account
        The deployment.
    by
        Who speaks, for the record; answers to runbooks are signed besides.
    read_only
        Nothing may be done, only looked at.
    exported
        The pages become files: they have no script and say when they were made.
    clock
        Gives the time; the machine's by default.
    """
    clock = clock or (lambda: datetime.datetime.now(datetime.UTC))
    app = Flask(__name__)
    app.config.update(MAX_CONTENT_LENGTH=16_384, PROPAGATE_EXCEPTIONS=False)
    app.jinja_options = {"finalize": words.clean, "trim_blocks": True, "lstrip_blocks": True}
    doors, reading = Doors(read_only=read_only), Reading(account, clock)
    doors.guard(app)
    notes = Notes()
    now = clock
    app.jinja_env.filters.update(whereabouts=words.whereabouts, climbed=climbed)
    app.jinja_env.globals.update(
        stamps=lambda value: words.stamps(value, now()),
        age=lambda value: words.age(value, now()),
        duration=words.duration,
        place=words.place,
        whereabouts=words.whereabouts,
        short=words.short,
        link=words.link,
        deadline=story.deadline,
        is_asked=story.is_asked,
        step_asked=story.step_asked,
        counted=counted,
        few=few,
        return_of=return_of,
        standing_of=standing_of,
        plan_of=approvals.plan_of,
        climbed=climbed,
        is_anothers=lambda record: is_anothers(record, by),
        taking=taking,
        deployment=account.prefix,
        note=notes.find,
        exported=exported,
        made_at=now,
    )
    watchers = Watchers()
    pages.register(app, reading)
    more.register(app, reading)
    catalogue_pages.register(app, reading)
    switch_pages.register(app, reading)
    if not read_only:
        actions.register(app, reading, notes, by)
        switch_actions.register(app, reading, notes, by)
    live.register(app, reading, watchers)
    _errors(app)
    prefix = f"/{secrets.token_hex(4)}"
    app.wsgi_app = Under(app.wsgi_app, prefix)  # type: ignore[method-assign]
    return Console(app, doors, reading, watchers, prefix)


def _errors(app: Flask) -> None:
    """Say what happened and what to do next, and never how the code is made."""

    def told(status: int, message: str, hint: str = "") -> Any:
        return render_template("error.html", status=status, message=message, hint=hint), status

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Any:
        code = error.code or 500
        return told(code, _WORDS.get(code, error.name), _NEXT.get(code, ""))

    @app.errorhandler(NoSuchIncident)
    def absent(error: NoSuchIncident) -> Any:
        return told(404, error.message, error.hint)

    @app.errorhandler(CommandFailed)
    def failed(error: CommandFailed) -> Any:
        return told(502, error.message, error.hint)

    @app.errorhandler(BotoCoreError)
    @app.errorhandler(ClientError)
    def aws(error: Exception) -> Any:
        why = explained("AWS refused", error)
        return told(502, why.message, why.hint)

    @app.errorhandler(Exception)
    def broken(error: Exception) -> Any:
        app.logger.error("%s: %s", type(error).__name__, error)
        return told(
            500,
            f"The console has a fault ({type(error).__name__}).",
            "The command line does the same: 'srectl incidents list'. What went wrong stands where "
            "'srectl console' runs.",
        )
