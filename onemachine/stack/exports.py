"""The environment variables that point tools at a running stack."""

from __future__ import annotations

from onemachine.stack.aws_access import aws_exports, read_secret
from onemachine.stack.state import StackFolder, StackState
from onemachine.stack.under_care import CareView

__all__ = ["NAMES", "checkout_url", "exports"]

#: What a shell has of a stack after ``eval "$(srectl local env)"``.
NAMES = (
    "AWS_ENDPOINT_URL",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "WEBHOOK_URL",
    "WEBHOOK_API_KEY",
    "FINDINGS_URL",
    "INVESTIGATOR_API_KEY",
    "KUBECONFIG",
    "PROMETHEUS_URL",
    "ALERTMANAGER_URL",
    "CHECKOUT_URL",
)


def exports(folder: StackFolder, state: StackState) -> dict[str, str]:
    """Give the variables and their values.

    Raises
    ------
    CommandFailed
        The file of a secret is gone.
    """
    endpoints = state.endpoints
    # Both are empty where nothing investigates (--set InvestigatorUrl=).
    key_file = endpoints.get("investigator_api_key_file")
    return {
        **aws_exports(state),
        "WEBHOOK_URL": endpoints["webhook_url"],
        "WEBHOOK_API_KEY": read_secret(folder.name, endpoints["webhook_api_key_file"]),
        "FINDINGS_URL": endpoints.get("findings_url", ""),
        "INVESTIGATOR_API_KEY": read_secret(folder.name, key_file) if key_file else "",
        "KUBECONFIG": endpoints["kubeconfig"],
        "PROMETHEUS_URL": endpoints["prometheus_url"],
        "ALERTMANAGER_URL": endpoints["alertmanager_url"],
        "CHECKOUT_URL": checkout_url(state),
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
