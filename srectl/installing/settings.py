"""What the operator has to say, said once: from the command line, from earlier runs, or asked."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping

from srectl.errors import CommandFailed, ExitCode
from srectl.installing.plan import Plan, Setting

__all__ = ["given", "settled"]

Ask = Callable[[Setting, str | None], str]


def given(plan: Plan, words: Iterable[str]) -> dict[str, str]:
    """Read ``NAME=VALUE`` of the command line.

    Raises
    ------
    CommandFailed
        A name is none of a setting, or of a secret one; or the value cannot be one.
    """
    known = {setting.name: setting for setting in plan.settings}
    found = {}
    for word in words:
        name, equals, value = word.partition("=")
        setting = known.get(name)
        if setting is None or not equals:
            names = ", ".join(each.name for each in plan.settings if not each.secret)
            raise _wrong(f"'--set {name}…' sets nothing", f"NAME=VALUE, with NAME one of {names}")
        if setting.secret:
            raise _wrong(
                f"{name} is a secret, which every user of this machine sees on a command line",
                f"'read -rs {name} && export {name}', or answer when it is asked for",
            )
        if name == "AWS_REGION":
            raise _wrong("the region is chosen by the environment", "export AWS_REGION=<region>")
        found[name] = _checked(setting, value)
    return found


def settled(
    settings: Iterable[Setting],
    known: Mapping[str, str],
    ask: Ask | None,
) -> dict[str, str]:
    """Give a value for each setting that is wanted.

    Parameters
    ----------
    settings
        Those that the steps name, and the choices.
    known
        What was said on the command line, or before.
    ask
        Asks the operator, with what holds if nothing is said; None: nobody may be asked.

    Raises
    ------
    CommandFailed
        One is missing and nobody may be asked.
    """
    values: dict[str, str] = {}
    missing = []
    for setting in settings:
        if setting.when and values.get(setting.when) != "yes":
            continue
        value = os.environ.get(setting.name) if setting.secret else known.get(setting.name)
        if value is None and ask is not None:
            value = ask(setting, setting.default)
        if value is None:
            value = setting.default
        if value is None:
            missing.append(setting)
        else:
            values[setting.name] = _checked(setting, value)
    if missing:
        first = missing[0]
        how = f"export {first.name}" if first.secret else f"--set {first.name}={first.example}"
        raise _wrong(f"nothing says {', '.join(each.name for each in missing)}", f"'{how}'")
    return values


def _checked(setting: Setting, value: str) -> str:
    problem = setting.problem(value)
    if problem:
        shown = "" if setting.secret else f" {value!r}"
        raise _wrong(f"{setting.name} cannot be{shown}: {setting.question}", problem)
    return value


def _wrong(message: str, hint: str) -> CommandFailed:
    return CommandFailed(message, hint, ExitCode.USAGE)
