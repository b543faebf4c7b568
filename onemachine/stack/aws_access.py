"""How the AWS of a running stack is reached, as its operator.

Needs nothing of the extra ``local``: it is asked on machines where no stack can run, too.
"""

from __future__ import annotations

from pathlib import Path

from onemachine.stack.state import StackState
from srectl.errors import CommandFailed

__all__ = ["aws_exports", "read_secret"]


def aws_exports(state: StackState) -> dict[str, str]:
    """Give the variables that point every AWS SDK at the stack, as its operator.

    Raises
    ------
    CommandFailed
        The file of the operator's secret is gone.
    """
    region = state.settings["region"]
    secret_file = state.endpoints["aws_secret_access_key_file"]
    return {
        "AWS_ENDPOINT_URL": state.endpoints["aws_endpoint_url"],
        "AWS_ACCESS_KEY_ID": state.settings["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": read_secret(state.name, secret_file),
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
    }


def read_secret(stack: str, file: str) -> str:
    """Read a secret of a stack, which lies in a file of its own.

    Raises
    ------
    CommandFailed
        The file is gone.
    """
    try:
        return Path(file).read_text("utf-8").strip()
    except OSError as error:
        raise CommandFailed(
            f"a secret of the stack cannot be read: {error}",
            f"'srectl local down --name {stack}' and 'srectl local up --name {stack}' make it anew",
        ) from error
