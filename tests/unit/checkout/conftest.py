"""A checkout service in this process, with parameters that the test sets."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from checkout.settings import Settings
from checkout.web import create_app
from tests.unit.checkout.support import Parameters, Start


@pytest.fixture
def parameters() -> Parameters:
    """The parameters that the service will see."""
    return Parameters()


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
