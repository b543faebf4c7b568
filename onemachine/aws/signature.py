"""Checking a request's SigV4 signature against the keys of this stack: its operator's, and those
that its own IAM and STS gave out.

The emulator checks the latter itself, but believes whoever names a root key: its configured one,
``test``, or any twelve digits. Here only the operator's key is root's, and it must have signed.
"""

from __future__ import annotations

import os

from ministack.core.iam_evaluator import (
    AmbiguousAccessKeyError,
    AuthError,
    CredentialResolutionError,
    ResolvedCredential,
    SignedRequest,
    _sigv2_check,
    find_iam_access_key_account,
    is_root_access_key,
    resolve_credential,
)
from ministack.core.responses import _account_from_sts_session
from ministack.core.router import extract_access_key_id
from ministack.core.sigv4 import (
    HeaderSignature,
    header_signature_failure,
    parse_header_signature,
    parse_query_signature,
    presigned_request_is_expired,
    request_time_failure,
)

_UNKNOWN = AuthError(
    "UnrecognizedClientException", "The security token included in the request is invalid."
)
_UNSUPPORTED = AuthError(
    "UnsupportedSignature", "The request signature does not conform to AWS standards."
)
_QUERY_SIGNS = ("x-amz-algorithm", "x-amz-credential", "x-amz-signature", "awsaccesskeyid")


def claims_a_key(headers: dict[str, str], query: dict[str, list[str]]) -> bool:
    """Tell whether a request says who sent it, rightly or wrongly.

    Parameters
    ----------
    headers : dict
        By lower-case name.
    query : dict
        Parameters of the URL.
    """
    if headers.get("authorization", "").startswith("AWS"):
        return True
    return any(name.lower() in _QUERY_SIGNS for name in query)


def failure_of(
    method: str,
    raw_path: str,
    query: dict[str, list[str]],
    headers: dict[str, str],
    body: bytes,
) -> AuthError | None:
    """Say why a request's signature is not taken.

    Parameters
    ----------
    method, raw_path : str
        As they arrived.
    query : dict
        Parameters of the URL.
    headers : dict
        By lower-case name; several values of one name joined by a comma.
    body : bytes
        As it arrived.

    Returns
    -------
    AuthError or None
        None where a key of this stack signed the request.
    """
    presigned = "authorization" not in headers
    if presigned and "AWSAccessKeyId" in query:
        return _older_failure(method, raw_path, query, headers)
    if presigned:
        signature = parse_query_signature(query)
    elif headers["authorization"].startswith("AWS4-HMAC-SHA256"):
        signature = parse_header_signature(headers)
    else:
        return _UNSUPPORTED
    if isinstance(signature, tuple):
        return AuthError(*signature)
    # The emulator reads the key by itself: it must find the one whose signature is checked.
    if (
        signature.region_set is not None
        or extract_access_key_id(headers, query) != signature.access_key_id
    ):
        return _UNSUPPORTED
    late = _lateness(signature, query, presigned)
    if late is not None:
        return late
    token = (
        query.get("X-Amz-Security-Token", [""])[0]
        if presigned
        else headers.get("x-amz-security-token", "")
    )
    credential = _credential(signature.access_key_id, token)
    if credential is None:
        return _UNKNOWN
    failed = header_signature_failure(
        signature,
        credential.secret_access_key,
        method,
        raw_path,
        query,
        headers,
        body,
        presigned=presigned,
    )
    return AuthError(*failed) if failed else None


def _older_failure(
    method: str, raw_path: str, query: dict[str, list[str]], headers: dict[str, str]
) -> AuthError | None:
    """Check a URL that is presigned as SDKs still do it for S3 (signature version 2)."""
    key = query["AWSAccessKeyId"][0]
    if extract_access_key_id(headers, query) != key:
        return _UNSUPPORTED
    account = _account_of(key)
    if account is None:
        return _UNKNOWN
    request = SignedRequest(
        key, method, raw_path, query, headers, presigned=True, sigv2=True, auth_path=raw_path
    )
    checked = _sigv2_check(request, account)
    return checked if isinstance(checked, AuthError) else None


def _lateness(
    signature: HeaderSignature, query: dict[str, list[str]], presigned: bool
) -> AuthError | None:
    if presigned and "X-Amz-Expires" in query:
        try:
            expired = presigned_request_is_expired(signature.amz_date, query["X-Amz-Expires"][0])
        except ValueError:
            expired = True
        return AuthError("RequestExpired", "Request has expired") if expired else None
    skewed = request_time_failure(signature)
    return AuthError(*skewed) if skewed else None


def _credential(access_key_id: str, token: str) -> ResolvedCredential | None:
    account = _account_of(access_key_id)
    if account is None:
        return None
    credential = resolve_credential(access_key_id, account, token)
    return None if isinstance(credential, CredentialResolutionError) else credential


def _account_of(access_key_id: str) -> str | None:
    """Give the account of a key, None where it can be nobody's here."""
    own = os.environ["MINISTACK_ACCOUNT_ID"]
    if access_key_id == os.environ["AWS_ACCESS_KEY_ID"]:
        return own
    if is_root_access_key(access_key_id):
        return None
    try:
        owner = find_iam_access_key_account(access_key_id)
    except AmbiguousAccessKeyError:
        return None
    return _account_from_sts_session(access_key_id) or owner or own
