"""Who may come in: one browser, by a token that is good once, and no page of anybody else.

A page that is open in the same browser cannot read or do anything here: it has another origin, does
not know the token of a form, and its requests are told by what browsers say of them. A name that
somebody points at 127.0.0.1 (DNS rebinding) is no name of this server. All addresses begin with a
path that is made anew each time, and the cookie is bound to it: cookies know no ports, so without
that another server on this machine would be handed it by whoever visits that server.
"""

from __future__ import annotations

import hmac
import secrets
import threading
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, abort, redirect, request, url_for

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

__all__ = ["CSRF_FIELD", "SESSION_HOST", "Doors", "Under"]

CSRF_FIELD = "csrf"
#: Under what name a console that has no server is asked.
SESSION_HOST = "console.invalid"
_COOKIE = "srectl-console"
#: What every answer says: nothing from elsewhere, nothing inline, no frame, nothing kept.
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # With "no-referrer" a browser hides the origin of its own forms, too.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
# Browsers that say nothing of it are old; the cookie (SameSite) and the form's token remain.
# Of the page that says why somebody does not get in, too; what it looks like is no secret.
_STYLE = frozenset({"/static/console.css", "/static/icon.svg"})
_OURS = (None, "none", "same-origin")


class Doors:
    """The token, the session and the token of forms of one console.

    Parameters
    ----------
    read_only
        Whether nothing may be done, only looked at.
    """

    def __init__(self, *, read_only: bool = False) -> None:
        self.read_only = read_only
        #: Names with port under which the server may be asked; none before it listens.
        self.hosts: frozenset[str] = frozenset()
        #: What stands in the printed address; empty once it was used.
        self.token = secrets.token_urlsafe(32)
        #: What every form carries back.
        self.csrf = secrets.token_urlsafe(32)
        self._session = secrets.token_urlsafe(32)
        self._lock = threading.Lock()
        #: When somebody who may come in was last here (of time.monotonic).
        self.seen = 0.0

    def guard(self, app: Flask) -> None:
        """Let no request in that is not this browser's own, and have every answer say so."""
        app.before_request(self._look)
        app.after_request(_say)
        app.add_url_rule("/enter/<token>", "enter", self._enter)
        app.jinja_env.globals.update(
            csrf_field=CSRF_FIELD, csrf_token=lambda: self.csrf, read_only=self.read_only
        )

    def _look(self) -> None:
        if request.host not in self.hosts:
            abort(421)
        if request.endpoint == "enter":
            return
        if request.headers.get("Sec-Fetch-Site") not in _OURS:
            abort(403)
        if request.path in _STYLE:
            return
        if not _same(request.cookies.get(_COOKIE, ""), self._session):
            abort(401)
        self.seen = time.monotonic()
        if request.method in ("GET", "HEAD", "OPTIONS"):
            return
        origin = request.headers.get("Origin")
        if origin is not None and origin not in {f"http://{host}" for host in self.hosts}:
            abort(403)
        if self.read_only or not _same(request.form.get(CSRF_FIELD, ""), self.csrf):
            abort(403)

    def _enter(self, token: str) -> Any:
        """Change the token for a session, once: of two that come at once one gets in."""
        if request.method != "GET":  # who only looks whether the address is there
            abort(405)
        with self._lock:
            if not (self.token and _same(token, self.token)):
                abort(401)
            self.token = ""
        answer = redirect(url_for("home"), 303)
        answer.set_cookie(
            _COOKIE, self._session, httponly=True, samesite="Strict", path=request.root_path
        )
        return answer


class Under:
    """A WSGI application whose addresses all begin with one path.

    Parameters
    ----------
    app
        The application.
    prefix
        ``/`` and a word.
    """

    def __init__(self, app: Any, prefix: str) -> None:
        self._app = app
        self._prefix = prefix

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request; one to another path is a stranger's."""
        path = environ.get("PATH_INFO", "")
        if path in _STYLE:
            environ.pop("HTTP_COOKIE", None)
        elif path == self._prefix or path.startswith(f"{self._prefix}/"):
            environ["SCRIPT_NAME"] = self._prefix
            environ["PATH_INFO"] = path[len(self._prefix) :] or "/"
        else:
            environ.pop("HTTP_COOKIE", None)
            environ["PATH_INFO"] = "/not-entered"
        answer: Iterable[bytes] = self._app(environ, start_response)
        return answer


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())


def _say(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers[name] = value
    return response
