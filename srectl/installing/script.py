"""Shell text: one command with what it needs, and the whole list as a script."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence

from srectl.installing.plan import Kept, Plan, Setting, Step

__all__ = ["UNSEEN", "check", "command", "whole", "with_values"]

_STRICT = "set -euo pipefail"
#: Exit code of a check that cannot tell whether something is there (``seen`` of the list).
UNSEEN = 75


def command(plan: Plan, text: str) -> str:
    """Give a command as a script of its own.

    Parameters
    ----------
    text
        A command of a step. The settings are in the environment of the shell that runs it.
    """
    return "\n".join((_STRICT, plan.constants + plan.functions, with_values(plan, text)))


def check(plan: Plan, text: str) -> str:
    """Give what tells whether a step is done as a script of its own.

    It prints nothing but why, on the standard error, where it ends with :data:`UNSEEN`.
    """
    quiet = f"exec >/dev/null\n{_condition(plan, text)}"
    return "\n".join((_STRICT, plan.constants + plan.functions, quiet))


def with_values(plan: Plan, *texts: str) -> str:
    """Give commands after the assignments of the values that they name."""
    values = [f"{name}={text}" for name, text in plan.values_of(*texts).items()]
    return "\n".join([*values, *texts])


def whole(
    plan: Plan,
    given: Mapping[str, str],
    chosen: Sequence[Step],
    *,
    anew: str | None = None,
    backwards: bool = False,
) -> str:
    """Give steps as a script, which may be run again after a failure.

    Parameters
    ----------
    given
        Settings that are known; the others are read from the environment of who runs it.
    chosen
        The steps, in the order of the list.
    anew
        The step that is done in any case.
    backwards
        What takes them back.
    """
    verb = "uninstall" if backwards else "install"
    steps = [step for step in reversed(chosen) if step.undo] if backwards else chosen
    lines = [
        "#!/usr/bin/env bash",
        f"# Written by 'srectl {verb} --print'. Run it in the project's folder, again if it fails.",
        _STRICT,
        "",
        *_settings(plan.settings if not backwards else _undone_by(plan, steps), given),
        'export AWS_PAGER=""',
        "",
        f"for tool in {' '.join(_tools(steps))}; do",
        '  command -v "$tool" >/dev/null || { echo "$tool is missing" >&2; exit 1; }',
        "done",
        '[ -f eks/install.yaml ] || { echo "run this in the project\'s folder" >&2; exit 1; }',
        "",
        plan.constants + plan.functions,
    ]
    for step in steps:
        lines += _taken_back(plan, step) if backwards else _done(plan, step, step.id == anew)
    if backwards:
        lines.append("cat <<'KEPT'\nKept on purpose:")
        lines += [f"- {each.what}: {each.cost}\n  {each.delete}" for each in kept(plan)]
        lines.append("KEPT")
    return "\n".join(lines) + "\n"


def kept(plan: Plan) -> list[Kept]:
    """Give what stays in the end."""
    return [each for step in plan.steps for each in step.kept]


def _undone_by(plan: Plan, steps: Iterable[Step]) -> list[Setting]:
    """Give the settings that taking back needs, the region first of all."""
    undo = [step.undo for step in steps if step.undo]
    texts = [text for each in undo for text in (each.there, *each.commands)]
    checks = [step.done for step in steps if step.undo and not step.undo.there]
    return plan.settings_of(plan.constants, *texts, *checks)


def _settings(settings: Iterable[Setting], given: Mapping[str, str]) -> Iterable[str]:
    for setting in settings:
        yield f"# {setting.name}: {setting.question}"
        if setting.when:
            yield f'[ "${setting.when}" = no ] || {_asked(setting)}'
        elif setting.name in given:
            yield f"{setting.name}={shlex.quote(given[setting.name])}"
        elif setting.default is not None:
            yield f': "${{{setting.name}={setting.default}}}"'
        else:
            yield _asked(setting)
        yield f"export {setting.name}"


def _asked(setting: Setting) -> str:
    example = f", such as {setting.example}" if setting.example else ""
    return f': "${{{setting.name}:?{setting.question.replace(chr(39), "")}{example}}}"'


def _tools(steps: Iterable[Step]) -> list[str]:
    """Give the tools of the steps that are always taken."""
    return sorted({tool for step in steps if not step.when for tool in step.tools} | {"srectl"})


def _done(plan: Plan, step: Step, anew: bool) -> Iterable[str]:
    yield f"\n# {step.title}"
    yield from _chosen(step)
    done = _condition(plan, step.done) if step.done else "false"
    yield f"echo {shlex.quote(f'== {step.id}: {step.title}')}"
    yield f"if {'false' if anew else done} >/dev/null 2>&1; then"
    yield "  echo '   is done'"
    yield "else"
    for text in step.commands:
        yield f"(\n{with_values(plan, text)}\n)"
    if step.done:
        said = shlex.quote(f"'{step.id}' ran, but it is not done")
        yield f"{done} >/dev/null 2>&1 || {{ echo {said} >&2; exit 1; }}"
    yield "fi"
    yield from _chosen_end(step)


def _taken_back(plan: Plan, step: Step) -> Iterable[str]:
    if step.undo is None:
        return
    there = step.undo.there or step.done
    yield f"\n# {step.undo.why}"
    yield f"echo {shlex.quote(f'== {step.id}: {step.title}')}"
    yield f"if {_condition(plan, there)} >/dev/null; then"
    for text in step.undo.commands:
        yield f"(\n{with_values(plan, text)}\n)"
    yield f"elif [ $? = {UNSEEN} ]; then"
    yield "  echo '   nobody can tell whether it is there' >&2; exit 1"
    yield "else"
    yield "  aws sts get-caller-identity >/dev/null  # else nobody can see what is there"
    yield "  echo '   is not there'"
    yield "fi"


def _condition(plan: Plan, text: str) -> str:
    """Give a check as one condition: bash ignores 'set -e' in what it asks for."""
    values = [f"{name}={value} &&" for name, value in plan.values_of(text).items()]
    return "\n".join(["(", *values, text, ")"])


def _chosen(step: Step) -> Iterable[str]:
    if step.when:
        yield f'if [ "${step.when}" = yes ]; then'


def _chosen_end(step: Step) -> Iterable[str]:
    if step.when:
        yield "fi"
