"""The first line of an incident, as a lock screen and a list of channels show it.

What people are told by mail and pager begins in the same way (``FirstLine`` in the template, ADR
31): the verdict by name, the place, what is wrong, in sixty characters. A test keeps the two alike.
"""

from __future__ import annotations

from chat_actions.ports import Record

MOST = 60
#: A place keeps as many, however much is to be said of it.
_LEAST_PLACE = 20


def headline(verdict: str, record: Record, rest: str) -> str:
    """Put a first line together.

    Parameters
    ----------
    verdict
        Such as ``NEEDS YOU``.
    rest
        What is wrong, with what leads to it (``: ``).

    Returns
    -------
    str
        The line, not escaped.

    Examples
    --------
    >>> target = {"namespace": "apps", "name": "checkout"}
    >>> headline("CRIT", {"target": target}, ": fails 47.5% of its requests")
    'CRIT apps/checkout: fails 47.5% of its requests'
    """
    said = _line(rest)
    room = MOST - 1 - len(verdict)
    where = _shortened(record, max(_LEAST_PLACE, room - len(said)))
    left = room - len(where)
    return f"{verdict} {where}" + (said if len(said) <= left else said[: left - 2] + "..")


def symptom(record: Record) -> str:
    """Say what is wrong in the alert's own words, without the name that stands before it.

    Examples
    --------
    >>> symptom({"target": {"name": "checkout"}, "summary": "Checkout fails half of its requests"})
    'fails half of its requests'
    """
    name, said = _text((record.get("target") or {}).get("name")), _text(record.get("summary"))
    if name and said.lower().startswith(f"{name.lower()} "):
        said = said[len(name) :].strip()
    return said or (_text(record.get("alert_name")) if name else "") or "fires"


def _shortened(record: Record, most: int) -> str:
    """Give the place; a long one loses its middle, and a name of an alert its end."""
    where = place(record)
    if len(where) <= most:
        return where
    if not _text((record.get("target") or {}).get("name")):
        return where[: most - 2] + ".."
    head, tail = -(-most // 2) - 1, most // 2 - 1
    return f"{where[:head]}..{where[-tail:]}"


def place(record: Record) -> str:
    """Name what it is about without its cluster; the alert, where it names nothing."""
    at = record.get("target") or {}
    namespace, name = _text(at.get("namespace")), _text(at.get("name"))
    if _text(record.get("subject")):
        return _text(record.get("subject"))
    if not name:
        return _text(record.get("alert_name"))
    return f"{namespace}/{name}" if namespace else f"{_text(at.get('kind'))} {name}".strip()


def _text(value: object) -> str:
    return _line(value).strip() if isinstance(value, str) else ""


def _line(text: object) -> str:
    return " ".join(str(text).split()) if str(text).strip() else ""
