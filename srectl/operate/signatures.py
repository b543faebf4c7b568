"""Sign an answer with one's own AWS credentials, so that AWS can say whose it is."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING

from srectl.consent import GOOD_FOR_SECONDS
from srectl.errors import CommandFailed
from srectl.operate.signing import signed_query

if TYPE_CHECKING:
    from boto3.session import Session

# What is left of a signature's time while the platform asks AWS.
_MARGIN_SECONDS = 60


@dataclass(frozen=True)
class Signature:
    """A signature that waits for another person's.

    Attributes
    ----------
    by
        ARN of who signed, as he said himself; the platform asks AWS.
    proof
        Of ``signed``.
    at
        When, ISO 8601 in UTC.
    """

    by: str
    proof: str
    at: str


def usable_until(signature: Signature) -> datetime.datetime:
    """Give the time until when AWS will still know a signature when the platform asks."""
    lasts = datetime.timedelta(seconds=GOOD_FOR_SECONDS - _MARGIN_SECONDS)
    return datetime.datetime.fromisoformat(signature.at) + lasts


def signed(session: Session, statement: str) -> str:
    """Sign a statement with the credentials of a session.

    Parameters
    ----------
    statement
        Of a question: ``Question.statement`` or ``Question.denial``.

    Returns
    -------
    str
        Query of a GetCallerIdentity for the regional STS, good for 15 minutes. It says who signed
        it and lets nobody do anything else.

    Raises
    ------
    CommandFailed
        There are no credentials to sign with.
    """
    credentials, region = session.get_credentials(), session.region_name
    if credentials is None or region is None:
        raise CommandFailed(
            "an answer has to be signed, and there are no credentials of AWS or no region",
            "'aws sts get-caller-identity' says whether there are",
        )
    frozen = credentials.get_frozen_credentials()
    return signed_query(frozen, region, statement, seconds=GOOD_FOR_SECONDS)
