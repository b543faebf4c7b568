"""``srectl runbooks actions``: what each action takes."""

from __future__ import annotations

import dataclasses

import click

from srectl.commands.display import console
from srectl.commands.operating import safe
from srectl.commands.output import output_option, print_json
from srectl.errors import CommandFailed
from srectl.operate.function_code import need_function_code
from srectl.runbooks.reference import entries, markdown

__all__ = ["actions"]


@click.command()
@click.argument("name", required=False)
@click.option("--markdown", "as_markdown", is_flag=True, help="Print the table of the guide.")
@output_option
def actions(name: str | None, as_markdown: bool, as_json: bool) -> None:
    """Tell what each action takes, with units and bounds, can undo, and needs of rights.

    NAME is one action; without it all are told.
    """
    need_function_code("what an action takes is known to its code", "use a checkout of the project")
    from runbook_action.actions import REGISTRY

    if name is not None and name not in REGISTRY:
        raise CommandFailed(
            f"there is no action {name}", f"there are {', '.join(sorted(REGISTRY))}"
        )
    chosen = {name: REGISTRY[name]} if name is not None else REGISTRY
    if as_markdown:
        click.echo(markdown(chosen), nl=False)
        return
    if as_json:
        print_json([dataclasses.asdict(each) for each in entries(chosen)])
        return
    for each in entries(chosen):
        console.print(f"[bold]{each.name}[/] on {' or '.join(each.kinds)}")
        for parameter in each.parameters:
            needed = {"always": ", needed", "no": ""}.get(parameter.needed, f", {parameter.needed}")
            console.print(f"    {parameter.name:<21} {safe(parameter.takes)}{needed}")
        undo = {"lease": "yes, and restore brings it back"}.get(each.undo, each.undo)
        asks = "; has to be approved" if each.asks else ""
        console.print(f"    undo: {undo}{asks}")
        console.print(f"    rights: {safe(', '.join(each.rights) or 'none')}")
