"""Does runbook-action reach each cluster, as the remediation role?

The function itself is asked (operation ``inspect``, read-only): it goes the whole way of a
remediation, from its own role over the remediation role and the signed token to the API server.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from srectl.operate.doctor.check import Check, Grant
from srectl.operate.doctor.deployment import Deployment
from srectl.operate.doctor.finding import Finding, failed, fine, not_checked
from srectl.operate.doctor.inspection import NO_ANSWER

__all__ = ["CHECK", "GRANTS", "unseen"]

# What invoking the function takes; its answer serves three checks.
GRANTS = (
    Grant(
        ("lambda:InvokeFunction",),
        "arn:{partition}:lambda:{region}:{account}:function:{prefix}runbook-action",
    ),
)


def look(deployment: Deployment) -> Iterator[Finding]:
    """Ask the function about each cluster."""
    role = deployment.stack.outputs.get("RemediationRoleArn", "the remediation role")
    for cluster, said in deployment.inspections.items():
        where = f"cluster {cluster}"
        if "errorType" not in said:
            yield fine(where, f"runbook-action reaches it as {role.rpartition('/')[2]}")
        else:
            yield _refused(deployment, cluster, where, role, said)


def unseen(cluster: str, said: Mapping[str, Any]) -> Finding | None:
    """Give why a cluster could not be asked anything; None where it could.

    Parameters
    ----------
    said
        One of ``Deployment.inspections``.
    """
    if "errorType" not in said:
        return None
    return not_checked(
        f"cluster {cluster}",
        f"runbook-action could not ask it ({said['errorType']})",
        "see what the check 'cluster' says",
    )


def _refused(
    deployment: Deployment, cluster: str, where: str, role: str, said: Mapping[str, Any]
) -> Finding:
    kind, message = str(said["errorType"]), str(said["errorMessage"])
    function = deployment.account.action_function
    logs = f"sam logs -n RunbookActionFunction --stack-name {deployment.stack.name}"
    if kind == "InvalidRequest":
        return not_checked(
            where,
            f"the deployed {function} does not know the question: it is older than this srectl",
            deployment.deploy_again,
        )
    ways = {
        "ClusterUnreachable": (
            f"aws eks describe-cluster --name {cluster} --query "
            "'cluster.[status,endpoint,resourcesVpcConfig]'; SubnetIds and SecurityGroupIds of the "
            "stack must reach that endpoint"
        ),
        "AccessDenied": (
            f"aws eks describe-access-entry --cluster-name {cluster} --principal-arn {role}; if "
            f"there is none: aws eks create-access-entry --cluster-name {cluster} --principal-arn "
            f"{role} --kubernetes-groups sre:checkout-remediation"
        ),
        "ResourceMissing": (
            "aws eks list-clusters; then deploy with ClusterName or MoreClusterArns set to it"
        ),
        NO_ANSWER: f"{logs}; {deployment.deploy_again} brings back the function's code",
        "StateUnknown": "srectl runbooks validate && srectl runbooks publish",
    }
    return failed(where, f"{kind}: {message}", ways.get(kind, logs))


CHECK = Check(
    "cluster",
    "each cluster, reached by runbook-action as the remediation role",
    GRANTS,
    look,
)
