"""The command line: ``python -m tests.load.platform_bench``."""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from tests.load.platform_bench.measure import Bench, Sizes
from tests.load.platform_bench.report import table
from tests.load.platform_bench.stack import Checkout, running

_ROOT = Path(__file__).resolve().parents[3]


def main() -> int:
    """Measure, and print one table."""
    standard = Sizes()
    parser = argparse.ArgumentParser(
        prog="python -m tests.load.platform_bench", description="Measure the whole platform."
    )
    parser.add_argument(
        "--project", type=Path, default=_ROOT, help="another checkout to measure, set up there"
    )
    parser.add_argument("--storm-alerts", type=int, default=standard.storm_alerts)
    parser.add_argument("--storm-targets", type=int, default=standard.storm_targets)
    parser.add_argument(
        "--storm-seconds", type=float, default=standard.storm_seconds, help="give it up after"
    )
    options = parser.parse_args()
    sizes = replace(
        standard,
        storm_alerts=options.storm_alerts,
        storm_targets=options.storm_targets,
        storm_seconds=options.storm_seconds,
    )
    checkout = Checkout(options.project.resolve())
    console = Console(width=max(160, Console().width))
    began = time.monotonic()

    def tell(what: str) -> None:
        console.print(f"[dim]{time.monotonic() - began:6.0f} s[/]  {what}")

    tell(f"starting a stack of {checkout.root}")
    with running(checkout, f"bench-{os.getpid()}") as stack:
        results = Bench(stack, sizes, tell).run()
        tell("stopping it")
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    title = f"{checkout.commit}, {os.cpu_count()} cores, load at the end {load}"
    console.print(table(results, title))
    return 0


if __name__ == "__main__":
    sys.exit(main())
