"""Where an EKS cluster is, and a token that it believes.

The function is not a pod, so no service account speaks for it. It assumes
``checkout-remediation-role``, which the cluster knows by an EKS access entry, and signs a
GetCallerIdentity request that the cluster's authenticator sends to STS: the token of
``aws eks get-token`` (format: kubernetes-sigs/aws-iam-authenticator, "API Authorization").
"""

from __future__ import annotations

import base64
import binascii
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.loaders import Loader

from runbook_action.adapters.aws_errors import translated
from runbook_action.errors import ActionRefused, ClusterUnreachable, ResourceMissing

if TYPE_CHECKING:
    from mypy_boto3_eks import EKSClient
    from mypy_boto3_sts import STSClient

# EKS takes a token for 15 minutes from its signature, whatever X-Amz-Expires says.
TOKEN_LIFETIME = timedelta(minutes=14)
SIGNATURE_SECONDS = 60
SESSION_RESERVE = timedelta(minutes=5)
_PREFIX = "k8s-aws-v1."


@dataclass(frozen=True)
class Endpoint:
    """Address of a cluster's API and the CA that vouches for it."""

    name: str
    url: str
    ca_pem: str


def _now() -> datetime:
    return datetime.now(UTC)


class EksClusters:
    """The clusters of the allow-list. Lives as long as the container, and caches.

    Parameters
    ----------
    eks, sts
        Clients of the function's own role.
    clusters
        Allow-list: cluster label → name of the EKS cluster.
    default_cluster
        Label used where a target names no cluster.
    role_arn
        Role to assume for the token.
    region
        Region of the clusters and of the STS that vouches for the token.
    now
        Clock, replaceable in tests.
    """

    def __init__(
        self,
        eks: EKSClient,
        sts: STSClient,
        clusters: Mapping[str, str],
        default_cluster: str,
        role_arn: str,
        region: str,
        now: Callable[[], datetime] = _now,
    ) -> None:
        self._eks = eks
        self._sts = sts
        self._clusters = clusters
        self._default_cluster = default_cluster
        self._role_arn = role_arn
        self._region = region
        self._now = now
        self._endpoints: dict[str, Endpoint] = {}
        self._tokens: dict[str, tuple[str, datetime]] = {}
        self._session: tuple[Credentials, datetime] | None = None
        # A drain asks with several threads, and one of them may find what is cached to be wrong.
        self._lock = threading.RLock()

    def name_of(self, label: str | None) -> str:
        """EKS name of a cluster by an alert's label.

        Raises
        ------
        ActionRefused
            If the cluster is not on the allow-list.
        """
        label = label or self._default_cluster
        if label not in self._clusters:
            raise ActionRefused(
                f"cluster {label!r} is not on the allow-list "
                f"({', '.join(sorted(self._clusters))}). The deployment's "
                "parameter MoreClusterArns adds one."
            )
        return self._clusters[label]

    def endpoint(self, name: str) -> Endpoint:
        """Address and CA of a cluster, asked for once a container."""
        with self._lock:
            known = self._endpoints.get(name)
            if known is None:
                known = self._endpoints[name] = self._described(name)
            return known

    def _described(self, name: str) -> Endpoint:
        with translated(f"describing EKS cluster {name}"):
            cluster = self._eks.describe_cluster(name=name)["cluster"]
        url = cluster.get("endpoint")
        ca = cluster.get("certificateAuthority", {}).get("data")
        if not url or not ca:
            raise ClusterUnreachable(
                f"EKS cluster {name} is {cluster.get('status')} and has no endpoint yet"
            )
        try:
            ca_pem = base64.b64decode(ca, validate=True).decode("ascii")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise ClusterUnreachable(
                f"EKS cluster {name} reports a certificate authority that is not base64"
            ) from error
        return Endpoint(name, url, ca_pem)

    def token(self, name: str) -> str:
        """Bearer token for a cluster, renewed before it is 14 minutes old."""
        with self._lock:
            token, expires = self._tokens.get(name, ("", self._now()))
            if expires <= self._now():
                signed_at = self._now()
                token = sign_token(self._credentials(), name, self._region, self._dns_suffix)
                self._tokens[name] = (token, signed_at + TOKEN_LIFETIME)
            return token

    def forget(self, name: str) -> None:
        """Drop what is cached about a cluster: the next call asks again."""
        with self._lock:
            self._endpoints.pop(name, None)
            self._tokens.pop(name, None)

    def forget_credentials(self, name: str, refused: str) -> None:
        """Drop the token and the assumed session: the cluster refused them.

        Parameters
        ----------
        refused
            The token. Another one, which a thread has asked for since, is kept.
        """
        with self._lock:
            if self._tokens.get(name, ("",))[0] == refused:
                self._tokens.pop(name)
                self._session = None

    @property
    def _dns_suffix(self) -> str:
        return dns_suffix_of(self._role_arn.split(":")[1])

    def _credentials(self) -> Credentials:
        if self._session is None or self._session[1] <= self._now():
            with translated(f"assuming role {self._role_arn}"):
                answer = self._sts.assume_role(
                    RoleArn=self._role_arn, RoleSessionName="runbook-action"
                )["Credentials"]
            self._session = (
                Credentials(
                    answer["AccessKeyId"], answer["SecretAccessKey"], answer["SessionToken"]
                ),
                answer["Expiration"] - SESSION_RESERVE,
            )
            # A token outlives neither the session that signed it nor its own 14 minutes.
            self._tokens.clear()
        return self._session[0]


@cache
def dns_suffix_of(partition: str) -> str:
    """Domain of a partition's services as botocore knows it: ``amazonaws.com.cn`` of ``aws-cn``.

    Raises
    ------
    ResourceMissing
        If botocore knows no such partition.
    """
    known = Loader().load_data("partitions")["partitions"]
    suffixes = {str(each["id"]): str(each["outputs"]["dnsSuffix"]) for each in known}
    if partition not in suffixes:
        raise ResourceMissing(
            f"partition {partition!r} of the remediation role is none that this version of "
            f"botocore knows ({', '.join(suffixes)}): the function needs a newer one"
        )
    return suffixes[partition]


def sign_token(credentials: Credentials, cluster: str, region: str, dns_suffix: str) -> str:
    """Make the token: a presigned GetCallerIdentity that names the cluster.

    It is signed for the regional STS host, where EKS will send it, whatever endpoint this
    function itself talks to.
    """
    request = AWSRequest(
        method="GET",
        url=f"https://sts.{region}.{dns_suffix}/?Action=GetCallerIdentity&Version=2011-06-15",
        headers={"x-k8s-aws-id": cluster},
    )
    SigV4QueryAuth(credentials, "sts", region, expires=SIGNATURE_SECONDS).add_auth(request)
    return _PREFIX + base64.urlsafe_b64encode(str(request.url).encode()).decode().rstrip("=")
