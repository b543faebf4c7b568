"""Who of a topic's subscribers gets a message, and in which words.

The emulator decides it while it delivers and tells nobody. Whatever else comes of a message that is
published (an e-mail that is kept, an amount that is counted) goes by what is said here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ministack.services import sns

__all__ = ["Copy", "Publication", "follow"]


@dataclass(frozen=True)
class Copy:
    """What one subscriber gets.

    Parameters
    ----------
    protocol, endpoint : str
        How, and where.
    text : str
        What the protocol is given of the message.
    """

    protocol: str
    endpoint: str
    text: str


@dataclass(frozen=True)
class Publication:
    """A message that was published to a topic.

    Parameters
    ----------
    topic_arn, message_id : str
        Where, and its id.
    message : str
        As it was published, for all protocols.
    subject : str
        Empty where it has none.
    structure : str
        ``json`` where ``message`` holds a text for each protocol.
    attributes : mapping
        What filters may ask for.
    """

    topic_arn: str
    message_id: str
    message: str
    subject: str
    structure: str
    attributes: dict[str, Any]

    def copies(self) -> Iterator[Copy]:
        """Give what each subscriber gets: the confirmed ones whose filter lets it through."""
        topic = sns._topic_by_arn_any_scope(self.topic_arn) or {}
        for each in topic.get("subscriptions", []):
            protocol = str(each.get("protocol", ""))
            text = sns._resolve_message_for_protocol(self.message, self.structure, protocol)
            if each.get("confirmed") and sns._matches_filter_policy(each, self.attributes, text):
                yield Copy(protocol, str(each.get("endpoint", "")), text)


def follow(hear: Callable[[Publication], None]) -> None:
    """Call for each message, after the emulator has delivered it."""
    stock = sns._fanout

    def fanout(
        topic_arn: str,
        msg_id: str,
        message: str,
        subject: str,
        message_structure: str = "",
        message_attributes: dict[str, Any] | None = None,
        **more: Any,
    ) -> None:
        stock(topic_arn, msg_id, message, subject, message_structure, message_attributes, **more)
        hear(
            Publication(
                topic_arn, msg_id, message, subject, message_structure, message_attributes or {}
            )
        )

    sns._fanout = fanout
