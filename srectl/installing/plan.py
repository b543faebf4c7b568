"""The list of steps, as ``eks/install.yaml`` has it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from srectl.errors import CommandFailed
from srectl.placeholders import leads_nowhere

__all__ = ["Kept", "Plan", "Setting", "Step", "Tool", "Undo", "load"]

_NAMED = re.compile(r"\$\{?([A-Z][A-Z0-9_]*)")


@dataclass(frozen=True)
class Tool:
    """A program that steps call.

    Parameters
    ----------
    version
        The shell command that prints its version, and fails where it could not be used.
    at_least
        The oldest version that will do.
    get
        Where it comes from.
    """

    version: str
    at_least: str
    get: str


@dataclass(frozen=True)
class Setting:
    """What only the operator can say.

    Parameters
    ----------
    name
        The variable of the commands.
    question
        What is asked for.
    default
        What holds if nothing is said; None: it must be said.
    example
        What stands in the guide.
    pattern
        What the whole value looks like.
    hint
        What it looks like, in words.
    link
        People are sent there: a host that is an example is refused.
    choice
        It is yes or no.
    secret
        It is read from the environment or asked for each time, and written nowhere.
    when
        The choice without which it is not asked for.
    """

    name: str
    question: str
    default: str | None = None
    example: str = ""
    pattern: str = ".*"
    hint: str = ""
    link: bool = False
    choice: bool = False
    secret: bool = False
    when: str = ""

    def problem(self, value: str) -> str:
        """Say what is wrong with a value; empty where nothing is."""
        if self.choice:
            return "" if value in ("yes", "no") else "yes or no"
        if self.secret:
            return "" if value else "it is empty"
        if self.link and leads_nowhere(value):
            return "that host is an example, and whoever clicks on it finds nothing: one of yours"
        if re.fullmatch(self.pattern, value):
            return ""
        return self.hint or f"something like {self.example or self.default}"


@dataclass(frozen=True)
class Undo:
    """How a step is taken back.

    Parameters
    ----------
    why
        What happens, and why here.
    commands
        Shell commands, one after the other.
    there
        Whether there is something to take back; empty: whether the step is done.
    """

    why: str
    commands: tuple[str, ...]
    there: str = ""


@dataclass(frozen=True)
class Kept:
    """What stays after ``srectl uninstall``, on purpose, and what it costs (us-east-1)."""

    what: str
    cost: str
    delete: str


@dataclass(frozen=True)
class Step:
    """One step.

    Parameters
    ----------
    id
        Its name on the command line.
    title, section, why
        What it is called, where it stands in the guide, what it is for.
    tools, rights
        Programs, and actions of IAM, that it takes.
    commands
        Shell commands, one after the other.
    done
        A shell command that succeeds once the step is done, and changes nothing.
    when
        The choice without which it is left out.
    minutes
        About how long it takes, where that is long.
    advice
        What to know when it fails.
    files
        What the commands read: files and folders of the checkout, and ``$NAME`` for the one that a
        setting names.
    looked_at
        What it was done for may have changed by itself, so that ``done`` is asked in each run.
    once
        What is done is not done anew because a setting, a command or a file has changed since.
    """

    id: str
    title: str
    section: str
    why: str
    tools: tuple[str, ...]
    rights: tuple[str, ...]
    commands: tuple[str, ...]
    done: str = ""
    when: str = ""
    minutes: int = 0
    advice: str = ""
    files: tuple[str, ...] = ()
    looked_at: bool = False
    once: bool = False
    undo: Undo | None = None
    kept: tuple[Kept, ...] = ()


@dataclass(frozen=True)
class Plan:
    """The whole list, what its commands have in common, and the project that it is of."""

    tools: Mapping[str, Tool]
    settings: tuple[Setting, ...]
    constants: str
    functions: str
    values: Mapping[str, str]
    steps: tuple[Step, ...]
    root: Path = Path()

    def step(self, identifier: str) -> Step:
        """Give a step by its name.

        Raises
        ------
        CommandFailed
            There is none.
        """
        for step in self.steps:
            if step.id == identifier:
                return step
        known = ", ".join(step.id for step in self.steps)
        raise CommandFailed(f"there is no step {identifier!r}", f"the steps are {known}")

    def values_of(self, *texts: str) -> dict[str, str]:
        """Give the values that shell text names, and those that they name, in their order."""
        wanted = named(texts)
        for name in reversed(list(self.values)):
            if name in wanted:
                wanted |= named([self.values[name]])
        return {name: text for name, text in self.values.items() if name in wanted}

    def settings_of(self, *texts: str) -> list[Setting]:
        """Give the settings that shell text names, itself or by a value."""
        wanted = named([*texts, *self.values_of(*texts).values()])
        return [setting for setting in self.settings if setting.name in wanted]


def named(texts: Iterable[str]) -> set[str]:
    """Give the variables that shell text names."""
    return {name for text in texts for name in _NAMED.findall(text)}


def load(root: Path) -> Plan:
    """Read the list of a checkout.

    Parameters
    ----------
    root
        The project.

    Raises
    ------
    CommandFailed
        It is not there: srectl was installed without the checkout.
    """
    path = root / "eks" / "install.yaml"
    try:
        data = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise CommandFailed(
            f"the list of steps cannot be read: {path}: {' '.join(str(error).split())}",
            "installing takes the checkout of the project: run srectl from its environment",
        ) from None
    return Plan(
        tools={name: Tool(**fields) for name, fields in data["tools"].items()},
        settings=tuple(Setting(**fields) for fields in data["settings"]),
        constants=data["constants"],
        functions=data["functions"],
        values=data["values"],
        steps=tuple(_step(fields) for fields in data["steps"]),
        root=root,
    )


def _step(fields: dict[str, Any]) -> Step:
    undo = fields.get("undo")
    read: dict[str, Any] = {
        **fields,
        "commands": _commands(fields["commands"]),
        "done": fields.get("done", "").strip(),
        "kept": tuple(Kept(**each) for each in fields.get("kept", ())),
        "undo": undo and Undo(**{**undo, "commands": _commands(undo["commands"])}),
        **{name: tuple(fields.get(name, ())) for name in ("tools", "rights", "files")},
    }
    return Step(**read)


def _commands(texts: list[str]) -> tuple[str, ...]:
    return tuple(text.rstrip("\n") for text in texts)
