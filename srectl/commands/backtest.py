"""``srectl backtest``: what a catalogue would have done for the incidents of the past."""

from __future__ import annotations

import datetime
from pathlib import Path

import click

from srectl.backtest import records as files
from srectl.backtest.compare import Backtest
from srectl.backtest.judging import judge
from srectl.backtest.markdown import as_markdown
from srectl.backtest.records import Record
from srectl.commands.catalogue_files import loaded, namespaces_option, severities_option
from srectl.commands.display import console
from srectl.commands.operating import Moment, account_option, now, safe
from srectl.commands.output import output_option, print_json
from srectl.errors import CommandFailed
from srectl.operate import recent
from srectl.operate.account import Account
from srectl.operate.moments import moment
from srectl.operate.plans import Limits
from srectl.operate.switches import written

__all__ = ["backtest", "export"]

_FOLDER = click.Path(file_okay=False, path_type=Path)
_MOST = 10_000

from_option = click.option(
    "--from",
    "begin",
    type=Moment(),
    default="30d",
    show_default=True,
    help="Incidents whose alert began from then on: a time, or how long ago.",
)
to_option = click.option(
    "--to", "end", type=Moment(), default="now", show_default=True, help="And before then."
)


@click.command()
@from_option
@to_option
@click.option(
    "--records",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Read incidents from a file of 'srectl incidents export' instead; --from and --to are "
    "not asked then, and no deployment is.",
)
@click.option(
    "--runbooks",
    "folder",
    type=_FOLDER,
    default=Path("runbooks"),
    show_default="runbooks/ where you are",
    help="The catalogue.",
)
@click.option("--against", type=_FOLDER, help="Another catalogue; without, what really happened.")
@severities_option
@namespaces_option
@click.option(
    "--cluster", default="sre-platform", show_default=True, help="ClusterName of the deployment."
)
@click.option(
    "--ask-after",
    type=click.IntRange(0, 20),
    default=3,
    show_default=True,
    help="AskAfterUnhelped of the deployment.",
)
@click.option(
    "--rows", type=click.IntRange(1, 10_000), default=50, show_default=True, help="Rows at most."
)
@output_option
@account_option
def backtest(
    begin: datetime.datetime,
    end: datetime.datetime,
    records: Path | None,
    folder: Path,
    against: Path | None,
    severities: list[str],
    namespaces: list[str],
    cluster: str,
    ask_after: int,
    rows: int,
    as_json: bool,
    account: Account,
) -> None:
    """Run a catalogue over incidents of the past, without touching anything.

    Which runbook each would have selected, which guard would have stopped it, and what its plan was
    where that is on record; against what really happened or, with --against, what another
    catalogue would have done. Prints Markdown, fit for a pull request. docs/backtest.md says what
    cannot be known.
    """
    # Before anything is read that takes a while, or a deployment.
    catalogue = loaded(folder, "--runbooks").selected()
    other = loaded(against, "--against").selected() if against is not None else None
    if records is not None:
        found = files.read(records)
        source = f"from {records.name}{_when(found)}"
    else:
        found = _read(account, begin, end)
        source = f"that began from {written(begin)} to {written(end)}"
    limits = Limits(severities, namespaces, cluster)
    after = judge(found, catalogue, limits, ask_after)
    result = Backtest(found, str(folder), after)
    if other is not None:
        before = judge(found, other, limits, ask_after)
        result = Backtest(found, str(folder), after, str(against), before)
    if as_json:
        print_json(result.as_json())
    else:
        click.echo(as_markdown(result, source, rows), nl=False)


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@from_option
@to_option
@click.option("--overwrite", is_flag=True, help="Also where there is a file of that name.")
@output_option
@account_option
def export(
    file: Path,
    begin: datetime.datetime,
    end: datetime.datetime,
    overwrite: bool,
    as_json: bool,
    account: Account,
) -> None:
    """Write the records of incidents to a file, one JSON object a line, for 'srectl backtest'.

    They hold labels and texts of alerts, so a new file is for you alone. Tokens and signatures of
    approvals are left out.
    """
    if file.exists() and not overwrite:
        raise CommandFailed(
            f"nothing was written: {file} would be lost",
            "give another name; --overwrite writes it anew all the same",
        )
    count = files.write(file, _read(account, begin, end))
    if as_json:
        print_json({"incidents": count, "file": str(file)})
    console.print(f"[green]✓[/] {count} incidents in {safe(file)}")


def _read(account: Account, begin: datetime.datetime, end: datetime.datetime) -> list[Record]:
    """Read the records of some time, oldest first.

    Raises
    ------
    click.BadParameter
        The time ends before it begins.
    """
    if end <= begin:
        raise click.BadParameter(
            f"{written(end)} is not after --from, {written(begin)}", param_hint="--to"
        )
    found = recent.since(account.dynamodb, account.incidents_table, begin, most=_MOST)
    if found.more:
        click.echo(
            f"only the newest {_MOST} of each status were read: give a later --from", err=True
        )
    kept = [each for each in found.records if (moment(each["timestamp"]) or now()) < end]
    return sorted(kept, key=lambda each: str(each["timestamp"]))


def _when(found: list[Record]) -> str:
    if not found:
        return ""
    return f", that began from {found[0]['timestamp']} to {found[-1]['timestamp']}"
