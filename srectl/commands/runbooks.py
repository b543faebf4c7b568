"""``srectl runbooks``: the catalogue of what may be done automatically."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from srectl import runbooks as catalogue
from srectl.commands.display import console
from srectl.commands.operating import (
    account_option,
    json_option,
    now,
    plan_lines,
    print_json,
    safe,
)
from srectl.errors import CommandFailed
from srectl.operate import catalogue as publishing
from srectl.operate import plans, switches
from srectl.operate import rbac as roles
from srectl.operate.account import Account
from srectl.operate.refusals import calling
from srectl.operate.samples import alerts_in

_folder_option = click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("runbooks"),
    show_default="runbooks/ where you are",
    help="Folder with one YAML file for each runbook.",
)


@click.group()
def runbooks() -> None:
    """Check, publish and try the runbook catalogue."""


@runbooks.command()
@_folder_option
def validate(folder: Path) -> None:
    """Check every runbook against the schema; changes nothing."""
    for runbook in _load(folder):
        console.print(f"  [green]✓[/] {runbook.name}: {runbook.definition['action']}")


@runbooks.command()
@_folder_option
@click.option("--table", help="Catalogue table.  [default: sre-runbooks, after the prefix]")
@account_option
def publish(folder: Path, table: str | None, account: Account) -> None:
    """Check every runbook and write those that changed to the catalogue table.

    Uses the AWS account of the environment; 'eval "$(srectl env)"' makes that the local stack.
    """
    loaded = _load(folder)
    table = table or account.runbooks_table
    with calling(f"the catalogue could not be written to table {table}"):
        changed = catalogue.publish(account.dynamodb, table, loaded)
    for runbook in loaded:
        console.print(
            f"  {runbook.name}: {'published' if runbook.name in changed else 'unchanged'}"
        )


@runbooks.command()
@_folder_option
@click.option(
    "--namespaces", default="apps", show_default=True, help="AllowedNamespaces of the deployment."
)
@click.option(
    "--part",
    type=click.Choice(roles.PARTS),
    help="Only the Roles in namespaces, or only what reaches beyond them.  [default: both]",
)
def rbac(folder: Path, namespaces: str, part: str | None) -> None:
    """Print the Role and ClusterRole that exactly this catalogue needs, as YAML for Kustomize.

    eks/apps/base/remediation-rbac.yaml and eks/apps/node-remediation/node-remediation-rbac.yaml are
    its two parts for the shipped catalogue ('make manifests').
    """
    definitions = [one.definition for one in _load(folder)]
    allowed = [each.strip() for each in namespaces.split(",") if each.strip()]
    wanted = roles.PARTS if part is None else (part,)
    click.echo(
        "---\n".join(roles.manifests(definitions, allowed, each) for each in wanted), nl=False
    )


@runbooks.command(name="list")
@_folder_option
@json_option
@account_option
def list_(folder: Path, as_json: bool, account: Account) -> None:
    """Compare the catalogue of the folder with the published one."""
    there = publishing.published(account.dynamodb, account.runbooks_table)
    rows = publishing.compare(_load(folder), there)
    if as_json:
        print_json([dataclasses.asdict(row) for row in rows])
        return
    colours = {"same": "green", "new": "yellow", "changed": "yellow", "only published": "red"}
    table = Table("runbook", "state", "action", "published", box=None)
    for row in rows:
        table.add_row(
            safe(row.name),
            f"[{colours[row.state]}]{row.state}[/]",
            safe(row.action),
            safe(row.published_at),
        )
    console.print(table)
    if any(row.state in ("new", "changed") for row in rows):
        console.print("'srectl runbooks publish' publishes what is new or has changed")


@runbooks.command()
@click.option(
    "--event",
    "event_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="A sender's payload, raw or as API Gateway wraps it, or an incident event.",
)
@_folder_option
@click.option(
    "--live",
    is_flag=True,
    help="Ask the deployment: its catalogue, mode and maintenance windows, and what "
    "runbook-action would change. Changes nothing.",
)
@click.option(
    "--severities",
    default="critical,warning",
    show_default=True,
    help="EligibleSeverities of the deployment.",
)
@click.option(
    "--namespaces", default="apps", show_default=True, help="AllowedNamespaces of the deployment."
)
@click.option(
    "--cluster", default="sre-platform", show_default=True, help="ClusterName of the deployment."
)
@json_option
@account_option
def plan(
    event_file: Path,
    folder: Path,
    live: bool,
    severities: str,
    namespaces: str,
    cluster: str,
    as_json: bool,
    account: Account,
) -> None:
    """Say what would become of each alert in a file: which runbook, on what, and why not.

    Uses the catalogue of the folder and nothing else, unless --live is given.
    """
    at = now()
    try:
        text = event_file.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise CommandFailed(
            f"{event_file} is not text in UTF-8: {error}", "events/ has samples of every sender"
        ) from error
    alerts = alerts_in(text, at)
    limits = plans.Limits(severities.split(","), namespaces.split(","), cluster)
    if live:
        there = publishing.published(account.dynamodb, account.runbooks_table)
        definitions = {name: one.definition for name, one in there.items()}
        windows = switches.windows(account.ssm, account.maintenance_parameter)
        limits = dataclasses.replace(
            limits,
            mode=switches.read_mode(account.ssm, account.mode_parameter),
            maintenance=next((one.reason for one in windows if one.start <= at < one.end), ""),
        )
    else:
        definitions = {one.name: one.definition for one in _load(folder)}
    results: list[dict[str, Any]] = []
    for alert in alerts:
        decision = plans.decide(alert, definitions, limits)
        result = {**dataclasses.asdict(decision), "eligible": decision.eligible, "plan": None}
        if live and decision.target and decision.target["name"]:
            result["plan"] = plans.live_plan(account.functions, account.action_function, decision)
        results.append(result)
    if as_json:
        print_json(results)
        return
    for result in results:
        _show_decision(result)


def _show_decision(result: dict[str, Any]) -> None:
    mark = "[green]✓[/]" if result["eligible"] else "[red]✗[/]"
    console.print(
        f"{mark} [bold]{safe(result['alert_name'])}[/] ({safe(result['severity'])}) "
        f"→ runbook {safe(result['runbook'])}"
    )
    for reason in result["refusals"]:
        console.print(f"    [red]not done:[/] {safe(reason)}")
    if result["target"]:
        target, guard = result["target"], result["guard"]
        where = "/".join(
            str(target[key]) for key in ("cluster", "namespace", "kind", "name") if target[key]
        )
        console.print(
            f"    action      {safe(result['action'])} {safe(result['parameters'] or '')}"
        )
        console.print(f"    target      {safe(where)}")
        console.print(
            f"    guard       at most {guard['max_actions']} actions in "
            f"{guard['window_seconds']} s, {guard['cooldown_seconds']} s apart"
        )
        console.print(
            f"    approval    {'a human is asked first' if result['approval'] else 'none'}"
        )
        console.print(f"    on failure  {safe(result['on_failure'])}")
    if result["plan"]:
        console.print(f"    plan        {safe(result['plan'].get('summary'))}")
        for line in plan_lines(result["plan"].get("plan")):
            console.print(f"        {line}")


def _load(folder: Path) -> list[catalogue.Runbook]:
    if not folder.is_dir():
        raise CommandFailed(
            f"there is no folder {folder} in {Path.cwd()}",
            "go to the checkout that holds your catalogue, or name its folder with --folder",
        )
    try:
        return catalogue.load(folder)
    except catalogue.CatalogueInvalid as error:
        raise CommandFailed(
            f"the catalogue in {folder} is not valid:\n{error}",
            f"the schema is {catalogue.SCHEMA_FILE}",
        ) from error
