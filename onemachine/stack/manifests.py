"""The Kubernetes manifests of the stack, with the namespaces that its catalogue is about."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import yaml

from onemachine.binaries import find
from onemachine.stack.children import Children
from srectl.quick_yaml import SafeLoader

__all__ = ["apply", "with_namespaces"]

# Every cluster has them.
_OF_KUBERNETES = frozenset({"default", "kube-node-lease", "kube-public", "kube-system"})


def apply(
    children: Children, overlay: Path, kubeconfig: Path, namespaces: Iterable[str] = ()
) -> None:
    """Apply an overlay, and make the namespaces that it needs.

    On a cluster of one's own those are somebody's, with limits and labels; here nobody else would
    make them, and what is in one that is not there is refused.

    Parameters
    ----------
    children : Children
        Runs ``kubectl``.
    overlay : Path
        What ``kubectl kustomize`` is given.
    kubeconfig : Path
        Of the cluster's admin.
    namespaces : iterable of str
        Namespaces that are to be there, whether or not the overlay names them.

    Raises
    ------
    StartFailed
        kubectl failed; with the tail of its log.
    """
    kubectl = str(find("kubernetes") / "kubectl")
    # kubectl keeps a cache there, which is of no use to the user's other clusters.
    environment = {"KUBECONFIG": str(kubeconfig), "HOME": str(children.folder.path)}
    file = children.folder.path / "manifests.yaml"
    children.run(
        "kubectl-kustomize",
        [kubectl, "kustomize", str(overlay), "--output", str(file)],
        environment,
        what="the Kubernetes manifests to be put together",
        timeout=60,
    )
    file.write_text(with_namespaces(file.read_text("utf-8"), namespaces), "utf-8")
    children.run(
        "kubectl-apply",
        [kubectl, "apply", "--server-side", "-f", str(file)],
        environment,
        what="the Kubernetes manifests to be applied",
        timeout=60,
    )


def with_namespaces(manifests: str, more: Iterable[str] = ()) -> str:
    """Put the namespaces before manifests that their objects are in and that none of them is.

    Parameters
    ----------
    manifests : str
        Objects as YAML.
    more : iterable of str
        Namespaces that are to be there besides.
    """
    objects = [each for each in yaml.load_all(manifests, SafeLoader) if each]
    there = {each["metadata"]["name"] for each in objects if each["kind"] == "Namespace"}
    named = {each["metadata"].get("namespace") for each in objects} - {None}
    made = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        for name in sorted({*named, *more} - there - _OF_KUBERNETES)
    ]
    return "---\n".join([*(yaml.safe_dump(each) for each in made), manifests])
