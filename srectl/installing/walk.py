"""Going through the steps, there and back: each command is shown, asked about, run, remembered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from srectl.errors import CommandFailed
from srectl.installing.memory import Memory, digest
from srectl.installing.plan import Plan, Step

__all__ = ["Runner", "Stopped", "Talk", "Walk", "taken"]


class Stopped(Exception):
    """The operator wants to go on another time."""


class Runner(Protocol):
    """What runs shell text."""

    def run(self, command: str) -> int:
        """Run a command and give its exit code."""

    def holds(self, check: str) -> bool:
        """Whether a check succeeds."""


class Talk(Protocol):
    """How the operator is told and asked."""

    def step(self, step: Step, why: str) -> None:
        """Say what comes."""

    def over(self, step: Step, word: str) -> None:
        """Say that nothing is left to do of a step, or nothing was to do."""

    def agreed(self, command: str) -> bool:
        """Show a command, and ask; no: the operator has done it by hand. May raise Stopped."""


@dataclass(frozen=True)
class Walk:
    """One run through the steps.

    Parameters
    ----------
    plan
        The steps.
    memory
        What is known of earlier runs.
    runner
        What runs the commands.
    talk
        The operator.
    settings
        What the operator said.
    """

    plan: Plan
    memory: Memory
    runner: Runner
    talk: Talk
    settings: Mapping[str, str]

    def forward(self, steps: Iterable[Step], *, anew: str | None = None) -> None:
        """Do what is not done, and what was done of other commands or settings than now.

        Parameters
        ----------
        steps
            The steps of this run, in their order.
        anew
            The step that is done in any case.

        Raises
        ------
        CommandFailed
            A command failed, or a step is not done though its commands ran.
        Stopped
            The operator stopped it.
        """
        for step in steps:
            record = self.memory.steps.get(step.id)
            if step.id == anew:
                self._do(step, [])
            elif record is None and step.done and self.runner.holds(step.done):
                self.memory.end(step.id, "found", self._made_of(step))
                self.talk.over(step, "found done")
            elif record is None or not record.over:
                self._do(step, record.commands if record else [])
            elif self.changed(step):
                self._do(step, [])
            else:
                self.talk.over(step, f"{record.state} {record.at}")

    def changed(self, step: Step) -> bool:
        """Whether a step was done of other commands or settings than now."""
        record = self.memory.steps.get(step.id)
        if record is None or not record.made_of or step.once:
            return False
        return record.made_of != self._made_of(step)

    def open(self, steps: Iterable[Step], *, anew: str | None = None) -> list[Step]:
        """Give the steps that are not known to be done."""
        over = {name for name, record in self.memory.steps.items() if record.over}
        return [
            step for step in steps if step.id == anew or step.id not in over or self.changed(step)
        ]

    def backward(self, steps: Iterable[Step]) -> None:
        """Take back what is there, the last step first.

        Raises
        ------
        CommandFailed
            A command failed.
        Stopped
            The operator stopped it.
        """
        for step in reversed(list(steps)):
            if step.undo is None:
                if not step.kept:
                    self.memory.forget(step.id)
            elif not self.runner.holds(step.undo.there or step.done):
                self.memory.forget(step.id)
                self.talk.over(step, "is not there")
            else:
                self.talk.step(step, step.undo.why)
                for command in step.undo.commands:
                    self._run(step, command, "uninstall")
                self.memory.forget(step.id)
                self.talk.over(step, "taken back")

    def _do(self, step: Step, before: list[str]) -> None:
        self.talk.step(step, step.why)
        ran = list(before)
        self.memory.begin(step.id, ran)
        for command in step.commands:
            if digest(command) in ran:
                continue
            self._run(step, command, "install")
            ran.append(digest(command))
            self.memory.begin(step.id, ran)
        if step.done and not self.runner.holds(step.done):
            self.memory.begin(step.id, [])
            raise CommandFailed(
                f"step '{step.id}' ran, but it is not done: {' '.join(step.done.split())}",
                _advice(step, "install"),
            )
        self.memory.end(step.id, "done", self._made_of(step))
        self.talk.over(step, "done")

    def _made_of(self, step: Step) -> str:
        named = self.plan.settings_of(*step.commands)
        values = [
            f"{each.name}={self.settings.get(each.name)}" for each in named if not each.secret
        ]
        return digest(*step.commands, *self.plan.values_of(*step.commands).values(), *values)

    def _run(self, step: Step, command: str, verb: str) -> None:
        if not self.talk.agreed(command):
            return
        code = self.runner.run(command)
        if code:
            raise CommandFailed(
                f"step '{step.id}' failed: a command ended with {code}; what it said is above",
                _advice(step if verb == "install" else None, verb),
            )


def taken(
    plan: Plan, settings: Mapping[str, str], without: Iterable[str], start: str | None
) -> list[Step]:
    """Give the steps of a run.

    Parameters
    ----------
    settings
        Which of them are chosen.
    without
        Those that are left out.
    start
        The first one; None: the very first.

    Raises
    ------
    CommandFailed
        A name is none of a step, or of one that is left out.
    """
    left_out = {plan.step(name).id for name in without}
    steps = [
        step
        for step in plan.steps
        if step.id not in left_out and (not step.when or settings.get(step.when, "no") == "yes")
    ]
    if start is None:
        return steps
    first = plan.step(start)
    if first not in steps:
        raise CommandFailed(
            f"step {start!r} is left out",
            f"'--set {first.when}=yes' takes it in" if first.when else "name another with --from",
        )
    return steps[steps.index(first) :]


def _advice(step: Step | None, verb: str) -> str:
    again = f"'srectl {verb}' goes on from there"
    return f"{step.advice} Then {again}." if step and step.advice else again
