"""What a scenario is: what breaks, what must ring, what must be answered, and what ends it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from onemachine.demo.scenarios.ground import Ground

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
        What a human does once told, where the platform leaves it to one.
    needs_nodes : bool
        Whether the opt-in rights on nodes are given.
    evidence : sequence of str
        What its evidence must name.
    closed_by_data : bool
        Whether Alertmanager keeps its own times, so that the data must close it long before its end
        is heard.
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
