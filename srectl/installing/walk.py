"""Going through the steps, there and back: each command is shown, asked about, run, remembered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from srectl.errors import CommandFailed
from srectl.installing import script
from srectl.installing.files import contents
from srectl.installing.memory import LEFT_OUT, Memory, digest
from srectl.installing.plan import Plan, Step

__all__ = ["Runner", "Stopped", "Talk", "Walk"]


class Stopped(Exception):
    """The operator wants to go on another time."""


class Runner(Protocol):
    """What runs shell text."""

    def run(self, command: str) -> int:
        """Run a command and give its exit code."""

    def holds(self, check: str) -> bool:
        """Whether a check succeeds; CommandFailed where nobody can tell."""


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
        """Do what is not done, and what was done of other commands, settings or files than now.

        Of a step that is to be looked at it is asked whether it still is.

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
            elif record is None or self.changed(step):
                self._do(step, [])
            elif not record.over:
                self._do(step, record.commands)
            elif step.looked_at and not self.runner.holds(step.done):
                self._do(step, [])
            else:
                self.talk.over(step, f"{record.state} {record.at}")

    def changed(self, step: Step) -> bool:
        """Whether a step was begun or done of other commands, settings or files than now."""
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

    def backward(self, steps: Iterable[Step], *, anew: str | None = None) -> None:
        """Take back what is there, the last step first.

        Parameters
        ----------
        steps
            The steps of this run, in their order.
        anew
            The step that is taken back even if the installation left it out.

        Raises
        ------
        CommandFailed
            A command failed, or nobody can see what is there.
        Stopped
            The operator stopped it.
        """
        for step in reversed(list(steps)):
            record = self.memory.steps.get(step.id)
            if record and record.state == LEFT_OUT and step.id != anew:
                # Somebody else made what is there, such as a cluster: it is not ours to take away.
                if step.undo:
                    self.talk.over(step, "left out when it was installed, so it stays")
            elif step.undo is None:
                # What is kept is found again, or made again if it was deleted by hand.
                self.memory.forget(step.id)
            elif not self.runner.holds(step.undo.there or step.done):
                self._see()
                self.memory.forget(step.id)
                self.talk.over(step, "is not there")
            else:
                self.talk.step(step, step.undo.why)
                for command in step.undo.commands:
                    self._run(step, command, "uninstall")
                self.memory.forget(step.id)
                self.talk.over(step, "taken back")

    def _see(self) -> None:
        """Tell what is not there from what cannot be seen: every check asks AWS who we are."""
        if not self.runner.holds(":"):
            raise CommandFailed(
                "AWS does not answer any more, or not to you: nobody can see what is there",
                f"'aws sts get-caller-identity' says why; then {_again('uninstall')}",
            )

    def _do(self, step: Step, before: list[str]) -> None:
        self.talk.step(step, step.why)
        ran, made_of = list(before), self._made_of(step)
        self.memory.begin(step.id, ran, made_of)
        for command in step.commands:
            if digest(command) in ran:
                continue
            self._run(step, command, "install")
            ran.append(digest(command))
            self.memory.begin(step.id, ran, made_of)
        if step.done and not self.runner.holds(step.done):
            self.memory.begin(step.id, [])
            raise CommandFailed(
                f"step '{step.id}' ran, but it is not done: {' '.join(step.done.split())}",
                _advice(step, "install"),
            )
        self.memory.end(step.id, "done", made_of)
        self.talk.over(step, "done")

    def _made_of(self, step: Step) -> str:
        named = self.plan.settings_of(*step.commands)
        values = [
            f"{each.name}={self.settings.get(each.name)}" for each in named if not each.secret
        ]
        files = [
            self.settings.get(name[1:], "") if name.startswith("$") else name for name in step.files
        ]
        return digest(
            *step.commands,
            *self.plan.values_of(*step.commands).values(),
            *values,
            *contents(self.plan.root, filter(None, files)),
        )

    def _run(self, step: Step, command: str, verb: str) -> None:
        if not self.talk.agreed(script.with_values(self.plan, command)):
            return
        code = self.runner.run(command)
        if code:
            raise CommandFailed(
                f"step '{step.id}' failed: a command ended with {code}; what it said is above",
                _advice(step if verb == "install" else None, verb),
            )


def _again(verb: str) -> str:
    return f"'srectl {verb}' goes on from there"


def _advice(step: Step | None, verb: str) -> str:
    again = _again(verb)
    return f"{step.advice} Then {again}." if step and step.advice else again
