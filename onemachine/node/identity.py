"""AWS credentials of a pod, the way EKS gives them (IAM roles for service accounts).

On EKS a webhook looks at the pod's ServiceAccount; if it is annotated with
``eks.amazonaws.com/role-arn``, the pod gets a projected token for the audience
``sts.amazonaws.com`` and the variables that make every AWS SDK exchange it by
AssumeRoleWithWebIdentity. Here the agent does the webhook's part with the same names: the token
is a real one of the API server's TokenRequest API, the exchange is done by the pod's own SDK
against the local AWS, which checks the role's trust policy (provider, ``aud`` and ``sub``).
Only the token's place differs: volumes cannot be mounted, so the file lies in the pod's
directory. Source of names and lifetimes: github.com/aws/amazon-eks-pod-identity-webhook.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onemachine.node.cluster import Cluster
from srectl.private_files import write_private

ROLE_ANNOTATION = "eks.amazonaws.com/role-arn"
AUDIENCE_ANNOTATION = "eks.amazonaws.com/audience"
EXPIRATION_ANNOTATION = "eks.amazonaws.com/token-expiration"
DEFAULT_AUDIENCE = "sts.amazonaws.com"
DEFAULT_EXPIRATION = 86400
MINIMUM_EXPIRATION = 600
_REFRESH_AT = 0.8  # of the lifetime, as a kubelet does


@dataclass(frozen=True)
class AwsEndpoint:
    """Where AWS is on this machine.

    Attributes
    ----------
    url : str or None
        Value of ``AWS_ENDPOINT_URL``; pods get no AWS settings at all if None.
    region : str
        Region name.
    """

    url: str | None
    region: str


def plain_environment(endpoint: AwsEndpoint) -> dict[str, str]:
    """Return what every pod gets, with a role or without.

    The endpoint keeps a pod from ever reaching the real AWS.
    """
    if endpoint.url is None:
        return {}
    return {
        "AWS_ENDPOINT_URL": endpoint.url,
        "AWS_REGION": endpoint.region,
        "AWS_DEFAULT_REGION": endpoint.region,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


class PodIdentity:
    """The role of one pod and its token file.

    Parameters
    ----------
    cluster : Cluster
        Reads the ServiceAccount and issues tokens.
    pod : Mapping
        The pod.
    directory : Path
        The pod's directory.
    """

    def __init__(self, cluster: Cluster, pod: Mapping[str, Any], directory: Path) -> None:
        self._cluster = cluster
        self._namespace = pod["metadata"]["namespace"]
        self._pod = (pod["metadata"]["name"], pod["metadata"]["uid"])
        self._account = pod["spec"].get("serviceAccountName") or "default"
        self._file = directory / "aws" / "token"
        self._audience = DEFAULT_AUDIENCE
        self._expiration = DEFAULT_EXPIRATION
        self.role_arn: str | None = None
        self.refresh_at: float | None = None

    def load(self) -> dict[str, str]:
        """Look the role up and, if there is one, write the first token.

        Returns
        -------
        dict[str, str]
            Variables for the containers, empty for a pod without a role.

        Raises
        ------
        ApiError
            If the ServiceAccount cannot be read or no token is issued.
        """
        account = self._cluster.get("serviceaccounts", self._namespace, self._account)
        annotations = account["metadata"].get("annotations") or {}
        self.role_arn = annotations.get(ROLE_ANNOTATION)
        if not self.role_arn:
            return {}
        self._audience = annotations.get(AUDIENCE_ANNOTATION, DEFAULT_AUDIENCE)
        wanted = annotations.get(EXPIRATION_ANNOTATION, "")
        self._expiration = int(wanted) if wanted.isdecimal() else DEFAULT_EXPIRATION
        self._expiration = max(self._expiration, MINIMUM_EXPIRATION)
        self.refresh()
        return {
            "AWS_ROLE_ARN": self.role_arn,
            "AWS_WEB_IDENTITY_TOKEN_FILE": str(self._file),
            "AWS_STS_REGIONAL_ENDPOINTS": "regional",
        }

    def refresh(self) -> None:
        """Replace the token file; :attr:`refresh_at` says when to do so again (monotonic)."""
        token = self._cluster.service_account_token(
            self._namespace, self._account, self._audience, self._expiration, self._pod
        )
        write_private(self._file, token)
        self.refresh_at = time.monotonic() + _REFRESH_AT * self._expiration
