"""The handler with its environment, its two AWS services replaced by fakes in memory."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Iterator
from types import ModuleType

import pytest

from alert_ingest.audit import SeenBodies
from tests.unit.alert_ingest.bodies import FakeTime
from tests.unit.alert_ingest.invoking import (
    ENVIRONMENT,
    CurrentStdout,
    Invoker,
)


@pytest.fixture(scope="session")
def handler_module() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        yield importlib.import_module("alert_ingest.handler")


@pytest.fixture
def invoke(
    handler_module: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Invoker:
    invoker = Invoker(handler_module, capsys)
    time = FakeTime()
    delivery = dataclasses.replace(
        handler_module.delivery,
        bus=invoker.bus,
        parking=invoker.parking,
        clock=time.clock,
        sleep=time.sleep,
    )
    monkeypatch.setattr(handler_module, "delivery", delivery)
    monkeypatch.setattr(handler_module, "seen_bodies", SeenBodies())
    for stream_handler in handler_module.logger.handlers:
        monkeypatch.setattr(stream_handler, "stream", CurrentStdout())
    return invoker
