"""What is asked of a Prometheus, whichever way leads to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from runbook_action.errors import FinalError


class Unanswered(FinalError):
    """Prometheus gave no answer that can be used. The message says what happened, and what next."""


@dataclass(frozen=True)
class Series:
    """One series of an answer.

    Attributes
    ----------
    points
        Unix times in seconds, and the values then; a value may be NaN.
    """

    labels: Mapping[str, str]
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class AlertRule:
    """One alert rule as Prometheus says it stands.

    Attributes
    ----------
    identity
        The same for the same rule: its group, expression and labels.
    query
        Its expression: the operators' own text, as Prometheus has it.
    healthy
        Whether its last evaluation went well.
    evaluated
        Unix time of that; 0 where there was none.
    interval
        Seconds between two evaluations.
    active
        Labels and state (``pending`` or ``firing``) of each alert of it.
    """

    identity: str
    healthy: bool
    evaluated: float
    interval: float
    active: Sequence[tuple[Mapping[str, str], str]]
    query: str = ""


class Prometheus(Protocol):
    """One Prometheus, or what speaks its language. Every method raises only ``Unanswered``."""

    def over(self, query: str, start: float, end: float, step: float) -> Sequence[Series]:
        """Evaluate a query at times ``step`` seconds apart, both ends (Unix times) included."""

    def at(self, query: str, when: float) -> Sequence[Series]:
        """Evaluate a query at one Unix time: a point for each series."""

    def alert_rules(self, name: str) -> Sequence[AlertRule]:
        """Give the alert rules of exactly this name; it is compared, and never part of a query."""


class Transport(Protocol):
    """One way to a Prometheus."""

    @property
    def place(self) -> str:
        """Where it leads, for people."""

    def get(
        self, path: str, query: Sequence[tuple[str, str]], most_bytes: int, seconds: float
    ) -> tuple[int, bytes]:
        """Send a GET, and give status and body.

        Parameters
        ----------
        path
            Below the root of Prometheus: ``/api/v1/query``.
        most_bytes
            Longer than this an answer is not read.
        seconds
            How long it may take in all.

        Raises
        ------
        Unanswered
            Nobody answered, or too long.
        """
