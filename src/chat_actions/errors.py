"""What can be wrong with what came from Slack, or from the bus."""

from __future__ import annotations


class ChatError(Exception):
    """Something that this function knows to name."""


class NotFromSlack(ChatError):
    """A request whose signature is missing, wrong, or too old. Nobody is answered but by 401."""


class NotUnderstood(ChatError):
    """A request that Slack has signed, and that is none of ours."""


class Refused(ChatError):
    """An answer that does not count; the message is told to who gave it, and to nobody else."""


class NotYet(ChatError):
    """The record or the card is not so far; whoever brought this brings it again."""
