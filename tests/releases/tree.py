"""Laying binaries out as their publishers release them, checksum lists included."""

from __future__ import annotations

import hashlib
import tarfile
from pathlib import Path

from onemachine.binaries import Component
from onemachine.binaries.releases import ReleaseFile, release_files


def lay_out(root: Path, component: Component, binaries: Path) -> list[Path]:
    """Make the release of a component below a mirror's folder.

    Parameters
    ----------
    root : Path
        The mirror's folder.
    component : Component
        What is released.
    binaries : Path
        Folder with its binaries.

    Returns
    -------
    list of Path
        The released files, without the lists of checksums.
    """
    made = []
    for file in release_files(component):
        path = place_of(root, file.url)
        path.parent.mkdir(parents=True, exist_ok=True)
        if file.archive_folder:
            _pack(path, file, binaries)
        else:
            path.unlink(missing_ok=True)
            path.symlink_to(binaries / file.name)
        write_checksum(root, file)
        made.append(path)
    return made


def place_of(root: Path, url: str) -> Path:
    """Give the file below a mirror's folder that stands for a publisher's address."""
    return root / url.partition("://")[2]


def write_checksum(root: Path, file: ReleaseFile) -> None:
    """State a released file's checksum as its publisher does."""
    with place_of(root, file.url).open("rb") as content:
        checksum = hashlib.file_digest(content, "sha256").hexdigest()
    alone = file.checksums_url == f"{file.url}.sha256"
    line = checksum if alone else f"{'0' * 64}  another-{file.name}\n{checksum}  {file.name}\n"
    place_of(root, file.checksums_url).write_text(line, encoding="utf-8")


def _pack(path: Path, file: ReleaseFile, binaries: Path) -> None:
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for binary in file.binaries:
            archive.add(binaries / binary, f"{file.archive_folder}/{binary}")
