"""Entry point of ``srectl``: the commands, and what all of them do when they fail.

One command lives in one file of :mod:`srectl.commands`.
"""

from __future__ import annotations

import difflib
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from types import FrameType
from typing import Any, NoReturn

import click
from botocore.exceptions import BotoCoreError, ClientError

from srectl.commands.adopt import adopt
from srectl.commands.alerts import alerts
from srectl.commands.approvals import approve, deny
from srectl.commands.backtest import backtest, export
from srectl.commands.completion import completion
from srectl.commands.console import console
from srectl.commands.dlq import dlq
from srectl.commands.doctor import doctor
from srectl.commands.handover import handover
from srectl.commands.incidents import acknowledge, incidents, show, undo
from srectl.commands.install import install, uninstall
from srectl.commands.maintenance import maintenance
from srectl.commands.mcp import mcp
from srectl.commands.mode import mode
from srectl.commands.output import JsonFailure, wants_json
from srectl.commands.postmortem import postmortem
from srectl.commands.replay import replay
from srectl.commands.runbooks import runbooks
from srectl.commands.status import status
from srectl.commands.taking import close, release, stop, take
from srectl.errors import ExitCode
from srectl.operate.refusals import explained

_EPILOG = """\
\b
Exit codes:
  0    done
  1    it failed, and the message says why and what to do next; or what it asked was denied
  2    the command line is wrong
  3    the stack is not running
  4    the stack is degraded: a process of it died
  5    doctor: nothing failed, but there are warnings, or something could not be looked at
  10   demo: a stage stalled
  11   demo: the incident was escalated to a human
  12   demo: the incident was resolved, but not by what the demo is to prove
  130  interrupted; what the command had started is stopped
"""


class _Srectl(click.Group):
    """A command that AWS refuses fails in one line, wherever in it that happens."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep whether a program reads what comes: a wrong command line is told so, too."""
        ctx.meta[_FOR_A_PROGRAM] = wants_json(args)
        with _failing(ctx):
            return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command; of one that stands elsewhere or is written otherwise, say where."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            if not (known := _meant(self, args[0])):
                raise
            said = f"{error.message.removesuffix('.')}: did you mean {known}?"
            raise click.UsageError(said, ctx) from error

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        with _failing(ctx):
            try:
                return super().invoke(ctx)
            except (BotoCoreError, ClientError) as error:
                raise explained(f"'srectl {ctx.invoked_subcommand}' failed", error) from error


_FOR_A_PROGRAM = "srectl.for_a_program"


def _meant(root: click.Group, given: str) -> str:
    """Name the commands that may be meant: of that name in a group, or of one much like it."""
    groups = [(name, each) for name, each in root.commands.items() if isinstance(each, click.Group)]
    found = [f"{name} {given}" for name, each in groups if given in each.commands]
    found += difflib.get_close_matches(given, root.commands, n=2, cutoff=0.7)
    return " or ".join(f"'srectl {each}'" for each in found)


@contextmanager
def _failing(ctx: click.Context) -> Iterator[None]:
    try:
        yield
    except click.ClickException as error:
        if ctx.meta[_FOR_A_PROGRAM] and not isinstance(error, JsonFailure):
            raise JsonFailure(error) from error
        raise


@click.group(
    cls=_Srectl,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=_EPILOG,
)
@click.version_option(package_name="srectl", prog_name="srectl")
def cli() -> None:
    """Operate the event-driven SRE platform.

    'srectl local up' runs all of it on this machine: the real template on a local AWS, a real
    Kubernetes control plane, real Prometheus and Alertmanager, and the checkout service under
    traffic.
    """


_COMMANDS = (
    incidents,
    show,
    take,
    release,
    stop,
    undo,
    close,
    approve,
    deny,
    mode,
    maintenance,
    alerts,
    runbooks,
    backtest,
    dlq,
    replay,
    console,
    mcp,
    handover,
    completion,
    status,
    doctor,
    adopt,
    install,
    uninstall,
)
incidents.add_command(export)
incidents.add_command(postmortem)
for _command in _COMMANDS:
    cli.add_command(_command)
cli.add_command(acknowledge, "ack")
# The one-machine stack brings commands of its own; an operator's machine may not have it.
for _plugin in entry_points(group="srectl.commands"):
    _plugin.load()(cli)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    """Make a termination look like Ctrl-C, so that one path cleans up after both."""
    raise KeyboardInterrupt


def _interrupted() -> None:
    if wants_json(sys.argv[1:]):
        error = click.ClickException("interrupted")
        error.exit_code = int(ExitCode.INTERRUPTED)
        JsonFailure(error).show()
    else:
        click.echo("interrupted", err=True)


def main() -> None:
    """Run ``srectl``."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        # Not standalone: click would turn Ctrl-C into exit code 1.
        code = cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        _interrupted()
        sys.exit(int(ExitCode.INTERRUPTED))
    sys.exit(code if isinstance(code, int) else int(ExitCode.OK))


if __name__ == "__main__":
    main()
