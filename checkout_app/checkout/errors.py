"""What can go wrong in a checkout, named by what happened."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CheckoutInvalid", "DownstreamFailed", "Problem", "SettingsInvalid"]


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a request body, and where (JSON pointer, RFC 6901)."""

    pointer: str
    message: str


class SettingsInvalid(ValueError):
    """A setting cannot be used; the message names it, its value and what is allowed."""


class CheckoutInvalid(ValueError):
    """The basket cannot be checked out because the client sent it wrong."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(f"{each.pointer}: {each.message}" for each in problems))
        self.problems = problems


class DownstreamFailed(RuntimeError):
    """A step that asks another service failed; nothing was charged."""

    def __init__(self, step: str) -> None:
        super().__init__(f"{step} did not answer; nothing was charged")
        self.step = step
