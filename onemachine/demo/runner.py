"""The demonstration from its begin to its end: start, break, watch, judge, take down."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from onemachine.demo.milestones import Baseline, Pace, incident_milestones
from onemachine.demo.report import Account
from onemachine.demo.verdict import Evidence, judge
from onemachine.demo.watch import Reached, Stalled, watch
from onemachine.demo.world import World
from onemachine.processes.errors import StartFailed
from onemachine.processes.waiting import wait_until
from onemachine.stack.control import StackFailed, StackRequest, start_stack, stop_stack
from onemachine.stack.logs import read_log
from onemachine.stack.names import CHAOS_PARAMETER
from onemachine.stack.progress import Event
from onemachine.stack.state import StackState
from srectl.errors import CommandFailed

__all__ = ["Degraded", "Demo", "Escalated", "Teller"]

ERROR_RATE = 0.3
_CALM_SECONDS = 5
_CALM_TIMEOUT = 60.0
_TAIL_LINES = 25


class Escalated(RuntimeError):
    """The platform handed the incident to a human instead of repairing it."""


class Degraded(RuntimeError):
    """A process of the stack died, so what is missing is not the platform's fault.

    Parameters
    ----------
    process : str
        Its name.
    problem : str
        As ``srectl status`` shows it.
    """

    def __init__(self, process: str, problem: str) -> None:
        self.process = process
        super().__init__(f"the stack is degraded: {problem}")


class Teller:
    """Is told how the demonstration goes; does nothing unless overridden."""

    def setup(self, event: Event) -> None:
        """Something happened while the stack started or stopped."""

    def note(self, text: str) -> None:
        """Something worth a line."""

    def reached(self, reached: Reached, since_fault: float) -> None:
        """A milestone was reached."""


@dataclass
class Demo:
    """One run.

    Parameters
    ----------
    request : StackRequest
        What stack to run it on; its name must be free.
    teller : Teller
        Told of everything as it happens.
    """

    request: StackRequest
    teller: Teller
    account: Account = field(init=False)
    _reached: list[Reached] = field(default_factory=list, init=False)
    _peak: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self.account = Account(
            self.request.folder.name, self.request.realistic, str(self.request.template)
        )

    def run(self) -> Account:
        """Run it; whatever happens, the stack is taken down and the account is complete.

        Raises
        ------
        KeyboardInterrupt
            After the stack was taken down.
        AlreadyRunning
            The name is taken; nothing was started.
        """
        self.account.started_at = time.time()
        state = None
        try:
            state = start_stack(self.request, self.teller.setup)
            self.account.setup = dict(state.timings)
            self._break_and_watch(state)
        except StackFailed as error:
            self._ended("not-started", str(error))
        except Stalled as error:
            self._ended("stalled", str(error))
            self._show_log(error.milestone.log, state)
        except StartFailed as error:
            self._ended("stalled", str(error))
            self._show_log("traffic", state)
        except Degraded as error:
            self._ended("stalled", str(error))
            self._show_log(error.process, state)
        except Escalated as error:
            self._ended("escalated", str(error))
        except KeyboardInterrupt:
            self._ended("interrupted", "interrupted")
            raise
        finally:
            self.account.finished_at = time.time()
            self.account.tell_steps(self._reached)
            if state is not None:
                stop_stack(self.request.folder, self.teller.setup)
        return self.account

    def _break_and_watch(self, state: StackState) -> None:
        folder, pace = self.request.folder, self._pace()
        world = World(folder, state)
        self.teller.note(f"waiting for {_CALM_SECONDS} seconds without a failed checkout")
        wait_until(lambda: _is_calm(world), "steady healthy traffic", _CALM_TIMEOUT)
        pods = world.pods()
        before = world.error_ratio(_CALM_SECONDS)
        self.account.pods["before"] = {pod.name: pod.uid for pod in pods}

        world.since = self.account.fault_at = time.time()
        self.account.fault = {"error_rate": ERROR_RATE}
        _switch_chaos_on(world)
        self.teller.note(
            f"chaos on: {ERROR_RATE:.0%} of the checkouts fail in their optional steps. "
            "From here on nobody touches anything."
        )
        try:
            watch(
                incident_milestones(
                    world, Baseline(frozenset(pod.uid for pod in pods), len(pods)), pace
                ),
                on_reached=self._on_reached,
                between=lambda: self._look(world, pace),
            )
        finally:
            self._collect(world)
        after = world.error_ratio(pace.ratio_window)
        self.account.error_ratio = {"before": before, "peak": self._peak, "after": after}
        evidence = Evidence(
            self.account.incident or {},
            self.account.pods["before"],
            self.account.pods["after"],
            before,
            self._peak,
            after,
        )
        self.account.checks = judge(evidence)
        failed = [check.name for check in self.account.checks if not check.passed]
        if failed:
            self._ended("not-proven", f"this did not hold: {'; '.join(failed)}")
        else:
            self._ended("resolved", "")

    def _look(self, world: World, pace: Pace) -> None:
        """Keep the worst error ratio; end at once where a human was called or a process died."""
        ratio = world.error_ratio(min(pace.ratio_window, _CALM_SECONDS))
        self._peak = max(self._peak, ratio or 0.0)
        record = _unless_away(world.record)
        if record is not None and record["status"] == "escalated":
            raise Escalated(
                f"incident {record['incident_id']} was escalated to a human: "
                f"{record.get('escalation_reason', 'no reason is recorded')}"
            )
        now = StackState.read(self.request.folder)
        if now is not None and now.phase == "degraded":
            died = [name for name, one in now.processes.items() if one.exit_code is not None]
            raise Degraded(died[0] if died else "supervisor", now.problem)

    def _collect(self, world: World) -> None:
        """Take what there is to be taken, however the watch ended."""
        self.account.incident = _unless_away(world.record)
        self.account.notifications = world.notifications()
        self.account.mails = world.mails()
        self.account.pages = world.pages()
        self.account.chat = world.chat()
        pods = _unless_away(world.pods) or []
        self.account.pods["after"] = {pod.name: pod.uid for pod in pods}

    def _on_reached(self, reached: Reached) -> None:
        self._reached.append(reached)
        assert self.account.fault_at is not None, "nothing is watched before the fault"  # noqa: S101
        self.teller.reached(reached, reached.sighting.at - self.account.fault_at)

    def _pace(self) -> Pace:
        return Pace.realistic() if self.request.realistic else Pace.short()

    def _ended(self, outcome: Any, problem: str) -> None:
        self.account.outcome = outcome
        self.account.problem = problem

    def _show_log(self, source: str, state: StackState | None) -> None:
        if state is None or not source:
            return
        try:
            text = _unless_away(lambda: read_log(source, self.request.folder, state, _TAIL_LINES))
        except CommandFailed as error:
            text = str(error)
        self.account.log_tail = {"source": source, "lines": text or "(nothing)"}


def _is_calm(world: World) -> bool:
    lines = world.traffic(_CALM_SECONDS + 1)
    return (
        len(lines) >= _CALM_SECONDS
        and all(line["ok"] > 0 and line["error"] == line["lost"] == 0 for line in lines)
        and world.scraped_pods() == len(world.pods())
        and world.prometheus_alert() is None
    )


def _switch_chaos_on(world: World) -> None:
    world.client("ssm").put_parameter(
        Name=CHAOS_PARAMETER,
        Type="String",
        Value=json.dumps({"error_rate": ERROR_RATE}),
        Overwrite=True,
    )


def _unless_away(ask: Callable[[], Any]) -> Any:
    """Ask; None where whoever is asked does not answer just now."""
    try:
        return ask()
    except (OSError, http.client.HTTPException, BotoCoreError, ClientError):
        return None
