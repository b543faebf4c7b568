"""boto3 clients for a running stack, from what its state file says."""

from __future__ import annotations

from typing import Any

from onemachine.aws.local_aws import LocalAws
from onemachine.stack.state import StackFolder, StackState

__all__ = ["aws_of"]


def aws_of(state: StackState) -> LocalAws:
    """Give the local AWS of a running stack.

    Its admin routes cannot be used: their secret is the supervisor's alone.
    """
    host, _, port = state.endpoints["aws_endpoint_url"].removeprefix("http://").partition(":")
    folder = StackFolder.named(state.name)
    return LocalAws(host, int(port), folder.path / "aws", "", region=state.settings["region"])


def client_of(state: StackState, service: str) -> Any:
    """Give a boto3 client, as the operator."""
    return aws_of(state).client(service)
