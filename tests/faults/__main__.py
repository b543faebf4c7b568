"""The command line: ``python -m tests.faults --seed 7 --incidents 500``."""

from __future__ import annotations

import argparse
import os
import secrets
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from onemachine.stack.control import stop_stack
from onemachine.stack.state import StackFolder
from srectl.backtest.records import write
from tests.faults import report, stages
from tests.faults.campaign import Campaign
from tests.faults.checker import check
from tests.faults.ground import Ground
from tests.faults.nemesis import FAULTS, SHORT
from tests.faults.plan import Sizes, make
from tests.faults.targets import definitions
from tests.support.stacks import start, state_of

_SECONDS_AN_INCIDENT = 1.4
_SHORT = Sizes(incidents=24, seconds=45.0, targets=3)


def main() -> int:
    """Run a campaign; 1 where an invariant did not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="repeats a plan")
    parser.add_argument("--incidents", type=int, default=500, help="firings in all")
    parser.add_argument("--seconds", type=float, help="how long it sends and strikes")
    parser.add_argument("--faults", help="only these, with commas between them")
    parser.add_argument("--short", action="store_true", help="a few incidents, two minutes at most")
    parser.add_argument("--name", help="a stack that runs already; without, one is started")
    parser.add_argument(
        "--records-to",
        type=Path,
        help="where the incidents' records go, for 'srectl backtest --records'; the runbooks that "
        "there were go into a folder beside it",
    )
    parser.add_argument("--settle", type=float, default=600.0, help="longest wait for the end")
    options = parser.parse_args()
    sizes = _SHORT
    if not options.short:
        seconds = options.seconds or max(90.0, options.incidents * _SECONDS_AN_INCIDENT)
        sizes = Sizes(options.incidents, seconds, max(4, min(16, options.incidents // 30)))
    names = options.faults.split(",") if options.faults else SHORT if options.short else FAULTS
    plan = make(
        options.seed, sizes, {name: (FAULTS[name].stages, FAULTS[name].seconds) for name in names}
    )
    began = time.monotonic()

    def tell(what: str) -> None:
        print(f"{time.monotonic() - began:6.0f} s  {what}", flush=True)

    tell(f"seed {options.seed}")
    with _stack(options.name) as folder:
        ground = Ground(folder, state_of(folder), plan.targets)
        journal = folder.path / "faults" / f"journal-{options.seed}.jsonl"
        campaign = Campaign(ground, plan, journal, options.settle, tell)
        history = campaign.run()
        windows = stages.windows(history.entries)
        stays = [*stages.intake(history.entries), *stages.stays(ground, campaign.began, windows)]
        counts = {**stages.counted(windows, stays), **report.delivered(history)}
        violations = check(history)
        print("\n".join(report.lines(history, violations, counts)))
        print(f"\nthe client's journal: {_shown(journal)}")
        kept = options.records_to or journal.with_name(f"records-{options.seed}.jsonl")
        kept.parent.mkdir(parents=True, exist_ok=True)
        count = write(kept, history.records)
        print(f"{count} records, for 'srectl backtest --records': {_shown(kept)}")
        print(f"their runbooks, for '--runbooks': {_shown(_catalogue(kept, definitions(plan)))}")
    return 1 if violations else 0


@contextmanager
def _stack(name: str | None) -> Iterator[StackFolder]:
    if name:
        yield StackFolder.named(name)
        return
    folder = StackFolder.named(f"faults-{os.getpid()}")
    try:
        yield start(folder.name)
    finally:
        stop_stack(folder, lambda _: None)


def _catalogue(records: Path, found: Iterable[Mapping[str, Any]]) -> Path:
    """Write the runbooks of a campaign, which are in the deployment no more, beside its records."""
    folder = records.with_name(f"{records.stem}-runbooks")
    folder.mkdir(parents=True, exist_ok=True)
    for each in found:
        text = yaml.safe_dump(dict(each), sort_keys=False)
        (folder / f"{each['name']}.yaml").write_text(text, "utf-8")
    return folder


def _shown(path: Path) -> str:
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


if __name__ == "__main__":
    sys.exit(main())
