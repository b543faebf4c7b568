"""Hold what came of an alert against what a test expects; say plainly where they differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = ["differences"]

# Sentences: a test names the part that matters.
_PARTS = frozenset({"escalates", "why_not", "refused", "summary"})
_ANY_ORDER = frozenset({"locks"})


def differences(expected: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """Compare what is expected, and only that.

    Parameters
    ----------
    expected
        ``expect`` of a test.
    found
        What ``rehearse`` found, by the same keys.

    Returns
    -------
    list of str
        Lines of a diff: where, then what was expected (``-``) and what was found (``+``).
    """
    return list(_compared("", expected, found))


def _compared(place: str, expected: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    for key, wanted in expected.items():
        at, got = f"{place}/{key}", found.get(key)
        if key == "steps":
            yield from _steps(at, wanted, got or [])
        elif key == "facts":
            yield from _compared(at, wanted, got or {})
        elif key in _PARTS and isinstance(wanted, str):
            if wanted not in str(got or ""):
                yield from _differ(at, f"… {wanted} …", got)
        elif key in _ANY_ORDER:
            if sorted(wanted) != sorted(got or []):
                yield from _lists(at, sorted(wanted), sorted(got or []))
        elif isinstance(wanted, list):
            if wanted != got:
                yield from _lists(at, wanted, got or [])
        elif wanted != got:
            yield from _differ(at, wanted, got)


def _steps(
    place: str, expected: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    for index, (wanted, got) in enumerate(zip(expected, found, strict=False)):
        yield from _compared(f"{place}/{index}", wanted, got)
    if len(expected) != len(found):
        yield from _differ(place, f"{len(expected)} steps", f"{len(found)} steps")


def _lists(place: str, expected: Sequence[Any], found: Sequence[Any]) -> Iterator[str]:
    yield f"{place}:"
    for wanted in expected:
        yield f"  {' ' if wanted in found else '-'} {wanted}"
    for got in found:
        if got not in expected:
            yield f"  + {got}"
    if not expected or not found:
        yield f"  (nothing was {'expected' if found else 'found'})"
    elif sorted(map(str, expected)) == sorted(map(str, found)):
        yield f"  + in the order {', '.join(map(str, found))}"


def _differ(place: str, expected: object, found: object) -> Iterator[str]:
    yield f"{place}:"
    yield f"  - {_spoken(expected)}"
    yield f"  + {_spoken(found)}"


def _spoken(value: object) -> str:
    if value is None:
        return "nothing"
    return str(value).lower() if isinstance(value, bool) else str(value)
