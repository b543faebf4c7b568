"""A person's statement, signed so that AWS can say whose credentials signed it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest

if TYPE_CHECKING:
    from botocore.credentials import ReadOnlyCredentials


def signed_query(
    credentials: ReadOnlyCredentials, region: str, statement: str, *, seconds: int
) -> str:
    """Sign a statement for the regional STS.

    Parameters
    ----------
    credentials
        Of who signs.
    region
        Of the STS that will be asked, such as ``eu-west-1``.
    statement
        Of a question: ``Question.statement`` or ``Question.denial``.
    seconds
        How long the signature is good.

    Returns
    -------
    str
        Query of a GetCallerIdentity. It says who signed it and lets nobody do anything else.
    """
    host = f"sts.{region}.amazonaws.com" + (".cn" if region.startswith("cn-") else "")
    request = AWSRequest(
        method="GET",
        url=f"https://{host}/?Action=GetCallerIdentity&Version=2011-06-15",
        headers={"x-sre-approval": statement},
    )
    SigV4QueryAuth(credentials, "sts", region, expires=seconds).add_auth(request)
    return str(request.url).partition("?")[2]
