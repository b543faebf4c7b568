"""Mends EKS clusters: a cluster can be a control plane that is already running.

EKS' DescribeCluster gives the endpoint and the certificate authority of a real API server. The
emulator starts a k3s container where it finds Docker, and else describes an endpoint that nobody
serves, with an empty certificate authority. Here the API server is started by the stack itself, so
the emulator must never start one: it is told the endpoint, the certificate authority and the secret
of its token webhook (:func:`register`, reached over HTTP through :mod:`onemachine.aws.admin`).
"""

from __future__ import annotations

from typing import Any

from ministack.core.responses import request_scope
from ministack.services import eks

from onemachine.aws.mends.support import require_success

_stock_create_cluster = eks._create_cluster


def register(
    name: str,
    *,
    endpoint: str,
    certificate_authority: str,
    webhook_secret: str,
    version: str,
    role_arn: str,
    account_id: str,
    region: str,
) -> dict[str, Any]:
    """Describe a running control plane as the EKS cluster ``name``; may be repeated.

    Parameters
    ----------
    name : str
        Name of the cluster.
    endpoint : str
        URL of its API server.
    certificate_authority : str
        Base64 of the PEM certificate authority that signed the API server's certificate.
    webhook_secret : str
        Last part of the URL of the token webhook.
    version : str
        Kubernetes version, ``"1.36"``.
    role_arn : str
        Role of the cluster; must exist.
    account_id, region : str
        Where the cluster lives.

    Returns
    -------
    dict
        The cluster as DescribeCluster gives it.
    """
    with request_scope(account_id, region):
        if name not in eks._clusters:
            require_success(
                _stock_create_cluster(
                    {
                        "name": name,
                        "version": version,
                        "roleArn": role_arn,
                        "accessConfig": {
                            "authenticationMode": "API",
                            "bootstrapClusterCreatorAdminPermissions": False,
                        },
                    }
                )
            )
        cluster = eks._clusters[name]
        cluster.update(
            endpoint=endpoint,
            certificateAuthority={"data": certificate_authority},
            version=version,
            status="ACTIVE",
            _auth_token=webhook_secret,
            _port=None,
        )
        described: dict[str, Any] = eks._sanitize(cluster)
        return described


def _refuse(body: dict[str, Any], _creator_arn: str | None = None) -> Any:
    return eks._error(
        400,
        "InvalidRequestException",
        f"The local AWS makes no clusters: register {body.get('name')!r} as a running control "
        "plane (LocalAws.register_cluster).",
    )


def apply() -> None:
    """Keep the emulator from making clusters up and from starting any."""
    eks._get_docker = lambda: None
    eks._create_cluster = _refuse
