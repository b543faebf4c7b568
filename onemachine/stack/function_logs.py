"""What the Lambda functions of a running stack wrote to CloudWatch Logs."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

from onemachine.stack.clients import client_of
from onemachine.stack.state import StackState

__all__ = ["FunctionLogs"]


@dataclass(frozen=True)
class FunctionLogs:
    """Reads log groups.

    Parameters
    ----------
    client : CloudWatchLogsClient
        Client of the stack's CloudWatch Logs.
    """

    client: Any

    @classmethod
    def of(cls, state: StackState) -> FunctionLogs:
        """Read the logs of a running stack."""
        return cls(client_of(state, "logs"))

    def events(self, group: str, since: float = 0.0) -> list[tuple[float, str]]:
        """Give (Unix time, message) of a log group since a time, the oldest first."""
        try:
            pages = self.client.get_paginator("filter_log_events").paginate(
                logGroupName=group, startTime=int(since * 1000)
            )
            found = [
                (event["timestamp"] / 1000, event["message"].rstrip("\n"))
                for page in pages
                for event in page["events"]
            ]
        except self.client.exceptions.ResourceNotFoundException:
            return []
        return sorted(found)

    def tail(self, function: str, lines: int = 30) -> str:
        """Give the last lines that a function wrote."""
        return "\n".join(
            f"{datetime.datetime.fromtimestamp(at, datetime.UTC):%H:%M:%S.%f} {message}"
            for at, message in self.events(f"/aws/lambda/{function}")[-lines:]
        )
