"""One stack for all tests that need one that runs."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from onemachine.stack.control import stop_stack
from onemachine.stack.state import StackFolder
from tests.support.stacks import exports_of, start


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let what wants the stack as it starts come first and what breaks it last, whatever the files.

    The others stay in their order.
    """
    fresh = [item for item in items if item.get_closest_marker("fresh_stack")]
    breaking = [item for item in items if item.get_closest_marker("breaks_the_stack")]
    others = [item for item in items if item not in breaking and item not in fresh]
    using = [at for at, item in enumerate(others) if "stack" in getattr(item, "fixturenames", ())]
    first, after = min(using, default=0), max(using, default=-1) + 1
    items[:] = [*others[:first], *fresh, *others[first:after], *breaking, *others[after:]]


@pytest.fixture(scope="session")
def stack() -> Iterator[StackFolder]:
    """A stack that every test leaves as it found it, but those that break it."""
    folder = StackFolder.named(f"e2e-{os.getpid()}")
    try:
        yield start(folder.name)
    finally:
        stop_stack(folder, lambda _: None)


@pytest.fixture(scope="session")
def exports(stack: StackFolder) -> dict[str, str]:
    """What 'eval "$(srectl local env)"' puts into a shell."""
    return exports_of(stack)
