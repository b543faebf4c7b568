"""The first screen: is the robot on, who is needed, what is at work, what is lent, what was."""

from __future__ import annotations

import datetime
import statistics
from collections import Counter
from collections.abc import Hashable, Iterable
from typing import Any

from srectl.console import story
from srectl.console.reading import Part, Reading, read_part
from srectl.operate import incidents, queues
from srectl.operate.account import Account
from srectl.operate.aftermath import return_of
from srectl.operate.alike import gathered, in_common
from srectl.operate.moments import moment
from srectl.operate.recent import Found
from srectl.operate.step_times import decided_by
from srectl.operate.switch_history import MODE, Change
from srectl.operate.track_record import in_hand, outcome

__all__ = ["of_records", "overview", "summary"]

OPEN = ("escalated", "remediating", "open")
_NIGHT = datetime.timedelta(hours=12)
_HOUR = datetime.timedelta(hours=1)
_MOST_LOCKS = 25
# Errors of runbook-action after which what was asked of the cluster stands there.
_WRITTEN_ALL_THE_SAME = frozenset({"ActionTimeout", "RolloutFailed"})
_MOST_CARDS = 8  # of what needs somebody; the others are folded away, but for questions


def overview(reading: Reading) -> dict[str, Any]:
    """Read the first screen.

    What somebody has taken back by hand is at work, too, for as long as that goes on.

    Four queries by status (100 records each, 400 of those that are over and began within 24 hours),
    two parameters, six queues, the last executions of the heartbeat, and up to 25 locks. Where not
    all is on, also who has switched that; where somebody has asked for something back, what of that
    goes on.
    """
    *parts, over, mode, windows, depths, canary = reading.together(
        *(lambda status=status: reading.incidents(status) for status in OPEN),
        reading.over,
        reading.mode,
        reading.windows,
        reading.queues,
        reading.canary,
    )
    now = reading.clock()
    open_, ended = [each for part in parts for each in _records(part)], _records(over)
    seen = of_records(open_, ended, now)
    undoing = reading.being_undone([*open_, *ended])
    being_undone = undoing.value or frozenset()
    locks = read_part(lambda: _ends(reading.account, seen["at_work"]))
    ends = locks.value or {}
    at_work = [
        {
            **story.step_now(each),
            "record": each,
            "decided_by": decided_by(each, now),
            "ends_by": ends.get(str(each["incident_id"])),
        }
        for each in seen["at_work"]
    ]
    at_work += [
        {"what": "what was done is being taken back", "record": each, "undone": True}
        | dict.fromkeys(("decided_by", "ends_by"))
        for each in (*open_, *ended)
        if str(each["incident_id"]) in being_undone
    ]

    def alike(record: dict[str, Any]) -> Hashable | None:
        return _escalated_alike(record, str(record["incident_id"]) in being_undone)

    needs = list(gathered(seen["needs"], alike))
    shown = max(_MOST_CARDS, sum(1 for each in seen["needs"] if story.is_asked(each)))
    return {
        **seen,
        "needs_first": needs[:shown],
        "needs_folded": needs[shown:],
        "in_hand_alike": list(gathered(seen["in_hand"], alike)),
        "at_work_alike": list(gathered(at_work, _at_work_alike)),
        "now": now,
        "problems": [each for each in (*parts, over, locks, undoing) if each.problem],
        "more": any(part.value.more for part in (*parts, over) if part.value),
        "mode": mode,
        "switched": _switched(reading) if mode.value not in (None, "on") else None,
        "windows": [each for each in windows.value or [] if each.end > now],
        "windows_problem": windows.problem,
        "queues": depths,
        "stuck": sum(each.waiting for each in depths.value or []),
        "content": queues.CONTENT,
        "canary": canary,
        "canary_late": _late(canary, now),
        "at_work": at_work,
        "being_undone": being_undone,
    }


def of_records(
    open_: list[dict[str, Any]], ended: list[dict[str, Any]], now: datetime.datetime
) -> dict[str, Any]:
    """Say of incidents that are open, and of some that are over, where each belongs.

    Returns
    -------
    dict
        ``waiting`` for a human, of these what ``needs`` somebody and what is ``in_hand`` of
        somebody, ``at_work`` and ``others``, all of them records; what is ``lent``,
        the last hour's ``changes`` and the ``night`` in numbers.
    """
    waiting = sorted(filter(story.is_a_humans, open_), key=story.rank)
    at_work = sorted(
        (each for each in open_ if incidents.at_work(each) and not story.is_asked(each)),
        key=story.rank,
    )
    elsewhere = {id(each) for each in (*waiting, *at_work)}
    return {
        "waiting": waiting,
        "needs": sorted(filter(story.needs_somebody, waiting), key=story.urgency),
        "in_hand": [each for each in waiting if story.is_in_hand(each)],
        "at_work": at_work,
        "others": [each for each in open_ if id(each) not in elsewhere],
        "lent": [each for each in (_lent(record) for record in (*open_, *ended)) if each],
        "changes": _changes((*open_, *ended), now - _HOUR),
        "night": summary(open_, ended, now - _NIGHT),
    }


def _escalated_alike(record: dict[str, Any], is_being_undone: bool) -> Hashable | None:
    """Give what a record shares with those that are shown together with it, as handover does."""
    if story.is_asked(record):
        return None  # each takes an answer of its own, in its time
    since = record.get("undo_asked_by") if is_being_undone else record.get("restoration")
    return in_common(record, record.get("escalation_reason"), map(str, (is_being_undone, since)))


def _at_work_alike(each: dict[str, Any]) -> Hashable:
    by = each["record"].get("undo_asked_by") if each.get("undone") else None
    step = (each.get("runbook"), each.get("index"), each.get("action"), by)
    return in_common(each["record"], each["what"], map(str, step))


def _switched(reading: Reading) -> Change | None:
    """Give the last change of the mode, where that may be read."""
    return next((each for each in reading.switched().value or [] if each.kind == MODE), None)


def _records(part: Part[Found]) -> list[dict[str, Any]]:
    return part.value.records if part.value else []


def _late(canary: Part[dict[str, Any]], now: datetime.datetime) -> bool:
    """Say whether the last heartbeat is older than two of the slowest (15 minutes) take."""
    at = (canary.value or {}).get("at")
    return at is None or now - at > datetime.timedelta(minutes=40)


def _ends(
    account: Account, records: Iterable[dict[str, Any]]
) -> dict[str, datetime.datetime | None]:
    """Give the time by which each runbook has ended at the latest: until then its lock lasts."""
    wanted: dict[str, str] = {}
    for each in records:
        for lock in in_hand(each).get("locks", [])[:1]:
            wanted[str(lock)] = str(each["incident_id"])
    keys = list(wanted)[:_MOST_LOCKS]
    if not keys:
        return {}
    answer = account.dynamodb.batch_get_item(
        RequestItems={
            account.guard_table: {
                "Keys": [{"guard_key": {"S": key}} for key in keys],
                "ProjectionExpression": "guard_key, holder, lease_expires_at",
            }
        }
    )
    found: dict[str, datetime.datetime | None] = {}
    for item in answer["Responses"].get(account.guard_table, []):
        holder, until = item.get("holder", {}).get("S"), item.get("lease_expires_at", {}).get("N")
        if holder and until and wanted[item["guard_key"]["S"]] == holder:
            found[holder] = moment(float(until))
    return found


def _lent(record: dict[str, Any]) -> dict[str, Any] | None:
    steps = story.lends(record)
    if not steps:
        return None
    by_itself, back = return_of(record, steps)
    until = moment(record.get("lent_until")) if by_itself else None
    return {
        "record": record,
        "steps": steps,
        "back": back,
        "by_itself": by_itself,
        "since": record.get("verified_at"),
        "until": until,
    }


def _has_changed(action: dict[str, Any]) -> bool:
    """Tell whether what was done stands: also what was written, and not complete in time."""
    if action.get("operation") == "plan":
        return False
    error = action.get("error")
    return action.get("status") == "succeeded" or (
        isinstance(error, dict) and error.get("name") in _WRITTEN_ALL_THE_SAME
    )


def _changes(records: Iterable[dict[str, Any]], since: datetime.datetime) -> list[dict[str, Any]]:
    """Give what was changed since a moment: by runbooks, and what evidence found, newest first."""
    found = []
    for record in records:
        for action in record.get("actions_taken") or []:
            at = moment(action.get("completed_at"))
            if _has_changed(action) and at and at >= since:
                words = f"{action.get('operation')} {action.get('action')}: {action.get('summary')}"
                who = action.get("runbook") or action.get("by")
                found.append({"at": at, "words": words, "who": who, "record": record})
        evidence = record.get("evidence")
        at = moment(evidence.get("at")) if isinstance(evidence, dict) else None
        if at and at >= since:
            for words in (evidence or {}).get("findings", [])[:2]:
                found.append({"at": at, "words": words, "who": "evidence", "record": record})
    return sorted(found, key=lambda each: each["at"], reverse=True)[:20]


def summary(
    open_: Iterable[dict[str, Any]], ended: Iterable[dict[str, Any]], since: datetime.datetime
) -> dict[str, Any]:
    """Count what began since a moment, and who ended it."""
    begun = [each for each in (*open_, *ended) if (moment(each.get("timestamp")) or since) >= since]
    by = Counter(outcome(each) for each in begun)
    mttr = [
        each["mttr_seconds"] for each in begun if isinstance(each.get("mttr_seconds"), int | float)
    ]
    return {
        "since": since,
        "begun": len(begun),
        "automation": by["automation"],
        "itself": by["itself"],
        "human": by["human"],
        "open": by["open"],
        "woken": sum(1 for each in begun if each.get("escalated_at")),
        "median": statistics.median(mttr) if mttr else None,
    }
