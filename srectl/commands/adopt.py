"""``srectl adopt``: a stack is made of what an earlier deployment has left behind."""

from __future__ import annotations

from pathlib import Path

import click

from srectl.commands.display import console
from srectl.commands.operating import account_option, safe
from srectl.commands.output import output_option, print_json
from srectl.operate import adoption
from srectl.operate.account import Account


@click.command()
@click.option("--stack", default="sre-platform", show_default=True, help="Name of the stack.")
@click.option(
    "--template",
    type=click.Path(path_type=Path),
    default=Path("template.yaml"),
    show_default=True,
    help="The template of the platform.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be taken up.")
@output_option
@account_option
def adopt(stack: str, template: Path, dry_run: bool, as_json: bool, account: Account) -> None:
    """Take up tables, log groups, bucket and key that a deleted stack has left.

    They outlive the stack, and a new one cannot be made beside them: their names are taken. This
    makes a stack of them, which creates and changes nothing; 'sam deploy' then adds the rest.
    To begin anew instead, deploy with another NamePrefix, or delete them by hand.
    """
    described = adoption.read_template(template)
    kept = adoption.find_kept(account, described)
    console.print(f"[dim]as {safe(account.caller)}, in {safe(account.sts.meta.region_name)}[/]")
    for name in kept.names.values():
        console.print(safe(name))
    console.print(f"key {safe(kept.key_id)}")
    for command in kept.switched_off:
        console.print(f"switched off, and stays so unless you type: {safe(command)}")
    if not dry_run:
        adoption.adopt(account, stack, described, kept)
    if as_json:
        print_json(
            {
                "stack": stack,
                "adopted": not dry_run,
                "names": list(kept.names.values()),
                "key": kept.key_id,
                "switched_off": list(kept.switched_off),
            }
        )
    if dry_run:
        return
    console.print(f"[bold]the stack {safe(stack)} has them[/]; next: sam deploy")
