"""What the commands on runbooks share: the folder of the catalogue, and the limits of a stack."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from srectl import runbooks as catalogue
from srectl.errors import CommandFailed
from srectl.operate.function_code import need_function_code

__all__ = [
    "actions_at_hand",
    "folder_option",
    "loaded",
    "namespaces_option",
    "severities_option",
]

_NAMESPACE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_SEVERITIES = ("critical", "warning", "info")


def _severities(_context: click.Context, _parameter: click.Parameter, text: str) -> list[str]:
    return _names(text, lambda name: name in _SEVERITIES, f"one of {', '.join(_SEVERITIES)}")


def _namespaces(_context: click.Context, _parameter: click.Parameter, text: str) -> list[str]:
    wanted = "a namespace: small letters, digits and '-', no pattern"
    return _names(text, lambda name: _NAMESPACE.fullmatch(name) is not None, wanted)


def _names(text: str, fits: Callable[[str], bool], wanted: str) -> list[str]:
    """Read a list with commas; each name has to be there, and be one."""
    names = [each.strip() for each in text.split(",")]
    for name in names:
        if not name:
            raise click.BadParameter(f"{text!r} has a comma too many, or no name at all")
        if not fits(name):
            raise click.BadParameter(f"{name!r} is not {wanted}")
    return list(dict.fromkeys(names))


folder_option = click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("runbooks"),
    show_default="runbooks/ where you are",
    help="Folder with one YAML file for each runbook, and folders of them, such as a team's.",
)
severities_option = click.option(
    "--severities",
    default="critical,warning",
    callback=_severities,
    show_default=True,
    envvar="SRECTL_SEVERITIES",
    show_envvar=True,
    help="EligibleSeverities of the deployment.",
)
namespaces_option = click.option(
    "--namespaces",
    default="apps",
    callback=_namespaces,
    show_default=True,
    envvar="SRECTL_NAMESPACES",
    show_envvar=True,
    help="AllowedNamespaces of the deployment.",
)


def loaded(folder: Path, option: str = "--folder") -> catalogue.Catalogue:
    """Read the catalogue of a folder.

    Parameters
    ----------
    option
        By which the command is told the folder.

    Raises
    ------
    CommandFailed
        There is no such folder, or a runbook in it breaks the schema.
    """
    if not folder.is_dir():
        raise CommandFailed(
            f"there is no folder {folder} in {Path.cwd()}",
            f"go to the checkout that holds your catalogue, or name its folder with {option}",
        )
    try:
        return catalogue.load_all(folder)
    except catalogue.CatalogueInvalid as error:
        raise CommandFailed(
            f"the catalogue in {folder} is not valid:\n{error}",
            "mend the files; what each key means stands in runbooks/runbook.schema.json",
        ) from error


def actions_at_hand() -> Mapping[str, Any] | None:
    """Give the registry of actions; None where the functions' code is not installed."""
    try:
        need_function_code("what an action takes is known to its code", "use a checkout")
    except CommandFailed:
        return None
    from runbook_action.actions import REGISTRY

    return REGISTRY
