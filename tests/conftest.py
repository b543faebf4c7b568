"""What holds for every test, wherever it is run from."""

from __future__ import annotations

import signal

# Whoever starts the tests in the background of a shell has Ctrl-C ignored in them, and every child
# inherits that. The tests of an interrupt need what a user's terminal gives.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
