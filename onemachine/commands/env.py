"""``srectl env``: shell exports that point every tool at a stack."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from onemachine.commands.options import name_option, running_state
from onemachine.demo.world import World
from onemachine.stack.state import StackFolder, StackState
from srectl.errors import CommandFailed


@click.command()
@name_option()
def env(folder: StackFolder) -> None:
    """Print shell exports for a running stack.

    \b
    eval "$(srectl env)"
    curl -H "X-Api-Key: $WEBHOOK_API_KEY" -d @events/raw/alertmanager-firing.json "$WEBHOOK_URL"
    """
    for name, value in exports(folder, running_state(folder)).items():
        click.echo(f"export {name}={shlex.quote(value)}")


def exports(folder: StackFolder, state: StackState) -> dict[str, str]:
    """Give the variables and their values.

    Raises
    ------
    CommandFailed
        The API key's file is gone.
    """
    endpoints, settings = state.endpoints, state.settings
    key_file = Path(endpoints["webhook_api_key_file"])
    try:
        key = key_file.read_text("utf-8").strip()
    except OSError as error:
        raise CommandFailed(
            f"the webhook's API key cannot be read: {error}",
            f"'srectl down --name {folder.name}' and 'srectl up --name {folder.name}' make it anew",
        ) from error
    region = settings["region"]
    return {
        "AWS_ENDPOINT_URL": endpoints["aws_endpoint_url"],
        "AWS_ACCESS_KEY_ID": settings["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": settings["aws_secret_access_key"],
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "WEBHOOK_URL": endpoints["webhook_url"],
        "WEBHOOK_API_KEY": key,
        "KUBECONFIG": endpoints["kubeconfig"],
        "PROMETHEUS_URL": endpoints["prometheus_url"],
        "ALERTMANAGER_URL": endpoints["alertmanager_url"],
        "CHECKOUT_URL": checkout_url(folder, state),
    }


def checkout_url(folder: StackFolder, state: StackState) -> str:
    """Give the address of one pod that is ready now, empty where there is none.

    Pods have loopback addresses, which no Service can hold, so there is no address that outlives a
    rollout.
    """
    ready = [pod for pod in World(folder, state).pods() if pod.ready]
    return f"http://{ready[0].address}:8080" if ready else ""
