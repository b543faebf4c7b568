"""One stack for all tests that need one that runs."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from onemachine.stack.control import stop_stack
from onemachine.stack.state import StackFolder
from tests.support.stacks import exports_of, start


@pytest.fixture(scope="session")
def stack() -> Iterator[StackFolder]:
    """A stack that every test leaves as it found it; those that break it stand last."""
    folder = StackFolder.named(f"e2e-{os.getpid()}")
    try:
        yield start(folder.name)
    finally:
        stop_stack(folder, lambda _: None)


@pytest.fixture(scope="session")
def exports(stack: StackFolder) -> dict[str, str]:
    """What 'eval "$(srectl env)"' puts into a shell."""
    return exports_of(stack)
