"""Builders of webhook bodies and small fakes for the tests of alert_ingest."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alert_ingest.delivery import Refusal
from alert_ingest.errors import AlertIngestError
from alert_ingest.events import Entry

EVENTS = Path(__file__).parents[3] / "events"
REMOVE = object()


def sample(name: str) -> dict[str, Any]:
    """Return a raw sample body, e.g. ``alertmanager/firing``."""
    body: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text("utf-8"))
    return body


def changed(body: dict[str, Any], /, **changes: object) -> dict[str, Any]:
    """Copy a body and set (or with REMOVE drop) values by path, written ``a__b__0``."""
    body = copy.deepcopy(body)
    for path, value in changes.items():
        *parents, last = (int(part) if part.isdigit() else part for part in path.split("__"))
        inner: Any = body
        for parent in parents:
            inner = inner[parent]
        if value is REMOVE:
            del inner[last]
        else:
            inner[last] = value
    return body


def group_body(sender: str, count: int = 1, /, **changes: object) -> dict[str, Any]:
    """Return a sender's firing sample with `count` different alerts."""
    body = sample(f"{sender}/firing")
    first = body["alerts"][0]
    body["alerts"] = [
        changed(first, fingerprint=f"{number:016x}" if number else first["fingerprint"])
        for number in range(count)
    ]
    return changed(body, **changes)


def alertmanager_body(count: int = 1, /, **changes: object) -> dict[str, Any]:
    """Return Alertmanager's firing sample with `count` different alerts."""
    return group_body("alertmanager", count, **changes)


def proxy_event(content: object, /, **changes: object) -> dict[str, Any]:
    """Wrap content (text, or anything else as JSON) as an API Gateway event."""
    event = sample("alertmanager/api-firing")
    event["body"] = content if isinstance(content, str) else json.dumps(content)
    return changed(event, **changes)


@dataclass
class FakeChannel:
    """Takes entries in memory; `script` decides per call what goes wrong.

    A script item is an exception to raise, a set of batch positions to refuse, or None for success;
    after the last item everything succeeds, unless `broken` says what always happens.
    """

    script: list[AlertIngestError | set[int] | None] = field(default_factory=list)
    broken: AlertIngestError | None = None
    taken: list[Entry] = field(default_factory=list)
    batches: list[list[Entry]] = field(default_factory=list)
    takes_time: Callable[[], None] = lambda: None

    def send(self, entries: Sequence[Entry]) -> list[Refusal]:
        self.batches.append(list(entries))
        self.takes_time()
        if self.broken is not None:
            raise self.broken
        step = self.script.pop(0) if self.script else None
        if isinstance(step, AlertIngestError):
            raise step
        refused = step or set()
        self.taken += [entry for index, entry in enumerate(entries) if index not in refused]
        return [
            Refusal(entry, "refused by the test")
            for index, entry in enumerate(entries)
            if index in refused
        ]

    @property
    def details(self) -> list[dict[str, Any]]:
        return [json.loads(entry["Detail"]) for entry in self.taken]


@dataclass
class FakeTime:
    """A clock that only moves when somebody sleeps or a call takes its time."""

    now: float = 1000.0
    pauses: list[float] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds
