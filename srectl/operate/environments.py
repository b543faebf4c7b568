"""Which AWS a command talks to when nobody has chosen one: a platform that runs right here.

Whoever can run the platform somewhere else than in an AWS account names a function in the
entry-point group ``srectl.environments``, which gives what runs now. It is asked only where
nothing on this machine chooses an account: a command for a real one is never sent elsewhere.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from srectl.errors import CommandFailed
from srectl.project import PROJECT_ROOT

__all__ = ["GROUP", "Environment", "account_is_chosen", "hint", "nearest"]

GROUP = "srectl.environments"

# These say how AWS is asked and not which: they name no account, no region and no credentials. A
# variable that is not known here counts as a choice.
_NO_CHOICE = frozenset(
    {
        "AWS_CA_BUNDLE",
        "AWS_CLI_AUTO_PROMPT",
        "AWS_DEFAULT_OUTPUT",
        "AWS_EC2_METADATA_DISABLED",
        "AWS_MAX_ATTEMPTS",
        "AWS_PAGER",
        "AWS_RETRY_MODE",
    }
)
# What botocore reads when the environment names no other file.
_FILES = ("~/.aws/config", "~/.aws/credentials", "~/.boto", "/etc/boto.cfg")


_START = "no stack runs on this machine: 'srectl local up' starts one"


@dataclass(frozen=True)
class Environment:
    """A platform that can be operated.

    Parameters
    ----------
    what
        What it is, in a message: "the stack 'default' on this machine".
    choose
        What one types to choose it for good.
    region, endpoint_url, access_key_id, secret_access_key
        How its AWS is reached.
    """

    what: str
    choose: str
    region: str
    endpoint_url: str
    access_key_id: str
    secret_access_key: str = field(repr=False)


Running = Callable[[], Iterable[Environment]]


def account_is_chosen() -> bool:
    """Whether anything here could choose an account: any ``AWS_*`` variable, any settings file.

    The role of a machine in EC2 is none of these and is not asked for: it comes without a region,
    and without one no account can be reached.
    """
    chosen = (name for name, value in os.environ.items() if value and name not in _NO_CHOICE)
    if any(name.startswith(("AWS_", "BOTO_")) for name in chosen):
        return True
    return any(_is_there(Path(file)) for file in _FILES)


def nearest() -> Environment | None:
    """Give the one platform that runs here, None where an account is chosen or nothing runs.

    Raises
    ------
    CommandFailed
        Several run.
    """
    if account_is_chosen():
        return None
    running = _all_running()
    if len(running) > 1:
        raise CommandFailed(
            f"no AWS account is chosen, and here run {', '.join(each.what for each in running)}",
            f"choose: {' or '.join(each.choose for each in running)}",
        )
    return running[0] if running else None


def hint(before: str = "") -> str:
    """Say how a platform of this machine is chosen, or started where nothing is chosen at all.

    Empty where the one that runs is used, where none could run, and where an account is chosen and
    none runs.
    """
    if not account_is_chosen():
        return f"{before}{_START}" if _could_run() and not _all_running() else ""
    return "".join(f"{before}{each.choose} chooses {each.what}" for each in _all_running())


def _could_run() -> bool:
    """Whether a stack could be started here: it is deployed from a checkout."""
    return (PROJECT_ROOT / "template.yaml").is_file() and any(_entries())


def _entries() -> Iterable[EntryPoint]:
    return entry_points(group=GROUP)


def _all_running() -> list[Environment]:
    functions: list[Running] = [entry.load() for entry in _entries()]
    return [each for running in functions for each in running()]


def _is_there(file: Path) -> bool:
    try:
        return bool(file.expanduser().read_bytes().strip())
    except FileNotFoundError:
        return False
    except (OSError, RuntimeError):  # not readable, or no home: the AWS SDK says it better
        return True
