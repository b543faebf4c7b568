"""EKS: a cluster is the control plane that the stack runs."""

from __future__ import annotations

from onemachine.aws.local_aws import LocalAws
from tests.integration.localaws.probes.registry import shows
from tests.integration.localaws.probes.support import make_role


@shows("eks_real_cluster")
def no_cluster_but_the_registered_one(aws: LocalAws, name: str) -> None:
    """CreateCluster is refused: only a control plane that runs can be a cluster."""
    role = make_role(aws, name, "eks.amazonaws.com")
    eks = aws.client("eks")
    try:
        eks.create_cluster(name=name, roleArn=role, resourcesVpcConfig={})
    except eks.exceptions.ClientError as error:
        assert "register" in str(error)  # noqa: PT017 - either way it is checked
    else:
        raise AssertionError("a cluster was made up that nobody serves")
