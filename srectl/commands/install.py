"""``srectl install`` and ``srectl uninstall``: the steps of docs/install-eks.md, there and back."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import boto3
import click
from botocore.exceptions import NoRegionError

from srectl.commands.display import console
from srectl.commands.operating import safe
from srectl.commands.output import output_option, print_json
from srectl.commands.terminal import Terminal, question
from srectl.errors import CommandFailed
from srectl.installing import plan as plans
from srectl.installing import preflight, script
from srectl.installing.choice import taken, taken_back
from srectl.installing.memory import Memory, place
from srectl.installing.plan import Plan, Step
from srectl.installing.settings import given, settled
from srectl.installing.shell import Shell
from srectl.installing.walk import Stopped, Walk
from srectl.operate.refusals import calling
from srectl.project import PROJECT_ROOT

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--yes", is_flag=True, help="Run every command without asking."),
    click.option("--print", "as_script", is_flag=True, help="Write all of it as a bash script."),
    click.option("--list", "listed", is_flag=True, help="Show the steps, and what is done."),
    click.option(
        "--from", "start", metavar="STEP", help="Begin at this step, and do it even if it is done."
    ),
    click.option(
        "--without", multiple=True, metavar="STEP", help="Leave a step out; may be repeated."
    ),
    click.option(
        "--set",
        "words",
        multiple=True,
        metavar="NAME=VALUE",
        help="Answer a question; may be repeated, and is remembered.",
    ),
    click.option(
        "--without-checks", is_flag=True, help="Do not look for tools and rights beforehand."
    ),
)


def _options(command: Command) -> Command:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@dataclass(frozen=True)
class Account:
    """Whom the commands work for: asked of AWS itself, never of a stack on this machine.

    Parameters
    ----------
    number
        The account's number.
    caller
        ARN of who calls.
    session
        Credentials and region.
    """

    number: str
    caller: str
    session: boto3.session.Session

    @property
    def region(self) -> str:
        """The region of all but the edge."""
        return str(self.session.region_name)


@click.command()
@_options
@output_option
def install(
    yes: bool,
    as_script: bool,
    listed: bool,
    start: str | None,
    without: tuple[str, ...],
    words: tuple[str, ...],
    without_checks: bool,
    as_json: bool,
) -> None:
    """Install all of it on AWS, from an empty account on: docs/install-eks.md, step by step.

    Shows each command before it runs it and asks. What is done is remembered, for each account and
    region, and not done again: after a failure the same command goes on from there.
    """
    _only_the_list(as_json=as_json, listed=listed)
    plan = plans.load(PROJECT_ROOT)
    answers = given(plan, words)
    if as_script:
        choices = {step.when: "yes" for step in plan.steps if step.when}
        steps = taken(plan, choices, without, start)
        click.echo(script.whole(plan, answers, steps, anew=start), nl=False)
        return
    account, memory = begun()
    if listed:
        _list(plan, memory, {**memory.settings, **answers}, as_json=as_json)
        return
    with memory.alone() as lock:
        known = {**memory.settings, **answers, "AWS_REGION": account.region}
        settings = settled(plan.settings, known, None if yes else question)
        memory.keep(
            {
                each.name: settings[each.name]
                for each in plan.settings
                if each.name in settings and not each.secret and each.name != "AWS_REGION"
            }
        )
        for name in without:
            memory.leave_out(plan.step(name).id)
        steps = taken(plan, settings, without, start)
        shell = Shell(plan, PROJECT_ROOT, {**settings, "AWS_REGION": account.region}, lock)
        walk = Walk(plan, memory, shell, Terminal(yes), settings)
        if not without_checks:
            _check(plan, walk.open(steps, anew=start), shell, account)
        _going("install", lambda: walk.forward(steps, anew=start))
    console.print("\nall of it is installed; [bold]docs/operations.md[/] is for who is on call")


@click.command()
@_options
@output_option
def uninstall(
    yes: bool,
    as_script: bool,
    listed: bool,
    start: str | None,
    without: tuple[str, ...],
    words: tuple[str, ...],
    without_checks: bool,
    as_json: bool,
) -> None:
    """Take back what 'srectl install' made, the last step first, and say what is kept.

    Tables, keys, logs, images and the trail are kept on purpose, and go on costing.
    """
    _only_the_list(as_json=as_json, listed=listed)
    plan = plans.load(PROJECT_ROOT)
    answers = given(plan, words)
    if as_script:
        steps = taken_back(plan, without, start)
        click.echo(script.whole(plan, answers, steps, backwards=True), nl=False)
        return
    account, memory = begun()
    if listed:
        _list(plan, memory, memory.settings, as_json=as_json)
        return
    steps = taken_back(plan, without, start)
    with memory.alone() as lock:
        settings = {**memory.settings, **answers, "AWS_REGION": account.region}
        shell = Shell(plan, PROJECT_ROOT, settings, lock)
        if not without_checks:
            undone = [step for step in steps if step.undo and not step.when]
            _refuse(preflight.tools(plan, undone, shell))
        walk = Walk(plan, memory, shell, Terminal(yes), settings)
        _going("uninstall", lambda: walk.backward(steps, anew=start))
    console.print("\nkept on purpose (prices of us-east-1):")
    for each in script.kept(plan):
        console.print(f"  {safe(each.what)}\n    {safe(each.cost)}\n    {safe(each.delete)}")


def begun() -> tuple[Account, Memory]:
    """Find out the account, and what is remembered of it.

    Raises
    ------
    CommandFailed
        AWS cannot be asked.
    """
    with calling("the AWS account could not be found out"):
        chosen = boto3.session.Session()
        # The AWS CLI prefers AWS_REGION, and boto3 does not know it.
        region = os.environ.get("AWS_REGION") or chosen.region_name
        if region is None:  # STS would answer all the same
            raise NoRegionError
        session = boto3.session.Session(region_name=region)
        caller = session.client("sts").get_caller_identity()
    account = Account(caller["Account"], caller["Arn"], session)
    click.echo(f"account {account.number}, region {account.region}, as {account.caller}", err=True)
    return account, Memory.read(place(account.number, account.region))


def _check(plan: Plan, steps: list[Step], shell: Shell, account: Account) -> None:
    with calling("the rights could not be asked for"):
        iam = account.session.client("iam")
    refused, unknown = preflight.rights(iam, account.caller, account.region, steps)
    if unknown:
        click.echo(f"your rights could not be looked up beforehand: {unknown}", err=True)
    _refuse([*preflight.tools(plan, steps, shell), *refused])


def _refuse(findings: list[preflight.Finding]) -> None:
    if not findings:
        return
    lines = [f"{each.what}; for {', '.join(each.steps)}; {each.advice}" for each in findings]
    raise CommandFailed(
        "something is missing, and nothing was begun:\n  " + "\n  ".join(lines),
        "'--without-checks' begins all the same, '--without STEP' leaves a step out",
    )


def _going(verb: str, go: Callable[[], None]) -> None:
    try:
        go()
    except Stopped:
        raise CommandFailed("stopped", f"'srectl {verb}' goes on from there") from None


def _only_the_list(*, as_json: bool, listed: bool) -> None:
    if as_json and not listed:
        raise click.UsageError(
            "only --list is told as JSON: the steps themselves show commands, and ask"
        )


def _list(plan: Plan, memory: Memory, settings: dict[str, str], *, as_json: bool) -> None:
    told = []
    for step in plan.steps:
        record = memory.steps.get(step.id)
        word = f"{record.state} {record.at}" if record else "open"
        if step.when and settings.get(step.when, "no") != "yes" and record is None:
            word = f"left out ({step.when} is not yes)"
        console.print(f"  {safe(step.id):<12} {safe(word):<34} {safe(step.title)}")
        told.append({"step": step.id, "state": word, "title": step.title})
    if as_json:
        print_json(told)
