"""What a deployment allows, and which of its clusters an alert is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from runbook_action.errors import ActionRefused
from runbook_action.resolve.labels import clusters_named, shown


@dataclass(frozen=True)
class Policy:
    """What the deployment allows.

    Attributes
    ----------
    clusters
        Allow-list: label of a cluster → name of the EKS cluster.
    default_cluster
        Label of the cluster of an alert that names none.
    allowed_namespaces
        Where a target may be.
    only_annotated
        Whether an object must say that it may be remediated.
    """

    clusters: Mapping[str, str]
    default_cluster: str
    allowed_namespaces: frozenset[str]
    only_annotated: bool = False

    def cluster_of(self, label: str | None, labels: Mapping[str, str]) -> str:
        """Give the canonical label of the cluster that an alert is about.

        Parameters
        ----------
        label
            The alert's label ``cluster``; None for the only cluster there is.
        labels
            All labels of the alert. Whichever names a cluster, by whatever name, has to name this
            one: by any label of it on the allow-list, or as EKS calls it.

        Raises
        ------
        ActionRefused
            The alert may be about any of several clusters, or one of its labels names another. The
            message says which label said what.
        """
        named = clusters_named(labels)
        self._refuse_a_guess(label, named)
        cluster = self.canonical(label)
        others = [f"{key}={shown(text)}" for key, text in named if text not in self._names(cluster)]
        if others:
            meant = "label cluster" if label else "the only one that this platform looks after"
            raise ActionRefused(
                f"the alert names another cluster, {' and '.join(others)}, than {cluster} "
                f"({meant}): nothing is done. Correct the alert's labels; what is no cluster of "
                f"Kubernetes needs a label of another name."
            )
        return cluster

    def canonical(self, label: str | None) -> str:
        """Give the one label of a cluster that may have several: it stands in locks."""
        label = label or self.default_cluster
        name = self.clusters.get(label)
        if name is None or name == self.clusters.get(self.default_cluster):
            return self.default_cluster if name is not None else label
        return min(each for each, found in self.clusters.items() if found == name)

    def _names(self, cluster: str) -> set[str]:
        name = self.clusters.get(cluster, cluster)
        return {cluster, name, *(each for each, found in self.clusters.items() if found == name)}

    def _refuse_a_guess(self, label: str | None, named: list[tuple[str, str]]) -> None:
        """Refuse to take the default for a cluster that was not named, where there are several."""
        if not label and len(set(self.clusters.values())) > 1:
            beside = f" by its label cluster (but {', '.join(f'{k}={shown(v)}' for k, v in named)})"
            raise ActionRefused(
                f"the alert names no cluster{beside if named else ''}, and this platform looks "
                f"after several ({', '.join(sorted(set(self.clusters.values())))}). Give the alert "
                "the label cluster (external_labels of its Prometheus)."
            )
