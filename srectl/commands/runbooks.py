"""``srectl runbooks``: the catalogue of what may be done automatically."""

from __future__ import annotations

from pathlib import Path

import boto3
import click
from botocore.exceptions import BotoCoreError, ClientError

from srectl import runbooks as catalogue
from srectl.commands.display import console
from srectl.errors import CommandFailed
from srectl.local.state import PROJECT_ROOT

_folder_option = click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=PROJECT_ROOT / "runbooks",
    show_default="runbooks/ of the project",
    help="Folder with one YAML file for each runbook.",
)


@click.group()
def runbooks() -> None:
    """Check and publish the runbook catalogue."""


@runbooks.command()
@_folder_option
def validate(folder: Path) -> None:
    """Check every runbook against the schema; changes nothing."""
    for runbook in _load(folder):
        console.print(f"  [green]✓[/] {runbook.name}: {runbook.definition['action']}")


@runbooks.command()
@_folder_option
@click.option("--table", default="sre-runbooks", show_default=True, help="Catalogue table.")
def publish(folder: Path, table: str) -> None:
    """Check every runbook and write those that changed to the catalogue table.

    Uses the AWS account of the environment; 'eval "$(srectl env)"' makes that the local stack.
    """
    loaded = _load(folder)
    try:
        changed = catalogue.publish(boto3.client("dynamodb"), table, loaded)
    except (BotoCoreError, ClientError) as error:
        raise CommandFailed(
            f"the catalogue could not be written to table {table}: {error}",
            "check the account and region of the environment ('aws sts get-caller-identity')",
        ) from error
    for runbook in loaded:
        console.print(
            f"  {runbook.name}: {'published' if runbook.name in changed else 'unchanged'}"
        )


def _load(folder: Path) -> list[catalogue.Runbook]:
    try:
        return catalogue.load(folder)
    except catalogue.CatalogueInvalid as error:
        raise CommandFailed(
            f"the catalogue in {folder} is not valid:\n{error}",
            f"the schema is {folder / catalogue.SCHEMA_FILE}",
        ) from error
