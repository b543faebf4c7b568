"""HTTP in, HTTP out: /checkout, /metrics, /healthz.

``checkout.web:create_app()`` is what Gunicorn runs in each worker.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import re
import time
import uuid
from http import HTTPStatus

from flask import Flask, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException

from checkout import logs, metrics
from checkout.admission import admission
from checkout.basket import SAMPLE, Basket, parse_basket
from checkout.drain import drain
from checkout.errors import CheckoutInvalid, DownstreamFailed, Problem
from checkout.parameters import ParameterStore, SsmStore
from checkout.service import check_out
from checkout.settings import Settings
from checkout.shared import SharedStore, board
from checkout.switches import Switches

__all__ = ["create_app"]

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 64 * 1024
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_CHECKOUT = "/checkout"
# How late a worker may hear what another one was told by SSM.
_LOOK_SECONDS = 0.2


def create_app(settings: Settings | None = None, store: ParameterStore | None = None) -> Flask:
    """Make the application and begin to follow its parameters.

    Parameters
    ----------
    settings : Settings, optional
        From the environment if not given.
    store : ParameterStore, optional
        Where parameters are read; if not given SSM, which one worker asks for all.

    Raises
    ------
    SettingsInvalid
        A setting in the environment cannot be used.
    """
    settings = settings or Settings.from_environment(os.environ)
    logs.configure(settings.log_level)
    metrics.initialise()
    look_seconds = None
    if store is None:
        look_seconds = min(_LOOK_SECONDS, settings.degraded_mode_ttl_seconds)
        store = SharedStore(
            SsmStore(settings.parameter_timeout_seconds),
            board,
            settings.degraded_mode_ttl_seconds,
            settings.first_answer_seconds,
        )
    switches = Switches(
        settings,
        store,
        look_seconds=look_seconds,
        on_failure=lambda name, reason: metrics.PARAMETER_FAILURES.labels(name, reason).inc(),
        on_degraded_mode=lambda on: metrics.DEGRADED_MODE.set(int(on)),
    )
    switches.start()

    app = Flask("checkout")
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.extensions["switches"] = switches

    @app.before_request
    def begin() -> tuple[Response, int, dict[str, str]] | None:
        g.started = time.perf_counter()
        given = request.headers.get("X-Request-Id", "")
        # A header that is not an identifier is not echoed and not logged.
        g.request_id = given if _REQUEST_ID.fullmatch(given) else str(uuid.uuid4())
        if request.path != _CHECKOUT:
            return None
        if not admission.enter():
            g.failed_step = metrics.BUSY
            return *_error(metrics.BUSY, HTTPStatus.SERVICE_UNAVAILABLE), {"Retry-After": "1"}
        g.admitted = True
        metrics.IN_PROGRESS.inc()
        return None

    @app.teardown_request
    def end(_failure: BaseException | None) -> None:
        if g.pop("admitted", False):
            metrics.IN_PROGRESS.dec()
            admission.leave()

    @app.after_request
    def finish(response: Response) -> Response:
        seconds = time.perf_counter() - g.started
        response.headers["X-Request-Id"] = g.request_id
        if request.path == _CHECKOUT and request.method in metrics.METHODS:
            metrics.REQUESTS.labels(request.method).inc()
            reason = g.get("failed_step")
            # A refusal is quick whatever ails the others: it would make their latency look good.
            if reason != metrics.BUSY:
                metrics.DURATION.labels(request.method).observe(seconds)
            if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
                metrics.ERRORS.labels(request.method, reason or "internal").inc()
        probe = request.path in ("/healthz", "/metrics")
        logger.log(
            logging.DEBUG if probe else logging.INFO,
            "request",
            extra={
                "request_id": g.request_id,
                "method": request.method,
                "path": request.path,
                "status": response.status_code,
                "duration_ms": round(seconds * 1000, 1),
                "degraded_mode": switches.degraded_mode,
            },
        )
        return response

    @app.get(_CHECKOUT)
    def quote() -> Response:
        return _answer(SAMPLE, charge=False)

    @app.post(_CHECKOUT)
    def place_order() -> Response:
        return _answer(parse_basket(_json_body()), charge=True)

    def _answer(basket: Basket, *, charge: bool) -> Response:
        receipt = check_out(
            basket, charge=charge, degraded=switches.degraded_mode, chaos=switches.chaos
        )
        return jsonify(dataclasses.asdict(receipt))

    @app.get("/metrics")
    def scrape() -> Response:
        return Response(metrics.scrape(), content_type=metrics.CONTENT_TYPE_LATEST)

    @app.get("/healthz")
    def healthz() -> tuple[Response, int]:
        if drain.draining:
            return jsonify(status="draining"), HTTPStatus.SERVICE_UNAVAILABLE
        return jsonify(status="ok", degraded_mode=switches.degraded_mode), HTTPStatus.OK

    @app.errorhandler(CheckoutInvalid)
    def invalid(error: CheckoutInvalid) -> tuple[Response, int]:
        details = [dataclasses.asdict(each) for each in error.problems]
        return _error("invalid_checkout", HTTPStatus.BAD_REQUEST, details=details)

    @app.errorhandler(DownstreamFailed)
    def downstream(error: DownstreamFailed) -> tuple[Response, int]:
        g.failed_step = error.step
        return _error("downstream_failed", HTTPStatus.BAD_GATEWAY, message=str(error))

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> tuple[Response, int]:
        status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
        return _error(status.phrase.lower().replace(" ", "_"), status)

    @app.errorhandler(Exception)
    def crashed(error: Exception) -> tuple[Response, int]:
        logger.error("checkout failed", exc_info=error, extra={"request_id": g.request_id})
        return _error("internal", HTTPStatus.INTERNAL_SERVER_ERROR)

    return app


def _json_body() -> object:
    if not request.is_json:
        raise CheckoutInvalid([Problem("", "must be sent as application/json")])
    try:
        body: object = json.loads(request.get_data())
    except (ValueError, RecursionError) as error:
        raise CheckoutInvalid([Problem("", "is not JSON")]) from error
    return body


def _error(code: str, status: HTTPStatus, **more: object) -> tuple[Response, int]:
    return jsonify(error=code, request_id=g.request_id, **more), status
