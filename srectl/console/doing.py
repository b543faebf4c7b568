"""What all forms share: what was typed, what came of it, and the page that says so."""

from __future__ import annotations

import datetime
import secrets
import threading
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from flask import redirect, request, url_for

from srectl.console.reading import Reading
from srectl.errors import CommandFailed
from srectl.operate.refusals import explained

__all__ = ["Forms", "Notes"]

_MOST_NOTES = 20
# What keeps it cuts it, once no secret is in it any more.
_MOST_TYPED = 10_000


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


class Forms:
    """Takes what a form sends.

    Parameters
    ----------
    reading
        What the pages read.
    notes
        What they say next.
    """

    def __init__(self, reading: Reading, notes: Notes) -> None:
        self._reading, self._notes = reading, notes

    def done(self, action: Callable[[], str], page: str, **values: Any) -> Any:
        """Do something, and go to the page that shows it, with what became of it.

        Parameters
        ----------
        action
            Does it, and says what was done.
        page, values
            The endpoint of that page.
        """
        try:
            note = self._notes.keep("done", action())
        except CommandFailed as error:
            hint = error.hint[:1].upper() + error.hint[1:]
            said = f"{error.message}. {hint}" if hint else error.message
            note = self._notes.keep("problem", said)
        except (BotoCoreError, ClientError) as error:
            note = self._notes.keep("problem", explained("AWS refused", error).message)
        self._reading.forget()
        return redirect(url_for(page, told=note, **values), 303)

    def field(self, name: str, most: int = 1000) -> str:
        """Give what was typed, without what is around it; empty where nothing was."""
        return request.form.get(name, "").strip()[:most]

    def reason(self) -> str:
        """Give the reason.

        Raises
        ------
        CommandFailed
            None was typed.
        """
        given = self.field("reason", _MOST_TYPED)
        if not given:
            raise CommandFailed("nothing was done: it needs a reason", "say it in the field")
        return given

    def now(self) -> datetime.datetime:
        """Give the time, to the second."""
        return self._reading.clock().replace(microsecond=0)
