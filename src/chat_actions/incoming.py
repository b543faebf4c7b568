"""What Slack posts: whether it is Slack's, and which button somebody pressed.

The raw body is what is signed, so it is checked before anything of it is read. It is checked once
more where the answer is given: between the two it goes through a queue, which is trusted for
nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from slack_sdk.signature import Clock, SignatureVerifier

from chat_actions.errors import NotFromSlack, NotUnderstood

#: How old a request may be that comes in, and one that was taken in and waits, in seconds.
MOST_AGE, MOST_WAIT = 300, 900
#: Names of the buttons.
APPROVE, DENY, ACKNOWLEDGE = "sre-approve", "sre-deny", "sre-acknowledge"
UNDO, SILENCE = "sre-undo", "sre-silence"
ACTIONS = frozenset({APPROVE, DENY, ACKNOWLEDGE, UNDO, SILENCE})

_STAMP = re.compile(r"[0-9]{1,12}")
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Signed:
    """A request as Slack signed it.

    Attributes
    ----------
    body
        Raw.
    stamp
        When, in Unix seconds, as the header says it.
    signature
        The header.
    """

    body: str
    stamp: str
    signature: str

    def to_json(self) -> dict[str, str]:
        """Give it as :meth:`from_json` takes it."""
        return {"body": self.body, "stamp": self.stamp, "signature": self.signature}

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Signed:
        """Read it again."""
        return cls(*(str(given.get(name, "")) for name in ("body", "stamp", "signature")))

    @classmethod
    def of(cls, body: str, headers: Mapping[str, Any]) -> Signed:
        """Take body and headers of a request; headers that are missing are empty."""
        lower = {str(name).lower(): str(value) for name, value in headers.items()}
        names = ("x-slack-request-timestamp", "x-slack-signature")
        return cls(body, *(lower.get(name, "") for name in names))

    def refuse_forged(self, secret: str, now: float, most_age: int = MOST_AGE) -> None:
        """Stop what is not Slack's, or too old.

        Raises
        ------
        NotFromSlack
            It says which of the two.
        """
        if not _STAMP.fullmatch(self.stamp) or not _SIGNATURE.fullmatch(self.signature):
            raise NotFromSlack("it has no signature of Slack")
        verifier = SignatureVerifier(secret, _At(int(self.stamp)))
        if not verifier.is_valid(self.body, self.stamp, self.signature):
            raise NotFromSlack("its signature is not that of this app")
        if abs(now - int(self.stamp)) > most_age:
            raise NotFromSlack(f"it was signed at {self.stamp}, more than {most_age} seconds ago")


class _At(Clock):
    """The moment of the signature: its age is judged apart from whether it is good."""

    def __init__(self, moment: int) -> None:
        self._moment = moment

    def now(self) -> float:
        return self._moment


@dataclass(frozen=True)
class Click:
    """A button that somebody pressed.

    Attributes
    ----------
    action
        One of ``ACTIONS``.
    incident_id, step, plan_hash
        What it is about; step and hash of what is to be approved or denied, or the hash of what is
        to be taken back or left alone.
    user
        Id in Slack of who pressed it.
    channel, message
        Where it stands: id of the channel, and the message's ``ts``.
    """

    action: str
    incident_id: str
    step: int
    plan_hash: str
    user: str
    channel: str
    message: str


def button_value(incident_id: str, step: int = 0, plan_hash: str = "") -> str:
    """Give what a button carries, for :func:`click_of`."""
    return json.dumps({"i": incident_id, "s": step, "h": plan_hash}, separators=(",", ":"))


def click_of(body: str) -> Click | None:
    """Read which button was pressed; None of one that is not ours, such as a link.

    Raises
    ------
    NotUnderstood
        It is no press of a button, or ours with a value that is none.
    """
    try:
        (payload,) = parse_qs(body, strict_parsing=True, max_num_fields=20)["payload"]
        given = json.loads(payload)
        if given["type"] != "block_actions":
            return None
        (action,) = given["actions"]
        if action.get("action_id") not in ACTIONS:
            return None
        value = json.loads(action["value"])
        found = Click(
            str(action["action_id"]),
            str(value["i"]),
            int(value["s"]),
            str(value["h"]),
            str(given["user"]["id"]),
            str(given["container"]["channel_id"]),
            str(given["container"]["message_ts"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotUnderstood(f"it is no press of a button ({type(error).__name__})") from error
    # Step and hash are compared with what the record has, whatever they are.
    if not _ID.fullmatch(found.incident_id):
        raise NotUnderstood("its button is about no incident")
    return found
