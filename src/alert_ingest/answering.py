"""The door for answers of an investigator: its key opens this one alone, and no other key does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from alert_ingest import request
from alert_ingest.answers import (
    LINK_LIMIT,
    MAX_BODY_BYTES,
    WINDOW_SECONDS,
    Answer,
    ErasedIncident,
    Incidents,
    NotAnInvestigator,
    TooManyAnswers,
    UnknownIncident,
    entry_of_answer,
    read_answer,
    refuse_too_many,
    without_link,
)
from alert_ingest.delivery import Delivered, Delivery
from alert_ingest.errors import (
    AlertIngestError,
    BodyRejected,
    BodyTooLarge,
    ChannelRefused,
    ChannelUnavailable,
    DeliveryFailed,
)
from alert_ingest.events import Context
from alert_ingest.intake import decode_json
from alert_ingest.model import Problem
from alert_ingest.settings import Settings

_STATUS: dict[type[AlertIngestError], int] = {
    NotAnInvestigator: 403,
    UnknownIncident: 404,
    ErasedIncident: 410,
    BodyTooLarge: 413,
}


_NO_LINK = Problem(
    "/link",
    "was left out: it must be an https address of a host, without a name in it, of at most"
    f" {LINK_LIMIT} characters",
)


class Log(Protocol):
    """Writes structured lines."""

    def info(self, msg: object, /, *, extra: dict[str, object]) -> None: ...
    def warning(self, msg: object, /, *, extra: dict[str, object]) -> None: ...
    def error(self, msg: object, /, *, extra: dict[str, object]) -> None: ...


@dataclass(frozen=True, slots=True)
class Door:
    """Takes answers in.

    Attributes
    ----------
    incidents
        Knows which incidents there are; None where nothing is remembered.
    """

    settings: Settings
    incidents: Incidents | None
    delivery: Delivery
    logger: Log

    def take(
        self, event: dict[str, Any], key_id: str, correlation_id: str, received_at: datetime
    ) -> dict[str, Any]:
        """Answer one request.

        What was said is in no log line: the audit log has it, from the bus.

        Parameters
        ----------
        event
            API Gateway proxy event.
        key_id
            Id of the key that it came with.

        Returns
        -------
        dict
            Proxy response: 202 for what is on the bus or kept; 400 with every error, 403, 404, 410
            and 413 for what will never be accepted; 429 and 503 for what should be sent again.
        """
        what: dict[str, object] = {"key_id": key_id}
        try:
            self._refuse_others(event, key_id)
            if self.incidents is not None:
                refuse_too_many(self.incidents, key_id, received_at)
            body = decode_json(request.body_text(event, MAX_BODY_BYTES))
            answer = read_answer(body)
            what["incident_id"] = answer.incident_id
            delivered = self._deliver(answer, correlation_id, received_at)
        except BodyRejected as error:
            return self._refuse(400, error.message, error.problems, correlation_id, what)
        except TooManyAnswers as error:
            self.logger.info("investigator at its limit", extra={**what, "reason": str(error)})
            said_again = {"error": str(error), "correlation_id": correlation_id}
            return request.answer(429, said_again, {"Retry-After": str(WINDOW_SECONDS)})
        except (NotAnInvestigator, UnknownIncident, ErasedIncident, BodyTooLarge) as error:
            said = str(error)
            if isinstance(error, BodyTooLarge):
                said = f"The body has {error.size} bytes and at most {MAX_BODY_BYTES} are accepted."
            problems = (Problem("", said),)
            return self._refuse(_STATUS[type(error)], said, problems, correlation_id, what)
        except (ChannelUnavailable, ChannelRefused, DeliveryFailed) as error:
            self.logger.error("answer not accepted", extra={**what, "reason": str(error)})  # noqa: TRY400 - says it all
            said = "The answer could not be stored. Nothing is lost if it is sent again."
            return request.answer(503, {"error": said, "correlation_id": correlation_id})
        parked = len(delivered.parked)
        said_of_it = {"answer_id": answer.answer_id, "shortened": answer.shortened}
        self.logger.info("answer accepted", extra={**what, **said_of_it, "parked": parked})
        known = {"incident_id": answer.incident_id, "correlation_id": correlation_id}
        left = [_NO_LINK.as_json()] if without_link(body, answer.link) else []
        return request.answer(202, {**known, **said_of_it, **({"left_out": left} if left else {})})

    def _refuse_others(self, event: dict[str, Any], key_id: str) -> None:
        if not self.settings.investigates(key_id) or request.path(event) != request.FINDINGS:
            raise NotAnInvestigator(
                "This key is not for this. An investigator's answers come to /findings, with the "
                "key of the stack's output InvestigatorKeyId, which is for nothing else."
            )

    def _deliver(self, answer: Answer, correlation_id: str, received_at: datetime) -> Delivered:
        if self.incidents is None:
            raise ChannelRefused("GUARD_TABLE_NAME names no table of incidents")
        settings = self.settings
        context = Context(
            settings.event_bus_name,
            settings.account_id,
            settings.region,
            correlation_id,
            received_at,
        )
        name = settings.investigator_name
        return self.delivery.deliver([entry_of_answer(answer, self.incidents, name, context)])

    def _refuse(
        self,
        status: int,
        said: str,
        problems: tuple[Problem, ...],
        correlation_id: str,
        what: dict[str, object],
    ) -> dict[str, Any]:
        errors = [problem.as_json() for problem in problems]
        self.logger.warning("answer refused", extra={**what, "reason": said, "errors": errors})
        known = {"error": said, "errors": errors, "correlation_id": correlation_id}
        return request.answer(status, known)
