"""Whoever waits for an answer, and what an answer is signed with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from chat_actions.adapters.signing import signed_query
from chat_actions.consent import GOOD_FOR_SECONDS
from chat_actions.errors import ChatError, Refused

if TYPE_CHECKING:
    from boto3.session import Session
    from mypy_boto3_stepfunctions import SFNClient


class WaitingTask:
    """Step Functions, which hands an answer to the runbook that waits for it.

    Parameters
    ----------
    client
        Of Step Functions.
    session
        With the function's own credentials.
    """

    def __init__(self, client: SFNClient, session: Session) -> None:
        self._client, self._session = client, session

    def give(self, token: str, answer: Mapping[str, Any]) -> None:
        """Give it; Refused where nobody waits any more."""
        late = self._client.exceptions
        try:
            self._client.send_task_success(taskToken=token, output=json.dumps(answer))
        except (late.TaskTimedOut, late.TaskDoesNotExist, late.InvalidToken):
            raise Refused(
                "The runbook does not wait any more. It has timed out, somebody else was quicker, "
                "or your answer was taken and AWS could not say so: the card shows which."
            ) from None

    def sign(self, statement: str) -> str:
        """Sign a statement: the query of a GetCallerIdentity, good for 15 minutes."""
        credentials, region = self._session.get_credentials(), self._session.region_name
        if credentials is None or region is None:
            raise ChatError("the function has no credentials or no region")
        frozen = credentials.get_frozen_credentials()
        return signed_query(frozen, region, statement, seconds=GOOD_FOR_SECONDS)
