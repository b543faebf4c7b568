"""``srectl runbooks answers``: what the catalogue answers to each alert of a list."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click
from rich.table import Table

from srectl.commands.catalogue_files import folder_option, loaded
from srectl.commands.display import print_table
from srectl.commands.operating import safe
from srectl.commands.output import output_option, print_json
from srectl.errors import CommandFailed, ExitCode
from srectl.runbooks.answering import NOTHING, ListInvalid, alerts_of, answers_to, page

__all__ = ["answers"]

_LIST = Path("kubernetes") / "kube-prometheus-stack.csv"
_COLOURS = {"acts": "green", "asks": "yellow", "evidence only": "cyan", NOTHING: "red"}


@click.command()
@folder_option
@click.option(
    "--alerts",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="CSV with the columns alert and severity.  "
    "[default: kubernetes/kube-prometheus-stack.csv in the catalogue's folder]",
)
@click.option("--markdown", is_flag=True, help="Print docs/alerts.md ('make answers').")
@output_option
@click.pass_context
def answers(
    context: click.Context, folder: Path, file: Path | None, markdown: bool, as_json: bool
) -> None:
    """Say what becomes of each alert of a list: a runbook acts, or asks, or evidence only and why.

    Ends with 1 where an alert has no answer.
    """
    there = loaded(folder)
    try:
        found = answers_to(alerts_of(file or folder / _LIST), there)
    except ListInvalid as error:
        raise CommandFailed(str(error), "name a list of alerts with --alerts") from error
    if markdown:
        click.echo(page(there, found), nl=False)
    elif as_json:
        print_json([dataclasses.asdict(each) for each in found])
    else:
        table = Table("alert", "severity", "answer", "runbook", "", box=None)
        for each in found:
            colour = _COLOURS[each.answer]
            table.add_row(
                safe(each.alert),
                safe(", ".join(each.severities)),
                f"[{colour}]{each.answer}[/]",
                safe(each.runbook),
                safe(each.why),
            )
        print_table(table)
    complete = all(each.answer != NOTHING for each in found)
    if as_json and not complete:
        without = sum(each.answer == NOTHING for each in found)
        raise CommandFailed(
            f"{without} of {len(found)} alerts have no answer",
            "let a runbook answer them, or evidence-only.yaml name them",
        )
    context.exit(int(ExitCode.OK if complete else ExitCode.FAILED))
