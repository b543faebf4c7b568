"""``srectl completion``: what makes a shell complete the commands, as click writes it."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

_SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print what makes SHELL complete the commands and options.

    \b
    bash  eval "$(srectl completion bash)"                in ~/.bashrc
    zsh   eval "$(srectl completion zsh)"                 in ~/.zshrc
    fish  srectl completion fish | source                 in ~/.config/fish/config.fish
    """
    made = get_completion_class(shell)
    if made is None:  # click knows the three
        raise click.UsageError(f"nothing is known to complete {shell}")
    click.echo(made(ctx.find_root().command, {}, "srectl", "_SRECTL_COMPLETE").source())
