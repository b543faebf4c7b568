"""What every demonstration has in common: a stack of its own, an account, and its end."""

from __future__ import annotations

import http.client
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from onemachine.demo.milestones import Pace
from onemachine.demo.report import Account
from onemachine.demo.watch import Reached, Stalled
from onemachine.demo.world import Accepted, World
from onemachine.processes.errors import StartFailed
from onemachine.stack.control import StackFailed, StackRequest, start_stack, stop_stack
from onemachine.stack.logs import read_log
from onemachine.stack.progress import Event
from onemachine.stack.state import StackState
from srectl.errors import CommandFailed

__all__ = ["CALM_SECONDS", "Degraded", "Escalated", "Performance", "Teller", "unless_away"]

CALM_SECONDS = 5
_TAIL_LINES = 25


class Escalated(RuntimeError):
    """The platform handed the incident to a human instead of repairing it."""

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Escalated:
        """Say it with the reason that is on record."""
        return cls(
            f"incident {record['incident_id']} was escalated to a human: "
            f"{record.get('escalation_reason', 'no reason is recorded')}"
        )


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
class Performance(ABC):
    """One run, from its start to its end.

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

    @abstractmethod
    def _break_and_watch(self, state: StackState) -> None:
        """Break something on the stack, watch what becomes of it, and judge that."""

    def _end_where_a_process_died(self) -> None:
        """End the watch at once.

        Raises
        ------
        Degraded
            A process of the stack has ended.
        """
        now = StackState.read(self.request.folder)
        if now is not None and now.phase == "degraded":
            died = [name for name, one in now.processes.items() if one.exit_code is not None]
            raise Degraded(died[0] if died else "supervisor", now.problem)

    def _collect(self, world: World) -> None:
        """Take what there is to be taken, however the watch ended."""
        self.account.incident = unless_away(world.record)
        its_id = (self.account.incident or {}).get("incident_id")
        accepted: list[Accepted] = unless_away(world.accepted) or []
        self.account.webhooks = [each for each in accepted if its_id in each.incident_ids]
        self.account.notifications = world.notifications()
        self.account.mails = world.mails()
        self.account.pages = world.pages()
        self.account.chat = world.chat()

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
            text = unless_away(lambda: read_log(source, self.request.folder, state, _TAIL_LINES))
        except CommandFailed as error:
            text = str(error)
        self.account.log_tail = {"source": source, "lines": text or "(nothing)"}


def unless_away(ask: Callable[[], Any]) -> Any:
    """Ask; None where whoever is asked does not answer just now."""
    try:
        return ask()
    except (OSError, http.client.HTTPException, BotoCoreError, ClientError):
        return None
