"""``srectl local up``: start a stack and leave it running."""

from __future__ import annotations

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
@click.option("--metered", is_flag=True, help="Count what AWS would charge for (make cost).")
def up(
    folder: StackFolder,
    template: Path,
    realistic: bool,
    ttl: float,
    orders: float,
    cluster_metrics: bool,
    metered: bool,
) -> None:
    """Start the whole platform on this machine and leave it running.

    Returns when it is ready. All ports are chosen freely on loopback, so several stacks can run
    side by side under different names. Run twice, it says that the stack is running.
    """
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
    )
    suffix = "" if folder.name == "default" else f" --name {folder.name}"
    console.print(f"starting the stack [bold]{folder.name}[/]")
    try:
        with StageDisplay().live() as display:
            state = start_stack(request, display)
    except AlreadyRunning as running:
        phase = running.state.phase if running.state is not None else "starting"
        console.print(
            f"the stack {folder.name} is already running ({phase}); "
            f"'srectl local status --name {folder.name}' shows it, 'srectl local down' stops it"
        )
        return
    except StackFailed as error:
        raise CommandFailed(
            f"the stack {folder.name!r} did not start: {error}",
            f"the logs are in {folder.logs}; nothing of it is left running: "
            f"'srectl local up{suffix}' begins anew",
        ) from error
    console.print(f"ready. Webhook: {state.endpoints.get('webhook_url', '-')}")
    typed = invoked(sys.argv[0], Path.cwd())
    console.print(f'  eval "$({typed} env{suffix})"   points aws, kubectl and curl at it')
    console.print(f"  {typed} status{suffix}          shows it; {typed} down{suffix} stops it")


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
