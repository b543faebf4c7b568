"""``srectl doctor``: is the platform well, and if not, what does one type?"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import click

from srectl.commands.display import console
from srectl.commands.operating import account_option, safe
from srectl.commands.output import output_option, print_json
from srectl.operate.account import Account
from srectl.operate.doctor import (
    CHECKS,
    Check,
    Deployment,
    Finding,
    Severity,
    examine,
    exit_code,
)
from srectl.operate.doctor.policy import policy_of
from srectl.project import PROJECT_ROOT

_MARKS = {
    Severity.OK: "[green]✓[/]",
    Severity.NOTE: "[cyan]·[/]",
    Severity.WARNING: "[yellow]![/]",
    Severity.FAILED: "[red]✗[/]",
    Severity.NOT_CHECKED: "[magenta]?[/]",
}
_NAMES = [check.name for check in CHECKS]
_NAME = click.Choice(_NAMES)


@click.command()
@click.option("--only", multiple=True, type=_NAME, help="Only this check; may be repeated.")
@click.option("--skip", multiple=True, type=_NAME, help="Not this check; may be repeated.")
@click.option("--stack", help="Name of the stack.  [default: the one that alert-ingest is of]")
@click.option(
    "--key-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also try the API key in this file, such as the one that Alertmanager reads.",
)
@click.option("--policy", is_flag=True, help="Print the IAM policy that the checks need instead.")
@click.option("--checks", "listed", is_flag=True, help="List the checks instead.")
@output_option
@account_option
@click.pass_context
def doctor(
    context: click.Context,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    stack: str | None,
    key_file: Path | None,
    policy: bool,
    listed: bool,
    as_json: bool,
    account: Account,
) -> None:
    """Look at the whole deployment, and say what is wrong and what to type.

    Changes nothing and makes no incident: the webhook is called once with a body that alert-ingest
    refuses, and runbook-action is asked what it may do in the cluster.

    \b
    Exit codes:
      0  all is well (what is only noted, too)
      1  something failed, or AWS could not be asked at all
      5  nothing failed, but there are warnings, or something could not be looked at
    """
    if listed:
        for check in CHECKS:
            console.print(f"{check.name:<15}{check.about}")
        if as_json:
            print_json([{"name": check.name, "about": check.about} for check in CHECKS])
        return
    chosen = [
        check for check in CHECKS if (not only or check.name in only) and check.name not in skip
    ]
    if not chosen:
        raise click.UsageError("--only and --skip leave no check")
    deployment = Deployment(account, PROJECT_ROOT, stack_name=stack, key_file=key_file)
    deployment.find()
    if policy:
        print_json(policy_of(chosen, _names(deployment, stack)))
        return
    caller = account.caller  # whom AWS does not know at all can be told nothing else
    found = []
    console.print(f"[dim]as {safe(caller)}[/]")
    for finding in examine(deployment, chosen):
        found.append(finding)
        _print(finding)
    if as_json:
        print_json(_as_json(caller, chosen, found))
    else:
        console.print(_sum(found))
    context.exit(int(exit_code(found)))


def _names(deployment: Deployment, stack: str | None) -> dict[str, str]:
    account = deployment.account
    _, partition, _, region, number, _ = account.arn("sts", "me").split(":")
    return {
        "partition": partition,
        "region": region,
        "account": number,
        "prefix": account.prefix,
        "stack": stack or deployment.stack.name,
    }


def _print(finding: Finding) -> None:
    console.print(
        f"{_MARKS[finding.severity]} {finding.check:<14} [bold]{safe(finding.where)}[/]: "
        f"{safe(finding.what)}",
        soft_wrap=True,
    )
    if finding.next:
        console.print(f"  → {safe(finding.next)}", soft_wrap=True)


def _sum(found: Sequence[Finding]) -> str:
    count = Counter(finding.severity for finding in found)
    return ", ".join(f"{count[severity]} {severity}" for severity in reversed(list(Severity)))


def _as_json(caller: str, checks: Sequence[Check], found: Sequence[Finding]) -> dict[str, object]:
    return {
        "as": caller,
        "checks": [check.name for check in checks],
        "findings": [dataclasses.asdict(finding) for finding in found],
        "exit_code": int(exit_code(found)),
    }
