"""The directory of a pod: logs that stay for reading, the rest goes with the pod."""

import shutil
from pathlib import Path


def pod_directory(state_dir: Path, namespace: str, name: str) -> Path:
    """Return the directory of a pod below the agent's state directory."""
    return state_dir / "pods" / f"{namespace}_{name}"


def prepare(directory: Path) -> None:
    """Create a pod's directory with an empty HOME and TMPDIR."""
    clear(directory)
    for part in ("home", "tmp"):
        (directory / part).mkdir(parents=True, exist_ok=True)


def clear(directory: Path) -> None:
    """Remove everything of a pod but its logs."""
    for part in ("home", "tmp", "aws"):
        shutil.rmtree(directory / part, ignore_errors=True)


def prune(state_dir: Path, keep: int, running: set[Path]) -> None:
    """Remove the oldest directories of pods that are gone, all but the newest *keep*."""
    pods = state_dir / "pods"
    if not pods.is_dir():
        return
    gone = [path for path in pods.iterdir() if path.is_dir() and path not in running]
    gone.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in gone[keep:]:
        shutil.rmtree(path, ignore_errors=True)
