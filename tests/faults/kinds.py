"""What is planned: alerts, deliveries, strikes; and the names of stages and of faults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["DELIVERED", "STAGES", "Delivery", "Firing", "Plan", "Strike"]

Status = Literal["firing", "resolved"]

#: The stages of an incident at which a fault can strike, in their order.
STAGES = ("intake", "claim", "guard", "act", "verify", "undo", "close", "restore")

#: Faults that need nobody to make them: the sender's own way of delivering is the fault.
DELIVERED = (
    "duplicate",
    "reordered",
    "delayed",
    "clock-skew",
    "connection-cut",
    "poisoned-body",
    "forged-end",
    "two-runbooks",
)


@dataclass(frozen=True)
class Firing:
    """One firing of one alert: what must become one incident.

    Parameters
    ----------
    number : int
        Its place in the plan.
    kind : str
        ``silent`` (no runbook), ``info``, ``scale``, ``restart``, ``evict`` or ``switch``.
    target : str
        Name of the Deployment that it is about; empty for none.
    severity : str
        As Alertmanager's label.
    fires_at, ends_at : float
        Seconds after the campaign's beginning.
    skew : float
        Seconds by which the sender's clock is wrong.
    fingerprint : str
        Identity of the alert at its sender.
    hostile : bool
        Its texts try to be more than text.
    """

    number: int
    kind: str
    target: str
    severity: str
    fires_at: float
    ends_at: float
    skew: float
    fingerprint: str
    hostile: bool = False

    @property
    def acts(self) -> bool:
        """Whether a runbook would act for it."""
        return self.kind not in ("silent", "info")


@dataclass(frozen=True)
class Delivery:
    """One body that is sent until it is taken or refused for good.

    Parameters
    ----------
    at : float
        Seconds after the campaign's beginning.
    firings : tuple of int
        Numbers of the firings that it tells of; empty for a poisoned body.
    status : str
        What it tells: ``firing`` or ``resolved``.
    faults : tuple of str
        Which of :data:`DELIVERED` it is an instance of.
    poison : str
        Why nobody can read it; empty for a good body.
    forged : bool
        Whether it is told with another sender's key.
    """

    at: float
    firings: tuple[int, ...]
    status: Status
    faults: tuple[str, ...] = ()
    poison: str = ""
    forged: bool = False


@dataclass(frozen=True)
class Strike:
    """One fault, made at some time and healed some time later.

    Parameters
    ----------
    at, seconds : float
        When, after the campaign's beginning, and for how long.
    fault : str
        Name of a nemesis.
    stage : str
        Stage of the incidents that fire for its sake.
    victims : tuple of int
        Those incidents, by number.
    """

    at: float
    seconds: float
    fault: str
    stage: str
    victims: tuple[int, ...] = ()


@dataclass(frozen=True)
class Plan:
    """A whole campaign.

    Parameters
    ----------
    seed : int
        What it was made from.
    seconds : float
        How long it sends and strikes.
    targets : tuple of str
        Deployments that runbooks act on.
    """

    seed: int
    seconds: float
    targets: tuple[str, ...]
    firings: tuple[Firing, ...]
    deliveries: tuple[Delivery, ...]
    strikes: tuple[Strike, ...]
