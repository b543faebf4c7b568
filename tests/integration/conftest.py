"""Fixtures shared by the integration tests; each stands in a module of its own."""

# pytest takes ``pytest_plugins`` only in the top folder's conftest, so fixtures are imported here.
from tests.integration.kubernetes_fixtures import control_plane, own_control_plane

__all__ = ["control_plane", "own_control_plane"]
