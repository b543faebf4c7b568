"""What a drill tells: each step with its time, for people and as JSON for everything else."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

__all__ = ["Account", "Kind", "NotMet", "Step", "Teller", "write"]

Kind = Literal["look", "break", "detect", "recover", "prove", "heal"]
Outcome = Literal["held", "failed", "not-started", "interrupted"]


class NotMet(RuntimeError):
    """An expectation did not hold.

    Parameters
    ----------
    what : str
        Which.
    seen : str
        What was there instead.
    where : str
        Where to look: a log that ``srectl local logs`` knows, a queue, an alarm.
    next_step : str
        What to do.
    """

    def __init__(self, what: str, seen: str, where: str, next_step: str) -> None:
        self.what = what
        self.seen = seen
        self.where = where
        self.next_step = next_step
        super().__init__(f"{what}: {seen}")


@dataclass(frozen=True)
class Step:
    """One line of the report.

    Parameters
    ----------
    kind : str
        ``break``, ``detect``, ``recover``, ``prove``; ``look`` before, ``heal`` after.
    what : str
        The sentence.
    held : bool
        Whether it came about.
    at : float
        Seconds since the drill began.
    took : float
        Seconds waited for it.
    detail : str
        What exactly was seen.
    command : sequence of str
        The command that was typed, empty where none was.
    """

    kind: Kind
    what: str
    held: bool
    at: float
    took: float
    detail: str = ""
    command: Sequence[str] = ()


@dataclass
class Account:
    """One drill from its begin to its end.

    Parameters
    ----------
    name, what : str
        Which drill, and what it breaks.
    outcome : str
        ``held`` if every expectation did.
    steps : list of Step
        In order of time.
    seconds : float
        How long it took.
    problem, where, next_step : str
        What did not hold, where to look, what to do; empty where all did.
    """

    name: str
    what: str
    outcome: Outcome = "not-started"
    steps: list[Step] = field(default_factory=list)
    seconds: float = 0.0
    problem: str = ""
    where: str = ""
    next_step: str = ""


class Teller:
    """Is told how a drill goes; does nothing unless overridden."""

    def begun(self, account: Account) -> None:
        """A drill begins."""

    def step(self, step: Step) -> None:
        """A step is done, or failed."""

    def ended(self, account: Account) -> None:
        """A drill is over."""


def write(accounts: Sequence[Account], stack: str, path: Path) -> None:
    """Write the report as JSON."""
    document = {"stack": stack, "drills": [dataclasses.asdict(each) for each in accounts]}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
