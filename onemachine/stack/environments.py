"""The stacks that run now, as what an operator's command can talk to.

``pyproject.toml`` names :func:`running` in the entry-point group ``srectl.environments``. It needs
nothing of the extra ``local``: it is asked on machines where no stack can run, too.
"""

from __future__ import annotations

from collections.abc import Iterator

from onemachine.stack.aws_access import aws_exports
from onemachine.stack.state import (
    NameInvalid,
    StackFolder,
    StackState,
    StateUnreadable,
    known_stacks,
)
from srectl.errors import CommandFailed
from srectl.operate.environments import Environment

__all__ = ["running"]


def running() -> Iterator[Environment]:
    """Give every stack of this project that is up, by name."""
    for name in known_stacks():
        try:
            folder = StackFolder.named(name)
            state = StackState.read(folder)
        except (NameInvalid, StateUnreadable):  # 'srectl status' tells of it
            continue
        if state is None or state.phase not in ("ready", "degraded"):
            continue
        if not folder.is_supervised():
            continue
        try:
            variables = aws_exports(state)
        except (KeyError, CommandFailed):  # it has no AWS, or its secret is not ours to read
            continue
        yield Environment(
            f"the stack {name!r} on this machine",
            f"'eval \"$(srectl local env --name {name})\"'",
            variables["AWS_REGION"],
            variables["AWS_ENDPOINT_URL"],
            variables["AWS_ACCESS_KEY_ID"],
            variables["AWS_SECRET_ACCESS_KEY"],
        )
