"""What somebody signs who answers a runbook, and whom his ARN makes of him.

``srectl`` has this very file, by a link, so that what is signed there is what is checked here. It
imports nothing of ours.
"""

from __future__ import annotations

import hashlib
import re

# A longer reason is cut: it stands in the record, and in a message.
MOST_REASON = 1000
#: Who speaks for people with its own signature, in front of that: ``slack:U0123:PERSON|QUERY``.
_SPOKEN = re.compile(r"slack:([UW][A-Z0-9]{1,30}):([!-{}~]{1,200})\|([!-~]+)")
# How long AWS knows a signature, in seconds.
GOOD_FOR_SECONDS = 900


def approval_of(token: str, plan_hash: str) -> str:
    """Give what is signed by who approves a step.

    Parameters
    ----------
    token
        Incident and step, as ``Request.token``.
    plan_hash
        Hash of the plan that was shown.
    """
    return f"{token}/{plan_hash}"


def denial_of(token: str, plan_hash: str, reason: str) -> str:
    """Give what is signed by who denies a step: it approves nothing, and binds the reason."""
    return f"{token}/{plan_hash}/denied/{hashlib.sha256(reason.encode()).hexdigest()}"


def spoken_for(statement: str, user: str, person: str) -> str:
    """Give what the chat's function signs for somebody who pressed a button.

    Parameters
    ----------
    statement
        Of :func:`approval_of` or :func:`denial_of`: what the person would have signed.
    user
        Id in the chat, which only Slack's signature can name.
    person
        Whom the deployment's list makes of that: an ARN or a name, without blanks.

    Examples
    --------
    >>> spoken_for("7a/1/00ff", "U024", "ada@example.com")
    '7a/1/00ff/slack/U024/ada@example.com'
    """
    return f"{statement}/slack/{user}/{person}"


def with_speaker(user: str, person: str, query: str) -> str:
    """Give the proof of :func:`spoken_for`: who is spoken for, and the signed query."""
    return f"slack:{user}:{person}|{query}"


def speaker_of(proof: str) -> tuple[str, str, str]:
    """Give user, person and signed query of a proof; the first two are empty of one's own.

    Examples
    --------
    >>> speaker_of("slack:U024:ada|Action=GetCallerIdentity")
    ('U024', 'ada', 'Action=GetCallerIdentity')
    >>> speaker_of("Action=GetCallerIdentity")
    ('', '', 'Action=GetCallerIdentity')
    """
    found = _SPOKEN.fullmatch(proof)
    return (found[1], found[2], found[3]) if found else ("", "", proof)


def person_of(arn: str) -> str:
    """Give the person behind an ARN: two answers of the same one are no two persons.

    IAM Identity Center names a session after its user, whichever permission set it is of. Who
    assumes any other role names the session as he likes, so a role is one person.

    Parameters
    ----------
    arn
        As GetCallerIdentity says it, or as a record names who answered in Slack.

    Examples
    --------
    >>> person_of("arn:aws:sts::1:assumed-role/AWSReservedSSO_OnCall_1f/Ada@example.com")
    'ada@example.com'
    >>> person_of("arn:aws:sts::1:assumed-role/deploy/ada")
    'role deploy'
    >>> person_of("arn:aws:iam::1:user/team/ada")
    'ada'
    >>> person_of("Ada@example.com (in Slack, as U024)")
    'ada@example.com'
    """
    arn = arn.partition(" (in Slack, as ")[0]
    if not arn.startswith("arn:"):
        return arn.lower()
    kind, _, rest = arn.split(":", 5)[-1].partition("/")
    if kind == "assumed-role":
        role, _, session = rest.partition("/")
        return session.lower() if role.startswith("AWSReservedSSO_") else f"role {role}"
    return rest.rpartition("/")[2].lower() if kind == "user" else kind
