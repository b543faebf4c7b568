"""Who may answer from Slack, and who that is elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from chat_actions.errors import Refused

# As the proof of an answer can carry them (see ``consent``).
_USER = re.compile(r"[UW][A-Z0-9]{1,30}")
_PERSON = re.compile(r"[!-+\--{}~]{1,200}")


@dataclass(frozen=True)
class Person:
    """Somebody on the list.

    Attributes
    ----------
    user
        Id in Slack.
    name
        ARN or name by which ``approvers`` of runbooks know him, and by which he is recorded.
    """

    user: str
    name: str

    @property
    def told(self) -> str:
        """As a record says who it was; no signature of one's own looks like it."""
        return f"{self.name} (in Slack, as {self.user})"


@dataclass(frozen=True)
class People:
    """The list of the deployment."""

    known: Mapping[str, str]

    def person(self, user: str) -> Person:
        """Give who a user of Slack is.

        Raises
        ------
        Refused
            Nobody on the list.
        """
        if user not in self.known:
            raise Refused(
                f"You ({user}) are not among those who may answer here. Whoever deploys the "
                "platform adds you to its parameter SlackPeople."
            )
        return Person(user, self.known[user])


def people_from(text: str) -> People:
    """Read ``U024=arn:aws:iam::1:user/ada,U025=grace@example.com``.

    Raises
    ------
    ValueError
        An entry is none, or a user stands there twice.
    """
    known: dict[str, str] = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        user, _, name = entry.partition("=")
        if not _USER.fullmatch(user) or not _PERSON.fullmatch(name):
            raise ValueError(f"{entry!r} is not USER=ARN or USER=NAME, such as U024BE7LH=ada")
        if known.setdefault(user, name) != name:
            raise ValueError(f"{user} stands there twice, as {known[user]} and as {name}")
    return People(known)
