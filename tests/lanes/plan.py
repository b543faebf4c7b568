"""Which test belongs to which lane.

A lane holds what shares something that is slow to start. A test file belongs to the lane that names
the longest part of its path; one that no lane names belongs to ``others``, so none is forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

OTHERS = "others"


@dataclass(frozen=True)
class Lane:
    """Commands that run one after the other, beside those of other lanes.

    Parameters
    ----------
    name : str
        Name in the table and of its log.
    paths : tuple of str
        Folders and files of tests, from the project's root.
    busy : bool
        It only computes: it gives way to the others, and fills what they leave of the cores.
    workers : int
        Processes that share its tests, where these share nothing that is slow to start.
    binaries : bool
        It needs Kubernetes, etcd, Prometheus or Alertmanager.
    """

    name: str
    paths: tuple[str, ...] = ()
    busy: bool = False
    workers: int = 1
    binaries: bool = True


# The longest first: what is started last must not be what is waited for.
LANES = (
    Lane("grants", ("tests/e2e/test_iam_mutation.py",)),
    Lane("demo", ("tests/e2e/test_demo.py", "tests/e2e/test_scenario.py")),
    Lane("machines", ("tests/integration/statemachine",), binaries=False),
    # They wait more than they compute, so that one lane of all of them would be what is waited for.
    Lane(
        "telling",
        tuple(
            f"tests/integration/statemachine/test_{name}.py"
            for name in (
                "notifier",
                "correlation",
                "climb",
                "held_pages",
                "flood",
                "digest",
                "morning",
                "findings",
            )
        ),
        binaries=False,
    ),
    Lane(
        "actions",
        (
            "tests/integration/runbook_action",
            # The only tests of the machines that need a cluster.
            "tests/integration/statemachine/test_guardrails.py",
            "tests/integration/statemachine/test_closed_by_data.py",
        ),
    ),
    Lane("drills", ("tests/e2e/test_drills.py",)),
    Lane("stack", ("tests/e2e",)),
    Lane("alarms", ("tests/integration/alarms",), binaries=False),
    Lane(
        "aws",
        ("tests/integration/localaws", "tests/integration/deployment", "tests/integration/console"),
        binaries=False,
    ),
    Lane(
        "cluster",
        (
            "tests/integration/node",
            "tests/integration/kubernetes_local",
            "tests/integration/manifests",
            "tests/integration/eks",
        ),
    ),
    Lane("watching", ("tests/integration/monitoring", "tests/monitoring")),
    Lane("artifacts", ("tests/integration/rie", "tests/integration/checkout"), binaries=False),
    Lane("unit", ("tests/unit",), busy=True, workers=2, binaries=False),
    Lane(OTHERS),
)


def files_of_lanes(root: Path, lanes: Iterable[Lane] = LANES) -> Mapping[str, list[Path]]:
    """Give the test files of each lane, relative to the root.

    Parameters
    ----------
    root : Path
        The project.
    lanes : iterable of Lane
        What to divide them among.
    """
    named = {Path(path): lane.name for lane in lanes for path in lane.paths}
    found: dict[str, list[Path]] = {lane.name: [] for lane in lanes}
    for path in sorted((root / "tests").rglob("test_*.py")):
        file = path.relative_to(root)
        nearest = next((each for each in (file, *file.parents) if each in named), None)
        found[named[nearest] if nearest else OTHERS].append(file)
    return found
