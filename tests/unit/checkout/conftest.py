"""A checkout service in this process, with parameters that the test sets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from flask import Flask
from flask.testing import FlaskClient

from checkout.settings import Settings
from checkout.web import create_app


@dataclass
class Parameters:
    """Stands for SSM: a value, an error, or nothing for each name."""

    values: dict[str, str | Exception] = field(default_factory=dict)
    reads: list[str] = field(default_factory=list)

    def read(self, name: str) -> str | None:
        self.reads.append(name)
        value = self.values.get(name)
        if isinstance(value, Exception):
            raise value
        return value


@pytest.fixture
def parameters() -> Parameters:
    """The parameters that the service will see."""
    return Parameters()


Start = Callable[..., FlaskClient]


@pytest.fixture
def start(parameters: Parameters) -> Iterator[Start]:
    """Start the service with an environment and give a client."""
    apps: list[Flask] = []

    def begin(**environment: str) -> FlaskClient:
        app = create_app(Settings.from_environment(environment), parameters)
        apps.append(app)
        return app.test_client()

    yield begin
    for app in apps:
        app.extensions["switches"].stop()
