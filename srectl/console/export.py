"""The same pages as files: for who may see them and has no credentials, or for a record of a night.

They are fetched from a read-only console as a browser would, so they are what it shows, and every
address in them is made one of a file beside them.
"""

from __future__ import annotations

import hashlib
import html
import re
from pathlib import Path

from srectl.console.app import create
from srectl.console.doors import SESSION_HOST
from srectl.errors import CommandFailed
from srectl.operate.account import Account

__all__ = ["MOST_PAGES", "export"]

#: Pages that are written at most: those that link to each other from the first screen on.
MOST_PAGES = 1000
_SUFFIX = {"text/html": ".html", "text/css": ".css", "image/svg+xml": ".svg"}


def export(account: Account, folder: Path) -> int:
    """Write every page that the first screen leads to, as files that need no server.

    Parameters
    ----------
    folder
        Where; it must not be there yet, or be empty. Nobody but its owner may read it.

    Returns
    -------
    int
        Number of files.

    Raises
    ------
    CommandFailed
        The folder has something in it or cannot be written, or a page cannot be read.
    """
    console = create(account, by="", read_only=True, exported=True)
    console.reading.prepare()
    console.doors.hosts = frozenset({SESSION_HOST})
    client = console.app.test_client()
    base = f"http://{SESSION_HOST}"
    client.get(console.way_in, base_url=base)
    _make(folder)
    start = f"{console.prefix}/"
    names, waiting, written = {start: "index.html"}, [start], 0
    links = re.compile(rf'\b(href|src)="({re.escape(console.prefix)}/[^"]*)"')
    while waiting:
        address = waiting.pop(0)
        answer = client.get(address, base_url=base)
        if address == start and answer.status_code != 200:
            raise CommandFailed("the first screen could not be read", "'srectl doctor' looks why")
        body = answer.data
        if answer.mimetype == "text/html":
            text = answer.text
            for each in links.finditer(text):
                found = html.unescape(each[2])
                if found not in names and len(names) < MOST_PAGES:
                    names[found] = _name(found[len(console.prefix) :])
                    waiting.append(found)
            body = links.sub(
                lambda each: f'{each[1]}="{names.get(html.unescape(each[2]), "index.html")}"', text
            ).encode()
        _write(folder / names[address], body)
        written += 1
    return written


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise CommandFailed(
                f"folder {folder} is not empty, so nothing was written", "name a new one"
            )
    except OSError as error:
        raise CommandFailed(f"folder {folder} cannot be used: {error}", "name another") from error


def _write(file: Path, body: bytes) -> None:
    try:
        file.touch(mode=0o600)
        file.write_bytes(body)
    except OSError as error:
        raise CommandFailed(
            f"{file} could not be written: {error}",
            f"what is in {file.parent} is not whole; remove it, make room, and export again",
        ) from error


def _name(path: str) -> str:
    """Give the name of a file for an address: told by its words, and by no two of them shared."""
    kind = Path(path.partition("?")[0]).suffix
    suffix = kind if kind in _SUFFIX.values() else ".html"
    words = re.sub(r"[^0-9A-Za-z]+", "-", path.removesuffix(kind) if kind else path).strip("-")
    return f"{words[:60]}-{hashlib.sha256(path.encode()).hexdigest()[:8]}{suffix}"
