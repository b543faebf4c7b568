"""The parts of a record that have parts themselves, in the shape that every reader relies on.

Nothing but the platform writes records; but one that a hand has mended, or an older version wrote,
must not take the page away from whoever is on call. What does not have its shape is left out, and
the record says so among its warnings.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["shaped"]

Check = Callable[[Any], Any]


def shaped(record: dict[str, Any]) -> dict[str, Any]:
    """Give a record whose nested parts are what they should be, or are not there.

    Parameters
    ----------
    record
        Plain values, with all texts that hold JSON opened.

    Returns
    -------
    dict
        The same record where nothing is wrong with it. Else without what is wrong, and with a
        warning that names it.
    """
    odd: list[str] = []
    kept: dict[str, Any] = {}
    for key, value in record.items():
        check = _CHECKS.get(key)
        fits = value if check is None or value is None else check(value)
        if fits != value:
            odd.append(key)
        if fits is not None or value is None:
            kept[key] = fits
    if odd:
        said = f"this record holds something else than it should in {', '.join(sorted(odd))}; "
        kept["warnings"] = [*(kept.get("warnings") or []), said + "that is not shown"]
    return kept


def _mapping(**parts: Check) -> Check:
    """A mapping, some of whose values have a shape of their own; what has not is left out.

    So is a null in the place of a list or a mapping; in that of a text or number it is usual.
    """

    def check(value: Any) -> dict[str, Any] | None:
        if not isinstance(value, dict):
            return None
        kept = {}
        for key, one in value.items():
            part = parts.get(key)
            fits = one if part is None or (one is None and part in _PLAIN) else part(one)
            if fits is not None or part is None or (one is None and part in _PLAIN):
                kept[key] = fits
        return kept

    return check


def _list_of(each: Check) -> Check:
    """A list; elements that do not fit are left out."""

    def check(value: Any) -> list[Any] | None:
        if not isinstance(value, list):
            return None
        return [fits for one in value if (fits := each(one)) is not None]

    return check


def _whole(value: Any) -> int | None:
    """A number that may also be written as text."""
    try:
        return None if isinstance(value, bool) else value if int(value) >= 0 else None
    except (TypeError, ValueError, OverflowError):
        return None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _truth(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _seconds(value: Any) -> float | None:
    """A time that somebody waits: within a year."""
    known = _number(value)
    return known if known is not None and 0 <= known <= 366 * 86400 else None


def _lasted(value: Any) -> float | None:
    """How long something was, in seconds: no longer than there are years to count."""
    known = _number(value)
    return known if known is not None and abs(known) <= 10_000 * 366 * 86400 else None


def _texts(value: Any) -> dict[str, str] | None:
    """A mapping of texts; what is none is left out."""
    if not isinstance(value, dict):
        return None
    return {key: one for key, one in value.items() if isinstance(one, str)}


def _result(value: Any) -> Any:
    """What an action answered, or a text where that was cut."""
    return _RESULT(value) if isinstance(value, dict) else _text(value)


_PLAIN = (_text, _truth, _number, _seconds)
_PLAN = _list_of(_mapping())
_RESULT = _mapping(plan=_PLAN)
_TARGET = _mapping(cluster=_text, namespace=_text, kind=_text, name=_text)
_STEP = _mapping(
    index=_whole,
    of=_whole,
    target=_TARGET,
    parameters=_mapping(),
    approval=_mapping(timeout_seconds=_seconds),
    when=_list_of(_mapping()),
)
_WORDS = (
    *("alert_name", "severity", "summary", "sender", "sender_name", "fingerprint", "runbook"),
    *("subject", "correlation_id", "caused_by", "attached_to", "forerunner", "risen_from"),
    *("escalation_reason", "escalation_code", "acknowledged_by", "acknowledged_because"),
    *("closed_by", "closed_reason", "stopped_by", "stopped_because", "released_by"),
    *("silenced_target", "silenced_because", "undo_asked_by", "restoration", "target_health"),
    *("in_flight", "abandoned", "runbook_execution", "stopped_execution", "ending"),
    *("begun", "begun_at", "heard_severity", "abandoned_at"),
)
_CHECKS: dict[str, Check] = {
    **dict.fromkeys(_WORDS, _text),
    "wakes": _truth,
    "children": _list_of(_text),
    "labels": _texts,
    "annotations": _mapping(),
    "links": _mapping(),
    "target": _TARGET,
    "warnings": _list_of(_text),
    "findings": _list_of(_text),
    "mttr_seconds": _lasted,
    **dict.fromkeys(("begun_step", "stopped_step"), _whole),
    "investigations": _list_of(
        _mapping(
            by=_text,
            at=_text,
            summary=_text,
            findings=_list_of(_text),
            suggestions=_list_of(_text),
            link=_text,
        )
    ),
    "climbed": _list_of(_mapping(level=_whole, at=_text, since=_text, to=_text)),
    "actions_taken": _list_of(_mapping(step=_STEP, result=_result)),
    "approval": _mapping(step=_whole, plan=_PLAN, first=_mapping()),
    "evidence": _mapping(findings=_list_of(_text), sources=_mapping()),
    "in_hand": _mapping(begins=_text, of=_whole, locks=_list_of(_text), steps=_list_of(_STEP)),
}
