"""Which stages incidents were in while a fault lasted: counted from what Step Functions tells."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from tests.faults.ground import Ground
from tests.faults.journal import Entry

__all__ = ["Stay", "Window", "counted", "intake", "stays", "windows"]

_OF_STATE = {
    **dict.fromkeys(
        (
            "LogIncident",
            "CountAlert",
            "CountAlertOnTarget",
            "ChooseAction",
            "EvaluateAlert",
            "ReadSwitches",
            "IsSwitchedOn",
        ),
        "claim",
    ),
    **dict.fromkeys(
        (
            "ResolveTargets",
            "ReadGuards",
            "MayAct",
            "AcquireTargets",
            "WaitForTurn",
            "NoteHolder",
            "LookAgain",
            "IsStillToDo",
        ),
        "guard",
    ),
    **dict.fromkeys(("ExecuteAction", "AfterStep"), "act"),
    **dict.fromkeys(
        (
            "WaitForStabilization",
            "VerifyResolution",
            "MayBeOver",
            "VerifyTarget",
            "IsResolved",
            "WaitToVerifyAgain",
        ),
        "verify",
    ),
    **dict.fromkeys(("NeedsUndo", "UndoStep"), "undo"),
}
_OTHERS = {"IncidentResponseRunbook": "close", "IncidentRestorer": "restore"}
_AT_ONCE = 4


@dataclass(frozen=True)
class Window:
    """How long a fault lasted (Unix time)."""

    fault: str
    start: float
    stop: float


@dataclass(frozen=True)
class Stay:
    """How long an incident was in a stage (Unix time)."""

    stage: str
    start: float
    stop: float


def windows(entries: Iterable[Entry]) -> list[Window]:
    """Give when each fault began and was healed, from the journal."""
    begun: dict[str, float] = {}
    found = []
    for entry in entries:
        if entry["what"] == "struck":
            begun[entry["fault"]] = entry["at"]
        elif entry["what"] == "healed" and entry["fault"] in begun:
            found.append(Window(entry["fault"], begun.pop(entry["fault"]), entry["at"]))
    return found


def intake(entries: Iterable[Entry]) -> Iterator[Stay]:
    """Give how long each delivery was under way."""
    sent: dict[int, float] = {}
    for entry in entries:
        if entry["what"] == "sent":
            sent[entry["delivery"]] = entry["at"]
        elif entry["what"] == "answered" and entry["delivery"] in sent:
            yield Stay("intake", sent.pop(entry["delivery"]), entry["at"])


def counted(faults: Sequence[Window], all_stays: Sequence[Stay]) -> Mapping[str, Counter[str]]:
    """Count for each fault how many incidents were in which stage while it lasted."""
    table: dict[str, Counter[str]] = {}
    for window in faults:
        row = table.setdefault(window.fault, Counter())
        row["times"] += 1
        for stay in all_stays:
            if stay.start < window.stop and stay.stop > window.start:
                row[stay.stage] += 1
    return table


def stays(ground: Ground, since: float, faults: Sequence[Window]) -> list[Stay]:
    """Ask Step Functions for the stages of all incidents that a fault can have met."""
    met = []
    for machine, rest in _OTHERS.items():
        for one in executions(ground, machine, since):
            start = one["startDate"].timestamp()
            stop = one.get("stopDate", one["startDate"]).timestamp()
            if any(start < window.stop and stop > window.start for window in faults):
                met.append((one["executionArn"], rest))
    states = ground.client("stepfunctions")
    lock = threading.Lock()
    found: list[Stay] = []

    def look(one: tuple[str, str]) -> None:
        pages = states.get_paginator("get_execution_history").paginate(executionArn=one[0])
        events = [event for page in pages for event in page["events"]]
        mine = list(_of_history(events, one[1]))
        with lock:
            found.extend(mine)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(look, met))
    return found


def executions(ground: Ground, machine: str, since: float) -> Iterator[Mapping[str, Any]]:
    """Give all executions of a machine that began since a moment."""
    pages = (
        ground.client("stepfunctions")
        .get_paginator("list_executions")
        .paginate(stateMachineArn=ground.resources[machine])
    )
    for page in pages:
        for one in page["executions"]:
            if one["startDate"].timestamp() >= since:
                yield one


def _of_history(events: Sequence[Mapping[str, Any]], rest: str) -> Iterator[Stay]:
    """Give the stages of one execution; what lies side by side in one stage is one stay."""
    last: Stay | None = None
    for event in events:
        at = event["timestamp"].timestamp()
        if last is not None:
            last = Stay(last.stage, last.start, at)
        if event["type"].endswith("StateEntered"):
            name = event["stateEnteredEventDetails"]["name"]
            stage = rest if rest == "restore" else _OF_STATE.get(name, rest)
            if last is None or last.stage != stage:
                if last is not None:
                    yield last
                last = Stay(stage, at, at)
    if last is not None:
        yield last
