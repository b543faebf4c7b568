"""``srectl runbooks plan``: what an alert would set off."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from srectl.commands.catalogue_files import (
    folder_option,
    loaded,
    namespaces_option,
    severities_option,
)
from srectl.commands.display import console
from srectl.commands.operating import account_option, now, plan_lines, safe
from srectl.commands.output import output_option, print_json
from srectl.errors import CommandFailed, ExitCode
from srectl.operate import catalogue as publishing
from srectl.operate import plans, switches
from srectl.operate.account import Account
from srectl.operate.samples import alerts_in

__all__ = ["plan"]

_WHO = {1: "a human is asked", 2: "two humans are asked"}


@click.command()
@click.option(
    "--event",
    "event_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="A sender's payload, raw or as API Gateway wraps it, or an incident event.",
)
@folder_option
@click.option(
    "--live",
    is_flag=True,
    help="Ask the deployment: its catalogue, mode and maintenance windows, and what "
    "runbook-action would change, step by step. It knows its own namespaces, --namespaces is "
    "not asked then. Changes nothing.",
)
@severities_option
@namespaces_option
@click.option(
    "--cluster", default="sre-platform", show_default=True, help="ClusterName of the deployment."
)
@output_option
@account_option
@click.pass_context
def plan(
    context: click.Context,
    event_file: Path,
    folder: Path,
    live: bool,
    severities: list[str],
    namespaces: list[str],
    cluster: str,
    as_json: bool,
    account: Account,
) -> None:
    """Say what would become of each alert in a file: which runbook, on what, and why not.

    Uses the catalogue of the folder and nothing else, unless --live is given. Ends with 1 where a
    runbook would not act for one of the alerts, unless the catalogue means it so: an alert that it
    answers with evidence only, a runbook that observes until it is switched on.
    """
    at = now()
    try:
        text = event_file.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise CommandFailed(
            f"{event_file} is not text in UTF-8: {error}", "events/ has samples of every sender"
        ) from error
    alerts = alerts_in(text, at)
    limits = plans.Limits(severities, namespaces, cluster)
    if live:
        there = publishing.published(account.dynamodb, account.runbooks_table)
        definitions: Mapping[str, Mapping[str, Any]] = {
            name: one.definition for name, one in there.items()
        }
        windows = switches.windows(account.ssm, account.maintenance_parameter)
        limits = dataclasses.replace(
            limits,
            namespaces=None,  # the function knows its own
            mode=switches.read_mode(account.ssm, account.mode_parameter),
            maintenance=switches.reason_for_all(windows, at),
            held=switches.reasons_by_target(windows, at),
            own_modes=switches.read_own_modes(account.ssm, account.own_modes_parameter),
        )
    else:
        definitions = loaded(folder).selected()
    results: list[dict[str, Any]] = []
    for alert in alerts:
        decision = plans.decide(alert, definitions, limits)
        answers: list[dict[str, Any]] = []
        # Without the label that names its target there is nothing to ask about.
        if live and decision.steps and all(step["target"]["name"] for step in decision.steps):
            definition = definitions[decision.runbook]
            answers = plans.live_plan(
                account.functions, account.action_function, decision, definition, alert
            )
        result = {
            **dataclasses.asdict(decision),
            "eligible": decision.eligible,
            "answered": decision.answered,
        }
        for step, answer in zip(result["steps"], answers, strict=False):
            step["plan"] = answer
        results.append(result)
    if as_json:
        print_json(results)
    else:
        for result in results:
            _show(result)
    answered = all(result["answered"] for result in results)
    if as_json and not answered:
        refused = sum(not result["answered"] for result in results)
        raise CommandFailed(
            f"{refused} of {len(results)} alerts would not be answered",
            "'refusals' of each says why",
        )
    context.exit(int(ExitCode.OK if answered else ExitCode.FAILED))


def _show(result: Mapping[str, Any]) -> None:
    mark = "[green]✓[/]" if result["answered"] else "[red]✗[/]"
    alert = f"[bold]{safe(result['alert_name'])}[/] ({safe(result['severity'])})"
    if result["evidence_only"]:
        console.print(f"{mark} {alert} → evidence only: {safe(result['evidence_only'])}")
        return
    console.print(f"{mark} {alert} → runbook {safe(result['runbook'])}")
    for reason in result["refusals"]:
        console.print(f"    [red]not done:[/] {safe(reason)}")
    steps = result["steps"]
    if not steps:
        return
    if result["observes"]:
        name = safe(result["runbook"])
        console.print(f"    mode        observe, until 'srectl runbooks enable {name}'")
    if result["asks"]:
        name = safe(result["runbook"])
        console.print(f"    mode        ask, until 'srectl runbooks enable {name}'")
    guard = result["guard"]
    console.print(
        f"    guard       at most {guard['max_actions']} actions in "
        f"{guard['window_seconds']} s, {guard['cooldown_seconds']} s apart"
    )
    if len(steps) > 1:
        every = "all of them" if result["strategy"] == "sequence" else "each if the last did not do"
        console.print(f"    steps       {len(steps)}, {every}")
    for step in steps:
        if len(steps) > 1:
            console.print(f"    [bold]{step['index']}. {safe(step['name'])}[/]")
        _show_step(step)


def _show_step(step: Mapping[str, Any]) -> None:
    target, approval = step["target"], step["approval"]
    where = "/".join(
        str(target[key]) for key in ("cluster", "namespace", "kind", "name") if target[key]
    )
    console.print(f"    action      {safe(step['action'])}{_listed(step['parameters'])}")
    console.print(f"    target      {safe(where)}")
    for condition in step["when"]:
        console.print(f"    only if     {safe(_spoken(condition))}")
    asked = (
        f"{_WHO[approval.get('persons', 1)]} first; time for it: {approval['timeout_seconds']} s"
        if approval["required"]
        else "none"
    )
    console.print(f"    approval    {asked}")
    if step.get("verify_seconds"):
        console.print(f"    verified    for {step['verify_seconds']} s before the next step")
    console.print(f"    on failure  {safe(step['on_failure'])}")
    answer = step.get("plan") or {}
    if "refused" in answer:
        console.print(f"    [red]refused[/]     {safe(answer['refused'])}")
    elif answer:
        if answer.get("applies") is False:
            console.print(f"    [red]not now:[/]    {safe(answer.get('why_not'))}")
        console.print(f"    plan        {safe(answer.get('summary'))}")
        for line in plan_lines(answer.get("plan")):
            console.print(f"        {line}")


def _listed(parameters: Mapping[str, Any]) -> str:
    listed = ", ".join(f"{name} {_yaml(value)}" for name, value in sorted(parameters.items()))
    return f"  ({safe(listed)})" if listed else ""


def _spoken(condition: Mapping[str, Any]) -> str:
    (comparison,) = set(condition) - {"fact"}
    words = {"at_least": "is at least", "below": "is below"}.get(comparison, comparison)
    return f"{condition['fact']} {words} {_yaml(condition[comparison])}"


def _yaml(value: object) -> str:
    if value is None:  # its label states none
        return "unknown"
    return str(value).lower() if isinstance(value, bool) else str(value)
