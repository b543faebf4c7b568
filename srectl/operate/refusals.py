"""Why AWS could not be asked, in one line, and what to type next.

What is missing is told apart by botocore's own errors and by AWS' error codes; the words of both
are kept where they say more than the kind does.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from botocore import exceptions as boto
from botocore.exceptions import BotoCoreError, ClientError

from srectl.errors import CommandFailed
from srectl.operate import environments

__all__ = ["calling", "explained"]

_CHOOSE = "'export AWS_REGION=<region>', and 'export AWS_PROFILE=<profile>' for the account"
_CREDENTIALS = (
    "'export AWS_PROFILE=<profile>', or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY together"
)
_LOG_IN = (
    "log in again ('aws sso login', or new AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and "
    "AWS_SESSION_TOKEN); 'aws sts get-caller-identity' shows whether they work"
)
_WHO = "'aws sts get-caller-identity' shows the account and the role in use"
_DEPLOYED = "is the platform deployed in this account and region, and is --prefix its NamePrefix?"

_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_UNKNOWN_KEYS = frozenset(
    {
        "AuthFailure",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
# AWS takes signatures of the last five minutes.
_SKEWED = ("Signature expired", "Signature not yet current", "RequestTimeTooSkewed")
_SET_CLOCK = (
    "set this machine's clock: 'timedatectl set-ntp true', then 'timedatectl' says whether it is "
    "synchronized"
)
_ABSENT = ("NotFound", "NonExistent", "DoesNotExist")

_NO_CREDENTIALS = (
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.CredentialRetrievalError,
)
_NOT_LOGGED_IN = (
    boto.SSOError,
    boto.TokenRetrievalError,
    boto.NoAuthTokenError,
    boto.RefreshWithMFAUnsupportedError,
)
_BAD_SETTINGS = (
    boto.ConfigParseError,
    boto.ConfigNotFound,
    boto.InvalidConfigError,
    boto.InfiniteLoopConfigError,
    boto.UnknownCredentialError,
)
_UNREACHABLE = (boto.HTTPClientError, boto.ConnectionError)


@contextmanager
def calling(what: str) -> Iterator[None]:
    """Turn a refusal of AWS into a failed command.

    Parameters
    ----------
    what
        What could not be done, as a sentence's subject and verb: "the queue could not be read".

    Raises
    ------
    CommandFailed
        AWS refused or cannot be reached, or nothing says which AWS, or as whom.
    """
    try:
        yield
    except (BotoCoreError, ClientError, OSError) as error:  # OSError: a file that a setting names
        raise explained(what, error) from error


def explained(what: str, error: Exception) -> CommandFailed:
    """Give the failure of a command for an error of botocore.

    Parameters
    ----------
    what
        What could not be done.
    error
        A :class:`BotoCoreError`, a :class:`ClientError`, or what the AWS SDK raises for a setting
        that it cannot read.
    """
    reason, hint = _of_aws(error) if isinstance(error, ClientError) else _of_botocore(error)
    return CommandFailed(f"{what}: {' '.join(reason.split())}", hint)


def _of_aws(error: ClientError) -> tuple[str, str]:
    code = error.response.get("Error", {}).get("Code", "unknown")
    if any(sign in f"{code} {error}" for sign in _SKEWED):
        return f"this machine's clock and that of AWS disagree ({error})", _SET_CLOCK
    if code in _EXPIRED:
        return f"the AWS credentials have expired ({code})", _LOG_IN
    if code in _UNKNOWN_KEYS:
        return f"AWS does not know these credentials ({code})", _with_stack(_LOG_IN)
    if any(part in code for part in _ABSENT):
        return str(error), _with_stack(_DEPLOYED)
    return str(error), _with_stack(_WHO)


def _of_botocore(error: Exception) -> tuple[str, str]:
    if isinstance(error, boto.NoRegionError):
        return "no AWS region is chosen", _with_stack(_CHOOSE)
    if isinstance(error, _NO_CREDENTIALS):
        return f"no AWS credentials ({error})", _with_stack(_CREDENTIALS)
    if isinstance(error, boto.ProfileNotFound):
        known = "'aws configure list-profiles' lists those there are; 'export AWS_PROFILE=<one>'"
        return str(error), known
    if isinstance(error, _NOT_LOGGED_IN):
        return f"not logged in to AWS ({error})", _LOG_IN
    if isinstance(error, _BAD_SETTINGS):
        return str(error), "mend that file, or name another with AWS_CONFIG_FILE"
    if isinstance(error, _UNREACHABLE):
        return str(error), _unreachable()
    return str(error), _with_stack(f"check the AWS settings of the environment; {_WHO}")


def _unreachable() -> str:
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    if endpoint:
        return (
            f"does what AWS_ENDPOINT_URL names ({endpoint}) still run? 'unset AWS_ENDPOINT_URL' "
            "goes back to AWS" + environments.hint("; ")
        )
    return "check the network, and that AWS_REGION or AWS_DEFAULT_REGION is the name of a region"


def _with_stack(hint: str) -> str:
    return hint + environments.hint("; ")
