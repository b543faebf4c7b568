"""Entry point of the ``chat-actions`` Lambda: a press of a button, or news for a card.

Slack waits three seconds for its answer. What it posts is only checked and handed to a second,
asynchronous call; that one answers the runbook, tells who pressed the button what became of it, and
shows the card anew. Events of the bus come the same way. What fails there is tried again by Lambda,
and then kept in ``sre-dlq-functions``.
"""

from __future__ import annotations

import base64
import os
import time
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools import Logger

from chat_actions.adapters.bus import EventBus
from chat_actions.adapters.card_table import CardTable
from chat_actions.adapters.client_config import CLIENT_CONFIG
from chat_actions.adapters.incident_table import IncidentTable
from chat_actions.adapters.parameter import Parameter
from chat_actions.adapters.restorer import IncidentRestorer
from chat_actions.adapters.secret import AppSecret
from chat_actions.adapters.self_call import SelfCall
from chat_actions.adapters.slack import Slack
from chat_actions.adapters.waiting_task import WaitingTask
from chat_actions.answering import Desk
from chat_actions.errors import NotFromSlack, NotUnderstood, Refused
from chat_actions.incoming import MOST_WAIT, Signed, click_of
from chat_actions.settings import Settings
from chat_actions.showing import Board
from chat_actions.wording import escaped

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

#: Kind of a call that this function makes of itself.
CLICK = "slack.click"
logger = Logger(service=os.environ.get("POWERTOOLS_SERVICE_NAME", "chat-actions"))


class Container:
    """What one Lambda container keeps between invocations."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        session = boto3.session.Session(region_name=settings.region)

        def client(service: Any) -> Any:
            return session.client(service, config=CLIENT_CONFIG)

        self.secret = AppSecret(client("secretsmanager"), settings.secret_arn)
        self.self_call = SelfCall(client("lambda"), settings.function_name)
        dynamodb, states = client("dynamodb"), client("stepfunctions")
        records = IncidentTable(dynamodb, settings.incidents_table)
        cards = CardTable(dynamodb, settings.guard_table)
        self.chat = Slack(settings.api_url, lambda: self.secret.bot_token)
        self.board = Board(
            settings.channel, records, cards, self.chat, time.sleep, settings.team_channels
        )
        self.desk = Desk(
            settings.people,
            records,
            cards,
            WaitingTask(states, session),
            IncidentRestorer(states, settings.restorer_arn),
            Parameter(client("ssm"), settings.maintenance_parameter),
            EventBus(client("events"), settings.bus, settings.account_id, settings.region),
            lambda: datetime.now(UTC),
        )


@cache
def container() -> Container:
    """Made by the first invocation, so that a bad environment fails with a message of ours."""
    return Container(Settings.from_environment(os.environ))


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Take a request of Slack, this function's own call, or an event of the bus.

    Returns
    -------
    dict
        To Slack: 200, or 401 where it is not Slack, 400 where it is nothing that Slack posts. Else
        nothing that anybody reads.

    Raises
    ------
    ChatError
        Of what nobody waits for: Lambda tries it again, then keeps it.
    """
    if "httpMethod" in event:
        return _door(event)
    if event.get("kind") == CLICK:
        _clicked(Signed.from_json(event))
    elif "detail-type" in event:
        logger.append_keys(incident_id=event["detail"]["data"].get("incident_id"))
        container().board.hear(event)
    else:
        raise NotUnderstood("the call is none of Slack, of this function or of the bus")
    return {}


def _door(event: dict[str, Any]) -> dict[str, Any]:
    """Check a request, and leave what it wants to another call."""
    known = container()
    body = event.get("body") or ""
    try:
        if event.get("isBase64Encoded"):
            body = base64.b64decode(body, validate=True).decode()
        signed = Signed.of(body, event.get("headers") or {})
        signed.refuse_forged(known.secret.signing_secret, time.time())
        click = click_of(body)
    except NotFromSlack as error:
        logger.warning("A request was not Slack's", extra={"reason": str(error)})
        return {"statusCode": 401, "body": ""}
    except (NotUnderstood, ValueError) as error:
        logger.warning("A request was not understood", extra={"reason": type(error).__name__})
        return {"statusCode": 400, "body": ""}
    if click is not None:
        known.self_call.later({"kind": CLICK, **signed.to_json()})
    return {"statusCode": 200, "body": ""}


def _clicked(signed: Signed) -> None:
    """Do what a button says, tell who pressed it, and show the card as it is then."""
    known = container()
    signed.refuse_forged(known.secret.signing_secret, time.time(), MOST_WAIT)
    click = click_of(signed.body)
    if click is None:
        return
    about = {"action": click.action, "user": click.user, "incident_id": click.incident_id}
    try:
        told = known.desk.take(click)
        logger.info("An answer was taken", extra=about)
    except Refused as error:
        told = str(error)
        logger.warning("An answer was refused", extra={**about, "reason": told})
    try:
        known.chat.whisper(click.channel, click.user, escaped(told))
    finally:
        known.board.show(click.incident_id)
