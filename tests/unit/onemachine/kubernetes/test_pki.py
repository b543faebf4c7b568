"""Certificates of the local control plane, checked by OpenSSL as a TLS peer would."""

from __future__ import annotations

import socket
import ssl
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from onemachine.kubernetes.pki import CertificateAuthority, KeyPair, service_account_key


@pytest.fixture
def authority(tmp_path: Path) -> CertificateAuthority:
    return CertificateAuthority(tmp_path, "test-ca")


def handshake(
    authority: CertificateAuthority,
    server: KeyPair,
    host: str,
    client: KeyPair | None = None,
    *,
    trusting: CertificateAuthority | None = None,
) -> None:
    """Do a TLS handshake over a socket pair, each side verifying the other.

    Raises
    ------
    ssl.SSLError
        One side refused the other.
    """
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server_side.load_cert_chain(server.certificate, server.key)
    if client is not None:
        server_side.verify_mode = ssl.CERT_REQUIRED
        server_side.load_verify_locations(str(authority.pair.certificate))
    client_side = ssl.create_default_context(cafile=str((trusting or authority).pair.certificate))
    client_side.verify_flags |= ssl.VERIFY_X509_STRICT
    if client is not None:
        client_side.load_cert_chain(client.certificate, client.key)
    near, far = socket.socketpair()
    near.settimeout(10)
    far.settimeout(10)
    errors: list[OSError] = []

    def serve() -> None:
        with far:
            try:
                with server_side.wrap_socket(far, server_side=True) as connection:
                    connection.sendall(b".")
            except OSError as error:
                errors.append(error)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with near, client_side.wrap_socket(near, server_hostname=host) as connection:
            connection.recv(1)
    finally:
        thread.join()
    if errors:
        raise errors[0]


def test_a_server_is_trusted_for_its_names_and_addresses(authority: CertificateAuthority) -> None:
    server = authority.issue_server("server", ("localhost", "127.0.0.1"))
    handshake(authority, server, "localhost")
    handshake(authority, server, "127.0.0.1")


def test_a_server_is_not_trusted_for_another_name(authority: CertificateAuthority) -> None:
    server = authority.issue_server("server", ("localhost",))
    with pytest.raises(ssl.SSLCertVerificationError, match="not valid for"):
        handshake(authority, server, "example.test")


def test_another_authority_is_not_trusted(tmp_path: Path, authority: CertificateAuthority) -> None:
    other = CertificateAuthority(tmp_path / "other", "other-ca")
    server = authority.issue_server("server", ("localhost",))
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(authority, server, "localhost", trusting=other)


def test_a_client_is_accepted_by_the_server(authority: CertificateAuthority) -> None:
    server = authority.issue_server("server", ("localhost",))
    client = authority.issue_client("client", "someone")
    handshake(authority, server, "localhost", client)


def test_a_servers_certificate_is_no_clients(authority: CertificateAuthority) -> None:
    server = authority.issue_server("server", ("localhost",))
    with pytest.raises(ssl.SSLError):
        handshake(authority, server, "localhost", server)


def test_an_etcd_peer_is_server_and_client(authority: CertificateAuthority) -> None:
    peer = authority.issue_server("peer", ("localhost",), peer=True)
    handshake(authority, peer, "localhost", peer)


def test_user_and_groups_are_where_kubernetes_reads_them(authority: CertificateAuthority) -> None:
    pair = authority.issue_client("admin", "someone", ("system:masters", "team"))
    subject = x509.load_pem_x509_certificate(pair.certificate.read_bytes()).subject
    assert [each.value for each in subject.get_attributes_for_oid(NameOID.COMMON_NAME)] == [
        "someone"
    ]
    groups = subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    assert [each.value for each in groups] == ["system:masters", "team"]


def test_the_authority_survives_a_restart(tmp_path: Path, authority: CertificateAuthority) -> None:
    server = authority.issue_server("server", ("localhost",))
    again = CertificateAuthority(tmp_path, "test-ca")
    assert again.pem == authority.pem
    handshake(again, server, "localhost", again.issue_client("client", "someone"))


def test_the_service_account_key_survives_a_restart(tmp_path: Path) -> None:
    first = service_account_key(tmp_path)
    before = first.key.read_bytes(), first.certificate.read_bytes()
    again = service_account_key(tmp_path)
    assert (again.key.read_bytes(), again.certificate.read_bytes()) == before


def test_no_leaf_signs_certificates(authority: CertificateAuthority) -> None:
    pair = authority.issue_client("client", "someone")
    extensions = x509.load_pem_x509_certificate(pair.certificate.read_bytes()).extensions
    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert not extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign


@pytest.mark.parametrize(
    "make",
    [
        lambda folder: CertificateAuthority(folder, "ca").pair,
        lambda folder: CertificateAuthority(folder, "ca").issue_client("client", "someone"),
        service_account_key,
    ],
    ids=["authority", "leaf", "service account"],
)
def test_private_keys_are_for_their_owner_only(
    tmp_path: Path, make: Callable[[Path], KeyPair]
) -> None:
    folder = tmp_path / "pki"
    key = make(folder).key
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
