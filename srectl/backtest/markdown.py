"""Writes a backtest as Markdown, for a terminal as well as for a pull request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from srectl.backtest.compare import Backtest, Difference
from srectl.backtest.judging import KINDS
from srectl.postmortem.markdown import escaped

__all__ = ["as_markdown"]

_TOLD = {
    "acts": "acts",
    "asks": "asks first",
    "observes": "only observes",
    "stopped": "stopped by a guard",
    "nothing": "nothing to do",
}
_SHOWN_CHANGES = 2


def as_markdown(found: Backtest, source: str, most: int) -> str:
    """Give the whole as Markdown.

    Parameters
    ----------
    source
        Where the incidents are from, and of when.
    most
        Rows of differences at most.
    """
    return "\n".join(_lines(found, source, most)).rstrip() + "\n"


def _lines(found: Backtest, source: str, most: int) -> Iterator[str]:
    against = f" against `{_code(found.other)}`" if found.before is not None else ""
    yield f"## Backtest of `{_code(found.name)}`{against}"
    yield ""
    yield f"{len(found.records)} incidents, {escaped(source)}. Nothing was touched."
    yield ""
    both = found.catalogues
    yield from _table(
        ["would have", *(f"`{_code(name)}`" for name in both)],
        [
            [_TOLD[kind], *(str(found.kinds(each)[kind]) for each in both.values())]
            for kind in KINDS
        ],
    )
    yield ""
    guards = sorted({why for each in both.values() for why in found.guards(each)})
    if guards:
        yield from _table(
            ["stopped by", *(f"`{_code(name)}`" for name in both)],
            [[escaped(g), *(str(found.guards(each)[g]) for each in both.values())] for g in guards],
        )
        yield ""
    real = ", ".join(f"{count} {what}" for what, count in sorted(found.really().items()))
    yield f"What really happened: {escaped(real) or 'nothing'}."
    yield ""
    differences = found.differences()
    count = sum(len(each.incidents) for each in differences)
    than = "from what really happened" if found.before is None else "between the two"
    yield f"### {count} incidents differ {than}"
    if differences:
        yield ""
        yield from _table(_heads(found), [_row(each, found) for each in differences[:most]])
    if len(differences) > most:
        yield ""
        yield f"{len(differences) - most} more rows are left out (`--rows`)."


def _heads(found: Backtest) -> list[str]:
    before = [f"`{_code(found.other)}`"] if found.before is not None else []
    catalogues = [*before, f"`{_code(found.name)}`"]
    return ["incidents", "alert", "about", *catalogues, "really", "plan on record", "such as"]


def _row(each: Difference, found: Backtest) -> list[str]:
    before = [escaped(each.before)] if found.before is not None else []
    plan = each.after.plan or (each.before.plan if each.before else ())
    return [
        str(len(each.incidents)),
        escaped(each.alert),
        escaped(each.place),
        *before,
        escaped(each.after),
        escaped(each.really),
        escaped(_planned(plan)),
        f"`{_code(each.incidents[-1][:8])}`",
    ]


def _planned(plan: Sequence[Mapping[str, Any]]) -> str:
    told = [
        f"{each.get('kind')} {each.get('name')} {each.get('field')}: {each.get('from')} → "
        f"{each.get('to')}"
        for each in plan[:_SHOWN_CHANGES]
    ]
    more = f" and {len(plan) - _SHOWN_CHANGES} more" if len(plan) > _SHOWN_CHANGES else ""
    return "; ".join(told) + more


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _code(text: str) -> str:
    """Make a name fit to stand between backticks, in a table, too."""
    return "".join("?" if each in "`|" or not each.isprintable() else each for each in text)
