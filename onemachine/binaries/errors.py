"""What goes wrong while binaries are looked for, downloaded or built."""

__all__ = ["BinaryUnavailable", "NotDownloaded"]


class BinaryUnavailable(RuntimeError):
    """A component is neither here nor can it be had; the message says what to do."""


class NotDownloaded(Exception):
    """A release could not be had from its publisher; the message says why."""
