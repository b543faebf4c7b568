"""``srectl local env``: shell exports that point every tool at a stack."""

from __future__ import annotations

import shlex

import click

from onemachine.commands.options import nearest_name_option, running_state
from onemachine.stack.exports import exports
from onemachine.stack.state import StackFolder
from srectl.commands.output import output_option, print_json


@click.command()
@nearest_name_option
@output_option
def env(folder: StackFolder, as_json: bool) -> None:
    """Print shell exports for a running stack.

    \b
    eval "$(srectl local env)"
    curl -H "X-Api-Key: $WEBHOOK_API_KEY" -d @events/alertmanager/firing.json "$WEBHOOK_URL"
    """
    variables = exports(folder, running_state(folder))
    if as_json:
        print_json(variables)
        return
    for name, value in variables.items():
        click.echo(f"export {name}={shlex.quote(value)}")
