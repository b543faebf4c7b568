"""The cluster that a scenario is played on: what its administrator can do there."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from onemachine.binaries import find
from onemachine.kubernetes.api import ApiClient
from onemachine.node.nodes import control_file
from onemachine.project import PROJECT_ROOT
from onemachine.stack.aws_access import aws_exports
from onemachine.stack.cluster_admin import admin_of, read
from onemachine.stack.names import NAMESPACE
from onemachine.stack.state import StackFolder, StackState

__all__ = ["Ground"]

_NODE_RIGHTS = PROJECT_ROOT / "eks" / "apps" / "node-remediation"
_COMMAND_SECONDS = 60


@dataclass(frozen=True)
class Ground:
    """A running stack, seen by whoever administers its cluster.

    Parameters
    ----------
    folder : StackFolder
        The stack's files.
    state : StackState
        Where its parts are.
    """

    folder: StackFolder
    state: StackState

    def get(self, path: str) -> Mapping[str, Any]:
        """Read an object or a list.

        Raises
        ------
        OSError
            Kubernetes does not answer, or not with it.
        """
        return read(self._api, path)

    def patch(self, path: str, change: Mapping[str, Any]) -> None:
        """Merge a change into an object.

        Raises
        ------
        OSError
            Kubernetes does not answer, or refuses it.
        """
        answer = self._api.call("PATCH", path, change, content_type="application/merge-patch+json")
        if answer.status != http.client.OK:
            raise OSError(f"Kubernetes answered PATCH {path} with {answer.status}: {answer.body}")

    def apply(self, *objects: Mapping[str, Any]) -> None:
        """Apply objects; each names its namespace.

        Raises
        ------
        OSError
            kubectl says that it cannot; with its words.
        """
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        self._kubectl(["apply", "--server-side", "--force-conflicts", "-f", "-"], text)

    def switch_on(self, runbook: str, *, nodes: bool) -> None:
        """Let a runbook of the catalogue act, which only observes as it is shipped.

        Parameters
        ----------
        runbook : str
            Its name.
        nodes : bool
            Whether the opt-in rights on nodes are given, too.

        Raises
        ------
        OSError
            It cannot be switched, or the rights cannot be given; with the words of who refuses it.
        """
        if nodes:
            self._kubectl(["apply", "--server-side", "-k", str(_NODE_RIGHTS)])
        self.srectl("runbooks", "enable", runbook, "--yes")

    def srectl(self, *arguments: str) -> None:
        """Run the operator's tool on this stack.

        Raises
        ------
        OSError
            It fails; with its words.
        """
        done = subprocess.run(
            [sys.executable, "-m", "srectl.cli", *arguments],
            cwd=PROJECT_ROOT,
            env={**os.environ, **aws_exports(self.state)},
            capture_output=True,
            text=True,
            check=False,
            timeout=_COMMAND_SECONDS,
        )
        if done.returncode != 0:
            raise OSError(f"srectl {' '.join(arguments)}: {done.stdout}{done.stderr}".strip())

    def volume(self, claim: str) -> Path:
        """Give the directory that stands for the volume of a claim."""
        return self._nodes / "volumes" / f"{NAMESPACE}_{claim}"

    def node_fault(self, node: str) -> Path:
        """Give the file that lets a node fail for as long as it is there."""
        return control_file(self._nodes, node)

    @property
    def _nodes(self) -> Path:
        return self.folder.path / "node-agent"

    @cached_property
    def _api(self) -> ApiClient:
        return admin_of(self.state)

    def _kubectl(self, arguments: Sequence[str], text: str = "") -> None:
        done = subprocess.run(
            [str(find("kubernetes") / "kubectl"), *arguments],
            env={
                "PATH": os.defpath,
                "KUBECONFIG": self.state.endpoints["kubeconfig"],
                "HOME": str(self.folder.path),  # kubectl keeps a cache there
            },
            input=text,
            capture_output=True,
            text=True,
            check=False,
            timeout=_COMMAND_SECONDS,
        )
        if done.returncode != 0:
            raise OSError(f"kubectl {arguments[0]}: {done.stderr.strip()}")
