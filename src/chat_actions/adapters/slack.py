"""Slack's Web API."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_handlers import (
    ConnectionErrorRetryHandler,
    RateLimitErrorRetryHandler,
    ServerErrorRetryHandler,
)

from chat_actions.errors import ChatError

_SECONDS = 5


class Slack:
    """The app, in its channels.

    Waits where Slack says so (429 with Retry-After); what it does not take raises, and whoever
    brought that brings it again.

    Parameters
    ----------
    api_url
        Where the Web API is.
    token
        Gives the bot's token.
    """

    def __init__(self, api_url: str, token: Callable[[], str]) -> None:
        self._api_url, self._token = api_url, token

    def post(
        self,
        channel: str,
        text: str,
        blocks: Sequence[Mapping[str, Any]] = (),
        thread: str = "",
        *,
        rings: bool = False,
    ) -> str:
        """Post a message; give its ``ts``."""
        answer = self._call(
            "chat.postMessage",
            channel=channel,
            text=text,
            unfurl_links=False,
            unfurl_media=False,
            **({"blocks": list(blocks)} if blocks else {}),
            **({"thread_ts": thread} if thread else {}),
            # To the channel as well, which is what its members are told of.
            **({"reply_broadcast": True} if thread and rings else {}),
        )
        return str(answer["ts"])

    def update(
        self, channel: str, message: str, text: str, blocks: Sequence[Mapping[str, Any]]
    ) -> bool:
        """Show something else in a message; False where it is gone."""
        try:
            self._call("chat.update", channel=channel, ts=message, text=text, blocks=list(blocks))
        except _SlackRefused as error:
            if error.code == "message_not_found":
                return False
            raise
        return True

    def whisper(self, channel: str, user: str, text: str, thread: str = "") -> None:
        """Tell one person something that nobody else sees."""
        self._call(
            "chat.postEphemeral",
            channel=channel,
            user=user,
            text=text,
            **({"thread_ts": thread} if thread else {}),
        )

    def _call(self, method: str, **body: Any) -> Any:
        client = WebClient(
            self._token(),
            base_url=self._api_url,
            timeout=_SECONDS,
            retry_handlers=[
                ConnectionErrorRetryHandler(max_retry_count=1),
                ServerErrorRetryHandler(max_retry_count=2),
                RateLimitErrorRetryHandler(max_retry_count=2),
            ],
        )
        try:
            return client.api_call(method, json=body)
        except SlackApiError as error:
            code = str(error.response.get("error"))
            raise _SlackRefused(f"Slack refuses {method}: {code} (docs/slack.md)", code) from None


class _SlackRefused(ChatError):
    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code
