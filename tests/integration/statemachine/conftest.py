"""The platform under test, one for all tests of the state machines."""

from __future__ import annotations

import uuid

import pytest

from onemachine.aws.local_aws import LocalAws
from tests.integration.statemachine.platform import Platform


@pytest.fixture(scope="package")
def platform(local_aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """Return tables, bus, topic and both machines on the local AWS."""
    name = f"sm-{uuid.uuid4().hex[:8]}"
    return Platform(local_aws, name, tmp_path_factory.mktemp("calls")).build()
