"""The platform under test, one for all tests of the state machines."""

from __future__ import annotations

import uuid

import pytest

from onemachine.aws.local_aws import LocalAws
from srectl.operate import leftovers
from tests.integration.statemachine.platform import Platform


@pytest.fixture(autouse=True)
def no_call_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for calls of the scripted function: it answers at once."""
    monkeypatch.setattr(leftovers, "LONGEST_CALL_SECONDS", 1)


@pytest.fixture(scope="package")
def platform(local_aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """Return tables, bus, topic and both machines on the local AWS."""
    name = f"sm-{uuid.uuid4().hex[:8]}"
    return Platform(local_aws, name, tmp_path_factory.mktemp("calls")).build()
