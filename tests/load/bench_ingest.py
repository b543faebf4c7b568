"""Measures the built alert-ingest function against floors, in one run: ``make bench-ingest``.

The artifact is what `sam build` makes (the same recipe), and its process sees that and what the
managed runtime has, nothing else. A floor is the least that any function doing this job would
cost: for a cold start a process that only makes the same AWS client, for an invocation decoding the
same body and handing the same entries to the same client. Handler and floor take turns, and the
median of the ratios of all turns is judged: what else the machine does slows both of a turn. The
times shown are the smallest, and their ratio stands beside.

It prints; it judges nothing by its exit code, which says only whether it could measure.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from onemachine.aws.managed_runtime import isolated_python
from tests.integration.rie.harness import (
    ALERT_INGEST,
    build,
    function_environment,
    runtime_folder,
)
from tests.unit.alert_ingest.bodies import group_body, proxy_event

WORKER = Path(__file__).with_name("ingest_worker.py")
ENVIRONMENT = {
    "AWS_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_EC2_METADATA_DISABLED": "true",
    "ACCOUNT_ID": "000000000000",
    "EVENT_BUS_NAME": "sre-platform-events",
    "PARKING_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/000000000000/parking",
    "POWERTOOLS_SERVICE_NAME": "alert-ingest",
    "POWERTOOLS_METRICS_NAMESPACE": "SREPlatform",
}
SIZES = (1, 50, 500)
INIT_GOAL, WARM_GOAL, MEMORY_GOAL_MB, SECONDS_GOAL = 1.2, 2.0, 256.0, 1.0


@dataclass(frozen=True)
class Bench:
    """A built artifact and how to run something in its surroundings."""

    artifact: Path
    environment: dict[str, str]

    def command(self, *arguments: str) -> list[str]:
        """Return the command line of a worker."""
        return [*isolated_python(), str(WORKER), *arguments]

    def run(self, *arguments: str) -> Any:
        """Run a worker and return what it reports."""
        result = subprocess.run(
            self.command(*arguments),
            cwd=self.artifact,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode:
            raise SystemExit(f"the measurement {arguments[0]} failed:\n{result.stderr}")
        return json.loads(result.stdout)

    def cold(self, what: str) -> tuple[float, float]:
        """Start a process that gets ready and leaves; return its wall and its CPU seconds."""
        start = time.perf_counter()
        done = subprocess.run(
            self.command(what),
            cwd=self.artifact,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        wall = time.perf_counter() - start
        if done.returncode:
            raise SystemExit(f"the measurement {what} failed:\n{done.stderr}")
        return wall, float(done.stdout)


def megabytes(folder: Path) -> float:
    """Return the size of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def body_of(size: int) -> str:
    """Return a body of different alerts, with a mark where bodies differ from run to run."""
    body = group_body("alertmanager", size)
    for number, alert in enumerate(body["alerts"]):
        pod = f"checkout-7d9c5b6f4-@RUN@-{number:x}"
        alert["labels"] = {**alert["labels"], "pod": pod, "instance": f"{pod}:8080"}
        alert["annotations"] = {
            **alert["annotations"],
            "summary": f"checkout error ratio {number % 97}.55% on {pod}",
        }
        alert["fingerprint"] = f"@RUN@-{number:x}"
    # Go's encoder, which writes these bodies, escapes what could be markup.
    return json.dumps(body, separators=(",", ":")).replace("&", "\\u0026").replace(">", "\\u003e")


def measure(bench: Bench, table: Table, cold_rounds: int, rounds: int, folder: Path) -> None:
    """Measure everything and fill the table."""
    cold: dict[str, list[tuple[float, float]]] = {"init-floor": [], "init-handler": []}
    for name in cold:
        bench.cold(name)  # the first run reads the files from disk
    for _ in range(cold_rounds):
        for name, times in cold.items():
            times.append(bench.cold(name))
    for index, kind in enumerate(("wall", "CPU")):
        ours, floor = (
            [one[index] for one in cold[f"init-{name}"]] for name in ("handler", "floor")
        )
        ratio = statistics.median(one / least for one, least in zip(ours, floor, strict=True))
        compare(table, f"cold start, {kind}", min(ours), min(floor), ratio, INIT_GOAL)

    paths = []
    for size in SIZES:
        path = folder / f"{size}.json"
        path.write_text(json.dumps(proxy_event(body_of(size))), "utf-8")
        paths.append(str(path))
        found = bench.run("warm", str(path), str(rounds), str(max(1, 50 // size)))
        if found["alerts"] != size:
            raise SystemExit(f"{size} alerts were sent, {found['alerts']} came out")
        goal = WARM_GOAL if size == 50 else None
        what = f"warm CPU, {size} alert{'s' if size > 1 else ''}"
        compare(table, what, found["handler"], found["floor"], found["ratio_median"], goal)

    large = bench.run("memory", paths[-1])
    if (large["status"], large["accepted"]) != (202, SIZES[-1]):
        raise SystemExit(f"the large body was not taken: {large}")
    limit(table, f"peak memory, {SIZES[-1]} alerts", large["peak_mb"], MEMORY_GOAL_MB, "MB")
    limit(table, f"first call, {SIZES[-1]} alerts, wall", large["seconds"], SECONDS_GOAL, "s")
    table.add_row("artifact", f"{megabytes(bench.artifact):.2f} MB")


def compare(
    table: Table, what: str, ours: float, floor: float, paired: float, goal: float | None
) -> None:
    """Add a row of two times (in seconds) and two ratios: that of the turns, and theirs."""
    ratio = ours / floor
    table.add_row(
        what,
        f"{ours * 1000:.2f} ms",
        f"{floor * 1000:.2f} ms",
        f"{paired:.2f}",
        f"{ratio:.2f}",
        f"<= {goal:g} x" if goal else "",
        met(paired, goal) if goal else "",
    )


def limit(table: Table, what: str, value: float, goal: float, unit: str) -> None:
    """Add a row of one number and its limit."""
    table.add_row(what, f"{value:.2f} {unit}", "", "", "", f"<= {goal:g} {unit}", met(value, goal))


def met(value: float, goal: float) -> str:
    """Say whether a goal is reached."""
    return "[green]met[/]" if value <= goal else "[red]missed[/]"


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Measure alert-ingest against its floors.")
    parser.add_argument("--cold-rounds", type=int, default=40, help="cold processes of each kind")
    parser.add_argument("--rounds", type=int, default=150, help="rounds of warm invocations")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        artifact = build(ALERT_INGEST)
        runtime = runtime_folder(folder / "runtime")
        environment = function_environment(ALERT_INGEST, artifact, runtime, ENVIRONMENT)
        columns = ("", "handler", "floor", "ratio", "of minima", "goal", "")
        table = Table(*columns, title="alert-ingest")
        for column in table.columns[1:5]:
            column.justify = "right"
        measure(Bench(artifact, environment), table, options.cold_rounds, options.rounds, folder)
    Console(width=max(100, Console().width)).print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
