"""``srectl env``: shell exports that point every tool at a stack."""

from __future__ import annotations

import shlex

import click

from onemachine.commands.options import name_option, running_state
from onemachine.stack.exports import exports
from onemachine.stack.state import StackFolder


@click.command()
@name_option()
def env(folder: StackFolder) -> None:
    """Print shell exports for a running stack.

    \b
    eval "$(srectl env)"
    curl -H "X-Api-Key: $WEBHOOK_API_KEY" -d @events/alertmanager/firing.json "$WEBHOOK_URL"
    """
    for name, value in exports(folder, running_state(folder)).items():
        click.echo(f"export {name}={shlex.quote(value)}")
