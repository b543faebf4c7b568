"""How a part of the stack fails to come up."""

from __future__ import annotations

from pathlib import Path

__all__ = ["StartFailed"]


class StartFailed(RuntimeError):
    """A part of the stack did not become ready.

    Parameters
    ----------
    what : str
        The stage, as it is shown to the user ("the API server to be ready").
    reason : str
        What was seen instead.
    log_path : Path, optional
        Where to read on.
    log_tail : str
        The last lines of it.
    """

    def __init__(
        self, what: str, reason: str, log_path: Path | None = None, log_tail: str = ""
    ) -> None:
        self.what = what
        self.reason = reason
        self.log_path = log_path
        self.log_tail = log_tail
        message = f"gave up waiting for {what}: {reason}"
        if log_path is not None:
            message += f"\nLast lines of {log_path}:\n{log_tail or '(empty)'}"
        super().__init__(message)
