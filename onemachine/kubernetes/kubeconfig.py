"""Kubeconfig files for the people and processes of a local cluster."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path

from onemachine.kubernetes.pki import KeyPair

__all__ = ["write_client_kubeconfig", "write_webhook_kubeconfig"]


def write_client_kubeconfig(
    path: Path, *, cluster: str, user: str, server: str, ca_pem: str, credentials: KeyPair
) -> Path:
    """Write a kubeconfig that authenticates with a client certificate.

    Certificates are embedded, so that the file works from any folder and after a copy.

    Parameters
    ----------
    path : Path
        File to write, mode 0600.
    cluster, user : str
        Names shown by ``kubectl config``.
    server : str
        ``https://…`` address of the API server.
    ca_pem : str
        Certificate of the authority that signed the API server's certificate.
    credentials : KeyPair
        The user's client certificate and key.
    """
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": cluster,
                "cluster": {
                    "server": server,
                    "certificate-authority-data": _base64(ca_pem.encode("ascii")),
                },
            }
        ],
        "users": [
            {
                "name": user,
                "user": {
                    "client-certificate-data": _base64(credentials.certificate.read_bytes()),
                    "client-key-data": _base64(credentials.key.read_bytes()),
                },
            }
        ],
        "contexts": [{"name": cluster, "context": {"cluster": cluster, "user": user}}],
        "current-context": cluster,
    }
    return _write(path, document)


def write_webhook_kubeconfig(path: Path, *, url: str) -> Path:
    """Write the file that tells the API server which webhook reviews bearer tokens.

    Parameters
    ----------
    path : Path
        File to write, mode 0600: the address carries a secret.
    url : str
        Address that answers ``TokenReview`` posts.
    """
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "eks-auth", "cluster": {"server": url}}],
        "users": [{"name": "kube-apiserver", "user": {}}],
        "contexts": [
            {"name": "webhook", "context": {"cluster": "eks-auth", "user": "kube-apiserver"}}
        ],
        "current-context": "webhook",
    }
    return _write(path, document)


def _write(path: Path, document: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    # JSON is YAML: kubectl and every client library read it.
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return path


def _base64(content: bytes) -> str:
    return b64encode(content).decode("ascii")
