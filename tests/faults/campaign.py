"""Carries a plan out on a running stack, heals everything, and gathers what it is judged from."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from onemachine.project import PROJECT_ROOT
from srectl import runbooks
from srectl.errors import CommandFailed
from srectl.operate import trust
from srectl.operate.account import Account
from tests.faults import final
from tests.faults.audit import Audit, seen_of
from tests.faults.bodies import Bodies
from tests.faults.ground import Ground
from tests.faults.history import History
from tests.faults.journal import Journal, read
from tests.faults.kinds import Firing, Plan, Strike
from tests.faults.nemesis import FAULTS
from tests.faults.sender import Sender
from tests.faults.targets import NAMESPACE, definitions
from tests.support.stacks import exports_of

__all__ = ["Campaign"]

_LOOK_SECONDS = 4.0
_READY_SECONDS = 120.0
_REDRIVES = 6
# What could not be delivered comes back after the retries of its rule.
_REDRIVE_SECONDS = 20
_AWAY = (OSError, BotoCoreError, ClientError, CommandFailed)


@dataclass
class Campaign:
    """One plan on one stack.

    Parameters
    ----------
    ground : Ground
        The stack.
    plan : Plan
        What is to happen.
    journal_file : Path
        Where the client's journal goes.
    settle_seconds : float
        Longest time for everything to come to its end once all is healed.
    tell : callable
        Is told how far it is.
    """

    ground: Ground
    plan: Plan
    journal_file: Path
    settle_seconds: float
    tell: Callable[[str], None]
    began: float = field(default=0.0, init=False)
    _over: threading.Event = field(default_factory=threading.Event, init=False)
    _pods: dict[int, str] = field(default_factory=dict, init=False)

    def run(self) -> History:
        """Do all of it; leaves the stack without the campaign's objects, runbooks and faults."""
        self.tell(f"{len(self.plan.targets)} targets and their runbooks")
        try:
            self._prepare()
            return self._run()
        finally:
            self._clean_up()

    def _run(self) -> History:
        journal = Journal(self.journal_file)
        audit = Audit(
            self.ground.state.endpoints["kubeconfig"], NAMESPACE, journal, self.ground.changed
        )
        before = audit.start()
        self.began = time.time()
        bodies = Bodies(
            datetime.fromtimestamp(self.began, UTC), f"{int(self.began):x}", self._pod_of
        )
        exports = exports_of(self.ground.folder)
        sender = Sender(
            exports["WEBHOOK_URL"],
            exports["WEBHOOK_API_KEY"],
            self.ground.canary_key,
            bodies,
            journal,
        )
        fingerprints = {bodies.fingerprint(each): each.number for each in self.plan.firings}
        journal.note("began", seed=self.plan.seed, origin=self.began)
        watch = threading.Thread(target=self._watch, args=(journal, fingerprints), daemon=True)
        nemesis = ThreadPoolExecutor(1, "nemesis")
        self.tell(
            f"{len(self.plan.firings)} firings in {len(self.plan.deliveries)} deliveries, "
            f"{len(self.plan.strikes)} strikes, {self.plan.seconds:.0f} s"
        )
        watch.start()
        struck = nemesis.submit(self._strike_all, journal)
        sent = sender.send_all(self.plan, lambda: time.time() - self.began)
        struck.result()  # a campaign whose faults have ended early says nothing
        nemesis.shutdown()
        self._heal_all(journal)
        self.tell("all is healed; waiting until everything has come to its end")
        self._settle(lambda: all(each.done() for each in sent))
        sender.stop()
        self._over.set()
        watch.join()
        self.tell("judging")
        history = self._gather(journal, before, fingerprints)
        audit.stop()
        journal.close()
        return history

    def _gather(
        self, journal: Journal, before: dict[str, dict[str, object]], fingerprints: dict[str, int]
    ) -> History:
        names = (*self.plan.targets, "checkout")
        found = self.ground.targets.deployments()
        entries = list(read(journal.file))
        incidents = final.incidents(self.ground)
        told = final.told(self.ground, incidents)
        return History(
            plan=self.plan,
            entries=entries,
            fingerprints=fingerprints,
            records=final.records(incidents, fingerprints),
            locks=final.locks(self.ground),
            queued=final.messages(self.ground),
            before={name: before[name] for name in names},
            after={name: seen_of(found[name]) for name in names if name in found},
            steps=final.step_runs(self.ground, self.began),
            running=final.running(self.ground),
            told=frozenset(told),
            handed=final.handed(incidents, told),
        )

    # ------------------------------------------------------------ before and after
    def _prepare(self) -> None:
        self.ground.targets.make(self.plan.targets)
        self.ground.targets.allow(definitions(self.plan))
        catalogue = [
            runbooks.Runbook(each["name"], each, Path(__file__)) for each in definitions(self.plan)
        ]
        runbooks.publish(self.ground.client("dynamodb"), Account().runbooks_table, catalogue)
        until = time.monotonic() + _READY_SECONDS
        while not self.ground.targets.ready() and time.monotonic() < until:
            time.sleep(0.5)

    def _clean_up(self) -> None:
        self._over.set()
        self._heal_all(None)
        for each in definitions(self.plan):
            with contextlib.suppress(*_AWAY):
                self.ground.client("dynamodb").delete_item(
                    TableName=Account().runbooks_table, Key={"name": {"S": each["name"]}}
                )
        self.ground.targets.remove(self.plan.targets)
        self.ground.targets.forbid()

    def _pod_of(self, firing: Firing) -> str:
        if firing.number not in self._pods:
            self._pods[firing.number] = self.ground.targets.pod_of(firing.target)
        return self._pods[firing.number]

    # ------------------------------------------------------------ while it lasts
    def _strike_all(self, journal: Journal) -> None:
        for strike in self.plan.strikes:
            time.sleep(max(0.0, self.began + strike.at - time.time()))
            self._strike(strike, journal)

    def _strike(self, strike: Strike, journal: Journal) -> None:
        fault = FAULTS[strike.fault]
        try:
            what = fault.apply(self.ground)
            journal.note("struck", fault=strike.fault, stage=strike.stage, text=what)
            time.sleep(strike.seconds)
        finally:
            self._heal(strike.fault)
            journal.note("healed", fault=strike.fault)

    def _heal(self, name: str) -> None:
        for again in range(5):
            try:
                FAULTS[name].heal(self.ground)
            except _AWAY:
                time.sleep(1 + again)
            else:
                return
        FAULTS[name].heal(self.ground)

    def _heal_all(self, journal: Journal | None) -> None:
        for name in FAULTS:
            self._heal(name)
        if journal is not None:
            journal.note("healed-all")

    def _watch(self, journal: Journal, fingerprints: dict[str, int]) -> None:
        """Look at the records again and again, and forget what would keep runbooks from acting.

        Floods are another matter (``make bench``); in one, no runbook would act. Nor would one that
        faults have kept from helping three times in a row: somebody trusts it again, mostly before
        it asks.
        """
        seen: dict[str, str] = {}
        while not self._over.wait(_LOOK_SECONDS):
            with contextlib.suppress(*_AWAY):
                self._forget_floods()
                self._trust_again()
                for record in final.records(final.incidents(self.ground), fingerprints):
                    incident, status = record["incident_id"], str(record.get("status"))
                    if seen.get(incident) != status:
                        seen[incident] = status
                        journal.note("seen", incident=incident, status=status)

    def _forget_floods(self) -> None:
        dynamodb = self.ground.client("dynamodb")
        pages = dynamodb.get_paginator("scan").paginate(
            TableName=Account().guard_table,
            ProjectionExpression="guard_key",
            FilterExpression="begins_with(guard_key, :flood)",
            ExpressionAttributeValues={":flood": {"S": "flood#"}},
        )
        for page in pages:
            for item in page["Items"]:
                dynamodb.delete_item(TableName=Account().guard_table, Key=item)

    def _trust_again(self) -> None:
        dynamodb, table = self.ground.client("dynamodb"), Account().guard_table
        locks = [
            f"sre-platform#{NAMESPACE}#deployment#{name}"
            for name in (*self.plan.targets, "checkout")
        ]
        for each in trust.standings(dynamodb, table, locks):
            if each.unhelped:
                trust.give(dynamodb, table, each, "campaign of faults", datetime.now(UTC))

    # ------------------------------------------------------------ until all is over
    def _settle(self, sent: Callable[[], bool]) -> None:
        """Do what an operator does after a bad night: redrive, wait, look again."""
        until = time.monotonic() + self.settle_seconds
        redrives, redriven = 0, 0.0
        for why in self._unsettled(sent):
            if time.monotonic() > until:
                self.tell(f"not settled: {why}")
                return
            patient = time.monotonic() - redriven > _REDRIVE_SECONDS
            if why == "queues" and redrives < _REDRIVES and patient:
                redrives += 1
                self._redrive()
                redriven = time.monotonic()
            time.sleep(2)

    def _unsettled(self, sent: Callable[[], bool]) -> Iterator[str]:
        """Give again and again what is still to come to its end, until nothing is."""
        quiet = 0
        while quiet < 2:
            try:
                if not sent():
                    why = "deliveries"
                # Before what still runs: it may wait for the end that lies in a queue.
                elif self._queued():
                    why = "queues"
                elif still := final.running(self.ground):
                    why = f"{len(still)} executions"
                else:
                    why = ""
            except _AWAY as error:
                why = str(error)
            quiet = 0 if why else quiet + 1
            yield why

    def _queued(self) -> int:
        return sum(final.depths(self.ground).values())

    def _redrive(self) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "srectl.cli", "dlq", "redrive", "--all", "--include-old"],
            env=self._environment(),
            cwd=PROJECT_ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        self.tell(f"srectl dlq redrive --all: {' '.join(done.stdout.split())[:300]}")

    def _environment(self) -> dict[str, str]:
        return {**exports_of(self.ground.folder), "PYTHONPATH": str(PROJECT_ROOT), "PATH": "/bin"}
