"""No test here asks a publisher for anything: downloads are off unless a test names a mirror."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _no_downloads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRECTL_BINARIES_MIRROR", "off")
