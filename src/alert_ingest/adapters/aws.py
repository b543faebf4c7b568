"""How every AWS client of this function is made: once, with timeouts that fit a 10 s webhook."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from alert_ingest.errors import ChannelRefused, ChannelUnavailable

# Retrying is delivery's task, which sees the deadline of the whole request; botocore tries once.
_CONFIG = Config(
    connect_timeout=0.8,
    read_timeout=1.5,
    retries={"total_max_attempts": 1, "mode": "standard"},
    max_pool_connections=8,  # as many as delivery sends side by side
)
_TEMPORARY = frozenset(
    {
        "InternalException",
        "InternalFailure",
        "InternalServerError",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestThrottled",
        "RequestTimeout",
        "ServiceUnavailable",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)


@cache
def _session() -> botocore.session.Session:
    return botocore.session.get_session()


def client(service: str, region: str, connections: int = 1) -> Any:
    """Create a client; botocore directly, because boto3's layer would only cost start-up time.

    Parameters
    ----------
    service, region
        Such as ``events`` in ``eu-central-1``.
    connections
        Calls that may be under way at a time.
    """
    config = _CONFIG.merge(Config(max_pool_connections=connections))
    return _session().create_client(service, region_name=region, config=config)


@contextmanager
def own_errors(operation: str) -> Iterator[None]:
    """Translate botocore's errors at the boundary.

    Raises
    ------
    ChannelUnavailable
        No connection, no answer in time, throttled, or a 5xx.
    ChannelRefused
        The request was understood and refused.
    """
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "unknown")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code in _TEMPORARY or status >= 500:
            raise ChannelUnavailable(f"{operation} failed with {code}") from error
        raise ChannelRefused(f"{operation} was refused with {code}") from error
    except BotoCoreError as error:
        raise ChannelUnavailable(f"{operation} failed with {type(error).__name__}") from error
