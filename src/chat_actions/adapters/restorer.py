"""The machine that takes back what runbooks left."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


class IncidentRestorer:
    """``incident-restorer``.

    Parameters
    ----------
    client
        Of Step Functions.
    arn
        Of the machine.
    """

    def __init__(self, client: SFNClient, arn: str) -> None:
        self._client, self._arn = client, arn

    def start(self, name: str, request: Mapping[str, Any]) -> None:
        """Start an execution; where one of this name runs or has run, that is the one."""
        try:
            self._client.start_execution(
                stateMachineArn=self._arn, name=name, input=json.dumps(request)
            )
        except self._client.exceptions.ExecutionAlreadyExists:
            return
