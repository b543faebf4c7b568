"""One table of what was measured, beside the goals and the figures to beat."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from tests.load.platform_bench.intake import answers
from tests.load.platform_bench.measure import Results
from tests.load.platform_bench.records import percentile
from tests.load.platform_bench.usage import Spent

KEEP, ALERTA = "Keep 0.54", "Alerta 9.1"


def table(results: Results, title: str) -> Table:
    """Make the table."""
    made = Table(title=title)
    for column in ("", "measured", "goal", "", KEEP, ALERTA):
        made.add_column(column, no_wrap=True)
    _latencies(made, "webhook → record, one by one", results.one_by_one, 0.3, 1.0)
    _latencies(made, "webhook → action, one by one", results.action_one_by_one)
    _throughput(made, results)
    _latencies(made, "webhook → record, burst of 200", results.burst.latencies)
    action = "webhook → action, burst of 200"
    _latencies(made, action, results.action_burst, None, 5.0, "p50 5.6 s, p99 9.7 s")
    if results.actions_missing:
        made.add_row("  targets without an action", f"{results.actions_missing}", "0", "missed")
    _storm(made, results)
    _cost(made, results)
    return made


def _row(
    made: Table, what: str, measured: str, goal: str = "", met: bool | None = None, *others: str
) -> None:
    verdict = {True: "[green]met[/]", False: "[red]missed[/]", None: ""}[met]
    made.add_row(what, measured, goal, verdict, *others)


def _latencies(
    made: Table,
    what: str,
    seconds: Sequence[float],
    p50_goal: float | None = None,
    p99_goal: float | None = None,
    keep: str = "",
) -> None:
    p50, p99 = percentile(seconds, 0.5), percentile(seconds, 0.99)
    goals = [(f"p50 ≤ {p50_goal} s", p50, p50_goal), (f"p99 ≤ {p99_goal} s", p99, p99_goal)]
    set_goals = [(text, value, goal) for text, value, goal in goals if goal is not None]
    _row(
        made,
        what,
        f"p50 {p50:.2f} s, p99 {p99:.2f} s",
        ", ".join(text for text, _, _ in set_goals),
        all(value <= goal for _, value, goal in set_goals) if set_goals else None,
        keep,
    )


def _throughput(made: Table, results: Results) -> None:
    burst, fifties = results.burst, results.fifties
    _row(
        made,
        "burst of 200, one alert a body",
        f"{burst.rate:.1f} records/s ({answers(burst.deliveries)})",
        "≥ 60/s",
        burst.rate >= 60,
        "39/s",
        "123/s",
    )
    _row(
        made,
        "40 bodies of 50, 8 clients",
        f"{fifties.rate:.1f} records/s ({answers(fifties.deliveries)})",
        "≥ 60/s, every body 202",
        fifties.rate >= 60 and fifties.all_accepted,
        "56/s",
        "300/s",
    )


def _storm(made: Table, results: Results) -> None:
    storm = results.storm
    accepted = len(storm.flow.begun)
    late = accepted - storm.recorded
    done = storm.sent == accepted == storm.recorded
    _row(
        made,
        f"storm of {storm.sent} alerts, accepted",
        f"{accepted} ({answers(storm.flow.deliveries)})",
        f"{storm.sent}",
        accepted == storm.sent,
    )
    _row(made, "  without a record", f"{late}", "0", late <= 0)
    _row(made, "  doubled", f"{storm.doubled}", "0", storm.doubled == 0)
    acted = f"at most {storm.most_actions} ({storm.targets_acted_on} targets were acted on)"
    _row(made, "  remediations of a target", acted, "≤ 1", storm.most_actions <= 1)
    drained = f"{storm.flow.seconds:.0f} s ({storm.flow.rate:.1f} records/s)"
    _row(made, "  time to drain", drained if done else f"not within {storm.flow.seconds:.0f} s")
    _row(made, "  in queues, dead letters included", f"{storm.in_dead_letters}")
    _row(made, "  not yet resolved or escalated", f"{storm.unfinished}")


def _cost(made: Table, results: Results) -> None:
    accepted = len(results.burst.begun)
    cost(made, "CPU for 1,000 alerts, one a body", results.burst_cpu, accepted, "37 s", "15 s")
    cost(
        made, "CPU for 1,000 alerts, fifty a body", results.fifties_cpu, len(results.fifties.begun)
    )
    idle = results.idle
    _row(made, "CPU of the local AWS at rest", f"{idle.cpu.total / 10 * 100:.0f} % of a core")
    emulator, lambdas = results.memory
    words = f"{emulator + lambdas:.0f} MB (emulator {emulator:.0f}, Lambdas {lambdas:.0f})"
    _row(made, "memory after the storm", words)


def cost(made: Table, what: str, spent: Spent, alerts: int, *others: str) -> None:
    """Add what some alerts have cost: seconds for 1,000 of them, and multiples of the floor."""
    if not alerts:
        _row(made, what, "none was accepted", "", None, *others)
        return
    scale = 1000 / alerts
    took = spent.cpu
    words = (
        f"{took.total * scale:.1f} s (emulator {took.emulator * scale:.1f}, "
        f"Lambdas {took.lambdas * scale:.1f})"
    )
    _row(made, what, words, "", None, *others)
    floor = f"{took.total * scale / spent.floor:,.0f} x {spent.floor * 1000:.1f} ms"
    _row(made, "  as a multiple of the floor, then", floor)
