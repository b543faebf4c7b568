"""The metrics tell what happened, and every series is there before anything happens."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from checkout import web
from checkout.admission import Admission
from tests.unit.checkout.support import Parameters, Start


def _samples(client: FlaskClient) -> dict[tuple[str, ...], float]:
    """Every sample by its name and its label values."""
    text = client.get("/metrics").get_data(as_text=True)
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if family.name.startswith("checkout")
    }


def _grown(
    client: FlaskClient, before: dict[tuple[str, ...], float]
) -> dict[tuple[str, ...], float]:
    """What has been counted since."""
    return {
        key: value - before[key]
        for key, value in _samples(client).items()
        if key[0].endswith(("_total", "_count")) and key in before and value != before[key]
    } | {key: value for key, value in _samples(client).items() if key not in before}


def test_all_series_exist_before_the_first_request(start: Start) -> None:
    names = set(_samples(start()))
    for method in ("GET", "POST"):
        assert ("checkout_requests_total", method) in names
        assert ("checkout_request_duration_seconds_count", method) in names
        for reason in ("recommendations", "loyalty_points", "busy", "internal"):
            assert ("checkout_errors_total", method, reason) in names
    assert ("checkout_degraded_mode_enabled",) in names


def test_a_good_request_is_counted_and_timed(start: Start) -> None:
    client = start()
    before = _samples(client)
    client.get("/checkout")
    assert _grown(client, before) == {
        ("checkout_requests_total", "GET"): 1,
        ("checkout_request_duration_seconds_count", "GET"): 1,
    }


def test_a_failed_request_is_an_error_of_its_step(start: Start, monkeypatch: object) -> None:
    client = start(ERROR_RATE="1")
    before = _samples(client)
    client.get("/checkout")
    grown = _grown(client, before)
    errors = {key: value for key, value in grown.items() if key[0] == "checkout_errors_total"}
    assert list(errors.values()) == [1]
    assert next(iter(errors))[2] in ("recommendations", "loyalty_points")
    assert grown["checkout_requests_total", "GET"] == 1


def test_a_bad_basket_is_no_error_of_the_service(start: Start) -> None:
    client = start()
    before = _samples(client)
    client.post("/checkout", json={})
    assert _grown(client, before) == {
        ("checkout_requests_total", "POST"): 1,
        ("checkout_request_duration_seconds_count", "POST"): 1,
    }


def test_an_order_that_finds_no_thread_is_refused_at_once_and_counted(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = Admission()
    full.limit_to(1)
    assert full.enter()
    monkeypatch.setattr(web, "admission", full)
    client = start()
    before = _samples(client)
    refused = client.post("/checkout", json={})
    assert refused.status_code == 503
    assert refused.get_json()["error"] == "busy"
    assert refused.headers["Retry-After"] == "1"
    # In no latency: that of the others is not made better by refusals.
    assert _grown(client, before) == {
        ("checkout_requests_total", "POST"): 1,
        ("checkout_errors_total", "POST", "busy"): 1,
    }
    assert client.get("/healthz").status_code == 200
    full.leave()
    assert client.get("/checkout").status_code == 200


@pytest.mark.parametrize("environment", [{}, {"ERROR_RATE": "1"}], ids=["good", "failed"])
def test_whoever_was_let_in_leaves(
    start: Start, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]
) -> None:
    one = Admission()
    one.limit_to(1)
    monkeypatch.setattr(web, "admission", one)
    client = start(**environment)
    statuses = {client.get("/checkout").status_code for _ in range(3)}
    assert statuses == ({502} if environment else {200})
    assert _samples(client)["checkout_requests_in_progress",] == 0


def test_a_worker_takes_at_least_one_order() -> None:
    with pytest.raises(ValueError, match="at least one order"):
        Admission().limit_to(0)


def test_probes_and_scrapes_are_no_requests(start: Start) -> None:
    client = start()
    before = _samples(client)
    client.get("/healthz")
    assert _grown(client, before) == {}


def test_the_gauge_shows_degraded_mode(start: Start, parameters: Parameters) -> None:
    parameters.values["/degraded"] = "true"
    on = start(DEGRADED_MODE_PARAMETER="/degraded")
    assert _samples(on)["checkout_degraded_mode_enabled",] == 1
    # The gauge is of this process: the first one would go on setting it, seconds later.
    on.application.extensions["switches"].stop()
    assert _samples(start(DEGRADED_MODE="false"))["checkout_degraded_mode_enabled",] == 0


def test_failed_reads_are_counted(start: Start, parameters: Parameters) -> None:
    parameters.values["/lost"] = TimeoutError("SSM is away")
    counted = _samples(start(DEGRADED_MODE_PARAMETER="/lost"))
    assert counted["checkout_parameter_failures_total", "/lost", "unavailable"] == 1
