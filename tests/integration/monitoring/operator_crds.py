"""The CRDs of the Prometheus operator, generated once into the cache.

Made of the operator's own Go types by the generator that the operator itself uses, both pinned in
``operator/go.mod``; only the descriptions are left out.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from onemachine.binaries import BinaryUnavailable
from onemachine.binaries.locate import cache_folder

_MODULE = Path(__file__).parent / "operator"
_API = "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring"
_LINES_KEPT = 15


def operator_crds() -> Path:
    """Give the folder with the CRDs, one YAML file each.

    Raises
    ------
    BinaryUnavailable
        They are not in the cache and cannot be generated; the message has the reason.
    """
    pins = hashlib.sha256((_MODULE / "go.sum").read_bytes()).hexdigest()[:12]
    place = cache_folder() / f"prometheus-operator-crds-{pins}"
    place.parent.mkdir(parents=True, exist_ok=True)
    with (place.parent / f".{place.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.is_dir():
            work = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.parent))
            try:
                _generate(work)
                work.rename(place)
            finally:
                shutil.rmtree(work, ignore_errors=True)
    return place


def _generate(target: Path) -> None:
    command = [
        "go",
        "tool",
        "controller-gen",
        "crd:generateEmbeddedObjectMeta=true,maxDescLen=0",
        f"paths={_API}/v1",
        f"paths={_API}/v1alpha1",
        f"output:crd:dir={target}",
    ]
    try:
        result = subprocess.run(
            command,
            cwd=_MODULE,
            env=os.environ | {"CGO_ENABLED": "0", "GOWORK": "off", "GOFLAGS": "-mod=readonly"},
            capture_output=True,
            text=True,
        )
    except FileNotFoundError as error:
        raise BinaryUnavailable(
            "the CRDs of the Prometheus operator cannot be generated: there is no 'go' on PATH. "
            "Install Go 1.26 or newer (https://go.dev/dl)."
        ) from error
    if result.returncode != 0:
        last = "\n  ".join(result.stderr.splitlines()[-_LINES_KEPT:])
        raise BinaryUnavailable(
            f"the CRDs of the Prometheus operator could not be generated:\n  {last}"
        )
