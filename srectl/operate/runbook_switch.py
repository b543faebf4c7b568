"""Switching one published runbook: it acts, asks before it acts, or only says what it would do.

What may be switched, and what is refused, is one for the command and for the console.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from srectl.errors import CommandFailed
from srectl.operate import catalogue, switches
from srectl.operate.account import Account
from srectl.operate.catalogue import Published
from srectl.operate.plans import own_mode
from srectl.steps import steps_of

__all__ = ["Switchable", "find", "read", "switch"]

_HINT = "'srectl runbooks list' names them"


@dataclass(frozen=True)
class Switchable:
    """A published runbook, and how it is switched.

    Attributes
    ----------
    mode
        ``on``, ``ask`` or ``observe``, as it is switched, else as it was published.
    """

    name: str
    definition: Mapping[str, Any]
    mode: str

    @property
    def is_disabled(self) -> bool:
        """Whether its file says that it does nothing at all (``enabled: false``)."""
        return self.definition.get("enabled") is False

    @property
    def asks(self) -> bool:
        """Whether it asks a human before each of its steps."""
        try:
            return all(step["approval"]["required"] for step in steps_of(dict(self.definition)))
        except (KeyError, TypeError):  # published by hand
            return False

    @property
    def does(self) -> str:
        """Its actions, in words."""
        return catalogue.actions_told(dict(self.definition))

    @property
    def alerts(self) -> list[str]:
        """The alerts that it is for."""
        return [self.name, *self.definition.get("answers", ())]

    @property
    def state(self) -> str:
        """What is another once it was switched or published anew; for a page to carry."""
        told = json.dumps([self.mode, self.definition], sort_keys=True, default=str)
        return hashlib.sha256(told.encode()).hexdigest()[:16]

    def told(self, mode: str) -> str:
        """Say what it does in a mode, as the second half of a sentence."""
        if mode in ("on", "ask"):
            asks = self.asks or mode == "ask"
            return f"{'asks a human, then does' if asks else 'does'} {self.does}"
        return f"only says that it would do {self.does}, and a human is called"


def find(there: Mapping[str, Published], switched: Mapping[str, str], name: str) -> Switchable:
    """Give a runbook of the published catalogue.

    Parameters
    ----------
    there
        The catalogue.
    switched
        Which runbooks are switched otherwise than they were published.

    Raises
    ------
    CommandFailed
        Nothing of this name can be switched: it is not published, or no runbook.
    """
    found = there.get(name)
    if found is None or found.answered_by or "evidence_only" in found.definition:
        raise CommandFailed(f"there is no runbook {name} to switch: {_instead(name, found)}", _HINT)
    return Switchable(name, found.definition, own_mode(found.definition, switched))


def read(account: Account, name: str) -> Switchable:
    """Read a runbook and how it is switched.

    Raises
    ------
    CommandFailed
        Nothing of this name can be switched, or catalogue and switches cannot be read.
    """
    there = catalogue.published(account.dynamodb, account.runbooks_table)
    return find(there, switches.read_own_modes(account.ssm, account.own_modes_parameter), name)


def switch(
    account: Account, name: str, wanted: str, shown: str | None = None, because: str = ""
) -> Switchable:
    """Have a runbook act, ask, or only say what it would do, from the next incident on.

    Who has done that, when and why stands in the history of the parameter (`switch_history`).

    Parameters
    ----------
    wanted
        ``on``, ``ask`` or ``observe``.
    shown
        What whoever decides was shown, as :attr:`Switchable.state`; None: he named it. What lets
        it do more is decided on nothing else; to make it more careful is never too late.
    because
        Why; empty for no reason.

    Returns
    -------
    Switchable
        As it was before; where that is what is wanted, nothing was written.

    Raises
    ------
    CommandFailed
        There is no such runbook, it is disabled in its file, it is another by now, or the switch
        cannot be read or written.
    """
    if wanted not in switches.OWN_MODES:
        raise CommandFailed(f"{wanted!r} is no mode", f"modes are {', '.join(switches.OWN_MODES)}")
    parameter = account.own_modes_parameter
    found = read(account, name)
    if wanted != "observe" and found.is_disabled:
        raise CommandFailed(
            f"runbook {name} is disabled in its file (enabled: false)",
            "take that out, publish it, and say this again",
        )
    if shown not in (None, found.state) and _may_let_it_do_more(wanted, found.mode):
        raise CommandFailed(
            f"runbook {name} is not switched: it was switched or published anew meanwhile, and is "
            f"{found.mode} now",
            "look at it here and say it again",
        )
    if found.mode != wanted:
        switches.set_own_mode(account.ssm, parameter, name, wanted, because)
    return found


def _may_let_it_do_more(wanted: str, mode: str) -> bool:
    """Also to let one act that acts already: its page has shown something else."""
    modes = switches.OWN_MODES
    # Published by hand with another mode it observes.
    before = modes.index(mode if mode in modes else "observe")
    return wanted == "on" or modes.index(wanted) < before


def _instead(name: str, found: Published | None) -> str:
    if found is None:
        return "nothing of this name is published"
    if found.answered_by:
        return f"an alert of this name is answered by runbook {found.answered_by}"
    return f"{name} is an alert that is answered with evidence only"
