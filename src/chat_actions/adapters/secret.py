"""The secret of the Slack app, in Secrets Manager."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from chat_actions.errors import ChatError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

# One that is rotated holds so long, in seconds.
_KEPT = 300.0


class AppSecret:
    """What the app and Slack know of each other.

    Parameters
    ----------
    client
        Of Secrets Manager.
    arn
        The secret: JSON with ``signing_secret`` and ``bot_token``.
    """

    def __init__(self, client: SecretsManagerClient, arn: str) -> None:
        self._client, self._arn = client, arn
        self._read_at, self._values = -_KEPT, {"": ""}

    @property
    def signing_secret(self) -> str:
        """What Slack signs with."""
        return self._value("signing_secret")

    @property
    def bot_token(self) -> str:
        """What the app speaks with."""
        return self._value("bot_token")

    def _value(self, name: str) -> str:
        if time.monotonic() - self._read_at >= _KEPT:
            text = self._client.get_secret_value(SecretId=self._arn)["SecretString"]
            try:
                given = json.loads(text)
                self._values = {each: str(given[each]) for each in ("signing_secret", "bot_token")}
            except (ValueError, KeyError, TypeError):
                # Neither cause nor message: they may hold the secret.
                raise ChatError(
                    f"secret {self._arn} is not JSON with signing_secret and bot_token "
                    "(docs/slack.md)"
                ) from None
            self._read_at = time.monotonic()
        if not self._values[name].strip():
            raise ChatError(f"secret {self._arn} has an empty {name} (docs/slack.md)")
        return self._values[name]
