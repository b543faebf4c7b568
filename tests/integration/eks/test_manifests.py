"""What is shipped in ``eks/apps`` is accepted by a real API server, and says what it should."""

from __future__ import annotations

import ipaddress
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from onemachine.binaries import BinaryUnavailable, find
from srectl.installing import plan
from tests.integration.kubernetes_fixtures import KubernetesApi

pytestmark = pytest.mark.kubernetes

ROOT = Path(__file__).parents[3]
APPS = ROOT / "eks" / "apps"
PRODUCTION = APPS / "overlays" / "production"
SHIPPED = ("overlays/local", "overlays/production", "node-remediation", "evidence-logs")

Manifest = dict[str, Any]


@pytest.fixture(scope="session")
def kubectl() -> str:
    try:
        return str(find("kubernetes") / "kubectl")
    except BinaryUnavailable as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture
def namespace(kubectl: str, control_plane: KubernetesApi, unique: str) -> Iterator[str]:
    """The shipped namespace, labels and all, under a name of the test's own; also its accounts."""
    docs = renamed(rendered(kubectl, "overlays/production"), unique)
    foundation = [doc for doc in docs if doc["kind"] in ("Namespace", "ServiceAccount")]
    foundation.sort(key=lambda doc: doc["kind"] != "Namespace")
    apply(kubectl, control_plane, foundation)
    yield unique
    run(kubectl, control_plane, "delete", "namespace", unique, "--wait=false")


def rendered(kubectl: str, folder: str) -> list[Manifest]:
    done = subprocess.run(
        [kubectl, "kustomize", str(APPS / folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def renamed(docs: list[Manifest], namespace: str) -> list[Manifest]:
    """The same manifests in another namespace."""
    for doc in docs:
        if doc["kind"] == "Namespace":
            doc["metadata"]["name"] = namespace
        elif "namespace" in doc["metadata"]:
            doc["metadata"]["namespace"] = namespace
    return docs


def run(
    kubectl: str, api: KubernetesApi, *arguments: str, given: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [kubectl, "--kubeconfig", str(api.kubeconfig), *arguments],
        input=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def apply(kubectl: str, api: KubernetesApi, docs: list[Manifest], *flags: str) -> str:
    done = run(
        kubectl,
        api,
        "apply",
        "--server-side",
        "--validate=strict",
        *flags,
        "-f",
        "-",
        given=yaml.safe_dump_all(docs),
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def only(docs: list[Manifest], kind: str, name: str) -> Manifest:
    (found,) = (doc for doc in docs if doc["kind"] == kind and doc["metadata"]["name"] == name)
    return found


@pytest.mark.parametrize("folder", SHIPPED)
def test_every_manifest_is_accepted_field_by_field(
    kubectl: str, control_plane: KubernetesApi, namespace: str, folder: str
) -> None:
    docs = renamed(rendered(kubectl, folder), namespace)

    told = apply(kubectl, control_plane, docs, "--dry-run=server")

    assert told.count("serverside-applied (server dry run)") == len(docs)
    assert "Warning" not in told


@pytest.mark.parametrize("folder", ["overlays/local", "overlays/production"])
def test_pods_fit_the_namespace_that_enforces_restricted(
    kubectl: str, control_plane: KubernetesApi, namespace: str, folder: str
) -> None:
    template = only(rendered(kubectl, folder), "Deployment", "checkout")["spec"]["template"]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {**template["metadata"], "name": "checkout", "namespace": namespace},
        "spec": template["spec"],
    }

    apply(kubectl, control_plane, [pod], "--dry-run=server")

    pod["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
    done = run(
        kubectl, control_plane, "create", "--dry-run=server", "-f", "-", given=yaml.safe_dump(pod)
    )
    assert 'violates PodSecurity "restricted' in done.stderr


def test_production_takes_every_value_of_its_site(kubectl: str) -> None:
    lines = (PRODUCTION / "site.env").read_text("utf-8").splitlines()
    site = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    docs = rendered(kubectl, "overlays/production")
    text = yaml.safe_dump_all(docs)

    assert "from site.env" not in text
    assert [key for key, value in site.items() if value not in text] == []
    assert not [doc for doc in docs if doc["metadata"]["name"] == "site"]


def test_the_links_of_alerts_lead_to_the_pages_of_the_site(kubectl: str, tmp_path: Path) -> None:
    folder = tmp_path / "monitoring"
    shutil.copytree(ROOT / "eks" / "monitoring", folder)
    (folder / "site.env").write_text(
        "RUNBOOKS=wiki.test.invalid/on/call\nGRAFANA=grafana.test.invalid\n"
    )
    docs = rendered(kubectl, str(folder))
    alerts = [
        rule
        for doc in docs
        if doc["kind"] == "PrometheusRule"
        for group in doc["spec"]["groups"]
        for rule in group["rules"]
        if "alert" in rule
    ]

    assert len(alerts) > 15
    for rule in alerts:
        link = rule["annotations"]["runbook_url"]
        assert link == f"https://wiki.test.invalid/on/call/{rule['alert']}"
        board = rule["annotations"]["dashboard_url"]
        assert board.startswith("https://grafana.test.invalid/d/")
    assert "monitoring-site" not in {doc["metadata"]["name"] for doc in docs}


def test_without_the_pages_of_the_site_nothing_is_applied(kubectl: str) -> None:
    done = subprocess.run(
        [kubectl, "kustomize", str(ROOT / "eks" / "monitoring")],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
    assert "`data.RUNBOOKS` is missing" in done.stderr


def test_without_a_grafana_the_command_of_the_installation_leaves_its_links_out(
    kubectl: str, tmp_path: Path
) -> None:
    """What it makes of the rules, with a kubectl that applies nothing."""
    bench = tmp_path / "bin"
    bench.mkdir()
    (bench / "kubectl").write_text(
        f'#!/bin/sh\n[ "$1" != kustomize ] || exec {kubectl} "$@"\ncp "$3" {tmp_path}/applied\n'
    )
    (bench / "kubectl").chmod(0o755)
    listed = plan.load(ROOT)
    text = listed.step("monitoring").commands[-1]

    def applied(grafana: str) -> str:
        answers = {"RUNBOOKS_URL": "https://wiki.test.internal/oncall", "GRAFANA_URL": grafana}
        subprocess.run(
            ["bash", "-c", f"set -euo pipefail\n{listed.functions}\n{text}"],
            cwd=ROOT,
            env={**os.environ, **answers, "PATH": f"{bench}:{os.environ['PATH']}"},
            check=True,
        )
        return (tmp_path / "applied").read_text("utf-8")

    with_it, without = applied("https://grafana.test.internal"), applied("")

    lines = [line for line in with_it.splitlines() if "dashboard_url: " not in line]
    assert without.splitlines() == lines
    assert "grafana.test.internal/d/" in with_it
    assert "dashboard_url" not in without
    assert "example.com" not in with_it + without


def test_a_pod_serves_on_for_longer_than_the_load_balancer_sends_to_it(kubectl: str) -> None:
    docs = rendered(kubectl, "overlays/production")
    pod = only(docs, "Deployment", "checkout")["spec"]["template"]["spec"]
    annotations = only(docs, "Ingress", "checkout")["metadata"]["annotations"]
    settings = next(doc for doc in docs if doc["kind"] == "ConfigMap" and doc["data"])["data"]
    attributes = annotations["alb.ingress.kubernetes.io/target-group-attributes"]
    sends_for = int(attributes.partition("deregistration_delay.timeout_seconds=")[2])
    hook = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]

    assert hook + int(settings["DRAIN_SECONDS"]) > sends_for
    assert pod["terminationGracePeriodSeconds"] == 60


def test_applying_again_leaves_the_number_of_pods_to_the_autoscaler(kubectl: str) -> None:
    docs = rendered(kubectl, "overlays/production")
    autoscaler = only(docs, "HorizontalPodAutoscaler", "checkout")["spec"]
    budget = only(docs, "PodDisruptionBudget", "checkout")["spec"]

    assert "replicas" not in only(docs, "Deployment", "checkout")["spec"]
    assert autoscaler["scaleTargetRef"]["name"] == "checkout"
    assert autoscaler["minReplicas"] == 3
    # However many there are at peak, one leaves at a time; and a node can always be drained.
    assert budget["maxUnavailable"] == 1
    assert "minAvailable" not in budget


def test_the_public_reaches_nothing_but_checkout_and_only_by_tls(kubectl: str) -> None:
    ingress = only(rendered(kubectl, "overlays/production"), "Ingress", "checkout")
    annotations = ingress["metadata"]["annotations"]
    paths = [path["path"] for rule in ingress["spec"]["rules"] for path in rule["http"]["paths"]]

    assert paths == ["/checkout"]
    assert "defaultBackend" not in ingress["spec"]
    assert yaml.safe_load(annotations["alb.ingress.kubernetes.io/listen-ports"]) == [{"HTTPS": 443}]
    assert "alb.ingress.kubernetes.io/inbound-cidrs" not in annotations


def test_the_load_balancer_is_let_in_from_the_public_subnets_of_the_cluster(kubectl: str) -> None:
    cluster = yaml.safe_load((ROOT / "eks/cluster.yaml").read_text("utf-8"))
    vpc = ipaddress.IPv4Network(cluster["vpc"]["cidr"])
    # eksctl cuts the VPC into eight; the public subnets come first, one for each zone.
    public = list(vpc.subnets(prefixlen_diff=3))[: len(cluster["availabilityZones"])]
    policy = only(rendered(kubectl, "overlays/production"), "NetworkPolicy", "checkout")
    allowed = [
        ipaddress.IPv4Network(peer["ipBlock"]["cidr"])
        for rule in policy["spec"]["ingress"]
        for peer in rule["from"]
        if "ipBlock" in peer
    ]

    assert list(ipaddress.collapse_addresses(allowed)) == list(ipaddress.collapse_addresses(public))
    assert policy["spec"]["egress"][1]["to"] == [{"ipBlock": {"cidr": str(vpc)}}]


@pytest.mark.parametrize("folder", ["overlays/local", "overlays/production"])
def test_what_no_policy_allows_is_denied(kubectl: str, folder: str) -> None:
    policy = only(rendered(kubectl, folder), "NetworkPolicy", "default-deny")

    assert policy["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_remediation_reaches_beyond_its_namespaces_only_where_that_is_chosen(kubectl: str) -> None:
    """Before that it only reads there: nodes, and the events of nodes."""
    chosen = {doc["kind"] for doc in rendered(kubectl, "node-remediation")}
    assert chosen == {"ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"}
    for folder in SHIPPED[:2]:
        beyond = {
            (*rule["resources"], *sorted(rule["verbs"]))
            for doc in rendered(kubectl, folder)
            if doc["kind"] in ("Role", "ClusterRole")
            # A catalogue of this checkout's own may be about more namespaces than apps.
            and doc["metadata"].get("namespace", "default") == "default"
            for rule in doc["rules"]
        }
        assert beyond == {("events", "list"), ("nodes", "get"), ("nodes", "get", "list")}
