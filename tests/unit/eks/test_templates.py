"""What the templates around the cluster let in, and whom they trust."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.template import read

EKS = Path(__file__).parents[3] / "eks"
NAMES = ("keys", "registry", "network", "edge", "audit", "observability", "outside")
TEMPLATES: dict[str, dict[str, Any]] = {name: read(EKS / f"{name}.yaml") for name in NAMES}
NETWORK = TEMPLATES["network"]["Resources"]
EDGE = TEMPLATES["edge"]["Resources"]

#: By these a resource is given a name that another one may have.
CUSTOM = ("LogGroupName", "BucketName", "RepositoryName", "QueueName", "AliasName")
NODES = {"Ref": "NodeSecurityGroupId"}
CALLED_BY_RUNBOOK_ACTION = {"eks", "sts", "ssm"}


def properties(resources: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    return {
        name: resource["Properties"]
        for name, resource in resources.items()
        if resource["Type"] == kind
    }


def statements(node: object) -> list[dict[str, Any]]:
    """Every policy statement anywhere below a node."""
    if isinstance(node, dict):
        own = [node] if "Effect" in node and "Principal" in node else []
        return own + [found for value in node.values() for found in statements(value)]
    if isinstance(node, list):
        return [found for value in node for found in statements(value)]
    return []


@pytest.mark.parametrize("name", NAMES)
def test_every_question_of_a_template_is_explained(name: str) -> None:
    parameters = TEMPLATES[name].get("Parameters", {})

    assert [key for key, spec in parameters.items() if not spec.get("Description")] == []


@pytest.mark.parametrize("name", NAMES)
def test_there_are_no_yaml_aliases_which_cloudformation_does_not_know(name: str) -> None:
    tokens = yaml.scan((EKS / f"{name}.yaml").read_text("utf-8"))

    assert not [token for token in tokens if isinstance(token, yaml.AnchorToken | yaml.AliasToken)]


@pytest.mark.parametrize("name", NAMES)
def test_a_service_is_trusted_only_on_behalf_of_us(name: str) -> None:
    # The trust of a role is another matter: a role can be passed only within its account.
    trusted = [
        s
        for s in statements(TEMPLATES[name])
        if "Service" in s["Principal"] and s["Action"] != "sts:AssumeRole"
    ]
    conditions = [
        {key for operator in s.get("Condition", {}).values() for key in operator} for s in trusted
    ]
    ours = {"aws:SourceArn", "aws:SourceAccount", "kms:EncryptionContext:aws:logs:arn"}

    assert [c for c in conditions if not c & ours] == []


@pytest.mark.parametrize("name", NAMES)
def test_what_holds_data_outlives_its_stack(name: str) -> None:
    kept = ("AWS::S3::Bucket", "AWS::ECR::Repository", "AWS::Logs::LogGroup")
    losable = [
        key
        for key, resource in TEMPLATES[name]["Resources"].items()
        if resource["Type"] in kept
        and (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy"))
        != ("RetainExceptOnCreate", "Retain")
    ]

    assert losable == []


@pytest.mark.parametrize("name", [*NAMES, "standby"])
def test_what_outlives_its_stack_is_not_in_the_way_of_the_next_one(name: str) -> None:
    """The repository is kept under its name: its stack is not taken down, and images name it."""
    for logical_id, resource in read(EKS / f"{name}.yaml")["Resources"].items():
        policy = resource.get("DeletionPolicy", "RetainExceptOnCreate")
        assert policy == "RetainExceptOnCreate", logical_id
        properties = resource.get("Properties", {})
        names = [properties[each] for each in CUSTOM if each in properties]
        if "DeletionPolicy" in resource and logical_id != "Repository":
            assert all("AWS::StackId" in json.dumps(each) for each in names), logical_id


def test_the_load_balancer_hears_cloudfront_and_speaks_to_pods_only() -> None:
    group = NETWORK["LoadBalancerSecurityGroup"]["Properties"]
    (heard,) = group["SecurityGroupIngress"]
    (spoken,) = group["SecurityGroupEgress"]

    assert (heard["FromPort"], heard["ToPort"]) == (443, 443)
    assert heard["SourcePrefixListId"] == {"Ref": "CloudFrontPrefixListId"}
    assert spoken["DestinationSecurityGroupId"] == NODES
    assert spoken["FromPort"] == spoken["ToPort"] == {"Ref": "ApplicationPort"}


def test_nodes_hear_the_load_balancer_and_runbook_action_only() -> None:
    rules = [
        rule
        for rule in properties(NETWORK, "AWS::EC2::SecurityGroupIngress").values()
        if rule["GroupId"] == NODES
    ]
    heard = {rule["SourceSecurityGroupId"]["Ref"]: rule["ToPort"] for rule in rules}

    assert heard == {
        "LoadBalancerSecurityGroup": {"Ref": "ApplicationPort"},
        "RunbookActionSecurityGroup": 443,
    }


def test_the_endpoints_hear_nodes_and_runbook_action_only() -> None:
    (direct,) = NETWORK["EndpointSecurityGroup"]["Properties"]["SecurityGroupIngress"]
    added = NETWORK["EndpointsFromRunbookAction"]["Properties"]

    assert direct["SourceSecurityGroupId"] == NODES
    assert added["SourceSecurityGroupId"] == {"Ref": "RunbookActionSecurityGroup"}
    assert {direct["ToPort"], added["ToPort"]} == {443}


def test_no_security_group_is_open_to_the_world() -> None:
    assert "0.0.0.0/0" not in (EKS / "network.yaml").read_text("utf-8")
    assert "SecurityGroupIngress" not in NETWORK["RunbookActionSecurityGroup"]["Properties"]
    # A group without egress rules of its own may speak to everybody.
    groups = properties(NETWORK, "AWS::EC2::SecurityGroup")
    assert [name for name, group in groups.items() if not group.get("SecurityGroupEgress")] == []


def test_runbook_action_finds_every_api_it_calls_inside_the_vpc() -> None:
    endpoints = properties(NETWORK, "AWS::EC2::VPCEndpoint").values()
    interfaces = [e for e in endpoints if e["VpcEndpointType"] == "Interface"]
    services = {e["ServiceName"]["Fn::Sub"].rsplit("}.", 1)[1] for e in endpoints}

    assert services >= CALLED_BY_RUNBOOK_ACTION
    assert "aps-workspaces" in services  # every sample goes there, and NAT is paid by the gigabyte
    assert all(e["PrivateDnsEnabled"] for e in interfaces)
    # It would take the webhook's public address away from Alertmanager.
    assert "execute-api" not in services


def test_the_lock_refuses_whatever_lacks_the_secret_header() -> None:
    lock = NETWORK["OriginLock"]["Properties"]
    (opening,) = (rule for rule in lock["Rules"] if "Allow" in rule.get("Action", {}))
    match = opening["Statement"]["ByteMatchStatement"]

    assert lock["DefaultAction"] == {"Block": {}}
    assert match["FieldToMatch"] == {"SingleHeader": {"Name": "x-origin-verify"}}
    assert match["PositionalConstraint"] == "EXACTLY"
    assert "resolve:secretsmanager" in match["SearchString"]["Fn::Sub"]


def test_the_edge_sends_the_header_that_the_lock_opens_to() -> None:
    (origin,) = EDGE["Distribution"]["Properties"]["DistributionConfig"]["Origins"]
    (header,) = origin["OriginCustomHeaders"]

    assert header["HeaderName"].lower() == "x-origin-verify"
    assert header["HeaderValue"] == {"Ref": "OriginSecret"}
    assert TEMPLATES["edge"]["Parameters"]["OriginSecret"]["NoEcho"] is True


def test_users_and_the_origin_are_spoken_to_in_tls_12_or_newer() -> None:
    config = EDGE["Distribution"]["Properties"]["DistributionConfig"]
    (origin,) = config["Origins"]

    assert config["ViewerCertificate"]["MinimumProtocolVersion"] == "TLSv1.2_2021"
    assert config["DefaultCacheBehavior"]["ViewerProtocolPolicy"] == "redirect-to-https"
    assert origin["CustomOriginConfig"]["OriginProtocolPolicy"] == "https-only"
    assert origin["CustomOriginConfig"]["OriginSSLProtocols"] == ["TLSv1.2"]


def test_a_flood_is_refused_before_anything_else_is_looked_at() -> None:
    acl = EDGE["WebAcl"]["Properties"]
    first = min(acl["Rules"], key=lambda rule: int(rule["Priority"]))

    assert first["Statement"]["RateBasedStatement"]["Limit"] == {"Ref": "RateLimit"}
    assert "Block" in first["Action"]
    assert acl["Scope"] == "CLOUDFRONT"
    attached = EDGE["Distribution"]["Properties"]["DistributionConfig"]["WebACLId"]
    assert attached == {"Fn::GetAtt": ["WebAcl", "Arn"]}


def test_the_trail_covers_every_region_and_shows_tampering() -> None:
    trail = TEMPLATES["audit"]["Resources"]["Trail"]["Properties"]

    assert trail["IsLogging"] is True
    assert trail["IsMultiRegionTrail"] is True
    assert trail["EnableLogFileValidation"] is True
    assert trail["KMSKeyId"] == {"Fn::GetAtt": ["AuditKey", "Arn"]}


def test_the_trail_tells_who_called_wrote_and_spoke() -> None:
    selectors = TEMPLATES["audit"]["Resources"]["Trail"]["Properties"]["AdvancedEventSelectors"]
    watched = {}
    for selector in selectors:
        fields = {each.pop("Field"): each for each in map(dict, selector["FieldSelectors"])}
        if "resources.ARN" in fields:
            (arns,) = fields["resources.ARN"].values()
            watched[fields["resources.type"]["Equals"][0]] = {
                re.split("[/:]", each["Fn::Sub"])[-1] for each in arns
            }
    assert watched["AWS::Lambda::Function"] == {
        "${NamePrefix}alert-ingest",
        "${NamePrefix}runbook-action",
    }
    assert watched["AWS::DynamoDB::Table"] == {
        f"${{NamePrefix}}sre-{name}" for name in ("incidents", "runbooks", "remediation-guard")
    }
    assert watched["AWS::Events::EventBus"] == {"${NamePrefix}sre-platform-events"}


def test_monitoring_writes_samples_and_reads_metrics_and_nothing_else() -> None:
    roles = properties(TEMPLATES["observability"]["Resources"], "AWS::IAM::Role")
    rights = {
        name: [
            (action, statement["Resource"])
            for policy in role["Policies"]
            for statement in policy["PolicyDocument"]["Statement"]
            for action in (
                statement["Action"]
                if isinstance(statement["Action"], list)
                else [statement["Action"]]
            )
        ]
        for name, role in roles.items()
    }

    asking = ("QueryMetrics", "GetLabels", "GetSeries", "GetMetricMetadata")
    assert rights == {
        "PrometheusRole": [("aps:RemoteWrite", {"Fn::GetAtt": ["Workspace", "Arn"]})],
        "GrafanaRole": [
            *((f"aps:{asked}", {"Fn::GetAtt": ["Workspace", "Arn"]}) for asked in asking),
            ("cloudwatch:GetMetricData", "*"),
            ("cloudwatch:ListMetrics", "*"),
        ],
    }


def test_the_values_name_the_roles_and_the_service_accounts_that_they_trust() -> None:
    values = yaml.safe_load(
        (EKS / "monitoring/kube-prometheus-stack.values.yaml").read_text("utf-8")
    )
    cluster = TEMPLATES["observability"]["Parameters"]["ClusterName"]["Default"]
    roles = properties(TEMPLATES["observability"]["Resources"], "AWS::IAM::Role")

    for section, name in (("prometheus", "PrometheusRole"), ("grafana", "GrafanaRole")):
        annotation = values[section]["serviceAccount"]["annotations"]["eks.amazonaws.com/role-arn"]
        role = roles[name]["RoleName"]["Fn::Sub"].replace("${ClusterName}", cluster)
        trusted = roles[name]["AssumeRolePolicyDocument"]["Fn::Sub"]

        assert annotation.endswith(f":role/{role}")
        # As the chart names them for a release of its own name.
        account = f"kube-prometheus-stack-{section}"
        assert f'"system:serviceaccount:monitoring:{account}"' in trusted


def test_the_trail_may_use_the_key_of_its_bucket() -> None:
    resources = TEMPLATES["audit"]["Resources"]
    statements = resources["AuditKey"]["Properties"]["KeyPolicy"]["Statement"]
    [decrypts] = [each for each in statements if each["Action"] == "kms:Decrypt"]
    assert decrypts["Principal"] == {"Service": "cloudtrail.amazonaws.com"}
    assert list(decrypts["Condition"]["StringEquals"]) == ["aws:SourceArn"]
