"""What the Lambda functions of a running stack wrote to CloudWatch Logs."""

from __future__ import annotations

import datetime
import threading
from dataclasses import dataclass, field
from typing import Any

from onemachine.stack.clients import client_of
from onemachine.stack.state import StackState

__all__ = ["Follower", "FunctionLogs"]

# What is written late: an event's moment is older than its writing.
_LATE_SECONDS = 30.0


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


@dataclass
class Follower:
    """Reads one log group again and again, each time only what may be new.

    To read and decode the whole of a log that grows, three times a second, takes more of the
    machine than what is waited for.

    Parameters
    ----------
    logs : FunctionLogs
        Whom to ask.
    group : str
        The log group.
    since : float
        Unix time; what happened before does not count.
    """

    logs: FunctionLogs
    group: str
    since: float
    _seen: dict[tuple[float, str], None] = field(default_factory=dict, init=False, repr=False)
    _newest: float = field(default=0.0, init=False, repr=False)
    _reading: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def events(self) -> list[tuple[float, str]]:
        """Give (Unix time, message) of all since then, in the order in which they were seen."""
        with self._reading:
            begin = max(self.since, self._newest - _LATE_SECONDS)
            for each in self.logs.events(self.group, begin):
                self._seen[each] = None
                self._newest = max(self._newest, each[0])
            return list(self._seen)
