"""This function, called once more for what Slack need not wait for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


class SelfCall:
    """Lambda's own queue before the function, with its retries and its dead letters.

    Parameters
    ----------
    client
        Of Lambda.
    name
        Of this function.
    """

    def __init__(self, client: LambdaClient, name: str) -> None:
        self._client, self._name = client, name

    def later(self, event: Mapping[str, Any]) -> None:
        """Have an event handled by another call."""
        self._client.invoke(
            FunctionName=self._name, InvocationType="Event", Payload=json.dumps(event).encode()
        )
