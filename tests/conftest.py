"""What holds for every test, wherever it is run from."""

from __future__ import annotations

import os
import signal

from hypothesis import HealthCheck, settings

import srectl  # noqa: F401 - before whatever imports jsonschema: it makes that quick
from tests.support import api_models, operators_choices

# Whoever starts the tests in the background of a shell has Ctrl-C ignored in them, and every child
# inherits that. The tests of an interrupt need what a user's terminal gives.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# `export SRECTL_NAMESPACES=…` is for the commands that one types, not for what tests expect.
operators_choices.forget(os.environ)

api_models.share()

# In the gate a property is tried on the same examples each time, so that a change is judged by what
# it changed; whoever works on something ('make check', 'make test-unit') goes on searching.
# How long that takes says nothing there: six lanes share two cores.
settings.register_profile("gate", derandomize=True, suppress_health_check=[HealthCheck.too_slow])
