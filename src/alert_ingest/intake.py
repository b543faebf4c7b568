"""From the text of a request to alerts: decoding, recognising the sender, dropping duplicates."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alert_ingest.errors import BodyRejected
from alert_ingest.model import Problem, Reading
from alert_ingest.senders import SENDERS, Sender
from alert_ingest.validation.explain import type_name

# No sender nests deeper than 5. What goes through a decoded body level by level (the redaction for
# the log) takes several calls for each, and Python allows about 1,000.
MAX_DEPTH = 100
# Nothing acts on it, and the same alert of two clusters is one incident.
WHICH_CLUSTER = "no label cluster: it may be about any of the clusters looked after, or several"
_CONTAINERS = frozenset({dict, list})


@dataclass(frozen=True, slots=True)
class Intake:
    """Reads bodies.

    Attributes
    ----------
    senders
        Those that are understood.
    several_clusters
        Whether more than one cluster is looked after.
    """

    senders: Sequence[Sender] = SENDERS
    several_clusters: bool = False

    def read(self, body: object, received_at: datetime) -> Reading:
        """Turn a decoded body into alerts, each once.

        Raises
        ------
        BodyRejected
            Not an object, of no known sender, invalid, or without one usable alert.
        """
        if not isinstance(body, dict):
            raise BodyRejected(
                "The body must be a JSON object.",
                [Problem("", f"must be object but is {type_name(body)}")],
            )
        reading = self._sender_of(body).read(body, received_at)
        if not reading.alerts:
            raise BodyRejected(
                "No alert of the body can be used.",
                [problem for item in reading.rejected for problem in item.problems],
                reading.sender,
            )
        if self.several_clusters:
            for alert in reading.alerts:
                if alert.target.cluster is None:
                    alert.notes = (*alert.notes, WHICH_CLUSTER)
        unique = {(alert.incident_id, alert.status): alert for alert in reversed(reading.alerts)}
        return Reading(reading.sender, tuple(reversed(unique.values())), reading.rejected)

    def _sender_of(self, body: dict[str, Any]) -> Sender:
        matches = [sender for sender in self.senders if sender.recognises(body)]
        if len(matches) == 1:
            return matches[0]
        known = "; ".join(sender.shape for sender in self.senders)
        found = "looks like more than one" if matches else "is of none"
        raise BodyRejected(
            f"The body {found} of the {len(self.senders)} formats known here: {known}.",
            [Problem("", f"{found} of the known formats")],
        )


def decode_json(text: str) -> object:
    """Decode a body strictly: no NaN, at most 100 levels of nesting.

    Raises
    ------
    BodyRejected
        The text is not JSON; the message says where.
    """
    try:
        value: object = json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        what = f"{error.msg} at line {error.lineno}, column {error.colno}"
    except ValueError as error:  # NaN and Infinity, and integers of thousands of digits
        what = str(error).partition(";")[0]
    except RecursionError:
        what = "nested too deeply"
    else:
        # A bound that costs nothing says enough for most bodies: no more levels than brackets.
        if text.count("{") + text.count("[") <= MAX_DEPTH or not _is_deeper(value, MAX_DEPTH):
            return value
        what = "nested too deeply"
    raise BodyRejected("The body is not valid JSON.", [Problem("", f"is not JSON: {what}")])


def _is_deeper(value: object, levels: int) -> bool:
    """Tell whether a decoded document has more levels of arrays and objects than that."""
    containers: list[Any] = [value] if type(value) in _CONTAINERS else []
    for _ in range(levels):
        if not containers:
            return False
        containers = [
            inner
            for outer in containers
            for inner in (outer.values() if type(outer) is dict else outer)
            if type(inner) in _CONTAINERS
        ]
    return bool(containers)


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not a JSON value")
