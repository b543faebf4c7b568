"""Getting a component from its publisher's release: download, verify, unpack."""

from __future__ import annotations

import hashlib
import hmac
import re
import shutil
import tarfile
from pathlib import Path

from onemachine.binaries.components import Component
from onemachine.binaries.download import fetch, fetch_text
from onemachine.binaries.errors import NotDownloaded
from onemachine.binaries.mirror import Mirror
from onemachine.binaries.progress import BuildProgress
from onemachine.binaries.releases import ReleaseFile, publishes_binaries, release_files

__all__ = ["download"]

_SHA256 = re.compile(r"[0-9a-f]{64}")
_MEGABYTE = 1_000_000


def download(component: Component, parts: Path, target: Path, progress: BuildProgress) -> str:
    """Put a component's binaries into a folder, from its publisher's official release.

    Parameters
    ----------
    component : Component
        What to get.
    parts : Path
        Folder that keeps what has arrived, for the next try; emptied once all is well.
    target : Path
        Folder that the binaries go into.
    progress : BuildProgress
        Is told how the download goes.

    Returns
    -------
    str
        Host that it came from.

    Raises
    ------
    NotDownloaded
        There is no release for this machine, or it cannot be had unharmed; the message says why.
    OSError
        A folder cannot be written.
    """
    if not publishes_binaries(component):
        raise NotDownloaded(f"the publisher of {component.name} releases no binaries")
    files = release_files(component)
    if not files:
        raise NotDownloaded(f"{component.label} has no official release for this machine")
    mirror = Mirror.from_environment()
    parts.mkdir(parents=True, exist_ok=True)
    for file in files:
        part = _verified(component, file, parts, mirror, progress)
        progress.update(component.label, f"unpacking {file.name}")
        _unpack(file, part, target)
    shutil.rmtree(parts)
    return mirror.locate(files[0].url).split("/")[2]


def _verified(
    component: Component, file: ReleaseFile, parts: Path, mirror: Mirror, progress: BuildProgress
) -> Path:
    """Fetch a file whose checksum is right; what was resumed wrongly is fetched anew, once."""
    progress.update(component.label, f"asking for the checksum of {file.name}")
    expected = _expected_sha256(file, mirror)
    part = parts / f"{file.name}.part"
    resumed = part.exists()

    def tell(have: int, total: int | None) -> None:
        megabytes = None if total is None else max(1, total // _MEGABYTE)
        progress.update(
            component.label, f"downloading {file.name}", have // _MEGABYTE, megabytes, "MB"
        )

    fetch(file.url, part, mirror, tell)
    actual = _sha256(part)
    if resumed and not hmac.compare_digest(actual, expected):
        part.unlink()
        fetch(file.url, part, mirror, tell)
        actual = _sha256(part)
    if not hmac.compare_digest(actual, expected):
        part.unlink()
        raise NotDownloaded(
            f"{mirror.locate(file.url)} has the wrong checksum (SHA-256 {actual}, not {expected}): "
            "it is not what its publisher released, and was deleted"
        )
    return part


def _expected_sha256(file: ReleaseFile, mirror: Mirror) -> str:
    if file.pinned_sha256 and not mirror.own_builds:
        return file.pinned_sha256
    for line in fetch_text(file.checksums_url, mirror).splitlines():
        checksum, _, name = line.strip().partition(" ")
        # A line alone is the checksum; in a list "*" before the name means a binary file.
        right_name = name.strip().lstrip("*") in ("", file.name)
        if right_name and _SHA256.fullmatch(checksum.lower()):
            return checksum.lower()
    raise NotDownloaded(f"{mirror.locate(file.checksums_url)} states no checksum of {file.name}")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _unpack(file: ReleaseFile, part: Path, target: Path) -> None:
    if not file.archive_folder:
        shutil.copyfile(part, target / file.name)
        (target / file.name).chmod(0o755)
        return
    unpacked = target.parent / "unpacked"
    try:
        with tarfile.open(part) as archive:
            for member in archive.getmembers():
                tarfile.data_filter(member, str(unpacked))  # refuses what would leave the folder
            for binary in file.binaries:
                member = archive.getmember(f"{file.archive_folder}/{binary}")
                if not member.isfile():
                    raise NotDownloaded(f"{binary} in {file.name} is no file")
                archive.extract(member, unpacked, filter="data")
                (unpacked / member.name).rename(target / binary)
                (target / binary).chmod(0o755)
    except (tarfile.TarError, KeyError, EOFError) as error:
        raise NotDownloaded(f"{file.name} cannot be unpacked: {error}") from error
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)
