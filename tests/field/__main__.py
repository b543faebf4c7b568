"""``python -m tests.field [--name STACK] [--wait SECONDS]``: the table of the bodies' fates.

Needs a running stack (``srectl local up``). Runbooks act on its checkout, as they would on yours.
"""

from __future__ import annotations

import argparse
import sys

from onemachine.stack.clients import client_of
from onemachine.stack.state import StackFolder
from tests.field.posting import HEADER, post_all
from tests.support.stacks import exports_of, state_of


def main() -> int:
    """Print the table; 1 if a body did not become what it must."""
    parser = argparse.ArgumentParser(prog="python -m tests.field", description=__doc__)
    parser.add_argument("--name", default="default", help="the stack's name")
    parser.add_argument("--wait", type=float, default=180, help="seconds to wait for the last one")
    given = parser.parse_args()
    folder = StackFolder.named(given.name)
    exports = exports_of(folder)
    fates = post_all(
        exports["WEBHOOK_URL"],
        exports["WEBHOOK_API_KEY"],
        client_of(state_of(folder), "dynamodb"),
        given.wait,
    )
    sys.stdout.write("\n".join([HEADER, *(fate.line() for fate in fates)]) + "\n")
    return 0 if all(fate.holds for fate in fates) else 1


if __name__ == "__main__":
    sys.exit(main())
