"""What operation ``resolve`` is given, checked before anything is looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runbook_action.errors import InvalidRequest
from runbook_action.request import MAX_STEPS, parse_incident_id
from runbook_action.steps import steps_of, strategy_of

_BROKEN = (AttributeError, IndexError, KeyError, TypeError, ValueError)


@dataclass(frozen=True)
class Alert:
    """What an alert says about where it is.

    Attributes
    ----------
    labels
        Its labels. Text of others: only names of objects are read from it, and checked.
    cluster
        Its cluster label; None for the default cluster.
    """

    labels: Mapping[str, str]
    cluster: str | None


@dataclass(frozen=True)
class ResolveRequest:
    """A runbook as published, in one shape, and the alert that selected it."""

    runbook: str
    strategy: str
    steps: Sequence[Mapping[str, Any]]
    alert: Alert
    incident_id: str
    operation: str = "resolve"

    @property
    def action(self) -> str:
        """The action of its first step."""
        return str(self.steps[0]["action"])


def parse_resolve(event: Mapping[str, Any]) -> ResolveRequest:
    """Turn the function's input into a request.

    Parameters
    ----------
    event
        ``{operation: "resolve", runbook, alert, incident_id}``: a definition of the catalogue, and
        ``data`` of the event that tells of the incident. Other keys are left alone.

    Raises
    ------
    InvalidRequest
        If either is not what the catalogue and the events hold. The message names the field.
    """
    runbook = event.get("runbook")
    if not isinstance(runbook, Mapping):
        raise InvalidRequest(f"runbook must be a definition of the catalogue, not {runbook!r}")
    try:
        steps = steps_of(runbook)
    except _BROKEN as error:
        raise InvalidRequest(
            f"runbook {runbook.get('name')!r} is not one that 'srectl runbooks validate' accepts: "
            f"{type(error).__name__}, {error}"
        ) from error
    if not 1 <= len(steps) <= MAX_STEPS:
        raise InvalidRequest(f"runbook must have 1 to {MAX_STEPS} steps, not {len(steps)}")
    return ResolveRequest(
        runbook=str(runbook.get("name")),
        strategy=strategy_of(runbook),
        steps=steps,
        alert=parse_alert(event.get("alert")),
        incident_id=parse_incident_id(event.get("incident_id")),
    )


def parse_alert(value: object) -> Alert:
    """Read what an alert says about where it is.

    Raises
    ------
    InvalidRequest
        It is not the data of an incident. The message names the field.
    """
    if not isinstance(value, Mapping):
        raise InvalidRequest(f"alert must be the data of an incident, not {value!r}")
    labels = value.get("labels")
    if not isinstance(labels, Mapping):
        raise InvalidRequest(f"alert.labels must be an object, not {labels!r}")
    target = value.get("target")
    cluster = target.get("cluster") if isinstance(target, Mapping) else labels.get("cluster")
    if cluster is not None and not isinstance(cluster, str):
        raise InvalidRequest(f"alert.target.cluster must be a text or null, not {cluster!r}")
    texts = {str(name): text for name, text in labels.items() if isinstance(text, str)}
    return Alert(texts, cluster or None)
