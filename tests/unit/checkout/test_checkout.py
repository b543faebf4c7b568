"""What a client of the service sees."""

from __future__ import annotations

import pytest

from tests.unit.checkout.support import Start

ORDER = {"items": [{"sku": "mug", "quantity": 2}, {"sku": "coffee-250g", "quantity": 1}]}


def test_an_order_is_charged_and_earns_points(start: Start) -> None:
    answer = start().post("/checkout", json=ORDER)
    assert answer.status_code == 200
    receipt = answer.get_json()
    assert receipt["total_cents"] == 2 * 1250 + 890
    assert receipt["loyalty_points"] == 33
    assert receipt["recommendations"] == ["filter-paper", "grinder"]
    assert receipt["order_id"]
    assert receipt["payment_id"]
    assert receipt["degraded"] is False


def test_a_quote_charges_nothing(start: Start) -> None:
    receipt = start().get("/checkout").get_json()
    assert (receipt["total_cents"], receipt["order_id"], receipt["payment_id"]) == (
        3030,
        None,
        None,
    )


def test_every_problem_of_a_basket_is_named_with_its_place(start: Start) -> None:
    items = [{"sku": "mug", "quantity": 0}, {"sku": "gold", "quantity": 1}, 7]
    answer = start().post("/checkout", json={"items": items, "customer_id": ""})
    assert answer.status_code == 400
    assert [each["pointer"] for each in answer.get_json()["details"]] == [
        "/customer_id",
        "/items/0/quantity",
        "/items/1/sku",
        "/items/2",
    ]


@pytest.mark.parametrize("quantity", [True, 1.5, "1", -1, 100, None])
def test_a_quantity_is_a_whole_number_in_bounds(start: Start, quantity: object) -> None:
    answer = start().post("/checkout", json={"items": [{"sku": "mug", "quantity": quantity}]})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"[" * 60_000, "application/json", 400),
        (b"null", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'{"items": []}', "application/json", 400),
        (b"items=mug", "application/x-www-form-urlencoded", 400),
        (b" " * 70_000, "application/json", 413),
    ],
)
def test_a_body_that_is_no_basket_is_refused(
    start: Start, body: bytes, content_type: str, status: int
) -> None:
    answer = start().post("/checkout", data=body, content_type=content_type)
    assert answer.status_code == status
    assert answer.get_json()["request_id"]


def test_a_fault_strikes_before_anything_is_charged(start: Start) -> None:
    answer = start(ERROR_RATE="1").post("/checkout", json=ORDER)
    assert answer.status_code == 502
    assert "payment_id" not in answer.get_json()
    assert "nothing was charged" in answer.get_json()["message"]


def test_degraded_mode_skips_the_steps_that_faults_strike(start: Start) -> None:
    answer = start(ERROR_RATE="1", LATENCY_MS="60000", DEGRADED_MODE="true").post(
        "/checkout", json=ORDER
    )
    assert answer.status_code == 200
    receipt = answer.get_json()
    assert receipt["payment_id"]
    assert (receipt["degraded"], receipt["recommendations"]) == (True, [])
    assert receipt["loyalty_points"] is None


def test_the_error_rate_is_the_share_of_checkouts_that_fail(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    dice = iter([0.39, 0.4])
    monkeypatch.setattr("checkout.chaos.random.random", lambda: next(dice))
    client = start(ERROR_RATE="0.4")
    assert [client.get("/checkout").status_code for _ in range(2)] == [502, 200]


def test_latency_is_added_once_a_checkout(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    naps: list[float] = []
    monkeypatch.setattr("checkout.chaos.time.sleep", naps.append)
    start(LATENCY_MS="250").get("/checkout")
    assert naps == [0.25]


def test_a_request_id_is_given_back(start: Start) -> None:
    answer = start().get("/healthz", headers={"X-Request-Id": "trace-1.a_b"})
    assert answer.headers["X-Request-Id"] == "trace-1.a_b"


@pytest.mark.parametrize("given", ["a b", "x" * 65, '"}{', ""])
def test_a_header_that_is_no_identifier_is_replaced(start: Start, given: str) -> None:
    answer = start().get("/healthz", headers={"X-Request-Id": given})
    assert answer.headers["X-Request-Id"] not in ("", given)
