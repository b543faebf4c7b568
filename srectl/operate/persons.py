"""Who takes, settles or gives back an incident, named in one way whatever he types or clicks."""

from __future__ import annotations

import re

from srectl.consent import person_of
from srectl.one_line import one_line
from srectl.operate.account import Account

__all__ = ["MOST_ADDED", "by_the_same_credentials", "named", "same", "short"]

#: Characters of what somebody may add to his name.
MOST_ADDED = 100


def named(account: Account, added: str = "") -> str:
    """Name the caller for a record.

    Parameters
    ----------
    added
        What he calls himself, such as with credentials that several share; empty for nothing. It
        stands behind the name that AWS knows and never in its place.

    Returns
    -------
    str
        The ARN of GetCallerIdentity, with ``(as ...)`` behind it where something is added.

    Raises
    ------
    CommandFailed
        AWS does not say who calls.
    """
    told = one_line(added).strip()[:MOST_ADDED]
    return f"{account.caller} (as {told})" if told else account.caller


def short(name: object) -> str:
    """Give a name of a record as briefly as people know it: what was added, or an ARN's last word.

    As the first line of messages has it.

    Examples
    --------
    >>> short("arn:aws:iam::1:root (as Grace Hopper)"), short("arn:aws:iam::1:root")
    ('Grace Hopper', 'root')
    >>> short("arn:aws:sts::1:assumed-role/OnCall/ada@example.com (in Slack, as U024)")
    'ada@example.com'
    """
    text = one_line(name)
    added = re.search(r"\(as (.+)\)$", text)
    if added:
        return added[1]
    return re.sub(r"^arn:[^ ]*[/:]", "", re.sub(r" \(in [^()]*\)$", "", text))


def same(one: object, other: object) -> bool:
    """Whether two names of records are those of one person.

    Besides equal names: a user or a session of IAM Identity Center and the same one in Slack, or
    with another permission set. Credentials that are no single person's may be shared, so what is
    added to their name by ``--by`` counts, too. Sessions of any other role are as many persons as
    names, for here a colleague's incident would be taken from him.

    Examples
    --------
    >>> same("arn:aws:iam::1:user/ada", "arn:aws:iam::1:user/ada (in Slack, as U024)")
    True
    >>> same("arn:aws:iam::1:user/oncall (as Grace)", "arn:aws:iam::1:user/oncall (as grace)")
    True
    >>> same("arn:aws:iam::1:user/oncall (as Grace)", "arn:aws:iam::1:user/oncall")
    False
    >>> same("arn:aws:sts::1:assumed-role/deploy/ada", "arn:aws:sts::1:assumed-role/deploy/bob")
    False
    """
    first, second = (str(each).partition(" (")[0] for each in (one, other))
    if first == second:
        return "/AWSReservedSSO_" in first or _added(one) == _added(other)
    return _a_persons(first) and _a_persons(second) and person_of(first) == person_of(second)


def by_the_same_credentials(one: object, other: object) -> bool:
    """Whether AWS knows two names of records by one ARN, whatever was added to them."""
    first, second = (str(each).partition(" (")[0] for each in (one, other))
    return first == second and first.startswith("arn:")


def _added(name: object) -> str:
    """Give what somebody has added himself; a chat adds what it knows, which is no other name."""
    return str(name).partition(" (as ")[2].removesuffix(")").casefold()


def _a_persons(name: str) -> bool:
    return not name.startswith("arn:") or ":user/" in name or "/AWSReservedSSO_" in name
