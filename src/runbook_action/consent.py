"""What somebody signs who answers a runbook, and whom his ARN makes of him.

``srectl`` has this very file, by a link, so that what is signed there is what is checked here. It
imports nothing of ours.
"""

from __future__ import annotations

import hashlib

# A longer reason is cut: it stands in the record, and in a message.
MOST_REASON = 1000
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


def person_of(arn: str) -> str:
    """Give the person behind an ARN: two answers of the same one are no two persons.

    IAM Identity Center names a session after its user, whichever permission set it is of. Who
    assumes any other role names the session as he likes, so a role is one person.

    Parameters
    ----------
    arn
        As GetCallerIdentity says it.

    Examples
    --------
    >>> person_of("arn:aws:sts::1:assumed-role/AWSReservedSSO_OnCall_1f/Ada@example.com")
    'ada@example.com'
    >>> person_of("arn:aws:sts::1:assumed-role/deploy/ada")
    'role deploy'
    >>> person_of("arn:aws:iam::1:user/team/ada")
    'ada'
    """
    kind, _, rest = arn.split(":", 5)[-1].partition("/")
    if kind == "assumed-role":
        role, _, session = rest.partition("/")
        return session.lower() if role.startswith("AWSReservedSSO_") else f"role {role}"
    return rest.rpartition("/")[2].lower() if kind == "user" else kind
