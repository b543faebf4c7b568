"""Turn what botocore raises into the errors of this function."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from runbook_action.errors import AccessDenied, AwsRejected, AwsUnavailable, ResourceMissing

# Short enough that all attempts of all calls fit into one invocation with room to spare.
CLIENT_CONFIG = Config(
    connect_timeout=3,
    read_timeout=8,
    retries={"mode": "standard", "total_max_attempts": 3},
)

_DENIED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "SignatureDoesNotMatch",
        "UnauthorizedOperation",
        "UnrecognizedClientException",
    }
)
_MISSING = frozenset(
    {
        "AutomationDefinitionNotFoundException",
        "AutomationDefinitionVersionNotFoundException",
        "AutomationExecutionNotFoundException",
        "NoSuchEntity",
        "ParameterNotFound",
        "ResourceNotFoundException",
    }
)
_TRANSIENT = frozenset(
    {
        "AutomationExecutionLimitExceededException",
        "InternalServerError",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TooManyUpdates",
    }
)


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Translate the faults of one AWS call.

    Parameters
    ----------
    doing
        The call and its object, as in ``"reading parameter /checkout/degraded_mode"``.

    Raises
    ------
    AccessDenied, ResourceMissing, AwsUnavailable, AwsRejected
    """
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        message = error.response.get("Error", {}).get("Message", "")
        if code in _DENIED:
            raise AccessDenied(
                f"{doing}: AWS denied it ({code}: {message}). Check the role of runbook-action."
            ) from error
        if code in _MISSING:
            raise ResourceMissing(f"{doing}: not there ({code}: {message})") from error
        if code in _TRANSIENT or status >= 500 or status == 429:
            raise AwsUnavailable(f"{doing}: AWS answered {status} {code}: {message}") from error
        raise AwsRejected(f"{doing}: AWS refused it ({code}: {message})") from error
    except NoCredentialsError as error:
        raise AccessDenied(f"{doing}: the function has no AWS credentials") from error
    except BotoCoreError as error:
        # Its message names the endpoint at most, never a credential.
        raise AwsUnavailable(f"{doing}: no answer from AWS ({error})") from error
