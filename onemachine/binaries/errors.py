"""What goes wrong while binaries are looked for or built."""

__all__ = ["BinaryUnavailable"]


class BinaryUnavailable(RuntimeError):
    """A component is neither here nor can it be had; the message says what to do."""
