"""The memory of firings, in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from alert_ingest.errors import ChannelUnavailable
from alert_ingest.firings import Firing


class InMemory:
    """A table of one test; `before_write` is what somebody else does meanwhile."""

    def __init__(self) -> None:
        self.rows: dict[str, Firing] = {}
        self.overs: dict[str, datetime] = {}
        self.asked_over: list[str] = []
        self.before_write: list[Any] = []
        self.down = False
        self.writes = 0

    def read(self, keys: Sequence[str]) -> Mapping[str, Firing]:
        if self.down:
            raise ChannelUnavailable("down")
        return {key: self.rows[key] for key in keys if key in self.rows}

    def over(self, incident_id: str) -> datetime | None:
        self.asked_over.append(incident_id)
        return self.overs.get(incident_id)

    def write(self, key: str, firing: Firing, known: Firing | None) -> bool:
        if self.before_write:
            self.before_write.pop(0)()
        row = self.rows.get(key)
        if (row is None) != (known is None):
            return False
        if (
            row
            and known
            and (row.incident_id, row.ended)
            != (
                known.incident_id,
                known.ended,
            )
        ):
            return False
        self.rows[key] = firing
        self.writes += 1
        return True
