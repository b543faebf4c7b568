"""Mends the time that a new worker of a function takes: its archive is unpacked once.

Lambda keeps a version's code ready on its machines. The emulator writes and unpacks the whole
archive again for every worker process, which was a third of its time in a burst of alerts. Here a
version is unpacked into a folder that all its workers share; nothing may write there, as into
``/var/task`` on Lambda. Layers go the emulator's way.
"""

from __future__ import annotations

import hashlib
import io
import tempfile
import threading
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ministack.core import lambda_runtime

#: Begins like the emulator's own folders, which are cleared away at start and end.
_PREFIX = "ministack-lambda-code-"


class _Codes:
    """Unpacked archives by their content."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._folders: dict[str, Path] = {}

    def unpacked(self, archive: bytes) -> Path:
        """Give the folder with an archive's content; unpacked where it is new."""
        digest = hashlib.sha256(archive).hexdigest()
        with self._lock:
            known = self._folders.get(digest)
            if known is not None and known.is_dir():
                return known
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
            with zipfile.ZipFile(io.BytesIO(archive)) as content:
                content.extractall(folder)
            self._folders[digest] = folder
            return folder


class _AlreadyUnpacked:
    """Stands in for the archive of a worker: to unpack it is to point at the shared folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> _AlreadyUnpacked:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def extractall(self, path: str) -> None:
        """Replace the empty folder that the emulator has made."""
        Path(path).rmdir()
        Path(path).symlink_to(self._folder, target_is_directory=True)


def apply() -> None:
    """Point each new worker at the folder of its version."""
    codes = _Codes()
    current = threading.local()
    stock_spawn = lambda_runtime.Worker._spawn
    stock_zipfile = lambda_runtime.zipfile

    def open_archive(path: Any, *arguments: Any, **named: Any) -> Any:
        folder = getattr(current, "folder", None)
        if folder is not None and Path(path).name == "code.zip":
            return _AlreadyUnpacked(folder)
        return stock_zipfile.ZipFile(path, *arguments, **named)

    def spawn(worker: Any) -> Any:
        archive = worker.code_zip
        current.folder = codes.unpacked(archive)
        # The emulator writes it beside the code first, for nothing.
        worker.code_zip = b""
        try:
            return stock_spawn(worker)
        finally:
            worker.code_zip, current.folder = archive, None

    # The module's view of zipfile only: the real one stays as it is for everybody else.
    lambda_runtime.zipfile = SimpleNamespace(
        ZipFile=open_archive,
        BadZipFile=stock_zipfile.BadZipFile,
        LargeFileError=getattr(stock_zipfile, "LargeZipFile", stock_zipfile.BadZipFile),
    )
    lambda_runtime.Worker._spawn = spawn
