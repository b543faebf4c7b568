"""The stack that a campaign is fought on: its services, its processes, what changed last."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from onemachine.stack.clients import client_of
from onemachine.stack.state import StackFolder, StackState
from tests.faults.processes import Revivable
from tests.faults.targets import Targets

__all__ = ["API_SERVER", "AWS", "Ground"]

AWS, API_SERVER = "aws", "kube-apiserver"
_STACK = "sre-platform"

Watcher = Callable[[str, Mapping[str, Any]], None]


@dataclass
class Ground:
    """What faults act on.

    Parameters
    ----------
    folder : StackFolder
        The stack's files.
    state : StackState
        Where its parts are.
    names : sequence of str
        Deployments of the campaign.
    """

    folder: StackFolder
    state: StackState
    names: Sequence[str] = ()
    watchers: list[Watcher] = field(default_factory=list, init=False)
    _clients: dict[str, Any] = field(default_factory=dict, init=False)
    _revived: dict[str, int] = field(default_factory=dict, init=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, init=False)

    @cached_property
    def targets(self) -> Targets:
        """The objects in the cluster."""
        return Targets(self.state)

    @cached_property
    def resources(self) -> Mapping[str, str]:
        """Logical id → physical id of what the template has made."""
        found = self.client("cloudformation").describe_stack_resources(StackName=_STACK)
        return {
            each["LogicalResourceId"]: each["PhysicalResourceId"]
            for each in found["StackResources"]
        }

    def client(self, service: str) -> Any:
        """Give a boto3 client of the stack, as its operator."""
        with self._lock:
            if service not in self._clients:
                self._clients[service] = client_of(self.state, service)
            return self._clients[service]

    @property
    def canary_key(self) -> str:
        """The API key of the platform's own heartbeat, which is a sender of its own."""
        found = self.client("apigateway").get_api_key(
            apiKey=self.resources["CanaryApiKey"], includeValue=True
        )
        return str(found["value"])

    def changed(self, name: str, change: Mapping[str, Any]) -> None:
        """Tell whoever waits for it that an object was changed."""
        for watcher in list(self.watchers):
            watcher(name, change)

    # ------------------------------------------------------------ processes
    def process(self, name: str) -> Revivable:
        """Give one of the stack's processes, also one that a campaign has started again."""
        record = self.state.processes[name]
        return Revivable.of(self._revived.get(name, record.pid), Path(record.log))

    def revive(self, name: str, killed: Revivable) -> None:
        """Start a killed process again as it was."""
        self._revived[name] = killed.start()

    def freeze(self, name: str) -> None:
        """Let a process answer nothing."""
        self.process(name).identity.signal(signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """Let it go on."""
        self.process(name).identity.signal(signal.SIGCONT)

    # ------------------------------------------------------------ executions
    def running(self, machine: str) -> Iterator[Mapping[str, Any]]:
        """Give the executions of a machine (its logical id) that run now."""
        pages = (
            self.client("stepfunctions")
            .get_paginator("list_executions")
            .paginate(stateMachineArn=self.resources[machine], statusFilter="RUNNING")
        )
        for page in pages:
            yield from page["executions"]
