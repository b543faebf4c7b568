"""Fixtures shared by the integration tests; each stands in a module of its own."""

# pytest takes ``pytest_plugins`` only in the top folder's conftest, so fixtures are imported here.
from tests.integration.kubernetes_fixtures import control_plane, own_control_plane
from tests.integration.local_aws_fixtures import (
    _local_aws_process,
    local_aws,
    local_aws_pid,
    start_local_aws,
    unique,
)

__all__ = [
    "_local_aws_process",
    "control_plane",
    "local_aws",
    "local_aws_pid",
    "own_control_plane",
    "start_local_aws",
    "unique",
]
