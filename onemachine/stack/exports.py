"""The environment variables that point tools at a running stack."""

from __future__ import annotations

from pathlib import Path

from onemachine.stack.state import StackFolder, StackState
from onemachine.stack.under_care import CareView
from srectl.errors import CommandFailed

__all__ = ["aws_exports", "checkout_url", "exports"]


def exports(folder: StackFolder, state: StackState) -> dict[str, str]:
    """Give the variables and their values.

    Raises
    ------
    CommandFailed
        The file of a secret is gone.
    """
    endpoints = state.endpoints
    return {
        **aws_exports(state),
        "WEBHOOK_URL": endpoints["webhook_url"],
        "WEBHOOK_API_KEY": _secret(folder.name, endpoints["webhook_api_key_file"]),
        "KUBECONFIG": endpoints["kubeconfig"],
        "PROMETHEUS_URL": endpoints["prometheus_url"],
        "ALERTMANAGER_URL": endpoints["alertmanager_url"],
        "CHECKOUT_URL": checkout_url(state),
    }


def aws_exports(state: StackState) -> dict[str, str]:
    """Give the variables that point every AWS SDK at the stack, as its operator.

    Raises
    ------
    CommandFailed
        The file of the operator's secret is gone.
    """
    region = state.settings["region"]
    secret_file = state.endpoints["aws_secret_access_key_file"]
    return {
        "AWS_ENDPOINT_URL": state.endpoints["aws_endpoint_url"],
        "AWS_ACCESS_KEY_ID": state.settings["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": _secret(state.name, secret_file),
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
    }


def checkout_url(state: StackState) -> str:
    """Give the address of one pod that is ready now; empty without one, or without Kubernetes.

    Pods have loopback addresses, which no Service can hold, so there is no address that outlives a
    rollout.
    """
    try:
        ready = [pod for pod in CareView(state).pods() if pod.ready]
    except OSError:  # a degraded stack: the other variables are of use all the same
        return ""
    return f"http://{ready[0].address}:8080" if ready else ""


def _secret(stack: str, file: str) -> str:
    try:
        return Path(file).read_text("utf-8").strip()
    except OSError as error:
        raise CommandFailed(
            f"a secret of the stack cannot be read: {error}",
            f"'srectl down --name {stack}' and 'srectl up --name {stack}' make it anew",
        ) from error
