"""The supervisor of a one-machine stack as a process: ``python -m onemachine.stack --help``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from onemachine.monitoring import SHIPPED_RULES
from onemachine.processes.identity import ProcessIdentity
from onemachine.stack.parts import StackOptions
from onemachine.stack.plan import plan
from onemachine.stack.state import StackFolder
from onemachine.stack.supervisor import Supervisor, serve


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse the daemon's command line."""
    parser = argparse.ArgumentParser(prog="python -m onemachine.stack", description=__doc__)
    parser.add_argument("--name", required=True, help="name of the stack")
    parser.add_argument("--template", type=Path, required=True, help="SAM template to deploy")
    parser.add_argument("--realistic", action="store_true", help="waits of production")
    parser.add_argument("--orders", type=float, required=True, help="orders a second")
    parser.add_argument("--metered", action="store_true", help="count what AWS would charge for")
    parser.add_argument("--cluster-metrics", action="store_true", help="run kube-state-metrics")
    parser.add_argument(
        "--alertmanager-waits", action="store_true", help="Alertmanager's own times"
    )
    parser.add_argument(
        "--without-rules",
        action="append",
        default=[],
        choices=[each.stem for each in SHIPPED_RULES],
        help="leave out a file of the platform's own rules",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="give a parameter of the template another value",
    )
    parser.add_argument("--ttl-seconds", type=float, required=True, help="stop by itself after")
    parser.add_argument(
        "--owner",
        type=_identity,
        help="PID:START of a process that the stack must not outlive (START: see proc(5) stat)",
    )
    return parser.parse_args(argv)


def _identity(text: str) -> ProcessIdentity:
    pid, _, start_time = text.partition(":")
    return ProcessIdentity(int(pid), int(start_time))


def main(argv: Sequence[str] | None = None) -> int:
    """Supervise the one-machine stack."""
    arguments = parse_arguments(argv)
    folder = StackFolder.named(arguments.name)
    options = StackOptions(
        arguments.template.resolve(),
        arguments.realistic,
        arguments.orders,
        arguments.metered,
        arguments.cluster_metrics,
        arguments.alertmanager_waits,
        tuple(arguments.without_rules),
        dict(each.split("=", 1) for each in arguments.set),
    )
    return serve(
        Supervisor(
            folder,
            lambda bench: plan(bench, options),
            ttl_seconds=arguments.ttl_seconds,
            realistic=options.realistic,
            template=str(options.template),
            owner=arguments.owner,
        )
    )


if __name__ == "__main__":
    sys.exit(main())
