"""The command line: ``python -m tests.load.cost``."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from onemachine.cost import abuse
from onemachine.cost.bill import Amounts, Scenario, added, idle_month, scaled
from onemachine.cost.prices import PriceList, read_prices
from onemachine.cost.table import of_month, of_parts, of_scenarios
from onemachine.stack.state import StackFolder
from tests.load.cost import standing
from tests.load.cost.runs import LargeAlert, Runs
from tests.load.platform_bench.stack import Checkout, running
from tests.load.platform_bench.targets import Targets

_ROOT = Path(__file__).resolve().parents[3]
_THOUSAND = 1000
_ALERTS_A_MONTH = 30_000


@dataclass(frozen=True)
class Found:
    """What one of each took."""

    without_runbook: Amounts
    remediated: Amounts
    largest: Amounts
    canary: Amounts
    closer: Amounts
    heartbeat: Amounts
    pods: Amounts
    there: Amounts


def main() -> int:
    """Count, and print the tables."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.load.cost", description="Count what the platform costs on AWS."
    )
    parser.add_argument("--alerts", type=int, default=24, help="alerts of each kind (default: 24)")
    options = parser.parse_args()
    console = Console(width=max(150, Console().width))
    began = time.monotonic()

    def tell(what: str) -> None:
        console.print(f"[dim]{time.monotonic() - began:6.0f} s[/]  {what}")

    prices = read_prices()
    checkout, name = Checkout(_ROOT), f"cost-{os.getpid()}"
    tell("starting a metered stack")
    with running(checkout, name, "--metered", "--orders", "2") as stack:
        file = StackFolder.named(name).path / "aws" / "metered.json"
        runs = Runs(stack, file, tell)
        targets = Targets(stack)
        names = [f"cost-{number:03}" for number in range(options.alerts)]
        tell(f"{len(names)} Deployments, a runbook for each")
        targets.make(names)
        found = count(runs, targets, names)
        tell("stopping it")
    show(console, prices, found, options.alerts)
    return 0


def count(runs: Runs, targets: Targets, names: Sequence[str]) -> Found:
    """Let everything happen once and more, and count."""
    runs.begin()
    runs.tell(f"{len(names)} alerts without a runbook")
    without = runs.without_runbook(len(names))
    runs.tell(f"{len(names)} alerts that are remediated")
    remediated = runs.remediated(targets, names)
    runs.tell("4 alerts with as much text as is kept of one")
    largest = runs.without_runbook(4, LargeAlert)
    runs.tell("a canary, a run of the closer, heartbeats")
    canary = runs.machine("CanaryArn")
    closer = runs.machine("incident-closer")
    heartbeat = runs.heartbeat()
    targets.stop()
    # Checkout's pods read their switches; whatever else passes in between is the stack's own.
    pods = {"key_calls": runs.background.get("key_calls", 0.0) * standing.pace_of_pods()}
    there = standing.of_stack(runs.stack)
    return Found(without, remediated, largest, canary, closer, heartbeat, pods, there)


def show(console: Console, prices: PriceList, found: Found, alerts: int) -> None:
    """Print the tables and how they come about."""
    idle = idle_month(found.canary, found.closer, found.pods, found.there, found.heartbeat)
    scenarios = [
        Scenario("1,000 alerts without a runbook", scaled(found.without_runbook, _THOUSAND)),
        Scenario("1,000 remediated", scaled(found.remediated, _THOUSAND)),
        Scenario("an idle month", idle),
    ]
    console.print(of_scenarios(prices, scenarios, f"{prices.region}, prices of {prices.date}"))
    console.print(
        f"An alert is its call, its end and whatever both set off; {alerts} of each kind were "
        f"counted and scaled linearly. Times are those of this machine, an estimate of AWS's. "
        f"Free tiers are left out. {prices.how}\n"
    )
    month = {
        "counted: idle": idle,
        "counted: no alert has a runbook": added(
            idle, scaled(found.without_runbook, _ALERTS_A_MONTH)
        ),
        "counted: each one is remediated": added(idle, scaled(found.remediated, _ALERTS_A_MONTH)),
    }
    console.print(of_month(prices, month, _ALERTS_A_MONTH))
    beside = standing.of_surroundings()
    console.print(of_parts(prices, beside, "Beside it, a month; the brief leaves it out"))
    for everybody, whose in ((False, "one of Sender1 to Sender4"), (True, "the key of everybody")):
        parts = abuse.hour(standing.limits(everybody), found.largest, found.remediated)
        console.print(of_parts(prices, parts, f"The worst hour of one key at most: {whose}"))


if __name__ == "__main__":
    sys.exit(main())
