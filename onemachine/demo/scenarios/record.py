"""What a scenario is: what breaks, what must ring, what must be answered, and what ends it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from onemachine.demo.scenarios.ground import Ground
from onemachine.traffic import FEW_ORDERS_PER_SECOND

__all__ = ["Answer", "Scenario"]

Answer = Literal["acts", "asks", "tells"]
"""The platform repairs; it asks a human first; it repairs nothing and tells a human why."""


@dataclass(frozen=True)
class Scenario:
    """One thing that goes wrong, and what is promised for it.

    Parameters
    ----------
    name : str
        How it is called on the command line.
    breaks : str
        What goes wrong, in a sentence.
    alert : str
        The alert that must fire, from its rule.
    about : mapping
        Labels that it must carry.
    runbook : str
        Runbook that is switched on for it.
    answer : str
        What the platform must do.
    action : str
        Which action must be on record as done; empty where none is.
    ends : str
        What ends it, in a sentence.
    prepare : callable
        Puts on the cluster what will break.
    breaking : callable
        Breaks it.
    mended : callable
        What shows on the cluster that it is mended; empty until it is.
    by_hand : callable, optional
        What a human does where the platform leaves it to one: once told, or once it has acted.
    needs_nodes : bool
        Whether the opt-in rights on nodes are given.
    evidence : sequence of str
        What its evidence must name.
    closed_by_data : bool
        Whether Alertmanager keeps its own times, so that the data must close it long before its end
        is heard.
    besides : sequence of str
        Alerts that tell of the same fault as ``alert``: which of them is the cause of the others is
        a matter of moments.
    without_rules : sequence of str
        Files of the platform's own rules that are left out, where they say the same sooner.
    thinks_seconds : float
        How long the human takes to answer.
    orders_per_second : float
        How much customers order of checkout; by itself so little that nothing else has to wait.
    children : int
        How many other incidents at least must hang on this one, without a call for any of them.
    """

    name: str
    breaks: str
    alert: str
    runbook: str
    answer: Answer
    ends: str
    prepare: Callable[[Ground], None]
    breaking: Callable[[Ground], None]
    mended: Callable[[Ground], str]
    about: Mapping[str, str] = field(default_factory=dict)
    action: str = ""
    by_hand: Callable[[Ground], None] | None = None
    needs_nodes: bool = False
    evidence: Sequence[str] = ()
    closed_by_data: bool = False
    besides: Sequence[str] = ()
    without_rules: Sequence[str] = ()
    thinks_seconds: float = 0.0
    orders_per_second: float = FEW_ORDERS_PER_SECOND
    children: int = 0

    def __post_init__(self) -> None:
        """Refuse what could not be played.

        Raises
        ------
        ValueError
            An answer that does something names no action, or one that does nothing has no hand.
        """
        if self.answer == "tells" and (self.action or self.by_hand is None):
            raise ValueError(f"{self.name}: who only tells acts not, and somebody must end it")
        if self.answer != "tells" and not self.action:
            raise ValueError(f"{self.name}: which action must be on record?")
