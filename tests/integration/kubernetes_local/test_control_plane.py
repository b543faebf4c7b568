"""The local control plane is the real thing, and nobody outside the machine reaches it."""

from __future__ import annotations

import pytest

from tests.integration.kubernetes_fixtures import StartedControlPlane

pytestmark = pytest.mark.kubernetes


def test_the_api_server_is_the_pinned_version(own_control_plane: StartedControlPlane) -> None:
    answer = own_control_plane.plane.admin_api().call("GET", "/version")
    assert (answer.status, answer.body["gitVersion"]) == (200, "v1.36.3")
