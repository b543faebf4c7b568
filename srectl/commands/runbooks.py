"""``srectl runbooks``: the catalogue of what may be done automatically."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import click
import yaml
from rich.table import Table

from srectl import runbooks as catalogue
from srectl.commands.catalogue_files import (
    actions_at_hand,
    folder_option,
    loaded,
    namespaces_option,
    severities_option,
)
from srectl.commands.display import console, print_table
from srectl.commands.operating import account_option, safe
from srectl.commands.output import output_option, print_json
from srectl.commands.runbook_actions import actions
from srectl.commands.runbook_answers import answers
from srectl.commands.runbook_modes import ask, disable, enable
from srectl.commands.runbook_plan import plan
from srectl.commands.runbook_report import report
from srectl.commands.runbook_test import test
from srectl.commands.runbook_trust import trust_command
from srectl.commands.times import when
from srectl.errors import CommandFailed
from srectl.operate import catalogue as publishing
from srectl.operate import rbac as roles
from srectl.operate import switches
from srectl.operate.account import Account
from srectl.operate.plans import shown_mode
from srectl.operate.refusals import calling


@click.group()
def runbooks() -> None:
    """Check, publish and try the runbook catalogue."""


@runbooks.command()
@folder_option
@severities_option
@namespaces_option
@output_option
def validate(folder: Path, severities: list[str], namespaces: list[str], as_json: bool) -> None:
    """Check every runbook: its shape, and whether it could ever do what it says.

    Finds a step that can never run, a target that no namespace allows, an undo that could not
    work, and the like. Changes nothing.
    """
    known = actions_at_hand()
    stack = catalogue.Deployment(severities, namespaces)
    there = loaded(folder)
    checked = [(one, catalogue.problems(one, known, stack)) for one in there.runbooks]
    for runbook, problems in checked:
        mark = "[red]✗[/]" if problems else "[green]✓[/]"
        console.print(f"  {mark} {runbook.name}: {runbook.actions()}{_held_back(runbook)}")
        for problem in problems:
            console.print(f"      {safe(runbook.file)}: {safe(problem)}")
    if there.evidence_only:
        console.print(f"  {len(there.evidence_only)} alerts are answered with evidence only")
    if known is None:
        console.print("  what an action takes was not checked: its code is not installed here")
    if as_json:
        print_json(
            {
                "runbooks": [
                    {"name": one.name, "file": one.file, "problems": list(problems)}
                    for one, problems in checked
                ],
                "evidence_only": [each.alert for each in there.evidence_only],
                "actions_checked": known is not None,
            }
        )
    if any(problems for _, problems in checked):
        raise CommandFailed(
            f"the catalogue in {folder} could not do all that it says",
            "docs/writing-a-runbook.md explains each of these",
        )


@runbooks.command()
@folder_option
@severities_option
@namespaces_option
@click.option("--table", help="Catalogue table.  [default: sre-runbooks, after the prefix]")
@output_option
@account_option
def publish(
    folder: Path,
    severities: list[str],
    namespaces: list[str],
    table: str | None,
    as_json: bool,
    account: Account,
) -> None:
    """Check every runbook, as validate does, and write those that changed to the catalogue table.

    Uses the AWS account of the environment; 'eval "$(srectl local env)"' makes that the local
    stack.
    """
    there = loaded(folder)
    _refuse_what_cannot_work(there.runbooks, catalogue.Deployment(severities, namespaces))
    table = table or account.runbooks_table
    with calling(f"the catalogue could not be written to table {table}"):
        changed = catalogue.publish(account.dynamodb, table, there.runbooks, there.evidence_only)
    for runbook in there.runbooks:
        new = not {runbook.name, *runbook.answers}.isdisjoint(changed)
        console.print(f"  {runbook.name}: {'published' if new else 'unchanged'}")
    if there.evidence_only:
        new = not {one.alert for one in there.evidence_only}.isdisjoint(changed)
        console.print(
            f"  {len(there.evidence_only)} alerts with evidence only: "
            f"{'published' if new else 'unchanged'}"
        )
    if as_json:
        print_json({"table": table, "published": sorted(changed)})


@runbooks.command()
@folder_option
@namespaces_option
@click.option(
    "--part",
    type=click.Choice(roles.PARTS),
    help="Only one of them.  [default: all]",
)
@output_option
def rbac(folder: Path, namespaces: list[str], part: str | None, as_json: bool) -> None:
    """Print the Roles that exactly this catalogue and evidence need, as YAML for Kustomize.

    namespaces (eks/apps/base/remediation-rbac.yaml) and cluster (eks/apps/node-remediation) are for
    the actions of the shipped catalogue, evidence (eks/apps/base/evidence-rbac.yaml) and logs
    (eks/apps/evidence-logs) for what is only read ('make manifests').
    """
    there = loaded(folder).runbooks
    definitions = [one.definition for one in there]
    wanted = roles.PARTS if part is None else (part,)
    if "namespaces" in wanted:
        _refuse_what_gets_no_role(there, namespaces)
    text = "---\n".join(roles.manifests(definitions, namespaces, each) for each in wanted)
    if as_json:  # as kubectl reads several
        items = [each for each in yaml.safe_load_all(text) if each]
        print_json({"apiVersion": "v1", "kind": "List", "items": items})
    else:
        click.echo(text, nl=False)


@runbooks.command(name="list")
@folder_option
@output_option
@account_option
def list_(folder: Path, as_json: bool, account: Account) -> None:
    """Compare the catalogue of the folder with the published one, and say which runbooks act."""
    there = publishing.published(account.dynamodb, account.runbooks_table)
    here = loaded(folder)
    rows = publishing.compare(here.runbooks, there, here.evidence_only)
    switched = switches.read_own_modes(account.ssm, account.own_modes_parameter)
    modes = {
        row.name: shown_mode(there[row.name].definition, switched)
        if row.name in there and row.action != "evidence only"
        else None
        for row in rows
    }
    if as_json:
        print_json([{**dataclasses.asdict(row), "mode": modes[row.name]} for row in rows])
        return
    colours = {"same": "green", "new": "yellow", "changed": "yellow", "only published": "red"}
    table = Table("runbook", "state", "mode", "action", "published", box=None)
    known = [row for row in rows if row.action == "evidence only"]
    for row in rows:
        if row not in known:
            table.add_row(
                safe(row.name),
                f"[{colours[row.state]}]{row.state}[/]",
                safe(modes[row.name] or "—"),
                safe(row.action),
                when(row.published_at),
            )
    print_table(table)
    if known:
        same = sum(row.state == "same" for row in known)
        console.print(f"{len(known)} alerts with evidence only, {same} of them published as here")
    if any(row.state in ("new", "changed") for row in rows):
        console.print("'srectl runbooks publish' publishes what is new or has changed")


runbooks.add_command(actions)
runbooks.add_command(answers)
runbooks.add_command(ask)
runbooks.add_command(disable)
runbooks.add_command(enable)
runbooks.add_command(plan)
runbooks.add_command(report)
runbooks.add_command(test)
runbooks.add_command(trust_command)


def _held_back(runbook: catalogue.Runbook) -> str:
    if not runbook.definition.get("enabled", True):
        return " (disabled)"
    return " (observes)" if runbook.definition.get("mode", "on") != "on" else ""


def _refuse_what_cannot_work(
    runbooks: Sequence[catalogue.Runbook], stack: catalogue.Deployment
) -> None:
    known = actions_at_hand()
    problems = [
        f"{one.file}: {problem}"
        for one in runbooks
        for problem in catalogue.problems(one, known, stack)
    ]
    if problems:
        raise CommandFailed(
            "nothing was published, because this could not work:\n" + "\n".join(problems),
            "mend it, or name what the stack allows with --namespaces and --severities; "
            "'srectl runbooks validate' checks without publishing",
        )


def _refuse_what_gets_no_role(
    runbooks: Sequence[catalogue.Runbook], namespaces: Sequence[str]
) -> None:
    """Stop where a namespace that the catalogue wants would silently get no rights."""
    without = [
        f"{one.file}: {pointer}: {text}"
        for one in runbooks
        if one.definition.get("enabled", True)
        for pointer, text in catalogue.namespaces_out(one.definition, namespaces)
    ]
    if without:
        raise CommandFailed(
            "no manifests were written, because these targets would get no rights:\n"
            + "\n".join(without),
            "name every namespace of the stack with --namespaces or SRECTL_NAMESPACES, "
            "or mend the runbook",
        )
