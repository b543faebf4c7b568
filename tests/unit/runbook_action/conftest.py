"""The world that the handler acts on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from runbook_action import handler as module
from tests.unit.runbook_action.fakes import World
from tests.unit.runbook_action.invocations import IN_THE_CATALOGUE, LOG, FakeContainer


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[World]:
    LOG.seek(0)
    LOG.truncate()
    monkeypatch.setattr(module.logger.registered_handler, "stream", LOG)
    world = World.new()
    world.catalogue.runbooks = (*world.catalogue.runbooks, *IN_THE_CATALOGUE)
    monkeypatch.setattr(module, "container", lambda: FakeContainer(world))
    yield world
    module.logger.clear_state()
