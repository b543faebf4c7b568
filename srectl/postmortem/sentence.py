"""What a post-mortem is made of: sentences that each name their source."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

from srectl.operate.moments import moment

__all__ = ["Sentence", "is_restart", "seconds_between", "target_of"]


@dataclass(frozen=True)
class Sentence:
    """One statement.

    Parameters
    ----------
    text
        What is so, as plain text; whoever shows it escapes it.
    source
        Where it stands: a field of the record, an event of the audit log, a source of evidence.
    at
        When, for the timeline.
    """

    text: str
    source: str
    at: datetime.datetime | None = None

    def plain(self) -> dict[str, Any]:
        """Give it as JSON."""
        told = {"text": self.text, "source": self.source}
        return {"at": self.at.isoformat(), **told} if self.at else told


def seconds_between(one: Any, other: Any) -> int | None:
    """Give the whole seconds from one time to another, None where either is not known."""
    first, second = moment(one), moment(other)
    return round((second - first).total_seconds()) if first and second else None


def is_restart(revision: dict[str, Any], rollouts: dict[str, Any]) -> bool:
    """Say whether a revision brought nothing but new pods.

    The evidence's last rollout is the first revision with the template that there is now, so what
    came after it has the same one.

    Parameters
    ----------
    revision
        One of the evidence's revisions.
    rollouts
        All that the evidence says of rollouts.
    """
    return (seconds_between(rollouts.get("rolled_out_at"), revision.get("made_at")) or 0) > 0


def target_of(target: Any) -> str:
    """Name an object: ``deployment apps/checkout``; empty where it is not known."""
    if not isinstance(target, dict) or not target.get("kind") or not target.get("name"):
        return ""
    place = "/".join(str(target[key]) for key in ("namespace", "name") if target.get(key))
    return f"{target['kind']} {place}"
