"""The eksctl configurations keep their promises and fit what is deployed beside them."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from eks import validate
from tests.support.template import deployed, read

ROOT = Path(__file__).parents[3]
CLUSTER = yaml.safe_load((ROOT / "eks/cluster.yaml").read_text("utf-8"))
ACCESS = yaml.safe_load((ROOT / "eks/access.yaml").read_text("utf-8"))
SCHEMA = json.loads((ROOT / "eks/schemas/cluster-config.json").read_text("utf-8"))
TEMPLATE = deployed()

Change = Callable[[dict[str, Any]], object]

WEAKER: dict[str, Change] = {
    "secrets are not encrypted": lambda c: c.pop("secretsEncryption"),
    "nobody can read who did what": lambda c: c["cloudWatch"]["clusterLogging"].update(
        enableTypes=["api"]
    ),
    "the world may reach the API": lambda c: c["vpc"].update(publicAccessCIDRs=["0.0.0.0/0"]),
    "the API is not reachable from the VPC": lambda c: c["vpc"]["clusterEndpoints"].update(
        privateAccess=False
    ),
    "nodes are public": lambda c: c["managedNodeGroups"][1].update(privateNetworking=False),
    "volumes are not encrypted": lambda c: c["managedNodeGroups"][0].pop("volumeEncrypted"),
    "IMDSv1 is on": lambda c: c["managedNodeGroups"][0].update(disableIMDSv1=False),
    "pods reach the node's role": lambda c: c["managedNodeGroups"][1].pop("disablePodIMDS"),
    "one zone carries everything": lambda c: c.update(availabilityZones=["us-east-1a"]),
    "one NAT gateway carries everything": lambda c: c["vpc"]["nat"].update(gateway="Single"),
    "no roles for service accounts": lambda c: c["iam"].update(withOIDC=False),
    "access by ConfigMap": lambda c: c["accessConfig"].update(authenticationMode="CONFIG_MAP"),
    "the version is a number": lambda c: c["metadata"].update(version=1.36),
    "a field is misspelt": lambda c: c.update(managedNodegroups=c.pop("managedNodeGroups")),
}


def test_what_is_shipped_has_no_findings() -> None:
    assert validate.findings(CLUSTER, SCHEMA) == []
    assert validate.findings(ACCESS, SCHEMA) == []


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("$.vpc.nat", lambda c: c["vpc"]["nat"].update(gateway=1)),
        ("$.managedNodeGroups[0]", lambda c: c["managedNodeGroups"][0].update(volumeSized=80)),
        ("$.addons[0]", lambda c: c["addons"][0].pop("name")),
    ],
)
def test_what_eksctl_does_not_know_is_a_finding_of_its_published_schema(
    path: str, change: Change
) -> None:
    asked = validate.schemas()["eksctl 0.230.0"]
    assert validate.findings(CLUSTER, asked) == []
    wrong = copy.deepcopy(CLUSTER)
    change(wrong)
    assert any(finding.startswith(path) for finding in validate.findings(wrong, asked))


@pytest.mark.parametrize("change", WEAKER.values(), ids=WEAKER.keys())
def test_a_weaker_cluster_is_a_finding(change: Change) -> None:
    weaker = copy.deepcopy(CLUSTER)
    change(weaker)

    assert validate.findings(weaker, SCHEMA) != []


def test_an_access_entry_cannot_name_a_group_of_kubernetes() -> None:
    stronger = copy.deepcopy(ACCESS)
    stronger["accessConfig"]["accessEntries"][0]["kubernetesGroups"] = ["system:masters"]

    assert validate.findings(stronger, SCHEMA) != []


def test_the_command_reports_each_finding_with_its_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weaker = copy.deepcopy(CLUSTER)
    weaker["vpc"]["nat"]["gateway"] = "Disable"
    path = tmp_path / "weaker.yaml"
    path.write_text(yaml.safe_dump(weaker), "utf-8")

    assert validate.main([str(path)]) == 1
    assert f"{path}: $.vpc.nat.gateway:" in capsys.readouterr().out


def test_the_schema_of_an_installed_eksctl_is_asked_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    eksctl = tmp_path / "eksctl"
    eksctl.write_text("""#!/bin/sh\necho '{"required": ["a field of the future"]}'\n""", "utf-8")
    eksctl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    assert validate.main([]) == 1
    assert (
        "'a field of the future' is a required property (the installed eksctl)"
        in capsys.readouterr().out
    )


def test_both_configurations_are_of_one_cluster() -> None:
    assert ACCESS["metadata"]["name"] == CLUSTER["metadata"]["name"]
    assert ACCESS["metadata"]["region"] == CLUSTER["metadata"]["region"]
    assert CLUSTER["metadata"]["name"] == TEMPLATE["Parameters"]["ClusterName"]["Default"]
    zones = CLUSTER["availabilityZones"]
    assert all(zone.startswith(CLUSTER["metadata"]["region"]) for zone in zones)


def test_service_accounts_and_access_entry_name_roles_that_the_template_makes() -> None:
    made = {
        resource["Properties"].get("RoleName", {}).get("Fn::Sub", "").replace("${NamePrefix}", "")
        for resource in TEMPLATE["Resources"].values()
        if resource["Type"] == "AWS::IAM::Role"
    }
    accounts = {
        f"{account['metadata']['namespace']}/{account['metadata']['name']}": account.get(
            "attachRoleARN", "/"
        ).rsplit("/", 1)[1]
        for account in CLUSTER["iam"]["serviceAccounts"]
    }
    (entry,) = ACCESS["accessConfig"]["accessEntries"]

    assert accounts["apps/checkout"] in made
    assert accounts["apps/checkout-remediation"] in made
    assert entry["principalARN"].rsplit("/", 1)[1] in made


def test_the_access_entry_names_the_group_that_the_role_binding_binds() -> None:
    manifests = yaml.safe_load_all((ROOT / "eks/apps/base/remediation-rbac.yaml").read_text())
    bindings = [each for each in manifests if each["kind"] == "RoleBinding"]

    assert bindings  # one in each namespace that a checkout's runbooks act in
    for binding in bindings:
        groups = [each["name"] for each in binding["subjects"] if each["kind"] == "Group"]
        assert ACCESS["accessConfig"]["accessEntries"][0]["kubernetesGroups"] == groups


def test_secrets_are_encrypted_with_the_key_of_its_template() -> None:
    keys = read(ROOT / "eks/keys.yaml")
    alias = keys["Resources"]["ClusterKeyAlias"]["Properties"]["AliasName"]["Fn::Sub"]
    name = alias.replace("${ClusterName}", CLUSTER["metadata"]["name"])

    assert CLUSTER["secretsEncryption"]["keyARN"].endswith(f":{name}")
