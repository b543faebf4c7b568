"""What can be switched from the pages: by the functions of the commands that do the same.

What makes the platform more careful is done at once. What lets it act is done by a human who has
the numbers beside the question, and only while they are of what the page has shown.
"""

from __future__ import annotations

import datetime
from typing import Any

from flask import Flask, abort, request

from srectl.console.catalogue_pages import NAME
from srectl.console.doing import Forms, Notes
from srectl.console.reading import Reading
from srectl.errors import CommandFailed
from srectl.operate import known_targets, runbook_switch, switches, trust
from srectl.operate.trust import place_of

__all__ = ["register"]

_MOST_MINUTES = 10_080  # a week


def register(app: Flask, reading: Reading, notes: Notes, by: str) -> None:
    """Add what can be switched.

    Parameters
    ----------
    by
        Who speaks, for the locks; the history of a parameter has the name that AWS knows.
    """
    account, forms = reading.account, Forms(reading, notes)

    @app.post("/mode")
    def mode() -> Any:
        def act() -> str:
            wanted = forms.field("mode")
            shown = forms.field("shown")
            before = switches.set_mode(account.ssm, account.mode_parameter, wanted, shown)
            return f"Automatic remediation is {wanted} (was {before}), from the next incident on"

        return forms.done(act, "switches" if forms.field("from") == "switches" else "home")

    @app.post("/maintenance")
    def announce_maintenance() -> Any:
        def act() -> str:
            minutes = _minutes("minutes", 1, "it lasts")
            begin = forms.now() + datetime.timedelta(minutes=_minutes("begin", 0, "it begins in"))
            end = begin + datetime.timedelta(minutes=minutes)
            try:
                target = switches.target_of(forms.field("target", 400))
            except ValueError as error:
                raise CommandFailed(f"no window was added: {error}", "") from error
            window = switches.Window(begin, end, forms.reason(), target)
            switches.add_window(account.ssm, account.maintenance_parameter, window, forms.now())
            doubt = known_targets.doubt(account, target) if target else ""
            span = f"from {switches.written(begin)} until {switches.written(end)}"
            told = f"Runbooks leave {window.held or 'everything'} alone {span}"
            return f"{told}; but {doubt}" if doubt else told

        return forms.done(act, "switches")

    @app.post("/maintenance/end")
    def end_maintenance() -> Any:
        def act() -> str:
            try:
                window = switches.Window(
                    switches.moment(forms.field("start")),
                    switches.moment(forms.field("end")),
                    # A browser sends every line end as two characters.
                    request.form.get("reason", "").replace("\r\n", "\n"),
                    request.form.get("target", ""),
                )
            except ValueError as error:
                raise CommandFailed(f"no window was ended: {error}", "") from error
            switches.remove_window(account.ssm, account.maintenance_parameter, window, forms.now())
            return "The window is over"

        return forms.done(act, "switches")

    @app.post("/catalogue/<name>/mode")
    def switch_runbook(name: str) -> Any:
        if not NAME.fullmatch(name):
            abort(404)

        def act() -> str:
            wanted, because = forms.field("mode"), forms.field("reason", switches.MOST_REASON)
            was = runbook_switch.switch(account, name, wanted, forms.field("shown"), because)
            if was.mode == wanted:
                return f"Runbook {name} is {wanted} already: nothing was changed"
            return (
                f"Runbook {name} is {wanted} (was {was.mode}): from the next incident on it "
                f"{was.told(wanted)}"
            )

        return forms.done(act, "runbook", name=name)

    @app.post("/catalogue/<name>/trust")
    def trust_runbook(name: str) -> Any:
        if not NAME.fullmatch(name):
            abort(404)

        def act() -> str:
            lock = forms.field("lock")
            there = trust.standings(account.dynamodb, account.guard_table, [lock])
            found = next((each for each in there if each.runbook == name and each.unhelped), None)
            if found is None:
                return f"Runbook {name} has nothing against it on {place_of(lock)} any more"
            if found.mark != forms.field("shown"):
                raise CommandFailed(
                    f"nothing was decided: by now runbook {name} was not seen to help in other "
                    f"remediations of {place_of(lock)} than the page has shown",
                    "look at them here and say it again",
                )
            trust.give(account.dynamodb, account.guard_table, found, by, forms.now())
            return f"{name} acts by itself on {place_of(lock)}, from the next incident on"

        return forms.done(act, "runbook", name=name)

    def _minutes(name: str, least: int, what: str) -> int:
        given = forms.field(name) or ("0" if not least else "")
        if not given.isdecimal() or not given.isascii() or not least <= int(given) <= _MOST_MINUTES:
            raise CommandFailed(
                f"no window was added: {what} {least} to {_MOST_MINUTES} minutes", ""
            )
        return int(given)
