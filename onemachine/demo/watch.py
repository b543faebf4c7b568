"""Waiting for milestones: each has a deadline that begins when the one before it was reached."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

__all__ = ["Milestone", "Reached", "Sighting", "Stalled", "watch"]

_POLL_SECONDS = 0.3


@dataclass(frozen=True)
class Sighting:
    """What a probe saw.

    Parameters
    ----------
    at : float
        Unix time at which it happened, as exactly as the source knows it.
    detail : str
        What exactly, for people.
    """

    at: float
    detail: str = ""


@dataclass(frozen=True)
class Milestone:
    """One thing that must be seen.

    Parameters
    ----------
    name : str
        Short name, unique.
    what : str
        What was reached, for people.
    within : float
        Seconds that it may take after the latest of those before it.
    probe : callable
        Looks, and gives what it saw or None. An error of a connection or of AWS means "not yet".
    after : tuple of str
        Names of the milestones that come before it.
    log : str
        Where to look if it is not reached: a name that ``srectl local logs`` knows.
    """

    name: str
    what: str
    within: float
    probe: Callable[[], Sighting | None]
    after: tuple[str, ...] = ()
    log: str = ""


@dataclass(frozen=True)
class Reached:
    """A milestone that was reached."""

    milestone: Milestone
    sighting: Sighting


class Stalled(RuntimeError):
    """A milestone was not reached in time.

    Parameters
    ----------
    milestone : Milestone
        Which.
    waited : float
        Seconds.
    last_error : str
        What its probe last ran into, empty where it just saw nothing.
    """

    def __init__(self, milestone: Milestone, waited: float, last_error: str) -> None:
        self.milestone = milestone
        self.waited = waited
        self.last_error = last_error
        reason = f" (last error: {last_error})" if last_error else ""
        super().__init__(f"'{milestone.what}' was not seen within {waited:.0f} s{reason}")


def watch(
    milestones: Sequence[Milestone],
    *,
    on_reached: Callable[[Reached], None],
    between: Callable[[], None],
    pause: float = _POLL_SECONDS,
) -> dict[str, Reached]:
    """Look for all milestones until each was reached.

    A later one may be seen before an earlier one: a probe that looks every third of a second can
    miss the order of things, but not the things.

    Parameters
    ----------
    milestones : sequence of Milestone
        What to look for.
    on_reached : callable
        Called for each that is reached.
    between : callable
        Called in every round; ends the watch by raising.
    pause : float
        Seconds between two rounds.

    Raises
    ------
    Stalled
        One was not reached in time although those before it were.
    """
    reached: dict[str, Reached] = {}
    may_begin = {each.name: time.monotonic() for each in milestones if not each.after}
    errors: dict[str, str] = {}
    while len(reached) < len(milestones):
        between()
        for each in milestones:
            if each.name in reached:
                continue
            try:
                sighting = each.probe()
                errors.pop(each.name, None)
            except (OSError, http.client.HTTPException, BotoCoreError, ClientError) as error:
                errors[each.name] = f"{type(error).__name__}: {error}"
                continue
            if sighting is not None:
                reached[each.name] = Reached(each, sighting)
                on_reached(reached[each.name])
        now = time.monotonic()
        for each in milestones:
            if each.name in reached:
                continue
            if all(name in reached for name in each.after):
                begun = may_begin.setdefault(each.name, now)
                if now - begun > each.within:
                    raise Stalled(each, now - begun, errors.get(each.name, ""))
        if len(reached) < len(milestones):
            time.sleep(pause)
    return reached
