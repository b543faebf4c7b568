"""``srectl incidents postmortem``: what happened, each sentence with the record it comes from."""

from __future__ import annotations

import json
from pathlib import Path

import click

from srectl.commands.display import console
from srectl.commands.operating import account_option, incident_argument, now, safe
from srectl.commands.output import output_option, print_json
from srectl.errors import CommandFailed
from srectl.operate.account import Account
from srectl.operate.switches import written
from srectl.postmortem.chapters import chapters
from srectl.postmortem.markdown import as_json as json_of
from srectl.postmortem.markdown import as_markdown
from srectl.postmortem.sources import read


@click.command()
@incident_argument
@click.option(
    "--to",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    show_default="this folder",
    help="Where to write it.",
)
@click.option("--overwrite", is_flag=True, help="Also where it was written before.")
@output_option
@account_option
def postmortem(
    incident_id: str, folder: Path, overwrite: bool, as_json: bool, account: Account
) -> None:
    """Write the post-mortem of one incident, as Markdown and as JSON.

    Summary, impact, timeline, what the automation did and why, evidence, changes, related incidents
    and open questions. Nothing is invented: each sentence names the record that it comes from, and
    what no record says is asked. What somebody may have completed by hand is kept: written again
    it takes --overwrite.
    """
    story = read(account, incident_id)
    record, at = story.record, written(now())
    told = chapters(story)
    name = f"postmortem-{str(record['timestamp'])[:10]}-{record['incident_id'][:8]}"
    files = {
        folder / f"{name}.md": as_markdown(record, told, at),
        folder / f"{name}.json": json.dumps(json_of(record, told, at), indent=2) + "\n",
    }
    there = [str(path) for path in files if path.exists()]
    if there and not overwrite:
        raise CommandFailed(
            f"nothing was written: {' and '.join(there)} would be lost",
            "--to names another folder; --overwrite writes it anew all the same",
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in files.items():
            path.write_text(text, "utf-8")
    except OSError as error:
        raise CommandFailed(
            f"the post-mortem could not be written to {folder}: {error.strerror or error}",
            "--to names another folder",
        ) from error
    for path in files:
        console.print(f"[green]✓[/] {safe(path)}")
    asked = len(told["Open questions"])
    console.print(f"{asked} open question{'' if asked == 1 else 's'}: no record answers them")
    if as_json:
        print_json(
            {
                "incident_id": record["incident_id"],
                "files": [str(path) for path in files],
                "open_questions": asked,
            }
        )
