"""Send archived events over the bus again.

Unless told otherwise they go to the recorder only, which writes what is missing: nobody is told
again and no runbook starts. The rule that starts runbooks can be named too. An incident is not
remediated twice by that, because the runbook of a replayed alert finds the claim of the first one
and ends as a duplicate; an alert without a claim is new to the platform and is treated so. Claims
are kept with the guards, so that they outlive the records.
"""

from __future__ import annotations

import datetime
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from srectl.errors import CommandFailed
from srectl.operate.account import Account
from srectl.operate.refusals import calling

if TYPE_CHECKING:
    from mypy_boto3_events.type_defs import DescribeReplayResponseTypeDef

# What a replay may reach: name → rule without prefix. "created" starts runbooks and tells people,
# "resolved" tells people.
RULES = {
    "records": "sre-incident-records",
    "created": "sre-incident-created",
    "resolved": "sre-incident-resolved",
    "audit": "sre-audit",
}
DEFAULT_RULES = ("records",)
_ENDED = frozenset({"COMPLETED", "FAILED", "CANCELLED"})


@dataclass(frozen=True)
class Range:
    """What to replay.

    Attributes
    ----------
    start, end
        Times at which the events were received by the bus.
    rules
        Keys of `RULES` to send them to.
    """

    start: datetime.datetime
    end: datetime.datetime
    rules: Sequence[str] = DEFAULT_RULES


@dataclass(frozen=True)
class ArchiveState:
    """What the archive holds in all; EventBridge counts with some delay."""

    name: str
    state: str
    events: int
    retention_days: int


def check(account: Account, wanted: Range, now: datetime.datetime) -> ArchiveState:
    """Look whether a range can be replayed; changes nothing.

    Raises
    ------
    CommandFailed
        The range is empty, in the future or older than the archive, or the archive cannot be read.
    """
    if wanted.end <= wanted.start:
        raise CommandFailed("the range is empty: --to is not after --from", "times are in UTC")
    if wanted.start >= now:
        raise CommandFailed("the range is in the future", "times are in UTC")
    with calling(f"archive {account.bus} could not be read"):
        archive = account.events.describe_archive(ArchiveName=account.bus)
    days = archive.get("RetentionDays") or 0
    if days and wanted.end < now - datetime.timedelta(days=days):
        raise CommandFailed(
            f"archive {account.bus} keeps events for {days} days; the range is older",
            "the audit log keeps them longer, but cannot be replayed",
        )
    return ArchiveState(account.bus, archive["State"], archive.get("EventCount", 0), days)


def start(account: Account, wanted: Range) -> str:
    """Start a replay.

    Returns
    -------
    str
        Its name.

    Raises
    ------
    CommandFailed
        EventBridge refused.
    """
    name = f"srectl-{uuid.uuid4().hex[:12]}"
    with calling("the replay could not be started"):
        answer = account.events.start_replay(
            ReplayName=name,
            EventSourceArn=account.archive_arn,
            EventStartTime=wanted.start,
            EventEndTime=wanted.end,
            Destination={
                "Arn": account.bus_arn,
                "FilterArns": [account.rule_arn(RULES[rule]) for rule in wanted.rules],
            },
        )
    if answer.get("State") in ("FAILED", "CANCELLED"):
        raise CommandFailed(
            f"replay {name} is {answer['State']}: {answer.get('StateReason', 'no reason given')}"
        )
    return name


def follow(
    account: Account,
    name: str,
    interval_seconds: float = 2.0,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[DescribeReplayResponseTypeDef]:
    """Give a replay's state again and again until it is over.

    Raises
    ------
    CommandFailed
        The replay failed or was cancelled, or cannot be read.
    """
    while True:
        with calling(f"replay {name} could not be read"):
            state = account.events.describe_replay(ReplayName=name)
        yield state
        if state["State"] in _ENDED:
            break
        sleep(interval_seconds)
    if state["State"] != "COMPLETED":
        raise CommandFailed(
            f"replay {name} is {state['State']}: {state.get('StateReason', 'no reason given')}",
            "start it again; what has been replayed is not done twice",
        )
