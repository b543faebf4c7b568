"""The commands of the one-machine stack, which ``srectl`` takes in as a plugin.

``pyproject.toml`` names :func:`register` in the entry-point group ``srectl.commands``. The stack
runs what stands in a checkout of the project, with what the extra ``local`` installs; where either
is missing, as on the machine of somebody who only operates, its commands say how to get them.
"""

from __future__ import annotations

import copy
import re
from importlib import metadata

import click

from onemachine.project import PROJECT_ROOT
from srectl.errors import CommandFailed

__all__ = ["missing", "register"]

_NAMES = ("up", "down", "status", "env", "logs", "demo", "drill")
_EXTRA = re.compile(r"""([\w.-]+).*;.*extra\s*==\s*["']local["']""")


def register(group: click.Group) -> None:
    """Add the commands to ``srectl``.

    Parameters
    ----------
    group : click.Group
        What ``srectl`` runs.
    """
    local = click.Group("local", help="Run the whole platform on this machine.")
    group.add_command(local)
    lacking = missing()
    if lacking:
        for name in _NAMES:
            local.add_command(_unavailable(name, lacking))
            if name != "status":  # of a deployment it is for everybody
                group.add_command(_hidden(_unavailable(name, lacking)))
        return
    from onemachine.commands.demo import demo
    from onemachine.commands.down import down
    from onemachine.commands.drill import drill
    from onemachine.commands.env import env
    from onemachine.commands.logs import logs
    from onemachine.commands.status import either, status
    from onemachine.commands.up import up

    for command in (up, down, status, env, logs, demo, drill):
        local.add_command(command)
        if command is not status:
            group.add_command(_hidden(command))
    group.add_command(either(group.commands["status"]))


def _hidden(command: click.Command) -> click.Command:
    """Let a command be called by its name of before, which is not listed any more."""
    before = copy.copy(command)
    before.hidden = True
    return before


def missing() -> str:
    """Say what of the stack is not on this machine; empty where it can run."""
    if not (PROJECT_ROOT / "template.yaml").is_file():
        return "the checkout of the project"
    needed = (_EXTRA.match(line) for line in metadata.requires("srectl") or ())
    return ", ".join(match[1] for match in needed if match and not _is_installed(match[1]))


def _is_installed(distribution: str) -> bool:
    try:
        metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True


def _unavailable(name: str, lacking: str) -> click.Command:
    @click.command(
        name,
        short_help="(only in a checkout, after 'make setup')",
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    )
    @click.argument("words", nargs=-1, type=click.UNPROCESSED)
    def unavailable(words: tuple[str, ...]) -> None:
        """Run the platform on this machine: only in a checkout, after 'make setup'."""
        raise CommandFailed(
            f"'srectl {' '.join((name, *words))}' cannot run: it lacks {lacking}",
            f"in a checkout of the project type 'make setup', then '.venv/bin/srectl {name}'",
        )

    return unavailable
