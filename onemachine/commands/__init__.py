"""The commands of the one-machine stack, which ``srectl`` takes in as a plugin.

``pyproject.toml`` names :func:`register` in the entry-point group ``srectl.commands``.
"""

from __future__ import annotations

import click

__all__ = ["register"]


def register(group: click.Group) -> None:
    """Add the commands to ``srectl``.

    Parameters
    ----------
    group : click.Group
        What ``srectl`` runs.
    """
    from onemachine.commands.demo import demo
    from onemachine.commands.down import down
    from onemachine.commands.drill import drill
    from onemachine.commands.env import env
    from onemachine.commands.logs import logs
    from onemachine.commands.status import status
    from onemachine.commands.up import up

    for command in (up, down, status, env, logs, demo, drill):
        group.add_command(command)
