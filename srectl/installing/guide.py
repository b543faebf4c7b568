"""The parts of ``docs/install-eks.md`` that are written from the list (``make guide``).

Such a part stands between ``<!-- install.yaml: NAME -->`` and ``<!-- end -->``.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from srectl.installing import script
from srectl.installing.plan import Plan, Step, load
from srectl.project import PROJECT_ROOT

__all__ = ["GUIDE", "PART", "part", "written"]

GUIDE = Path("docs/install-eks.md")
PART = re.compile(r"(?<=^<!-- install\.yaml: )(.+?)( -->\n)(.*?)(?=^<!-- end -->$)", re.M | re.S)


def written(text: str, plan: Plan) -> str:
    """Give the guide with its parts as the list has them.

    Parameters
    ----------
    text
        The guide.
    """
    return PART.sub(lambda found: found[1] + found[2] + part(plan, found[1]), text)


def part(plan: Plan, name: str) -> str:
    """Give a part by its name: ``settings``, ``steps``, ``undo``, ``kept`` or ``step ID``.

    Raises
    ------
    CommandFailed
        There is no such step.
    """
    tables = {"settings": _settings, "steps": _steps, "undo": _undo, "kept": _kept}
    if name in tables:
        return tables[name](plan)
    step = plan.step(name.removeprefix("step "))
    return _block(script.with_values(plan, *step.commands))


def _settings(plan: Plan) -> str:
    lines = [
        f"{f'export {each.name}={each.example or each.default}':<42}  # {each.question}"
        for each in plan.settings
        if not each.secret and not each.choice
    ]
    return _block("\n".join([*lines, "", plan.constants.rstrip("\n"), "", plan.functions.rstrip()]))


def _steps(plan: Plan) -> str:
    rows = [f"| {each.id} | {_why(each)} | {', '.join(each.tools) or '-'} |" for each in plan.steps]
    return "\n".join(["", "| step | what it is for | needs |", "|---|---|---|", *rows, "", ""])


def _why(step: Step) -> str:
    return f"{step.why} Only with `{step.when}=yes`." if step.when else step.why


def _undo(plan: Plan) -> str:
    rows = [
        f"| {step.id} | {_code(step.undo.commands)} | {step.undo.why} |"
        for step in reversed(plan.steps)
        if step.undo
    ]
    return "\n".join(["", "| step | command | why here |", "|---|---|---|", *rows, "", ""])


def _kept(plan: Plan) -> str:
    rows = [f"| {each.what} | {each.cost} | {each.delete} |" for each in script.kept(plan)]
    return "\n".join(["", "| kept | costs | how to delete it |", "|---|---|---|", *rows, "", ""])


def _code(commands: tuple[str, ...]) -> str:
    return "; ".join(f"`{each}`" for each in commands)


def _block(text: str) -> str:
    return f"```sh\n{text}\n```\n"


def main() -> None:
    """Write the guide's parts anew."""
    path = PROJECT_ROOT / GUIDE
    path.write_text(written(path.read_text("utf-8"), load(PROJECT_ROOT)), "utf-8")
    sys.stdout.write(f"{GUIDE} has the commands of eks/install.yaml\n")


if __name__ == "__main__":
    main()
