"""The machine that takes back what runbooks left."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from chat_actions.undo_attempts import arn_of

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

    def arn(self, name: str) -> str:
        """Give the ARN of an execution."""
        return arn_of(self._arn, name)

    def find(self, name: str) -> Mapping[str, Any] | None:
        """Give what Step Functions tells of an execution; None where it knows none of that name."""
        try:
            return dict(self._client.describe_execution(executionArn=self.arn(name)))
        except self._client.exceptions.ExecutionDoesNotExist:
            return None

    def start(self, name: str, request: Mapping[str, Any]) -> None:
        """Start an execution; where one of this name runs or has run, that is the one."""
        try:
            self._client.start_execution(
                stateMachineArn=self._arn, name=name, input=json.dumps(request)
            )
        except self._client.exceptions.ExecutionAlreadyExists:
            return
