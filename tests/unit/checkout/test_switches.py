"""Degraded mode and faults follow their parameters, and survive whatever is in them."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from checkout.chaos import Chaos
from checkout.parameters import Parameter, Refresher, SsmStore
from checkout.settings import Settings
from checkout.switches import Switches
from tests.unit.checkout.support import Parameters, Start


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """The service's log, which does not reach the root logger."""
    logger = logging.getLogger("checkout")
    logger.addHandler(caplog.handler)
    caplog.set_level(logging.INFO, "checkout")
    yield caplog
    logger.removeHandler(caplog.handler)


def _degraded_mode() -> Parameter[bool]:
    return Parameter("/degraded", False, {"true": True, "false": False}.__getitem__, print)


def test_the_service_starts_with_the_mode_that_is_set(start: Start, parameters: Parameters) -> None:
    parameters.values["/degraded"] = "true"
    client = start(DEGRADED_MODE_PARAMETER="/degraded", ERROR_RATE="1")
    assert client.get("/checkout").status_code == 200
    assert client.get("/healthz").get_json() == {"status": "ok", "degraded_mode": True}


def test_a_start_waits_for_the_first_answer() -> None:
    """A pod that is restarted in an incident must not begin without degraded mode."""

    class LateParameters(Parameters):
        def read(self, name: str) -> str | None:
            threading.Event().wait(0.3)
            return super().read(name)

    parameter = _degraded_mode()
    refresher = Refresher(LateParameters({"/degraded": "true"}), [parameter], 60, print)
    refresher.start(wait_seconds=30)
    assert parameter.value is True
    refresher.stop()


def test_a_change_is_followed() -> None:
    parameters = Parameters({"/degraded": "false"})
    parameter = _degraded_mode()
    parameter.refresh(parameters)
    parameters.values["/degraded"] = "true"
    parameter.refresh(parameters)
    assert parameter.value is True


def test_the_last_value_stays_while_ssm_is_away(log: pytest.LogCaptureFixture) -> None:
    parameters = Parameters({"/degraded": "true"})
    parameter = _degraded_mode()
    parameter.refresh(parameters)
    log.clear()
    parameters.values["/degraded"] = ConnectionError("refused")
    for _ in range(3):
        parameter.refresh(parameters)
    assert parameter.value is True
    assert len(log.records) == 1, "an outage is logged once"
    parameters.values["/degraded"] = "true"
    parameter.refresh(parameters)
    assert log.records[-1].getMessage() == "parameter is readable again"


def test_a_parameter_that_is_deleted_means_its_default() -> None:
    parameters = Parameters({"/degraded": "true"})
    parameter = _degraded_mode()
    parameter.refresh(parameters)
    del parameters.values["/degraded"]
    parameter.refresh(parameters)
    assert parameter.value is False


def test_the_environment_beats_the_parameter(start: Start, parameters: Parameters) -> None:
    parameters.values["/degraded"] = "true"
    client = start(DEGRADED_MODE="false", DEGRADED_MODE_PARAMETER="/degraded")
    assert client.get("/healthz").get_json()["degraded_mode"] is False
    assert parameters.reads == []


@pytest.mark.parametrize(
    "text",
    [
        "1",
        "[]",
        "{",
        '{"error_rate": 1.1}',
        '{"error_rate": -0.1}',
        '{"error_rate": "0.4"}',
        '{"error_rate": true}',
        '{"error_rate": NaN}',
        '{"latency_ms": 60001}',
        '{"eror_rate": 0.4}',
    ],
)
def test_invalid_chaos_is_refused_and_said(text: str, log: pytest.LogCaptureFixture) -> None:
    failures: list[tuple[str, str]] = []
    switches = Switches(
        Settings(chaos=Chaos(error_rate=0.1), chaos_parameter="/chaos"),
        Parameters({"/chaos": text}),
        on_failure=lambda name, reason: failures.append((name, reason)),
        on_degraded_mode=print,
    )
    switches.start()
    switches.stop()
    assert switches.chaos == Chaos(error_rate=0.1)
    assert ("/chaos", "invalid") in failures
    assert any("invalid value" in record.getMessage() for record in log.records)


def test_what_chaos_leaves_out_comes_from_the_environment(
    start: Start, parameters: Parameters
) -> None:
    parameters.values["/chaos"] = json.dumps({"latency_ms": 0})
    client = start(CHAOS_PARAMETER="/chaos", ERROR_RATE="1", LATENCY_MS="60000")
    assert client.get("/checkout").status_code == 502


def test_no_chaos_parameter_is_read_unless_one_is_named(
    start: Start, parameters: Parameters
) -> None:
    start(DEGRADED_MODE_PARAMETER="/degraded")
    assert set(parameters.reads) == {"/degraded"}


def test_a_secure_string_is_read_decrypted(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        boto3.client("ssm").put_parameter(
            Name="/checkout/degraded_mode", Value="true", Type="SecureString"
        )
        store = SsmStore(timeout_seconds=1)
        assert store.read("/checkout/degraded_mode") == "true"
        assert store.read("/checkout/none") is None
