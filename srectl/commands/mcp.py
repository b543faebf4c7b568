"""``srectl mcp``: a deployment for assistants, to be read only."""

from __future__ import annotations

import click

from srectl.commands.operating import account_option
from srectl.errors import CommandFailed
from srectl.operate.account import Account


@click.command()
@account_option
def mcp(account: Account) -> None:
    """Let an assistant read incidents, evidence, runbooks and plans (Model Context Protocol).

    Speaks over standard input and output; the assistant's program starts it. Nothing can be done by
    it: approving, switching and closing are no tools. docs/assistants.md has the setup.
    """
    try:
        from srectl.assistants.serving import serve
    except ModuleNotFoundError as error:
        raise CommandFailed(
            f"'srectl mcp' cannot run: it lacks {error.name}",
            "install its extra, in a checkout of the project: pipx install --force '.[mcp]'",
        ) from error
    serve(lambda: Account(account.prefix, account.shared))
