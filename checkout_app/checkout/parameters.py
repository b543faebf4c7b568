"""Values of SSM parameters, kept fresh in the background.

A request never waits for SSM and never fails because of it: it reads what is known. While SSM is
away, or the value makes no sense, the last good value stays in force.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

__all__ = ["Parameter", "ParameterStore", "Refresher", "SsmStore", "Unchanged"]

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Unchanged(Exception):
    """What was read last is what is known."""


class ParameterStore(Protocol):
    """Where parameters come from."""

    def read(self, name: str) -> str | None:
        """Give the decrypted value, or None if there is no such parameter.

        Raises
        ------
        Unchanged
            There is no news since the last call.
        Exception
            Whatever the store's client raises; all of it means that the value is not known.
        """


class SsmStore:
    """AWS Systems Manager Parameter Store.

    ``AWS_ENDPOINT_URL``, region and credentials come from the environment, as boto3 does it.

    Parameters
    ----------
    timeout_seconds : float
        For connecting and for the answer. Tried once: the next refresh is the retry.
    """

    def __init__(self, timeout_seconds: float) -> None:
        self._timeout = timeout_seconds
        self._client: Any = None

    def read(self, name: str) -> str | None:
        """Give the decrypted value, or None if there is no such parameter."""
        client = self._connect()
        try:
            answer = client.get_parameter(Name=name, WithDecryption=True)
        except client.exceptions.ParameterNotFound:
            return None
        return str(answer["Parameter"]["Value"])

    def _connect(self) -> Any:
        if self._client is None:
            # Late, and off the thread that serves: where the master has not loaded it already,
            # it takes half a second.
            import boto3
            from botocore.config import Config

            self._client = boto3.client(
                "ssm",
                # boto3 reads AWS_DEFAULT_REGION only; AWS_REGION is what other SDKs are given.
                region_name=os.environ.get("AWS_REGION"),
                config=Config(
                    connect_timeout=self._timeout,
                    read_timeout=self._timeout,
                    retries={"total_max_attempts": 1},
                ),
            )
        return self._client


class Parameter(Generic[T]):
    """One parameter, with the last good value that was seen of it.

    Parameters
    ----------
    name : str
        Its name in the store.
    default : T
        In force until the first value, and when there is no such parameter.
    parse : callable
        Makes the value of the text; raises ValueError if it cannot.
    on_failure : callable
        Called at each failed read, with ``unavailable`` or ``invalid``.
    """

    def __init__(
        self,
        name: str,
        default: T,
        parse: Callable[[str], T],
        on_failure: Callable[[str], object],
    ) -> None:
        self.name = name
        self._default = default
        self._parse = parse
        self._on_failure = on_failure
        self._complaint: str | None = None
        self.value: T = default

    def refresh(self, store: ParameterStore) -> None:
        """Read the parameter. Never raises; a lasting failure is logged once."""
        try:
            text = store.read(self.name)
        except Unchanged:
            return
        except Exception as error:  # noqa: BLE001 - whatever ails SSM, the service goes on
            self._fail("unavailable", f"{type(error).__name__}: {error}")
            return
        try:
            value = self._default if text is None else self._parse(text)
        except ValueError as error:
            self._fail("invalid", str(error))
            return
        if self._complaint is not None:
            logger.info("parameter is readable again", extra={"parameter": self.name})
            self._complaint = None
        if value != self.value:
            logger.info("parameter changed", extra={"parameter": self.name, "value": repr(value)})
            self.value = value

    def _fail(self, reason: str, message: str) -> None:
        self._on_failure(reason)
        # Once for each kind of trouble: an outage of an hour is one line, not hundreds.
        if self._complaint != reason:
            self._complaint = reason
            logger.warning(
                "parameter %s, the last good value stays in force",
                "cannot be read" if reason == "unavailable" else "has an invalid value",
                extra={"parameter": self.name, "value": repr(self.value), "error": message},
            )


class Refresher:
    """Reads parameters again and again, in a thread of its own.

    To be started in the worker process, after the fork.

    Parameters
    ----------
    store : ParameterStore
        Where to read.
    parameters : sequence of Parameter
        What to read.
    interval_seconds : float
        Pause between two rounds.
    after_round : callable
        Called after each round, the first one too.
    """

    def __init__(
        self,
        store: ParameterStore,
        parameters: Sequence[Parameter[Any]],
        interval_seconds: float,
        after_round: Callable[[], object],
    ) -> None:
        self._store = store
        self._parameters = tuple(parameters)
        self._interval = interval_seconds
        self._after_round = after_round
        self._first_round = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="parameters", daemon=True)

    def start(self, wait_seconds: float) -> None:
        """Begin, and wait a little for the first round.

        A pod that is restarted in the middle of an incident should begin in degraded mode, not
        learn of it some failed requests later.

        Parameters
        ----------
        wait_seconds : float
            Longest wait. After it the service starts with what it knows.
        """
        if not self._parameters:
            self._after_round()
            return
        self._thread.start()
        self._first_round.wait(wait_seconds)

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while True:
            for parameter in self._parameters:
                parameter.refresh(self._store)
            self._after_round()
            self._first_round.set()
            if self._stopped.wait(self._interval):
                return
