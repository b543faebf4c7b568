"""What the pages read of the deployment, each within bounds, and kept for a moment.

Several browsers, and each look for news, share what was read: a console that is left open must not
cost what a busy one does.
"""

from __future__ import annotations

import datetime
import threading
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from srectl.errors import CommandFailed, NoSuchIncident
from srectl.operate import (
    at_work,
    audit,
    catalogue,
    evidence,
    incidents,
    naming,
    queues,
    recent,
    spans,
    switch_history,
    switches,
    trust,
)
from srectl.operate.account import Account
from srectl.operate.being_undone import being_undone
from srectl.operate.undo_attempts import name_of

__all__ = ["MOST", "Part", "Reading"]

Value = TypeVar("Value")

#: How long what was read counts as read, in seconds.
INCIDENTS_SECONDS = 2.0
SLOW_SECONDS = 15.0
_PAST_SECONDS = 60.0
#: Incidents at most of a status that is not over, unless whoever reads wants more.
MOST = 100
_AUDIT_REQUESTS = 10


@dataclass(frozen=True)
class Part(Generic[Value]):
    """One thing that a page shows, or why it could not be read.

    Attributes
    ----------
    value
        None where it could not be read.
    problem, hint
        What happened, and what to do next.
    absent
        There is no such incident.
    """

    value: Value | None = None
    problem: str = ""
    hint: str = ""
    absent: bool = False


class Reading:
    """Reads a deployment for the pages.

    Parameters
    ----------
    account
        The deployment.
    clock
        Gives the time.
    most
        Incidents at most of a status that is not over.
    """

    def __init__(
        self, account: Account, clock: Callable[[], datetime.datetime], *, most: int = MOST
    ) -> None:
        self.account = account
        self._most = most
        self.clock = clock
        self._kept: dict[str, tuple[float, Part[Any]]] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()
        self._forgotten = 0
        self._pool = ThreadPoolExecutor(8, thread_name_prefix="reading")

    @classmethod
    def of_what_is_there(
        cls, account: Account, clock: Callable[[], datetime.datetime], *, most: int = MOST
    ) -> Reading:
        """Begin to read for one page, once it is known that there is such a deployment.

        Raises
        ------
        CommandFailed
            Not even the mode can be read: the account or the prefix is another.
        """
        reading = cls(account, clock, most=most)
        mode = reading.mode()
        if mode.value is None:
            raise CommandFailed(mode.problem, mode.hint)
        reading.prepare()
        return reading

    def prepare(self) -> None:
        """Make the clients, which must not be made by two threads at once."""
        account = self.account
        _ = account.dynamodb, account.sqs, account.ssm, account.states, account.events
        _ = account.logs, account.functions
        account.client("s3")

    def forget(self) -> None:
        """Read anew, because something was done."""
        with self._lock:
            self._kept.clear()
            self._forgotten += 1

    def incidents(self, status: str) -> Part[recent.Found]:
        """Give the incidents of a status that is not over, of the last 30 days, the newest."""
        account = self.account
        since = self.clock() - spans.OPEN
        return self._once(
            f"incidents {status}",
            INCIDENTS_SECONDS,
            lambda: recent.recent(
                account.dynamodb,
                account.incidents_table,
                status,
                since,
                most=self._most,
                pages=max(3, self._most // 50),
            ),
        )

    def over(self, hours: int = 24) -> Part[recent.Found]:
        """Give the resolved incidents that began within some hours, at most 400."""
        account = self.account
        since = self.clock() - datetime.timedelta(hours=hours)
        return self._once(
            f"over {hours}",
            INCIDENTS_SECONDS,
            lambda: recent.recent(
                account.dynamodb, account.incidents_table, "resolved", since, most=400, pages=4
            ),
        )

    def ended(self, span: datetime.timedelta) -> Part[recent.Found]:
        """Give the resolved incidents that began within a span, at most 2000."""
        account = self.account
        since = self.clock() - span
        return self._once(
            f"ended within {span}",
            _PAST_SECONDS,
            lambda: recent.recent(
                account.dynamodb, account.incidents_table, "resolved", since, most=2000, pages=20
            ),
        )

    def catalogue(self) -> Part[dict[str, catalogue.Published]]:
        """Give the published catalogue: as many items as were published."""
        account = self.account
        return self._once(
            "catalogue",
            _PAST_SECONDS,
            lambda: catalogue.published(account.dynamodb, account.runbooks_table),
        )

    def own_modes(self) -> Part[Mapping[str, str]]:
        """Give the modes that single runbooks were switched to."""
        account = self.account
        return self._once(
            "own modes",
            SLOW_SECONDS,
            lambda: switches.read_own_modes(account.ssm, account.own_modes_parameter),
        )

    def switched(self) -> Part[list[switch_history.Change]]:
        """Give who has switched what, newest first: up to six requests."""
        return self._once("switched", SLOW_SECONDS, lambda: switch_history.changes(self.account))

    def heard(self, record: dict[str, Any]) -> Part[audit.Heard]:
        """Give what the bus heard of an incident: at most ten requests to the audit log."""
        return self._once(
            f"heard {record['incident_id']}",
            SLOW_SECONDS,
            lambda: audit.heard(self.account, record, _AUDIT_REQUESTS),
        )

    def trusted(self, locks: Collection[str]) -> Part[list[trust.Standing]]:
        """Give what the locks of targets say of runbooks: a request for each hundred of them."""
        account = self.account
        return self._once(
            f"trust {sorted(locks)}",
            SLOW_SECONDS,
            lambda: trust.standings(account.dynamodb, account.guard_table, locks),
        )

    def limit_of_trust(self) -> Part[int | None]:
        """Give after how many remediations without help a runbook asks, where that may be read."""
        return self._once("limit of trust", _PAST_SECONDS, lambda: trust.limit_of(self.account))

    def evidence(self, record: dict[str, Any]) -> Part[dict[str, Any]]:
        """Give the whole evidence of an incident: one object of at most 256 KiB."""
        key = (record.get("evidence") or {}).get("key")
        return self._once(
            f"evidence {key}", _PAST_SECONDS, lambda: evidence.read(self.account, record)
        )

    def running(self, record: dict[str, Any]) -> Part[at_work.AtWork]:
        """Give the step that is under way, when that is given up, and when all is over.

        A list of the steps that run now, and one lock.
        """
        return self._once(
            f"running {record['incident_id']}",
            INCIDENTS_SECONDS,
            lambda: at_work.running(self.account, record, self.clock()),
        )

    def being_undone(self, records: Collection[dict[str, Any]]) -> Part[frozenset[str]]:
        """Give the ids of those that are just being taken back: a list of what is, where asked."""
        names = sorted(filter(None, map(name_of, records)))
        return self._once(
            f"being undone {names}",
            INCIDENTS_SECONDS,
            lambda: being_undone(self.account, records),
        )

    def incident(self, incident_id: str) -> dict[str, Any]:
        """Read one incident.

        Raises
        ------
        NoSuchIncident
            There is none.
        CommandFailed
            It cannot be read.
        """
        found = self.maybe(incident_id)
        if found.value is None:
            kind = NoSuchIncident if found.absent else CommandFailed
            raise kind(found.problem, found.hint)
        return found.value

    def whole_id(self, given: str) -> str:
        """Give the whole id of the incident that is meant by the beginning of one.

        Raises
        ------
        NoSuchIncident
            It is too short, or fits none or several.
        CommandFailed
            The incidents cannot be read.
        """
        return naming.full_id(self.account.dynamodb, self.account.incidents_table, given)

    def maybe(self, incident_id: str) -> Part[dict[str, Any]]:
        """Read one incident that may be erased or expired by now."""
        account = self.account
        return self._once(
            f"incident {incident_id}",
            INCIDENTS_SECONDS / 2,
            lambda: incidents.read(account.dynamodb, account.incidents_table, incident_id),
        )

    def mode(self) -> Part[str]:
        """Give the mode of automatic remediation."""
        account = self.account
        return self._once(
            "mode", SLOW_SECONDS, lambda: switches.read_mode(account.ssm, account.mode_parameter)
        )

    def windows(self) -> Part[list[switches.Window]]:
        """Give the maintenance windows."""
        account = self.account
        return self._once(
            "windows",
            SLOW_SECONDS,
            lambda: switches.windows(account.ssm, account.maintenance_parameter),
        )

    def queues(self) -> Part[list[queues.Depth]]:
        """Tell how full the queues of what could not be delivered are."""
        account = self.account

        def read() -> list[queues.Depth]:
            one = lambda queue: queues.depth(account.sqs, queue, account.prefix)  # noqa: E731
            with ThreadPoolExecutor(len(queues.QUEUES)) as pool:
                return list(pool.map(one, queues.QUEUES))

        return self._once("queues", SLOW_SECONDS, read)

    def canary(self) -> Part[dict[str, Any]]:
        """Tell what became of the last heartbeat that has ended."""
        account = self.account

        def read() -> dict[str, Any]:
            machine = account.arn("states", f"stateMachine:{account.prefix}platform-canary")
            answer = account.states.list_executions(stateMachineArn=machine, maxResults=5)
            ended = [each for each in answer["executions"] if each["status"] != "RUNNING"]
            if not ended:
                return {"status": "none yet"}
            last = max(ended, key=lambda each: each["stopDate"])
            return {"status": last["status"], "at": last["stopDate"]}

        return self._once("canary", SLOW_SECONDS, read)

    def together(self, *reads: Callable[[], Any]) -> list[Any]:
        """Read several things side by side; gives what each gave."""
        return [each.result() for each in [self._pool.submit(one) for one in reads]]

    def _once(self, name: str, seconds: float, read: Callable[[], Value]) -> Part[Value]:
        with self._lock:
            lock = self._locks.setdefault(name, threading.Lock())
        with lock:
            kept, forgotten = self._kept.get(name), self._forgotten
            if kept and time.monotonic() - kept[0] < seconds:
                return kept[1]
            part = read_part(read)
            with self._lock:
                if len(self._kept) > 200:  # one for each incident that was looked at
                    self._kept.clear()
                    self._locks = {name: lock}
                # What was read while something was done may be what was before.
                if self._forgotten == forgotten:
                    self._kept[name] = (time.monotonic(), part)
            return part


def read_part(read: Callable[[], Value]) -> Part[Value]:
    """Read something, or say why it could not be read."""
    from botocore.exceptions import BotoCoreError, ClientError

    from srectl.operate.refusals import explained

    try:
        return Part(read())
    except CommandFailed as error:
        absent = isinstance(error, NoSuchIncident)
        return Part(problem=error.message, hint=error.hint, absent=absent)
    except (BotoCoreError, ClientError) as error:
        told = explained("it could not be read", error)
        return Part(problem=told.message, hint=told.hint)
