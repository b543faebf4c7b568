"""Bills for people: one table of scenarios, and a few beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.table import Table

from onemachine.cost.bill import BRIEF_LINES, Amounts, Scenario, brief_for, priced
from onemachine.cost.prices import PriceList
from onemachine.cost.units import BY_NAME, UNITS

__all__ = ["dollars", "of_month", "of_parts", "of_scenarios"]


def dollars(amount: float) -> str:
    """Give an amount of money with as many digits as tell something."""
    return f"${amount:,.2f}" if amount >= 1 else f"${amount:.4f}"


def _number(amount: float) -> str:
    if amount and abs(amount) < 100:
        return f"{amount:,.2f}"
    return f"{amount:,.0f}"


def of_scenarios(prices: PriceList, scenarios: Sequence[Scenario], title: str) -> Table:
    """Make the table of all units in all scenarios: amount and price of each, and the sums."""
    made = Table(title=title)
    made.add_column("what is paid for")
    made.add_column("how it is known")
    for each in scenarios:
        made.add_column(each.title, justify="right")
        made.add_column("USD", justify="right")
    costs = [priced(prices, each) for each in scenarios]
    for unit in UNITS:
        amounts = [each.amounts.get(unit.name, 0) for each in scenarios]
        if not any(amounts):
            continue
        cells = []
        for amount, cost in zip(amounts, costs, strict=True):
            cells += [_number(amount), dollars(cost.get(unit.name, 0))] if amount else ["", ""]
        made.add_row(unit.says, unit.how, *cells)
    sums = [cell for cost in costs for cell in ("", f"[bold]{dollars(sum(cost.values()))}[/]")]
    made.add_section()
    made.add_row("[bold]together[/]", "", *sums)
    return made


def of_parts(prices: PriceList, parts: Mapping[str, Amounts], title: str) -> Table:
    """Make a table of what something is put together from, and its sum."""
    made = Table(title=title)
    for column in ("for", "most of it", "USD"):
        made.add_column(column, justify="right" if column == "USD" else "left")
    for what, amounts in parts.items():
        largest = max(amounts, key=lambda unit: prices.of(unit, amounts[unit]))
        most = f"{_number(amounts[largest])} {BY_NAME[largest].says}"
        made.add_row(what, most, dollars(prices.bill(amounts)))
    made.add_section()
    total = sum(prices.bill(amounts) for amounts in parts.values())
    made.add_row("[bold]together[/]", "", f"[bold]{dollars(total)}[/]")
    return made


def of_month(prices: PriceList, rows: Mapping[str, Amounts], alerts_a_month: float) -> Table:
    """Make the table that stands against the brief's estimate."""
    brief = sum(usd for usd, _ in BRIEF_LINES.values())
    made = Table(title=f"A month with {alerts_a_month:,.0f} alerts (a thousand a day)")
    made.add_column("what")
    made.add_column("USD", justify="right")
    for what, cost in _brief_rows(brief, alerts_a_month):
        made.add_row(what, dollars(cost))
    made.add_section()
    for what, amounts in rows.items():
        made.add_row(what, dollars(prices.bill(amounts)))
    return made


def _brief_rows(brief: float, alerts: float) -> Iterator[tuple[str, float]]:
    yield "the brief, which counts 30 million for a thousand a day", brief
    yield f"the brief's own arithmetic for {alerts:,.0f} alerts", brief_for(alerts)
