"""Downloads from a mirror on loopback that breaks, stalls, lies and forgets, as networks do.

The component is etcd, whose "binary" here is a script: what is fetched, checked, unpacked and run
is all real, only smaller.
"""

from __future__ import annotations

import io
import random
import shutil
import socket
import ssl
import tarfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import urllib3

from onemachine.binaries import COMPONENTS, BinaryUnavailable, Component
from onemachine.binaries import download as downloads
from onemachine.binaries.errors import NotDownloaded
from onemachine.binaries.mirror import Mirror
from onemachine.binaries.progress import SilentProgress
from onemachine.binaries.provide import provide, reported_version
from onemachine.binaries.release import download
from onemachine.binaries.releases import ReleaseFile, release_files
from onemachine.kubernetes.pki import CertificateAuthority
from tests.releases.server import Manners, ReleaseServer, serving
from tests.releases.tree import lay_out, place_of, write_checksum

ETCD = COMPONENTS["etcd"]
KUBERNETES = COMPONENTS["kubernetes"]


class Told(SilentProgress):
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.notes: list[str] = []

    def update(
        self, component: str, doing: str, done: int = 0, total: int | None = None, unit: str = ""
    ) -> None:
        self.steps.append(f"{doing} {done}/{total} {unit}")

    def note(self, text: str) -> None:
        self.notes.append(text)


def put_script(folder: Path, name: str, says: str) -> None:
    """A program that prints its version, padded so that a transfer can break inside it."""
    folder.mkdir(parents=True, exist_ok=True)
    padding = random.Random(1).randbytes(200_000).hex()  # noqa: S311 - incompressible, no secret
    (folder / name).write_text(f"#!/bin/sh\necho {says}\nexit\n{padding}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SRECTL_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")  # no Go: what cannot be downloaded is not had
    monkeypatch.setattr(downloads, "RESUME_AFTER_SECONDS", 0.0)
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    return tmp_path / "cache"


@pytest.fixture
def server(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ReleaseServer]:
    """A mirror that has etcd and Kubernetes."""
    put_script(tmp_path / "built", "etcd", "etcd Version: 3.6.16")
    for binary in KUBERNETES.binaries:
        put_script(tmp_path / "built", binary, "Kubernetes v1.36.3")
    root = tmp_path / "mirror"
    lay_out(root, ETCD, tmp_path / "built")
    lay_out(root, KUBERNETES, tmp_path / "built")
    with serving(root) as server:
        monkeypatch.setenv("SRECTL_BINARIES_MIRROR", server.url)
        yield server


@pytest.fixture
def archive(server: ReleaseServer) -> ReleaseFile:
    """The one file of etcd's release."""
    (file,) = release_files(ETCD)
    return file


def ranges(server: ReleaseServer, file: ReleaseFile) -> list[str | None]:
    """The Range header of each request for a file."""
    return [asked for name, asked in server.requests if name == file.name]


def refused(component: Component = ETCD) -> str:
    """Try to get a component, and give the message of the failure."""
    with pytest.raises(BinaryUnavailable) as caught:
        provide(component, SilentProgress())
    return str(caught.value)


def test_a_release_is_downloaded_verified_and_found_the_next_time(
    server: ReleaseServer, cache: Path
) -> None:
    told = Told()
    location = provide(ETCD, told)
    assert location.origin == f"downloaded now from 127.0.0.1:{server.server_port}"
    assert location.folder == cache / "etcd-3.6.16" / "bin"
    assert reported_version(ETCD, location.folder, "etcd") == "3.6.16"
    assert any(
        step.startswith("downloading etcd-v3.6.16") and step.endswith(" MB") for step in told.steps
    )
    assert told.notes == []
    asked = len(server.requests)
    assert provide(ETCD, told).origin == "cache"
    assert len(server.requests) == asked
    assert not list((cache / "downloads").iterdir())


def test_binaries_that_are_released_singly_come_without_an_archive(server: ReleaseServer) -> None:
    folder = provide(KUBERNETES, SilentProgress()).folder
    assert sorted(path.name for path in folder.iterdir()) == sorted(KUBERNETES.binaries)
    names = [name for name, _ in server.requests]
    assert names == [
        each for binary in KUBERNETES.binaries for each in (f"{binary}.sha256", binary)
    ]


def test_a_transfer_that_breaks_is_taken_up_where_it_ended(
    server: ReleaseServer, archive: ReleaseFile
) -> None:
    server.manners[archive.name] = Manners(breaks_after=[50_000, 70_000])
    assert "downloaded now" in provide(ETCD, SilentProgress()).origin
    assert ranges(server, archive) == [None, "bytes=50000-", "bytes=120000-"]


def test_a_network_that_is_gone_for_a_moment_does_not_end_a_transfer(
    server: ReleaseServer, archive: ReleaseFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.manners[archive.name] = Manners(breaks_after=[50_000])
    pool_of = downloads._pool
    asked = 0

    class Unroutable(urllib3.PoolManager):
        def request(self, *args: object, **kwargs: object) -> urllib3.BaseHTTPResponse:
            raise urllib3.exceptions.HTTPError("the network is unreachable")

    def gone(url: str) -> bool:
        nonlocal asked
        asked += url.endswith(archive.name)
        return asked == 2

    monkeypatch.setattr(downloads, "_pool", lambda url: Unroutable() if gone(url) else pool_of(url))
    assert "downloaded now" in provide(ETCD, SilentProgress()).origin
    assert asked == 3
    assert ranges(server, archive) == [None, "bytes=50000-"]


def test_what_came_before_a_failure_is_kept_for_the_next_start(
    server: ReleaseServer, archive: ReleaseFile
) -> None:
    server.manners[archive.name] = Manners(breaks_after=[10_000] * 5)
    assert "broke off 5 times" in refused()
    server.manners.clear()
    server.requests.clear()
    assert "downloaded now" in provide(ETCD, SilentProgress()).origin
    assert ranges(server, archive) == ["bytes=50000-"]


def test_a_server_that_knows_no_ranges_sends_the_whole_again(
    server: ReleaseServer, archive: ReleaseFile
) -> None:
    server.manners[archive.name] = Manners(breaks_after=[50_000], knows_ranges=False)
    assert "downloaded now" in provide(ETCD, SilentProgress()).origin
    assert ranges(server, archive) == [None, "bytes=50000-"]


def test_a_remainder_of_something_else_is_thrown_away_and_all_fetched_anew(
    server: ReleaseServer, archive: ReleaseFile, cache: Path
) -> None:
    part = cache / "downloads" / ETCD.label / f"{archive.name}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x" * 1000)
    assert "downloaded now" in provide(ETCD, SilentProgress()).origin
    assert ranges(server, archive) == ["bytes=1000-", None]


def test_a_file_that_is_whole_already_is_not_sent_again(
    server: ReleaseServer, archive: ReleaseFile, cache: Path
) -> None:
    part = cache / "downloads" / ETCD.label / f"{archive.name}.part"
    part.parent.mkdir(parents=True)
    shutil.copyfile(place_of(server.root, archive.url), part)
    assert "downloaded now" in provide(ETCD, SilentProgress()).origin
    assert ranges(server, archive) == [f"bytes={part_size(server, archive)}-"]


def part_size(server: ReleaseServer, file: ReleaseFile) -> int:
    return place_of(server.root, file.url).stat().st_size


def test_a_wrong_checksum_is_never_installed_and_never_resumed(
    server: ReleaseServer, archive: ReleaseFile, cache: Path
) -> None:
    sums = place_of(server.root, archive.checksums_url)
    sums.write_text(f"{'a' * 64}  {archive.name}\n")
    message = refused()
    assert "has the wrong checksum (SHA-256 " in message
    assert "not what its publisher released, and was deleted" in message
    assert not (cache / "etcd-3.6.16").exists()
    assert not list((cache / "downloads" / ETCD.label).iterdir())


def test_a_list_that_lacks_the_file_is_no_checksum(
    server: ReleaseServer, archive: ReleaseFile
) -> None:
    place_of(server.root, archive.checksums_url).write_text(f"{'a' * 64}  another.tar.gz\n")
    assert f"SHA256SUMS states no checksum of {archive.name}" in refused()


@pytest.mark.parametrize("status", [403, 404, 500, 503])
def test_an_error_is_named_and_not_tried_again(
    server: ReleaseServer, archive: ReleaseFile, status: int
) -> None:
    server.manners[archive.name] = Manners(status=status)
    assert f"{archive.name} answers {status}" in refused()
    assert ranges(server, archive) == [None]


def test_where_nobody_listens_the_build_is_not_kept_waiting(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, but nobody listens: the connection is refused
        monkeypatch.setenv("SRECTL_BINARIES_MIRROR", f"http://127.0.0.1:{unused.getsockname()[1]}")
        started = time.monotonic()
        message = refused()
    assert time.monotonic() - started < 2
    assert "does not answer" in message
    assert "cannot be built: there is no 'go' on PATH" in message


def test_a_publisher_that_accepts_nothing_is_given_up_in_seconds(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "CONNECT_SECONDS", 0.3)
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(4)]  # fill the queue: later ones get no answer
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(address)
        monkeypatch.setenv("SRECTL_BINARIES_MIRROR", f"http://127.0.0.1:{address[1]}")
        started = time.monotonic()
        assert "does not answer" in refused()
        assert time.monotonic() - started < 5
        for each in waiting:
            each.close()


@pytest.mark.parametrize("manners", [Manners(stalls_after=20_000), Manners(trickles=True)])
def test_a_transfer_that_hardly_moves_is_given_up(
    server: ReleaseServer,
    archive: ReleaseFile,
    monkeypatch: pytest.MonkeyPatch,
    manners: Manners,
) -> None:
    monkeypatch.setattr(downloads, "STALL_SECONDS", 0.3)
    monkeypatch.setattr(downloads, "RESUMPTIONS", 1)
    server.manners[archive.name] = manners
    started = time.monotonic()
    assert "broke off 2 times" in refused()
    assert time.monotonic() - started < 5


def test_an_archive_with_a_path_that_escapes_is_refused_whole(
    server: ReleaseServer, archive: ReleaseFile, cache: Path
) -> None:
    with tarfile.open(place_of(server.root, archive.url), "w:gz") as packed:
        add(packed, f"{archive.archive_folder}/etcd", b"#!/bin/sh\necho etcd Version: 3.6.16\n")
        add(packed, "../../../escaped", b"out")
    write_checksum(server.root, archive)
    assert "cannot be unpacked" in refused()
    assert not list(cache.parent.rglob("escaped"))
    assert not (cache / "etcd-3.6.16").exists()


def test_a_link_in_the_place_of_a_binary_is_refused(
    server: ReleaseServer, archive: ReleaseFile, cache: Path
) -> None:
    with tarfile.open(place_of(server.root, archive.url), "w:gz") as packed:
        link = tarfile.TarInfo(f"{archive.archive_folder}/etcd")
        link.type, link.linkname = tarfile.SYMTYPE, "README"
        packed.addfile(link)
    write_checksum(server.root, archive)
    assert f"etcd in {archive.name} is no file" in refused()


@pytest.mark.parametrize("content", [b"no archive at all", b""])
def test_what_is_no_archive_is_told_as_such(
    server: ReleaseServer, archive: ReleaseFile, content: bytes
) -> None:
    place_of(server.root, archive.url).write_bytes(content)
    write_checksum(server.root, archive)
    assert "cannot be unpacked" in refused()


def test_an_archive_without_the_binary_is_told_as_such(
    server: ReleaseServer, archive: ReleaseFile
) -> None:
    with tarfile.open(place_of(server.root, archive.url), "w:gz") as packed:
        add(packed, f"{archive.archive_folder}/README", b"nothing else")
    write_checksum(server.root, archive)
    assert "cannot be unpacked" in refused()


def test_another_version_than_the_promised_one_is_not_kept(
    server: ReleaseServer, archive: ReleaseFile, tmp_path: Path, cache: Path
) -> None:
    put_script(tmp_path / "old", "etcd", "etcd Version: 3.5.0")
    lay_out(server.root, ETCD, tmp_path / "old")
    assert "its etcd reports version 3.5.0, not 3.6.16" in refused()
    assert not (cache / "etcd-3.6.16").exists()


def test_each_fallback_is_announced_with_its_reason(
    server: ReleaseServer, archive: ReleaseFile
) -> None:
    server.manners[archive.name] = Manners(status=404)
    told = Told()
    with pytest.raises(BinaryUnavailable):
        provide(ETCD, told)
    (note,) = told.notes
    assert note.startswith("etcd-3.6.16 could not be downloaded: http://127.0.0.1:")
    assert note.endswith("404 Not Found. Building it from its Go modules instead (about 1 min).")


def test_a_redirect_is_followed_only_to_where_downloads_may_come_from(
    server: ReleaseServer, archive: ReleaseFile
) -> None:
    elsewhere = place_of(server.root, archive.url).rename(server.root / "elsewhere.tar.gz")
    server.manners[archive.name] = Manners(status=302, location=f"/{elsewhere.name}")
    assert "downloaded now" in provide(ETCD, SilentProgress()).origin


def test_a_redirect_to_plain_http_is_refused(server: ReleaseServer, archive: ReleaseFile) -> None:
    location = "http://downloads.example.com/etcd.tar.gz"
    server.manners[archive.name] = Manners(status=302, location=location)
    assert f"{location} is refused: downloads need https" in refused()


def test_redirects_in_a_circle_end(server: ReleaseServer, archive: ReleaseFile) -> None:
    path = archive.url.partition("://")[2]
    server.manners[archive.name] = Manners(status=302, location=f"/{path}")
    assert "redirects more than 5 times" in refused()


@pytest.mark.parametrize("base", ["http://mirror.example.com", "ftp://127.0.0.1", "mirror"])
def test_a_mirror_elsewhere_needs_https(
    cache: Path, monkeypatch: pytest.MonkeyPatch, base: str
) -> None:
    monkeypatch.setenv("SRECTL_BINARIES_MIRROR", base)
    assert "is refused: downloads need https" in refused()


def test_https_is_verified_against_the_authorities_that_this_machine_trusts(
    server: ReleaseServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pki").mkdir()
    authority = CertificateAuthority(tmp_path / "pki", "authority")
    pair = authority.issue_server("mirror", ["127.0.0.1"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    with serving(server.root) as secure:
        secure.socket = context.wrap_socket(secure.socket, server_side=True)
        mirror = secure.url.replace("http:", "https:")
        monkeypatch.setenv("SRECTL_BINARIES_MIRROR", mirror)
        assert "certificate verify failed" in refused()
        assert secure.requests == []
        (tmp_path / "trusted.pem").write_text(authority.pem)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "trusted.pem"))
        assert "downloaded now" in provide(ETCD, SilentProgress()).origin


def test_downloads_can_be_forbidden(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRECTL_BINARIES_MIRROR", "off")
    assert "downloads are off (SRECTL_BINARIES_MIRROR=off)" in refused()


def test_a_proxy_is_not_asked_for_a_mirror_on_loopback(
    server: ReleaseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert "downloaded now" in provide(ETCD, SilentProgress()).origin


def test_only_a_mirror_on_this_machine_may_serve_its_own_builds() -> None:
    assert Mirror("http://127.0.0.1:8000").own_builds
    assert Mirror("http://[::1]:8000").own_builds
    assert not Mirror().own_builds
    assert not Mirror("https://mirror.example.com").own_builds
    assert not Mirror("https://127.0.0.1.example.com").own_builds


def test_a_pinned_checksum_comes_before_the_one_that_a_mirror_states(
    server: ReleaseServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As a mirror elsewhere is treated: its kubectl is not the publisher's, though its list says so.
    monkeypatch.setattr(Mirror, "own_builds", False)
    monkeypatch.setattr(Mirror, "check", lambda *_: None)
    kubectl_only = replace(KUBERNETES, packages=(("kubectl", "k8s.io/kubernetes/cmd/kubectl"),))
    (tmp_path / "target").mkdir()
    with pytest.raises(NotDownloaded, match="not ebbd080e7c2e27509"):
        download(kubectl_only, tmp_path / "parts", tmp_path / "target", SilentProgress())
    assert server.requests == [("kubectl", None)]


@pytest.mark.parametrize(("machine", "architecture"), [("x86_64", "amd64"), ("aarch64", "arm64")])
def test_the_release_is_that_of_the_machine(
    monkeypatch: pytest.MonkeyPatch, machine: str, architecture: str
) -> None:
    monkeypatch.setattr("platform.machine", lambda: machine)
    urls = [file.url for each in COMPONENTS.values() for file in release_files(each)]
    assert urls == [
        f"https://dl.k8s.io/release/v1.36.3/bin/linux/{architecture}/kube-apiserver",
        f"https://dl.k8s.io/release/v1.36.3/bin/linux/{architecture}/kube-controller-manager",
        f"https://dl.k8s.io/release/v1.36.3/bin/linux/{architecture}/kube-scheduler",
        f"https://dl.k8s.io/release/v1.36.3/bin/linux/{architecture}/kubectl",
        "https://github.com/etcd-io/etcd/releases/download/v3.6.16/"
        f"etcd-v3.6.16-linux-{architecture}.tar.gz",
        "https://github.com/prometheus/prometheus/releases/download/v3.16.0/"
        f"prometheus-3.16.0.linux-{architecture}.tar.gz",
        "https://github.com/prometheus/alertmanager/releases/download/v0.31.1/"
        f"alertmanager-0.31.1.linux-{architecture}.tar.gz",
    ]
    assert release_files(KUBERNETES)[-1].pinned_sha256  # kubectl's, of both


def test_what_is_never_released_as_a_binary_is_said_to_be_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SRECTL_BINARIES_MIRROR")
    with pytest.raises(NotDownloaded, match="kube-state-metrics releases no binaries"):
        download(COMPONENTS["kube-state-metrics"], tmp_path / "parts", tmp_path, SilentProgress())
    assert not (tmp_path / "parts").exists()


def test_another_machine_has_no_release(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    assert "has no official release for this machine" in refused()


def add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), 0o755
    archive.addfile(member, io.BytesIO(content))
