"""Running drills: on a stack of their own, or on one that runs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import ModuleType

from onemachine.drill import cluster, ingest, table, target
from onemachine.drill.report import Account, NotMet, Teller
from onemachine.drill.scene import Scene
from onemachine.stack.control import OnEvent, StackRequest, start_stack, stop_stack
from onemachine.stack.state import StackFolder, StackState

__all__ = ["ALL", "DRILLS", "Drills"]

DRILLS: dict[str, ModuleType] = {module.NAME: module for module in (ingest, cluster, target, table)}
#: All of them in an order in which none waits for the alarm of an earlier one to clear.
ALL = ("target", "ingest", "cluster", "table")


@dataclass
class Drills:
    """Some drills, one after the other.

    Parameters
    ----------
    names : sequence of str
        Keys of :data:`DRILLS`.
    teller : Teller
        Told of everything as it happens.
    """

    names: Sequence[str]
    teller: Teller
    accounts: list[Account] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self.accounts = [Account(name, DRILLS[name].WHAT) for name in self.names]

    @property
    def held(self) -> bool:
        """Whether every expectation of every drill did."""
        return all(account.outcome == "held" for account in self.accounts)

    def run_on_own_stack(self, request: StackRequest, on_event: OnEvent) -> None:
        """Start a stack, drill on it, take it down, whatever happens.

        Raises
        ------
        AlreadyRunning
            The name is taken; nothing was started.
        StackFailed
            The stack did not become ready; nothing of it is left.
        """
        state = start_stack(request, on_event)
        try:
            self.run_on(request.folder, state)
        finally:
            stop_stack(request.folder, on_event)

    def run_on(self, folder: StackFolder, state: StackState) -> None:
        """Drill on a stack that runs; a drill that fails does not keep the next one from running.

        Raises
        ------
        KeyboardInterrupt
            After what was broken has been taken back.
        """
        for account in self.accounts:
            scene = Scene(folder, state, account, self.teller)
            self._run(account, scene)

    def _run(self, account: Account, scene: Scene) -> None:
        began = time.monotonic()
        self.teller.begun(account)
        try:
            scene.publish_runbook()
            DRILLS[account.name].run(scene)
            account.outcome = "held"
        except NotMet as error:
            account.outcome = "failed"
            account.problem, account.where = str(error), error.where
            account.next_step = error.next_step
        except BaseException:
            account.outcome = "interrupted"
            raise
        finally:
            left = scene.clean_up()
            if left:
                account.outcome = "failed"
                account.problem = "; ".join(filter(None, (account.problem, *left)))
                account.where = account.where or "the stack"
                account.next_step = account.next_step or "start the stack anew"
            account.seconds = round(time.monotonic() - began, 1)
            self.teller.ended(account)
