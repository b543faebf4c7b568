"""boto3 clients for a running stack, from what its state file says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from onemachine.aws.local_aws import LocalAws
from onemachine.stack.state import StackFolder, StackState

__all__ = ["aws_of"]


def aws_of(state: StackState) -> LocalAws:
    """Give the local AWS of a running stack, for its operator.

    Its admin routes cannot be used: their secret is the supervisor's alone.

    Raises
    ------
    OSError
        The file of the operator's secret cannot be read.
    """
    host, _, port = state.endpoints["aws_endpoint_url"].removeprefix("http://").partition(":")
    folder = StackFolder.named(state.name)
    return LocalAws(
        host,
        int(port),
        folder.path / "aws",
        "",
        region=state.settings["region"],
        operator_secret=Path(state.endpoints["aws_secret_access_key_file"])
        .read_text("utf-8")
        .strip(),
    )


def client_of(state: StackState, service: str) -> Any:
    """Give a boto3 client, as the operator."""
    return aws_of(state).client(service)
