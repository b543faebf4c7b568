"""Judges who changed the objects: nobody twice for the same incident, no two at the same time."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator

from tests.faults.history import History, StepRun, Violation
from tests.faults.journal import Entry

__all__ = ["acts", "one_hand_on_a_target", "twice_is_once"]

_TAKES_BACK = ("undo", "restore")
_CHANGES = ("execute", *_TAKES_BACK)
#: How much later than its step a watch may tell of a change, and how much earlier.
_LATE_SECONDS, _EARLY_SECONDS = 15.0, 1.0


def acts(history: History) -> list[Entry]:
    """Give the changes of objects by which an incident acted; not those that took one back."""
    return [entry for entry in history.of("changed") if _is_act(entry, history)]


def twice_is_once(history: History) -> Iterator[Violation]:
    """No incident has acted twice on an object in the same way."""
    times: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for entry in acts(history):
        times[entry["incident"], entry["object"], entry["field"]].append(entry["at"])
    for (incident, thing, field), found in times.items():
        if len(found) > 1:
            yield Violation(
                "acted-twice",
                incident,
                f"changed {field} of {thing} {len(found)} times: "
                f"{', '.join(f'{at:.1f}' for at in found)}",
                f"srectl incidents show {incident}; the entries 'changed' of the journal",
            )


def one_hand_on_a_target(history: History) -> Iterator[Violation]:
    """No two incidents have a step on an object at once, nor acts between each other's."""
    runs: dict[str, list[StepRun]] = defaultdict(list)
    for run in history.steps:
        if run.do in _CHANGES:
            runs[run.target].append(run)
    for target, found in runs.items():
        ordered = sorted(found, key=lambda run: run.start)
        for at, first in enumerate(ordered):
            for second in ordered[at + 1 :]:
                if second.start >= first.stop:
                    continue
                if second.incident != first.incident:
                    yield Violation(
                        "two-hands",
                        second.incident,
                        f"{second.do} on {target} began {first.stop - second.start:.2f} s before "
                        f"{first.do} of {first.incident} had ended",
                        f"executions {first.name} and {second.name} of remediation-step",
                    )
    by_object: dict[str, list[Entry]] = defaultdict(list)
    for entry in acts(history):
        by_object[entry["object"]].append(entry)
    for thing, entries in by_object.items():
        turns = [incident for incident, _ in itertools.groupby(e["incident"] for e in entries)]
        for incident in {each for each in turns if turns.count(each) > 1}:
            yield Violation(
                "two-hands",
                incident,
                f"acted on {thing}, then another did, then it again: {', '.join(turns)}",
                "the entries 'changed' of the journal",
            )


def _is_act(entry: Entry, history: History) -> bool:
    incident = entry["incident"]
    if not incident:
        return False
    if entry["field"] == "replicas" and (entry["after"] or 0) <= (entry["before"] or 0):
        return False
    # The restart that takes one back says so, or brings back the time of an earlier one.
    if entry["field"] == "restarted_at" and (
        incident in entry["undone_for"] or entry["after"] <= entry["before"]
    ):
        return False
    around = [
        run.do
        for run in history.steps
        if run.incident == incident
        and run.start - _EARLY_SECONDS <= entry["at"] <= run.stop + _LATE_SECONDS
    ]
    return "execute" in around or not any(do in _TAKES_BACK for do in around)
