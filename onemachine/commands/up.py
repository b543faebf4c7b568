"""``srectl local up``: start a stack and leave it running."""

from __future__ import annotations

import difflib
import re
import shutil
import sys
from pathlib import Path

import click

from onemachine.commands.options import (
    Duration,
    ensure_binaries,
    name_option,
    realistic_option,
    template_option,
)
from onemachine.commands.stage_display import StageDisplay
from onemachine.stack.control import AlreadyRunning, StackFailed, StackRequest, start_stack
from onemachine.stack.state import StackFolder
from onemachine.traffic import ORDERS_PER_SECOND
from srectl.commands.display import console
from srectl.errors import CommandFailed


@click.command()
@name_option()
@template_option
@realistic_option
@click.option(
    "--ttl",
    type=Duration(),
    default="8h",
    show_default=True,
    help="Stop by itself after this time (90s, 30m, 8h).",
)
@click.option(
    "--orders",
    type=click.FloatRange(min=0, min_open=True),
    default=ORDERS_PER_SECOND,
    show_default=True,
    help="Orders a second that checkout's customers send.",
)
@click.option(
    "--cluster-metrics",
    is_flag=True,
    help="Watch workloads and nodes, too: kube-state-metrics, and the alerts that live on it.",
)
@click.option(
    "--set",
    "parameters",
    metavar="NAME=VALUE",
    multiple=True,
    help="Deploy with another value of a parameter of the template; may be given again and again.",
)
@click.option("--metered", is_flag=True, help="Count what AWS would charge for (make cost).")
def up(
    folder: StackFolder,
    template: Path,
    realistic: bool,
    ttl: float,
    orders: float,
    cluster_metrics: bool,
    parameters: tuple[str, ...],
    metered: bool,
) -> None:
    """Start the whole platform on this machine and leave it running.

    Returns when it is ready. All ports are chosen freely on loopback, so several stacks can run
    side by side under different names. Run twice, it says that the stack is running.
    """
    look_up(template, parameters)
    if not folder.is_supervised():
        ensure_binaries(*(["kube-state-metrics"] if cluster_metrics else []))
    request = StackRequest(
        folder,
        template.resolve(),
        realistic,
        ttl,
        orders_per_second=orders,
        metered=metered,
        cluster_metrics=cluster_metrics,
        parameters=parameters,
    )
    suffix = "" if folder.name == "default" else f" --name {folder.name}"
    console.print(f"starting the stack [bold]{folder.name}[/]")
    try:
        with StageDisplay().live() as display:
            state = start_stack(request, display)
    except AlreadyRunning as running:
        phase = running.state.phase if running.state is not None else "starting"
        said = f"the stack {folder.name} is already running ({phase})"
        if parameters:
            raise CommandFailed(
                f"{said}, with the parameters that it was started with",
                f"'srectl local down{suffix}', and then this command again",
            ) from running
        console.print(
            f"{said}; 'srectl local status{suffix}' shows it, 'srectl local down{suffix}' stops it"
        )
        return
    except StackFailed as error:
        raise CommandFailed(
            f"the stack {folder.name!r} did not start: {error}",
            f"the logs are in {folder.logs}; nothing of it is left running: "
            f"'srectl local up{suffix}' begins anew",
        ) from error
    console.print(f"ready. Webhook: {state.endpoints.get('webhook_url', '-')}")
    typed = f"{invoked(sys.argv[0], Path.cwd())} local"
    console.print(f'  eval "$({typed} env{suffix})"   points aws, kubectl and curl at it')
    console.print(f"  {typed} status{suffix}          shows it; {typed} down{suffix} stops it")


def look_up(template: Path, given: tuple[str, ...]) -> None:
    """Look whether a template has these parameters.

    Parameters
    ----------
    given
        Each ``NAME=VALUE``.

    Raises
    ------
    click.BadParameter
        One has no value, or another name than a parameter of the template.
    """
    if not given:
        return
    # The names alone are wanted, and all of its YAML takes a second to read.
    _, _, rest = f"\n{template.read_text('utf-8')}".partition("\nParameters:\n")
    names = re.findall(r"^  (\w+):", re.split(r"^\w", rest, maxsplit=1, flags=re.M)[0], re.M)
    for each in given:
        name, equals, _value = each.partition("=")
        if not equals:
            raise click.BadParameter(f"{each!r} has no value: write NAME=VALUE")
        if name not in names:
            near = ", ".join(difflib.get_close_matches(name, names)) or "docs/install-eks.md"
            raise click.BadParameter(f"{template.name} has no parameter {name!r}; see {near}")


def invoked(program: str, here: Path) -> str:
    """Give what one types for srectl here: its name where the shell finds it, else its path.

    Parameters
    ----------
    program
        As it was invoked.
    here
        Folder from which one types.
    """
    path = Path(program)
    if path.name != "srectl" or shutil.which("srectl"):
        return "srectl"
    whole = path if path.is_absolute() else here / path
    return str(whole.relative_to(here)) if whole.is_relative_to(here) else str(whole)
