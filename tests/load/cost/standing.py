"""What is paid for being there: asked of the deployed stack, and read from the files beside it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from onemachine.cost.abuse import Limits
from onemachine.cost.bill import HOURS_A_MONTH, Amounts, standing
from tests.load.platform_bench.stack import Stack
from tests.support.template import ROOT, read

_STACK = "sre-platform"
_NAMESPACE = "SREPlatform"
# With MetricsEnabled a method has five metrics of its own, which are charged like ours.
_METRICS_A_METHOD = 5
_TTL = re.compile(r"DEGRADED_MODE_TTL_SECONDS=(\d+)")
_ZONE = re.compile(r"[a-z]{2}-[a-z]+-\d[a-z]")


def of_stack(stack: Stack) -> Amounts:
    """Give what the deployed stack costs a month for being there."""
    pages = stack.client("cloudformation").get_paginator("list_stack_resources")
    kinds = Counter(
        each["ResourceType"]
        for page in pages.paginate(StackName=_STACK)
        for each in page["StackResourceSummaries"]
    )
    watch = stack.client("cloudwatch")
    alarms = [
        each
        for page in watch.get_paginator("describe_alarms").paginate()
        for each in page["MetricAlarms"]
    ]
    looked_at = sum(
        sum("MetricStat" in query for query in each.get("Metrics", [])) or 1 for each in alarms
    )
    own = sum(
        len(page["Metrics"])
        for page in watch.get_paginator("list_metrics").paginate(Namespace=_NAMESPACE)
    )
    return standing(kinds, looked_at, own + _METRICS_A_METHOD)


def of_surroundings() -> Mapping[str, Amounts]:
    """Give what else may be there, each by the file that makes it, a month."""
    cluster = (ROOT / "eks" / "cluster.yaml").read_text("utf-8")
    network = (ROOT / "eks" / "network.yaml").read_text("utf-8")
    zones = len(set(_ZONE.findall(cluster)))
    gateways = zones if "gateway: HighlyAvailable" in cluster else 1
    endpoints = network.count("VpcEndpointType: Interface")
    return {
        f"{endpoints} interface endpoints in {zones} zones (eks/network.yaml)": {
            "endpoint_hours": endpoints * zones * HOURS_A_MONTH
        },
        f"{gateways} NAT gateways and their addresses (eks/cluster.yaml)": {
            "nat_hours": gateways * HOURS_A_MONTH,
            "address_hours": gateways * HOURS_A_MONTH,
        },
        # An internet-facing one has an address in each zone.
        "the load balancer (eks/apps)": {
            "balancer_hours": HOURS_A_MONTH,
            "address_hours": zones * HOURS_A_MONTH,
        },
        "firewalls, keys, secrets and alarms (eks/*.yaml)": _of_templates(),
        "the EKS cluster without nodes (eks/cluster.yaml)": {"cluster_hours": HOURS_A_MONTH},
    }


def _of_templates() -> Amounts:
    """Give what the templates beside the platform's keep for good, a month."""
    resources = [
        resource
        for file in sorted((ROOT / "eks").glob("*.yaml"))
        for resource in (read(file).get("Resources") or {}).values()
    ]
    kinds = Counter(str(each["Type"]) for each in resources)
    firewalls = [each for each in resources if each["Type"] == "AWS::WAFv2::WebACL"]
    return {
        "web_acls": len(firewalls),
        "web_acl_rules": sum(len(each["Properties"]["Rules"]) for each in firewalls),
        "keys": kinds["AWS::KMS::Key"],
        "secrets": kinds["AWS::SecretsManager::Secret"],
        "alarm_metrics": kinds["AWS::CloudWatch::Alarm"],
    }


def pace_of_pods() -> float:
    """Give how often pods read their switches as shipped, for each time that they do so here."""
    here, shipped = (
        float(_TTL.findall((ROOT / "eks" / "apps" / each).read_text("utf-8"))[0])
        for each in ("overlays/local/kustomization.yaml", "base/kustomization.yaml")
    )
    return here / shipped


def limits(everybody: bool) -> Limits:
    """Give what stops a key as shipped: that of everybody, or one of a sender's own."""
    template = read()
    parameters = {
        name: float(each["Default"])
        for name, each in template["Parameters"].items()
        if each["Type"] == "Number"
    }
    resources = template["Resources"]
    own = parameters["SenderRequestsPerSecond"]
    plan = resources["WebhookApi"]["Properties"]["Auth"]["UsagePlan"]["Throttle"]
    return Limits.of(
        parameters,
        requests_per_second=float(plan["RateLimit"]) if everybody else own,
        burst=float(plan["BurstLimit"]) if everybody else own,
        memory_mb=float(resources["AlertIngestFunction"]["Properties"]["MemorySize"]),
    )
