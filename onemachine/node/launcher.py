"""First instructions of every pod process: die with the agent, then become the command.

Run as a script (``python -I -S launcher.py PARENT ARGV…``), because setting the parent-death
signal between fork and exec from a program with threads is not safe in Python. Standard
library only.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Set the parent-death signal and replace this process by the command."""
    parent, argv = int(sys.argv[1]), sys.argv[2:]
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # the agent died before the signal was armed
        os._exit(137)
    # the interpreter ignores SIGPIPE; a container starts with the default
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.execvp(argv[0], argv)  # noqa: S606 - replacing this process is what a launcher is for


if __name__ == "__main__":
    main()
