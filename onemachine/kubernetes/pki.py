"""Keys and certificates of one local control plane.

Two certificate authorities: one that the API server trusts for clients and servers of the cluster,
and one that only etcd trusts, so that no cluster identity opens the database. The authorities and
the service account key survive a restart of the stack (running pods hold tokens signed with it);
every leaf is issued anew.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from srectl.private_files import write_private

__all__ = ["CertificateAuthority", "KeyPair", "service_account_key"]

_AUTHORITY_DAYS = 3650
_LEAF_DAYS = 365
_CLOCK_SKEW = dt.timedelta(minutes=5)
_SERVICE_ACCOUNT_KEY_BITS = 2048


@dataclass(frozen=True)
class KeyPair:
    """Where a certificate and its private key were written."""

    certificate: Path
    key: Path


class CertificateAuthority:
    """A certificate authority kept in two files, ``<name>.crt`` and ``<name>.key``.

    Parameters
    ----------
    directory : Path
        Folder for the authority and for all that it issues; made with mode 0700.
    name : str
        File stem and common name of the authority.
    """

    def __init__(self, directory: Path, name: str) -> None:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._directory = directory
        self.pair = KeyPair(directory / f"{name}.crt", directory / f"{name}.key")
        if self.pair.certificate.exists() and self.pair.key.exists():
            self._key = _load_ec_key(self.pair.key)
            self._certificate = x509.load_pem_x509_certificate(self.pair.certificate.read_bytes())
        else:
            self._key = ec.generate_private_key(ec.SECP256R1())
            self._certificate = _self_signed(self._key, name)
            write_private(self.pair.key, _private_pem(self._key))
            self.pair.certificate.write_bytes(_certificate_pem(self._certificate))

    @property
    def pem(self) -> str:
        """The authority's certificate, PEM."""
        return _certificate_pem(self._certificate).decode("ascii")

    def issue_client(self, name: str, user: str, groups: Sequence[str] = ()) -> KeyPair:
        """Issue a client certificate that Kubernetes reads as a user in some groups.

        Parameters
        ----------
        name : str
            File stem.
        user : str
            Kubernetes user name (becomes the common name).
        groups : sequence of str
            Kubernetes groups (become organisations).
        """
        return self._issue(name, user, groups, [ExtendedKeyUsageOID.CLIENT_AUTH], ())

    def issue_server(self, name: str, hosts: Sequence[str], *, peer: bool = False) -> KeyPair:
        """Issue a server certificate.

        Parameters
        ----------
        name : str
            File stem and common name.
        hosts : sequence of str
            DNS names and IP addresses that the certificate is valid for.
        peer : bool
            Whether the server also dials its own kind with it, as etcd's members do.
        """
        usages = [ExtendedKeyUsageOID.SERVER_AUTH]
        if peer:
            usages.append(ExtendedKeyUsageOID.CLIENT_AUTH)
        return self._issue(name, name, (), usages, hosts)

    def _issue(
        self,
        name: str,
        common_name: str,
        organisations: Sequence[str],
        usages: Sequence[x509.ObjectIdentifier],
        hosts: Sequence[str],
    ) -> KeyPair:
        key = ec.generate_private_key(ec.SECP256R1())
        now = dt.datetime.now(dt.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(_subject(common_name, organisations))
            .issuer_name(self._certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _CLOCK_SKEW)
            .not_valid_after(now + dt.timedelta(days=_LEAF_DAYS))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(sign_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .add_extension(_authority_key_identifier(self._certificate), critical=False)
        )
        if hosts:
            names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
            builder = builder.add_extension(names, critical=False)
        pair = KeyPair(self._directory / f"{name}.crt", self._directory / f"{name}.key")
        write_private(pair.key, _private_pem(key))
        pair.certificate.write_bytes(_certificate_pem(builder.sign(self._key, hashes.SHA256())))
        return pair


def service_account_key(directory: Path) -> KeyPair:
    """Make, or find again, the key that signs service account tokens.

    RSA, because token consumers outside Kubernetes (AWS' OIDC providers) expect RS256.

    Parameters
    ----------
    directory : Path
        Folder to keep it in.

    Returns
    -------
    KeyPair
        ``certificate`` is the *public key* here, PEM.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    pair = KeyPair(directory / "service-account.pub", directory / "service-account.key")
    if pair.certificate.exists() and pair.key.exists():
        return pair
    key = rsa.generate_private_key(public_exponent=65537, key_size=_SERVICE_ACCOUNT_KEY_BITS)
    write_private(pair.key, _private_pem(key))
    pair.certificate.write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    return pair


def _self_signed(key: ec.EllipticCurvePrivateKey, name: str) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    subject = _subject(name, ())
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + dt.timedelta(days=_AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(sign_certificates=True), critical=True)
        # Python 3.13 and OpenSSL 3 refuse a chain without these identifiers (RFC 5280, 4.2.1.1).
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )


def _subject(common_name: str, organisations: Sequence[str]) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in organisations]
    return x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _key_usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _authority_key_identifier(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _certificate_pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _private_pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _load_ec_key(path: Path) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{path} holds no elliptic curve key; delete its folder and start again")
    return key
