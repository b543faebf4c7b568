"""``srectl runbooks test``: the tests of the catalogue, run without a stack."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from srectl.commands.catalogue_files import folder_option, loaded
from srectl.commands.display import console
from srectl.commands.operating import safe
from srectl.commands.output import output_option, print_json
from srectl.errors import CommandFailed, ExitCode
from srectl.operate.function_code import need_function_code
from srectl.rehearsal.cases import SCHEMA_FILE, Case, CasesInvalid, cases_in
from srectl.runbooks.folder import folders_of_tests

__all__ = ["test"]

_READ = "tests are *.yaml right in tests/, manifests are what a test names with 'files'"


@click.command()
@folder_option
@click.option(
    "--tests",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder with the test files.  [default: tests/ in the catalogue's folder and those in it]",
)
@output_option
@click.pass_context
def test(context: click.Context, folder: Path, tests: Path | None, as_json: bool) -> None:
    """Run the tests of the catalogue, in seconds and without a stack.

    Each test gives an alert and Kubernetes objects, and says what must come of them: which runbook,
    on what, what each step would change or why not, and what is undone in which order. A runbook
    that no test selects is a fault, and so is a test file that nothing reads. Ends with 1 where
    anything differs.
    """
    need_function_code(
        "runbooks are tried with the functions' own code",
        "in a checkout of the project: 'make setup', then '.venv/bin/srectl runbooks test'",
        needs=("fastjsonschema",),
    )
    there = loaded(folder)
    catalogue = there.selected()
    began = time.monotonic()
    cases, unread = _cases(folder, tests)
    results = [_run(case, catalogue) for case in cases]
    selected = {result["found"].get("runbook") for result in results}
    untested = sorted({one.name for one in there.runbooks} - selected)
    failed = [result for result in results if result["differences"]]
    passed = not (failed or untested or unread)
    if as_json:
        told = {"tests": results, "untested": untested, "not_read": unread}
        print_json({**told, "passed": passed})
    else:
        took = time.monotonic() - began
        _show_all(
            results, untested, unread, f"{_count(len(there.runbooks), 'runbook')} in {took:.1f} s"
        )
    if as_json and not passed:
        raise CommandFailed(
            f"{len(failed)} of {len(results)} tests failed, {len(untested)} runbooks have none and "
            f"{len(unread)} files were not read",
            "'differences' of each test, 'untested' and 'not_read' say what is wrong",
        )
    context.exit(int(ExitCode.OK if passed else ExitCode.FAILED))


def _show_all(
    results: list[dict[str, Any]], untested: list[str], unread: list[str], of_what: str
) -> None:
    failed = [result for result in results if result["differences"]]
    for result in results:
        _show(result)
    for name in untested:
        console.print(f"  [red]✗[/] runbook {safe(name)} is selected by no test")
    for file in unread:
        console.print(f"  [red]✗[/] {safe(file)} is read by nothing: {_READ}")
    faults = [f"{len(failed)} {'differs' if len(failed) == 1 else 'differ'}"] if failed else []
    faults += [f"{_count(len(untested), 'runbook')} untested"] if untested else []
    faults += [f"{_count(len(unread), 'file')} not read"] if unread else []
    came = f"[red]{', '.join(faults)}[/]" if faults else "[green]all as expected[/]"
    console.print(f"{_count(len(results), 'test')} of {of_what}: {came}")


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _cases(folder: Path, tests: Path | None) -> tuple[list[Case], list[str]]:
    places = [tests] if tests else folders_of_tests(folder)
    if not places or (tests and not tests.is_dir()):
        raise CommandFailed(
            f"there is no folder {tests or folder / 'tests'} with tests",
            "docs/writing-a-runbook.md shows how to write one, --tests names another folder",
        )
    cases: list[Case] = []
    unread: list[str] = []
    for place in places:
        try:
            some, others = cases_in(place, None if tests else folder)
        except CasesInvalid as error:
            raise CommandFailed(
                f"the tests in {place} are not valid:\n{error}", f"their schema is {SCHEMA_FILE}"
            ) from error
        cases += some
        unread += others
    if not cases and not unread:
        where = ", ".join(str(place) for place in places)
        raise CommandFailed(
            f"no test here: {where} (looked for *.yaml)",
            "docs/writing-a-runbook.md shows how to write one",
        )
    return cases, unread


def _run(case: Case, catalogue: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    # Only where the functions' code is.
    from srectl.rehearsal.compare import differences
    from srectl.rehearsal.manifests import ManifestRefused
    from srectl.rehearsal.rehearse import rehearse

    told = {"file": case.file, "name": case.name, "expected": dict(case.expect)}
    try:
        found = rehearse(case, catalogue)
    except (ManifestRefused, CommandFailed) as error:
        said = error.message if isinstance(error, CommandFailed) else str(error)
        return {**told, "found": {}, "differences": [f"it could not be run: {said}"]}
    return {**told, "found": found, "differences": differences(case.expect, found)}


def _show(result: dict[str, Any]) -> None:
    mark = "[red]✗[/]" if result["differences"] else "[green]✓[/]"
    console.print(f"  {mark} {safe(result['file'])}: {safe(result['name'])}")
    for line in result["differences"]:
        # What was expected and what was found keep their indentation.
        text = line.lstrip()
        colour = {"-": "red", "+": "green"}.get(text[:1])
        shown = f"[{colour}]{safe(text)}[/]" if colour else safe(text)
        console.print(" " * (6 + len(line) - len(text)) + shown)
    reason = result["found"].get("escalates")
    if result["differences"] and reason and "escalates" not in result["expected"]:
        console.print(f"      why nothing was done: {safe(reason)}")
